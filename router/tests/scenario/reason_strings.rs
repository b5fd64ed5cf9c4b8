//! Reason strings and server references: what is told beside a reason code, to whom, and when not.

use ringmq_codec::{Packet, Properties, Property, Version, frame};
use ringmq_router::{Input, Settings};

use crate::broker::Broker;
use crate::packets;

/// A client on a broker of one shard, and what it was told.
struct Client {
    broker: Broker,
    version: Version,
}

impl Client {
    /// Connects; `words` are those of a CONNECT in a script.
    fn connect(mut settings: Settings, words: &[&str]) -> Client {
        settings.sys_interval_secs = 0;
        let mut broker = Broker::new(1, settings);
        broker.open("c", 0);
        let (version, bytes) = packets::connect("c", words);
        broker.receive("c", &bytes);
        broker.settle();
        Client { broker, version }
    }

    /// Sends a packet of a script.
    fn send(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let bytes = packets::packet(self.version, &words);
        self.broker.receive("c", &bytes);
        self.broker.settle();
    }

    /// The packets that came, with their lengths, reason strings and server references.
    fn told(&mut self) -> Vec<(String, usize, Option<String>, Option<String>)> {
        let sent = std::mem::take(&mut self.broker.transports.get_mut("c").unwrap().sent);
        let mut rest = &sent[..];
        let mut told = Vec::new();
        while let Some(raw) = frame::split(rest, frame::PACKET_SIZE_MAX).unwrap() {
            let packet = Packet::decode(raw, self.version).unwrap();
            let properties = properties_of(&packet);
            let find =
                |wanted: fn(Property<'_>) -> Option<String>| properties.iter().find_map(wanted);
            let string = find(|it| match it {
                Property::ReasonString(text) => Some(text.to_owned()),
                _ => None,
            });
            let reference = find(|it| match it {
                Property::ServerReference(text) => Some(text.to_owned()),
                _ => None,
            });
            let name = format!("{:?}", packet.packet_type());
            told.push((name, raw.length, string, reference));
            rest = &rest[raw.length..];
        }
        told
    }

    /// The reason strings that came, `-` for a packet without.
    fn strings(&mut self) -> Vec<String> {
        let told = self.told().into_iter();
        told.map(|(name, _, string, _)| format!("{name}: {}", string.as_deref().unwrap_or("-")))
            .collect()
    }
}

fn properties_of<'a>(packet: &Packet<'a>) -> Properties<'a> {
    match packet {
        Packet::ConnAck(it) => it.properties,
        Packet::PubAck(it) | Packet::PubRec(it) | Packet::PubRel(it) | Packet::PubComp(it) => {
            it.properties
        }
        Packet::SubAck(it) | Packet::UnsubAck(it) => it.properties,
        Packet::Disconnect(it) => it.properties,
        _ => Properties::EMPTY,
    }
}

/// Whatever is answered with no plain success, up to the end of the connection.
const FAILURES: [&str; 7] = [
    "publish t x q=1 id=1",
    "publish $SYS/x x q=2 id=2",
    "pubrel 9",
    "pubrec 9",
    "subscribe 1 a/b/c:0 t:1",
    "unsubscribe 2 u",
    "publish t x alias=99",
];

fn failing(words: &[&str]) -> Client {
    let settings = Settings {
        topic_levels_max: 2,
        ..Settings::default()
    };
    let mut client = Client::connect(settings, words);
    client.told();
    for line in FAILURES {
        client.send(line);
    }
    client
}

#[test]
fn every_failure_has_words() {
    let expected = [
        "PubAck: no subscription matches the topic",
        "PubRec: the client may not publish to this topic",
        "PubComp: no QoS 2 message with this packet identifier is under way",
        "PubRel: no QoS 2 message with this packet identifier is under way",
        "SubAck: the topic filter has too many levels",
        "UnsubAck: the session had no such subscription",
        "Disconnect: a topic alias of 0 or over CONNACK's Topic Alias Maximum",
    ];
    assert_eq!(failing(&["v5", "clean"]).strings(), expected);
}

#[test]
fn success_has_no_words() {
    let mut client = Client::connect(Settings::default(), &["v5", "clean"]);
    client.send("subscribe 1 t:0 u:1");
    client.send("unsubscribe 2 u");
    client.send("publish t x q=1 id=3");
    let strings = client.strings();
    assert_eq!(strings.len(), 5);
    assert!(strings.iter().all(|it| it.ends_with(": -")), "{strings:?}");
}

/// [v5 MQTT-3.1.2-29]
#[test]
fn a_client_that_wants_no_problem_information_gets_none() {
    let strings = failing(&["v5", "clean", "problem=0"]).strings();
    assert_eq!(strings.len(), FAILURES.len());
    assert!(strings.iter().all(|it| it.ends_with(": -")), "{strings:?}");
}

/// [v5 MQTT-3.1.2-24] [v5 MQTT-3.4.2-2] [v5 MQTT-3.5.2-2] [v5 MQTT-3.6.2-2] [v5 MQTT-3.7.2-2]
/// [v5 MQTT-3.9.2-1] [v5 MQTT-3.11.2-1] [v5 MQTT-3.14.2-3]
#[test]
fn words_that_do_not_fit_are_left_out() {
    for size in 30..90 {
        let size_word = format!("size={size}");
        let told = failing(&["v5", "clean", &size_word]).told();
        assert_eq!(told.len(), FAILURES.len());
        for (name, length, _, _) in &told {
            assert!(*length <= size, "{name}: {length} over {size}");
        }
        let with_words = told.iter().filter(|(_, _, string, _)| string.is_some());
        let expected = if size == 30 { 0..=0 } else { 0..=7 };
        assert!(expected.contains(&with_words.count()));
    }
}

/// [v5 MQTT-3.2.2-19]
#[test]
fn a_refusal_says_why_if_that_fits() {
    let connect = |words: &[&str]| Client::connect(Settings::default(), words).strings();
    let words = "ConnAck: the broker has no such authentication method";
    assert_eq!(connect(&["v5", "clean", "method=x"]), [words]);
    assert_eq!(
        connect(&["v5", "clean", "method=x", "size=40"]),
        ["ConnAck: -"]
    );
    assert_eq!(
        connect(&["v5", "clean", "method=x", "problem=0"]),
        ["ConnAck: -"]
    );
    assert_eq!(connect(&["v311", "id="]), ["ConnAck: -"]);
}

fn stopped(settings: Settings, words: &[&str]) -> Client {
    let mut client = Client::connect(settings, words);
    client.told();
    client.broker.handle(0, Input::Shutdown);
    client.broker.settle();
    client
}

fn referring(reference: &str, moved: bool) -> Settings {
    Settings {
        server_reference: reference.into(),
        server_moved: moved,
        ..Settings::default()
    }
}

/// [v5 4.11]
#[test]
fn clients_of_a_broker_that_stops_are_sent_elsewhere() {
    let other = "other.example:1883";
    for (settings, words, reference) in [
        (referring("", false), "Server shutting down", None),
        (referring("", true), "Server shutting down", None),
        (
            referring(other, false),
            "use another server for the time being",
            Some(other),
        ),
        (
            referring(other, true),
            "use another server from now on",
            Some(other),
        ),
    ] {
        let told = stopped(settings, &["v5", "clean"]).told();
        let [(name, _, string, referred)] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(name, "Disconnect");
        assert_eq!(string.as_deref(), Some(words));
        assert_eq!(referred.as_deref(), reference);
    }
}

/// Where to go matters more than why, and neither may be too long. [v5 MQTT-3.1.2-24]
#[test]
fn the_reference_stays_when_the_words_do_not_fit() {
    let settings = || referring("other.example:1883", false);
    let (_, length, string, reference) = stopped(settings(), &["v5", "clean", "size=50"])
        .told()
        .remove(0);
    assert!(length <= 50 && string.is_none() && reference.is_some());
    let told = stopped(
        referring(&"x".repeat(60), false),
        &["v5", "clean", "size=50"],
    )
    .told();
    assert_eq!(told, [("Disconnect".to_owned(), 3, None, None)]);
    assert_eq!(stopped(settings(), &["v311", "clean"]).told(), []);
}

/// A connection that arrives when the broker stops is told the same.
#[test]
fn who_comes_too_late_is_sent_elsewhere() {
    let settings = referring("other.example:1883", false);
    let mut client = stopped(settings, &["v5", "clean"]);
    client.told();
    for (words, reference) in [(["v5", "clean"], true), (["v311", "clean"], false)] {
        client.broker.open("c", 0);
        let (version, bytes) = packets::connect("c", &words);
        client.version = version;
        client.broker.receive("c", &bytes);
        client.broker.settle();
        let told = client.told();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, "ConnAck");
        assert_eq!(told[0].3.is_some(), reference);
        assert!(client.broker.transports["c"].closed.is_some());
    }
}
