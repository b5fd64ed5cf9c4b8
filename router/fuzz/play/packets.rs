//! Packets a client may send, with few names and numbers so that they meet each other, and sometimes
//! one damaged byte.

use ringmq_codec::packet::{
    Ack, Auth, Connect, Disconnect, Publish, Will, encode_subscribe, encode_unsubscribe,
};
use ringmq_codec::{
    Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode, RetainHandling,
    SubscriptionOptions, TopicFilter, TopicName, Version,
};

use super::script::Script;

const CLIENT_IDS: [&str; 6] = ["a", "b", "c", "d", "e", ""];
/// The last are long enough to be given an alias.
const TOPICS: [&str; 10] = [
    "t",
    "t/a",
    "t/b",
    "u/a/b",
    "$SYS/x",
    "/",
    "u",
    "t/building",
    "u/building",
    "building/1",
];
const FILTERS: [&str; 14] = [
    "t",
    "t/a",
    "t/+",
    "#",
    "+/a",
    "u/#",
    "$SYS/#",
    "$share/g/t",
    "$share/g/#",
    "$share/h/t/+",
    "+/+",
    "/",
    "u/+/b",
    "t/b",
];
const SECONDS: [u32; 6] = [0, 1, 5, 60, 3_600, u32::MAX];
const VERSIONS: [Version; 3] = [Version::V5, Version::V311, Version::V31];

/// Appends a packet of any kind but CONNECT, mostly.
pub(crate) fn append(script: &mut Script<'_>, version: Version, out: &mut Vec<u8>) {
    let start = out.len();
    let kind = script.below(32);
    match kind {
        0..12 => publish(script, version, out),
        12..20 => acknowledge(script, version, out),
        20..26 => subscribe(script, version, out),
        28 if version.is_v5() => auth(script, out),
        26..29 => unsubscribe(script, version, out),
        29 => Packet::PingReq.encode(version, out),
        30 => disconnect(script, version, out),
        _ => connect(script, out),
    }
    if script.once_in(64) {
        let at = usize::from(script.byte()) % (out.len() - start);
        out[start + at] ^= script.byte();
    }
}

/// Appends a CONNECT, of any version.
pub(crate) fn connect(script: &mut Script<'_>, out: &mut Vec<u8>) {
    let version = script.choose(&VERSIONS);
    let options = script.byte();
    let mut properties = PropertiesBuffer::new();
    if version.is_v5() && options & 1 != 0 {
        properties.push(Property::SessionExpirySecs(script.choose(&SECONDS)));
        properties.push(Property::ReceiveMaximum(script.choose(&[1, 2, 100])));
        properties.push(Property::MaximumPacketSize(script.choose(&[
            16,
            64,
            u32::MAX,
        ])));
    }
    if version.is_v5() && options & 64 != 0 {
        authentication(script, &mut properties);
    }
    if version.is_v5() && options & 128 != 0 {
        properties.push(Property::TopicAliasMaximum(script.choose(&[1, 2, 3])));
        properties.push(Property::RequestResponseInformation(true));
        properties.push(Property::RequestProblemInformation(script.once_in(2)));
    }
    let mut will_properties = PropertiesBuffer::new();
    if version.is_v5() && options & 2 != 0 {
        will_properties.push(Property::WillDelaySecs(script.choose(&SECONDS)));
    }
    let will = (options & 4 != 0).then(|| Will {
        topic: topic(script),
        payload: script.choose(&[b"" as &[u8], b"gone"]),
        qos: qos(script),
        retain: options & 8 != 0,
        properties: will_properties.as_properties(),
    });
    let user_name = (options & 16 != 0).then_some("name");
    Packet::Connect(Connect {
        version,
        clean_start: options & 32 != 0,
        keep_alive_secs: script.choose(&[0, 1, 60]),
        client_id: script.choose(&CLIENT_IDS),
        will,
        user_name,
        password: user_name.map(|_| &b"secret"[..]),
        properties: properties.as_properties(),
    })
    .encode(version, out);
}

fn publish(script: &mut Script<'_>, version: Version, out: &mut Vec<u8>) {
    let qos = qos(script);
    let options = script.byte();
    let mut is_aliased = false;
    let mut properties = PropertiesBuffer::new();
    if version.is_v5() && options & 1 != 0 {
        properties.push(Property::MessageExpirySecs(script.choose(&SECONDS)));
        properties.push(Property::UserProperty("key", "value"));
    }
    if version.is_v5() && options & 2 != 0 {
        properties.push(Property::TopicAlias(script.choose(&[1, 2, 16, 65_535])));
        is_aliased = script.once_in(2);
    }
    if version.is_v5() && options & 16 != 0 {
        properties.push(Property::PayloadFormatIndicator(true));
    }
    let payload = [if options & 32 != 0 { 0xFF } else { 0x55 }; 300];
    Packet::Publish(Publish {
        dup: qos > Qos::AtMostOnce && options & 4 != 0,
        qos,
        retain: options & 8 != 0,
        topic: Some(topic(script)).filter(|_| !is_aliased),
        packet_id: (qos > Qos::AtMostOnce).then(|| packet_id(script)),
        properties: properties.as_properties(),
        payload: &payload[..script.choose(&[0, 1, 30, 300])],
    })
    .encode(version, out);
}

fn acknowledge(script: &mut Script<'_>, version: Version, out: &mut Vec<u8>) {
    let kind = script.below(4);
    let fails = script.once_in(8);
    let reason = match kind {
        _ if !fails => ReasonCode::Success,
        0 | 1 => ReasonCode::UnspecifiedError,
        _ => ReasonCode::PacketIdentifierNotFound,
    };
    let ack = Ack {
        packet_id: packet_id(script),
        reason,
        properties: Properties::EMPTY,
    };
    match kind {
        0 => Packet::PubAck(ack),
        1 => Packet::PubRec(ack),
        2 => Packet::PubRel(ack),
        _ => Packet::PubComp(ack),
    }
    .encode(version, out);
}

fn subscribe(script: &mut Script<'_>, version: Version, out: &mut Vec<u8>) {
    let id = packet_id(script);
    let filters: Vec<_> = (0..1 + script.below(3))
        .map(|_| {
            let filter = filter(script);
            let bits = script.byte();
            let handling = [
                RetainHandling::Send,
                RetainHandling::SendIfNew,
                RetainHandling::DoNotSend,
            ];
            let options = SubscriptionOptions {
                qos: [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce]
                    [usize::from(bits & 3) % 3],
                no_local: bits & 4 != 0 && filter.share().is_none(),
                retain_as_published: bits & 8 != 0,
                retain_handling: handling[usize::from(bits >> 4) % 3],
            };
            (filter, options)
        })
        .collect();
    let mut properties = PropertiesBuffer::new();
    if version.is_v5() && script.once_in(2) {
        properties.push(Property::SubscriptionIdentifier(script.choose(&[
            1,
            2,
            268_435_455,
        ])));
    }
    encode_subscribe(version, id, properties.as_properties(), &filters, out);
}

fn unsubscribe(script: &mut Script<'_>, version: Version, out: &mut Vec<u8>) {
    let id = packet_id(script);
    let filters: Vec<_> = (0..1 + script.below(3)).map(|_| filter(script)).collect();
    encode_unsubscribe(version, id, Properties::EMPTY, &filters, out);
}

fn disconnect(script: &mut Script<'_>, version: Version, out: &mut Vec<u8>) {
    let mut properties = PropertiesBuffer::new();
    if script.once_in(2) {
        properties.push(Property::SessionExpirySecs(script.choose(&SECONDS)));
    }
    let reason = script.choose(&[ReasonCode::Success, ReasonCode::DisconnectWithWill]);
    let properties = properties.as_properties();
    Packet::Disconnect(Disconnect { reason, properties }).encode(version, out);
}

fn auth(script: &mut Script<'_>, out: &mut Vec<u8>) {
    let mut properties = PropertiesBuffer::new();
    authentication(script, &mut properties);
    let reasons = [
        ReasonCode::ContinueAuthentication,
        ReasonCode::ReAuthenticate,
        ReasonCode::Success,
    ];
    let reason = script.choose(&reasons);
    let properties = properties.as_properties();
    Packet::Auth(Auth { reason, properties }).encode(Version::V5, out);
}

fn authentication(script: &mut Script<'_>, properties: &mut PropertiesBuffer) {
    let method = if script.once_in(8) { "N" } else { "M" };
    properties.push(Property::AuthenticationMethod(method));
    properties.push(Property::AuthenticationData(b"data"));
}

fn topic(script: &mut Script<'_>) -> TopicName<'static> {
    TopicName::new(script.choose(&TOPICS)).expect("the list holds topics")
}

fn filter(script: &mut Script<'_>) -> TopicFilter<'static> {
    TopicFilter::new(script.choose(&FILTERS)).expect("the list holds filters")
}

fn qos(script: &mut Script<'_>) -> Qos {
    script.choose(&[Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

/// Small, as brokers and clients count from 1.
fn packet_id(script: &mut Script<'_>) -> PacketId {
    PacketId::new(1 + u16::from(script.below(4))).expect("not zero")
}
