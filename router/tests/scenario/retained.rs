//! Retained messages: kept, replayed, cleared, and never older than what the subscriber has seen.

use ringmq_router::{DropReason, Settings};

use crate::script::{check, check_with};

/// [v3.1.1 MQTT-3.3.1-5] [v3.1.1 MQTT-3.3.1-6] [v3.1.1 MQTT-3.3.1-8] [v3.1.1 MQTT-3.3.1-9]
/// [v5 MQTT-3.3.1-5]
#[test]
fn a_late_subscriber_gets_the_last_value() {
    check(
        "p: connected v311 clean
         p: publish a/1 old retain
         p: publish a/1 new retain q=1 id=1
         p< puback 1
         p: publish a/2 x retain
         s: connected v311 clean at=1
         s: subscribe 1 a/1:0
         s< suback 1 0x00
         s< publish a/1 new retain
         o: connected v5 clean at=2
         o: subscribe 1 a/2:1
         o< suback 1 0x01
         o< publish a/2 x retain
         p: publish a/1 live retain
         s< publish a/1 live",
    );
}

/// [v3.1.1 MQTT-3.3.1-6]
#[test]
fn a_wildcard_gets_all_that_match() {
    let mut script = "p: connected v311 clean\n".to_owned();
    for topic in ["a/1", "a/2", "a/2/3", "b", "a"] {
        script += &format!("p: publish {topic} x retain\n");
    }
    script += "s: connected v311 clean at=1
         s: subscribe 1 a/#:0 nothing/+:0
         s< suback 1 0x00 0x00\n";
    let one_shard = "s< publish a x retain
         s< publish a/1 x retain
         s< publish a/2 x retain
         s< publish a/2/3 x retain";
    check_with(1, Settings::default(), &format!("{script}{one_shard}"));
}

/// [v3.1.1 MQTT-3.3.1-10] [v3.1.1 MQTT-3.3.1-11] [v5 MQTT-3.3.1-6] [v5 MQTT-3.3.1-7]
#[test]
fn an_empty_payload_clears() {
    for version in ["v311", "v5"] {
        let script = "s: connected v311 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         p: connected v311 clean
         p: publish t x retain
         s< publish t x
         p: publish t - retain
         s< publish t -
         o: connected v311 clean at=1
         o: subscribe 1 t:0
         o< suback 1 0x00";
        check(&script.replace("v311", version));
    }
}

/// [v5 MQTT-3.10.4-2]
#[test]
fn what_was_given_up_while_its_suback_waited_is_not_replayed() {
    check_with(
        3,
        Settings::default(),
        "p: connected v5 clean home=0 at=0
         p: publish t x retain
         p: publish u y retain
         s: connected v5 clean home=1 at=1
         hold 1 0
         s: subscribe 1 t:0 u:0
         s: unsubscribe 2 t
         s< unsuback 2 0x00
         release 1 0
         s< suback 1 0x00 0x00
         s< publish u y retain",
    );
}

/// [v5 MQTT-3.3.1-9] [v5 MQTT-3.3.1-10] [v5 MQTT-3.3.1-11] [v5 MQTT-3.8.4-4]
#[test]
fn retain_handling_says_when() {
    check(
        "p: connected v5 clean
         p: publish t x retain
         s: connected v5 clean at=1
         s: subscribe 1 t:0:rh2
         s< suback 1 0x00
         s: unsubscribe 2 t
         s< unsuback 2 0x00
         s: subscribe 3 t:0:rh1
         s< suback 3 0x00
         s< publish t x retain
         s: subscribe 4 t:0:rh1
         s< suback 4 0x00
         s: subscribe 5 t:0
         s< suback 5 0x00
         s< publish t x retain",
    );
}

/// [v3.1.1 MQTT-3.3.1-5]
#[test]
fn qos_is_the_lower_of_both() {
    check(
        "p: connected v5 clean
         p: publish t x retain q=2 id=1
         p< pubrec 1 0x10
         p: publish u x retain
         s: connected v5 clean at=1
         s: subscribe 1 t:1
         s< suback 1 0x01
         s< publish t x q=1 id=1 retain
         s: subscribe 2 u:2
         s< suback 2 0x02
         s< publish u x retain",
    );
}

/// [v5 MQTT-3.3.2-6]
#[test]
fn an_expired_message_is_not_replayed() {
    check(
        "p: connected v5 clean
         p: publish t x retain expiry=5
         pass 2
         s: connected v5 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         s< publish t x retain expiry=3
         pass 3
         o: connected v5 clean
         o: subscribe 1 t:0
         o< suback 1 0x00",
    );
}

#[test]
fn a_slow_client_gets_a_long_replay_without_a_drop() {
    let mut script = "p: connected v311 clean\n".to_owned();
    for topic in 0..3_000 {
        script += &format!("p: publish a/{topic:04} *100 retain q=1 id=1\np< puback 1\n");
    }
    script += "s: connected v5 clean receive=10
         s: subscribe 1 a/#:1
         s< suback 1 0x01\n";
    for topic in 0..3_000 {
        let id = topic + 1;
        script += &format!("s< publish a/{topic:04} *100 q=1 id={id} retain\ns: puback {id}\n");
    }
    let stats = check_with(1, Settings::default(), &script);
    assert_eq!(stats.drops.total(), 0);
}

#[test]
fn a_blocked_client_gets_the_newer_value_last() {
    check_with(
        1,
        Settings::default(),
        "p: connected v311 clean
         p: publish t old retain
         s: connected v311 clean
         s! blocked
         s: subscribe 1 t:0
         s< suback 1 0x00
         p: publish t new retain
         s< -
         s! ready
         s< publish t new",
    );
}

#[test]
fn a_newer_value_that_overtakes_the_replay_suppresses_it() {
    // The home of `t` is one of three shards; whichever it is, its replies stand still.
    for home in [0, 1, 2] {
        let (own, publisher) = ((home + 1) % 3, (home + 2) % 3);
        let script = format!(
            "p: connected v311 clean home={publisher}
             p: publish TOPIC old retain q=1 id=1
             p< puback 1
             s: connected v311 clean home={own}
             o: connected v311 clean home={own}
             o: subscribe 1 TOPIC:0:rh2
             o< suback 1 0x00
             o< publish TOPIC old retain
             hold {home} {own}
             s: subscribe 1 TOPIC:0
             s< suback 1 0x00
             s< -
             p: publish TOPIC new retain q=1 id=2
             s< publish TOPIC new
             o< publish TOPIC new
             release {home} {own}
             p< puback 2
             s< -"
        );
        for topic in ["t", "u", "v", "w", "x", "y", "z"] {
            let topic = format!("{topic}{home}");
            let script = script.replace("TOPIC", &topic);
            if home_of(&topic) == home {
                check_with(3, Settings::default(), &script);
            }
        }
    }
}

/// Found out with a broker of three shards: the shard that has kept the message.
fn home_of(topic: &str) -> usize {
    use crate::broker::Broker;
    let mut broker = Broker::new(3, Settings::default());
    let (_, connect) = crate::packets::connect("p", &["v311", "clean"]);
    broker.open("p", 0);
    broker.receive("p", &connect);
    let publish = crate::packets::packet(
        ringmq_codec::Version::V311,
        &["publish", topic, "x", "retain"],
    );
    broker.receive("p", &publish);
    broker.settle();
    let kept = |shard: &ringmq_router::Shard| shard.stats().retained_messages == 1;
    broker.shards.iter().position(kept).unwrap()
}

#[test]
fn a_full_store_tells_the_publisher() {
    let settings = Settings {
        retained_messages_max: 1,
        ..Settings::default()
    };
    let stats = check_with(
        1,
        settings,
        "p: connected v5 clean
         p: publish t x retain q=1 id=1
         p< puback 1 0x10
         p: publish u x retain q=1 id=2
         p< puback 2 0x97",
    );
    assert_eq!(stats.drops.get(DropReason::RetainedFull), 1);
}

#[test]
fn unsubscribe_ends_a_replay() {
    let mut script = "p: connected v311 clean\n".to_owned();
    for topic in 0..20 {
        script += &format!("p: publish a/{topic:02} x retain q=1 id=1\np< puback 1\n");
    }
    script += "p: publish b x retain
         s: connected v5 clean receive=1
         s: subscribe 1 a/#:1 b:0
         s< suback 1 0x01 0x00
         s< publish a/00 x q=1 id=1 retain
         s: unsubscribe 2 a/#
         s< unsuback 2 0x00
         s< publish b x retain
         s: puback 1";
    check_with(1, Settings::default(), &script);
}

#[test]
fn a_filter_asked_for_again_and_again_is_replayed_once_more() {
    check_with(
        1,
        Settings::default(),
        "p: connected v311 clean
         p: publish a x retain q=1 id=1
         p< puback 1
         p: publish b x retain q=1 id=1
         p< puback 1
         s: connected v5 clean receive=1
         s: subscribe 1 #:1
         s: subscribe 2 #:1
         s: subscribe 3 #:1
         s< suback 1 0x01
         s< publish a x q=1 id=1 retain
         s< suback 2 0x01
         s< suback 3 0x01
         s: puback 1
         s< publish b x q=1 id=2 retain
         s: puback 2
         s< publish a x q=1 id=3 retain
         s: puback 3
         s< publish b x q=1 id=4 retain
         s: puback 4",
    );
}

#[test]
fn a_replay_goes_on_after_a_resume() {
    check_with(
        1,
        Settings::default(),
        "p: connected v311 clean
         p: publish a x retain q=1 id=1
         p< puback 1
         p: publish b x retain q=1 id=1
         p< puback 1
         s: connected v5 receive=1 expiry=100
         s: subscribe 1 #:1
         s< suback 1 0x01
         s< publish a x q=1 id=1 retain
         s! drop
         s: connect v5 receive=1 expiry=100
         s< connack 0x00 present
         s< publish a x q=1 id=1 retain dup
         s: puback 1
         s< publish b x q=1 id=2 retain
         s: puback 2",
    );
}

#[test]
fn the_broker_publishes_its_counters() {
    use crate::broker::Broker;
    let settings = Settings {
        sys_interval_secs: 5,
        ..Settings::default()
    };
    for shards in [1, 3] {
        let mut broker = Broker::new(shards, settings.clone());
        let version = ringmq_codec::Version::V311;
        let (_, connect) = crate::packets::connect("s", &["v311", "clean"]);
        broker.open("s", 0);
        broker.receive("s", &connect);
        broker.pass(12);
        let words = ["subscribe", "1", "$SYS/broker/clients/connected:0"];
        broker.receive("s", &crate::packets::packet(version, &words));
        broker.settle();
        let words = ["subscribe", "2", "$SYS/broker/uptime:0"];
        broker.receive("s", &crate::packets::packet(version, &words));
        broker.settle();
        let got = crate::packets::describe_all(version, &broker.transports["s"].sent);
        assert_eq!(
            got[1..],
            [
                "suback 1 0x00",
                "publish $SYS/broker/clients/connected 1 retain",
                "suback 2 0x00",
                "publish $SYS/broker/uptime 11 seconds retain",
            ]
        );
    }
}
