//! Packets of a client from words, and packets of the broker as words.

use std::collections::BTreeMap;

use crate::notation;

use ringmq_codec::packet::{
    Ack, Auth, Connect, Disconnect, Publish, Will, encode_subscribe, encode_unsubscribe,
};
use ringmq_codec::{
    Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode, RetainHandling,
    SubscriptionOptions, TopicFilter, TopicName, Version, frame,
};

/// `key=value` words; a word without `=` has an empty value.
pub(crate) fn options<'a>(words: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    let pairs = words
        .iter()
        .map(|it| it.split_once('=').unwrap_or((it, "")));
    pairs.collect()
}

fn number<T: std::str::FromStr>(options: &BTreeMap<&str, &str>, key: &str) -> Option<T> {
    let value = options.get(key)?;
    Some(value.parse().ok().expect("a number"))
}

fn qos(text: &str) -> Qos {
    Qos::from_bits(text.parse().unwrap()).unwrap()
}

fn encoded(packet: Packet<'_>, version: Version) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(version, &mut out);
    out
}

/// 3.1.1 unless another is named.
pub(crate) fn version(word: Option<&str>) -> Version {
    match word {
        Some("v31") => Version::V31,
        Some("v5") => Version::V5,
        _ => Version::V311,
    }
}

/// `connect v5|v311|v31 [clean] [id=..] [expiry=secs] [keepalive=secs] [receive=n] [size=bytes]
/// [aliases=n] [information] [problem=0] [willtext] [user=..] [password=..] [method=..] [data=..] [will=topic:payload:qos] [willretain] [willdelay=secs]`
pub(crate) fn connect(client_id: &str, words: &[&str]) -> (Version, Vec<u8>) {
    let options = options(words);
    let version = version(words.first().copied());
    let mut properties = PropertiesBuffer::new();
    if let Some(secs) = number(&options, "expiry") {
        properties.push(Property::SessionExpirySecs(secs));
    }
    if let Some(maximum) = number(&options, "receive") {
        properties.push(Property::ReceiveMaximum(maximum));
    }
    if let Some(maximum) = number(&options, "aliases") {
        properties.push(Property::TopicAliasMaximum(maximum));
    }
    if let Some(bytes) = number(&options, "size") {
        properties.push(Property::MaximumPacketSize(bytes));
    }
    push_authentication(&options, &mut properties);
    let mut will_properties = PropertiesBuffer::new();
    if let Some(secs) = number(&options, "willdelay") {
        will_properties.push(Property::WillDelaySecs(secs));
    }
    if options.contains_key("willtext") {
        will_properties.push(Property::PayloadFormatIndicator(true));
    }
    let will = options.get("will").map(|text| {
        let mut parts = text.split(':');
        Will {
            topic: TopicName::new(parts.next().unwrap()).unwrap(),
            payload: match parts.next().unwrap() {
                "\\xff" => &[0xFF],
                text => text.as_bytes(),
            },
            qos: qos(parts.next().unwrap_or("0")),
            retain: options.contains_key("willretain"),
            properties: will_properties.as_properties(),
        }
    });
    let connect = Connect {
        version,
        clean_start: options.contains_key("clean"),
        keep_alive_secs: number(&options, "keepalive").unwrap_or(0),
        client_id,
        will,
        user_name: options.get("user").copied(),
        password: options.get("password").map(|it| it.as_bytes()),
        properties: properties.as_properties(),
    };
    (version, encoded(Packet::Connect(connect), version))
}

fn push_authentication(options: &BTreeMap<&str, &str>, properties: &mut PropertiesBuffer) {
    if options.contains_key("information") {
        properties.push(Property::RequestResponseInformation(true));
    }
    if options.get("problem") == Some(&"0") {
        properties.push(Property::RequestProblemInformation(false));
    }
    if let Some(method) = options.get("method") {
        properties.push(Property::AuthenticationMethod(method));
    }
    if let Some(data) = options.get("data") {
        properties.push(Property::AuthenticationData(data.as_bytes()));
    }
}

/// `auth CODE [method=..] [data=..]`
fn auth(version: Version, words: &[&str]) -> Vec<u8> {
    let mut properties = PropertiesBuffer::new();
    push_authentication(&options(&words[1..]), &mut properties);
    let auth = Auth {
        reason: ReasonCode::from_byte(words[0].parse().unwrap()).unwrap(),
        properties: properties.as_properties(),
    };
    encoded(Packet::Auth(auth), version)
}

/// Any packet but CONNECT.
pub(crate) fn packet(version: Version, words: &[&str]) -> Vec<u8> {
    let (verb, rest) = words.split_first().unwrap();
    let ack = |text: &str| {
        let (id, code) = text.split_once('/').unwrap_or((text, "0"));
        Ack {
            packet_id: PacketId::new(id.parse().unwrap()).unwrap(),
            reason: ReasonCode::from_byte(code.parse().unwrap()).unwrap(),
            properties: Properties::EMPTY,
        }
    };
    match *verb {
        "publish" => publish(version, rest),
        "subscribe" => subscribe(version, rest),
        "unsubscribe" => {
            let filters: Vec<_> = rest[1..]
                .iter()
                .map(|it| TopicFilter::new(it).unwrap())
                .collect();
            let id = PacketId::new(rest[0].parse().unwrap()).unwrap();
            let mut out = Vec::new();
            encode_unsubscribe(version, id, Properties::EMPTY, &filters, &mut out);
            out
        }
        "puback" => encoded(Packet::PubAck(ack(rest[0])), version),
        "pubrec" => encoded(Packet::PubRec(ack(rest[0])), version),
        "pubrel" => encoded(Packet::PubRel(ack(rest[0])), version),
        "pubcomp" => encoded(Packet::PubComp(ack(rest[0])), version),
        "ping" => encoded(Packet::PingReq, version),
        "disconnect" => disconnect(version, rest),
        "auth" => auth(version, rest),
        "raw" => notation::bytes(&rest.join(" ")),
        other => panic!("no packet is called {other}"),
    }
}

fn disconnect(version: Version, words: &[&str]) -> Vec<u8> {
    let options = options(words);
    let mut properties = PropertiesBuffer::new();
    if let Some(secs) = number(&options, "expiry") {
        properties.push(Property::SessionExpirySecs(secs));
    }
    let disconnect = Disconnect {
        reason: ReasonCode::from_byte(number(&options, "reason").unwrap_or(0)).unwrap(),
        properties: properties.as_properties(),
    };
    encoded(Packet::Disconnect(disconnect), version)
}

/// `publish topic payload [q=n] [id=n] [retain] [dup] [expiry=secs] [alias=n] [user=k:v] [type=..]`;
/// a topic of `~` is left to the alias, a payload of `-` is empty, `\xff` is that byte, `*n` is n bytes long.
fn publish(version: Version, words: &[&str]) -> Vec<u8> {
    let options = options(&words[2..]);
    let mut properties = PropertiesBuffer::new();
    if let Some(name) = options.get("type") {
        properties.push(Property::ContentType(name));
    }
    if let Some(secs) = number(&options, "expiry") {
        properties.push(Property::MessageExpirySecs(secs));
    }
    if options.contains_key("text") {
        properties.push(Property::PayloadFormatIndicator(true));
    }
    if let Some(alias) = number(&options, "alias") {
        properties.push(Property::TopicAlias(alias));
    }
    if let Some((key, value)) = options.get("user").and_then(|it| it.split_once(':')) {
        properties.push(Property::UserProperty(key, value));
    }
    let long;
    let payload = match words[1] {
        "-" => &[][..],
        "\\xff" => &[0xFF],
        text if text.starts_with('*') => {
            long = vec![b'x'; text[1..].parse().unwrap()];
            &long
        }
        text => text.as_bytes(),
    };
    let publish = Publish {
        dup: options.contains_key("dup"),
        qos: qos(options.get("q").unwrap_or(&"0")),
        retain: options.contains_key("retain"),
        topic: TopicName::new(words[0]).filter(|_| words[0] != NO_TOPIC),
        packet_id: number(&options, "id").map(|id| PacketId::new(id).unwrap()),
        properties: properties.as_properties(),
        payload,
    };
    encoded(Packet::Publish(publish), version)
}

/// `subscribe id filter:qos[:nl][:rap][:rh1|rh2] ... [identifier=n]`
fn subscribe(version: Version, words: &[&str]) -> Vec<u8> {
    let mut filters = Vec::new();
    let mut properties = PropertiesBuffer::new();
    for word in &words[1..] {
        if let Some(identifier) = word.strip_prefix("identifier=") {
            properties.push(Property::SubscriptionIdentifier(
                identifier.parse().unwrap(),
            ));
            continue;
        }
        let mut parts = word.split(':');
        let filter = TopicFilter::new(parts.next().unwrap()).unwrap();
        let mut options = SubscriptionOptions::v3(qos(parts.next().unwrap_or("0")));
        for part in parts {
            match part {
                "nl" => options.no_local = true,
                "rap" => options.retain_as_published = true,
                "rh1" => options.retain_handling = RetainHandling::SendIfNew,
                "rh2" => options.retain_handling = RetainHandling::DoNotSend,
                other => panic!("no subscription option is called {other}"),
            }
        }
        filters.push((filter, options));
    }
    let id = PacketId::new(words[0].parse().unwrap()).unwrap();
    let mut out = Vec::new();
    encode_subscribe(version, id, properties.as_properties(), &filters, &mut out);
    out
}

/// The packets at the start of `bytes`, as words; what is left is no whole packet.
pub(crate) fn describe_all(version: Version, bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(raw) = frame::split(rest, frame::PACKET_SIZE_MAX).expect("well-formed packets") {
        let packet = Packet::decode(raw, version).expect("well-formed packets");
        lines.push(describe(&packet));
        rest = &rest[raw.length..];
    }
    assert!(rest.is_empty(), "half a packet");
    lines
}

fn describe(packet: &Packet<'_>) -> String {
    let ack = |name: &str, ack: &Ack<'_>| match ack.reason {
        ReasonCode::Success => format!("{name} {}", ack.packet_id.get()),
        reason => format!("{name} {} {:#04x}", ack.packet_id.get(), reason as u8),
    };
    match packet {
        Packet::ConnAck(connack) => {
            let mut text = format!("connack {:#04x}", connack.reason as u8);
            if connack.session_present {
                text += " present";
            }
            let terms = connack.properties.iter();
            text + &describe_properties(terms.filter(|term| !USUAL_TERMS.contains(term)))
        }
        Packet::Publish(publish) => describe_publish(publish),
        Packet::PubAck(it) => ack("puback", it),
        Packet::PubRec(it) => ack("pubrec", it),
        Packet::PubRel(it) => ack("pubrel", it),
        Packet::PubComp(it) => ack("pubcomp", it),
        Packet::SubAck(suback) => {
            let codes = suback
                .reasons
                .iter()
                .map(|it| format!(" {:#04x}", it as u8));
            format!(
                "suback {}{}",
                suback.packet_id.get(),
                codes.collect::<String>()
            )
        }
        Packet::UnsubAck(unsuback) => {
            let codes = unsuback
                .reasons
                .iter()
                .map(|it| format!(" {:#04x}", it as u8));
            format!(
                "unsuback {}{}",
                unsuback.packet_id.get(),
                codes.collect::<String>()
            )
        }
        Packet::PingResp => "pingresp".to_owned(),
        Packet::Disconnect(disconnect) => {
            let properties = describe_properties(disconnect.properties.iter());
            format!("disconnect {:#04x}{properties}", disconnect.reason as u8)
        }
        Packet::Auth(auth) => {
            let properties = describe_properties(auth.properties.iter());
            format!("auth {:#04x}{properties}", auth.reason as u8)
        }
        other => panic!("the broker never sends {other:?}"),
    }
}

fn describe_publish(publish: &Publish<'_>) -> String {
    let topic = publish.topic.map_or(NO_TOPIC, |topic| topic.as_str());
    let payload = String::from_utf8_lossy(publish.payload);
    let payload = match payload.len() {
        0 => "-".to_owned(),
        1..=20 => payload.into_owned(),
        len => format!("*{len}"),
    };
    let mut text = format!("publish {topic} {payload}");
    if let Some(id) = publish.packet_id {
        text += &format!(" q={} id={}", publish.qos as u8, id.get());
    }
    if publish.retain {
        text += " retain";
    }
    if publish.dup {
        text += " dup";
    }
    text + &describe_properties(publish.properties.iter())
}

/// Stands for the topic of a PUBLISH that names it by its alias alone.
const NO_TOPIC: &str = "~";

/// What every CONNACK tells v5 under the default settings: left out of its words.
pub(crate) const USUAL_TERMS: [Property<'static>; 3] = [
    Property::ReceiveMaximum(1_000),
    Property::MaximumPacketSize(1 << 20),
    Property::TopicAliasMaximum(16),
];

fn describe_properties<'a>(properties: impl Iterator<Item = Property<'a>>) -> String {
    let words = properties.map(|property| match property {
        Property::MessageExpirySecs(secs) => format!(" expiry={secs}"),
        Property::SessionExpirySecs(secs) => format!(" expiry={secs}"),
        Property::ContentType(text) => format!(" type={text}"),
        Property::UserProperty(key, value) => format!(" user={key}:{value}"),
        Property::ReceiveMaximum(maximum) => format!(" receive={maximum}"),
        Property::MaximumPacketSize(bytes) => format!(" size={bytes}"),
        Property::ServerKeepAliveSecs(secs) => format!(" keepalive={secs}"),
        Property::AssignedClientIdentifier(_) => " assigned".to_owned(),
        Property::ResponseInformation(text) => format!(" information={text}"),
        Property::ServerReference(text) => format!(" reference={text}"),
        // Looked at by the tests of reason strings alone.
        Property::ReasonString(_) => String::new(),
        Property::PayloadFormatIndicator(true) => " text".to_owned(),
        Property::TopicAlias(alias) => format!(" alias={alias}"),
        Property::TopicAliasMaximum(maximum) => format!(" aliases={maximum}"),
        Property::SubscriptionIdentifier(identifier) => format!(" identifier={identifier}"),
        Property::AuthenticationMethod(method) => format!(" method={method}"),
        Property::AuthenticationData(data) => format!(" data={}", String::from_utf8_lossy(data)),
        other => panic!("the broker never sends {other:?}"),
    });
    words.collect()
}
