//! Accepted packets of v5: properties, reason codes, and the forms that may be left short.

use super::accepted::{connect, publish};
use super::{V5, bytes, check_accepted, check_canonical, decode};
use crate::packet::{Ack, Auth, ConnAck, Connect, Disconnect, Publish, ReasonCodes, SubAck, Will};
use crate::{
    Packet, PacketId, PropertiesBuffer, Property as P, Qos, ReasonCode as R, TopicName, Version,
};

fn properties(list: &[P<'_>]) -> PropertiesBuffer {
    let mut buffer = PropertiesBuffer::new();
    list.iter().for_each(|&property| buffer.push(property));
    buffer
}

fn id(id: u16) -> PacketId {
    PacketId::new(id).unwrap()
}

#[test]
fn connect_v5() {
    let v5 = connect(Version::V5);
    check_canonical(V5, "10 [<MQTT> 05 02 003C [] <ab>]", Packet::Connect(v5));
    let password = Connect {
        password: Some(b"p"),
        ..v5
    };
    check_canonical(
        V5,
        "10 [<MQTT> 05 42 003C [] <ab> <p>]",
        Packet::Connect(password),
    );
    let list = properties(&[
        P::SessionExpirySecs(u32::MAX),
        P::ReceiveMaximum(1),
        P::MaximumPacketSize(1),
        P::TopicAliasMaximum(0),
        P::RequestResponseInformation(true),
        P::RequestProblemInformation(false),
        P::UserProperty("k", "v"),
        P::UserProperty("k", "v"),
        P::AuthenticationMethod("m"),
        P::AuthenticationData(&[0]),
    ]);
    let full = Connect {
        properties: list.as_properties(),
        ..v5
    };
    let notation = "10 [<MQTT> 05 02 003C [11 FFFFFFFF 21 0001 27 00000001 22 0000 19 01 17 00 \
                    26 <k> <v> 26 <k> <v> 15 <m> 16 0001 00] <ab>]";
    check_canonical(V5, notation, Packet::Connect(full));
}

/// [v5 MQTT-3.1.3-1]
#[test]
fn will_v5() {
    let list = properties(&[
        P::WillDelaySecs(9),
        P::PayloadFormatIndicator(true),
        P::MessageExpirySecs(0),
        P::ContentType("t"),
        P::ResponseTopic("r/t"),
        P::CorrelationData(&[0xFF]),
        P::UserProperty("", ""),
    ]);
    let will = Will {
        topic: TopicName::new("w").unwrap(),
        payload: b"x",
        qos: Qos::AtLeastOnce,
        retain: true,
        properties: list.as_properties(),
    };
    let packet = Connect {
        will: Some(will),
        user_name: Some("u"),
        ..connect(Version::V5)
    };
    let notation = "10 [<MQTT> 05 AE 003C [] <ab> [18 00000009 01 01 02 00000000 03 <t> 08 <r/t> \
                    09 0001 FF 26 <> <>] <w> <x> <u>]";
    check_canonical(V5, notation, Packet::Connect(packet));
}

/// [v5 MQTT-3.2.2-8]
#[test]
fn connack_v5() {
    let list = properties(&[
        P::SessionExpirySecs(1),
        P::ReceiveMaximum(2),
        P::MaximumQos(true),
        P::RetainAvailable(false),
        P::MaximumPacketSize(3),
        P::AssignedClientIdentifier("id"),
        P::TopicAliasMaximum(4),
        P::ReasonString("s"),
        P::UserProperty("k", "v"),
        P::WildcardSubscriptionAvailable(true),
        P::SubscriptionIdentifiersAvailable(true),
        P::SharedSubscriptionAvailable(false),
        P::ServerKeepAliveSecs(5),
        P::ResponseInformation("i"),
        P::ServerReference("h"),
        P::AuthenticationMethod("m"),
        P::AuthenticationData(b""),
    ]);
    let properties = list.as_properties();
    let connack = ConnAck {
        session_present: true,
        reason: R::Success,
        properties,
    };
    let notation = "20 [01 00 [11 00000001 21 0002 24 01 25 00 27 00000003 12 <id> 22 0004 1F <s> \
                    26 <k> <v> 28 01 29 01 2A 00 13 0005 1A <i> 1C <h> 15 <m> 16 <>]]";
    check_canonical(V5, notation, Packet::ConnAck(connack));
    for code in [
        0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
        0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
    ] {
        let packet = bytes(&format!("20 [00 {code:02X} []]"));
        let Packet::ConnAck(connack) = decode(&packet, Version::V5).unwrap() else {
            panic!()
        };
        assert_eq!(connack.reason as u8, code);
    }
}

/// [v5 MQTT-2.2.2-1]
#[test]
fn publish_v5() {
    check_canonical(V5, "30 [<a> []]", Packet::Publish(publish("a")));
    let list = properties(&[
        P::PayloadFormatIndicator(false),
        P::MessageExpirySecs(7),
        P::TopicAlias(0xFFFF),
        P::ResponseTopic("r"),
        P::CorrelationData(b"c"),
        P::UserProperty("k", "v"),
        P::SubscriptionIdentifier(1),
        P::SubscriptionIdentifier(268_435_455),
        P::ContentType(""),
    ]);
    let properties = list.as_properties();
    let packet_id = Some(id(1));
    let qos2 = Publish {
        qos: Qos::ExactlyOnce,
        packet_id,
        properties,
        ..publish("a")
    };
    let notation = "34 [<a> 0001 [01 00 02 00000007 23 FFFF 08 <r> 09 <c> 26 <k> <v> 0B 01 \
                    0B FFFFFF7F 03 <>]]";
    check_canonical(V5, notation, Packet::Publish(qos2));
    assert_eq!(properties.iter().count(), 9);
    let aliased = Publish {
        topic: None,
        payload: b"hi",
        ..qos2
    };
    let notation = notation.replace("<a>", "<>").replace("<>]]", "<>] 'hi']");
    check_canonical(V5, &notation, Packet::Publish(aliased));
    assert_eq!(aliased.encoded_len(Version::V5), bytes(&notation).len());
}

/// [v5 MQTT-3.4.2-1] [v5 MQTT-3.5.2-1] [v5 MQTT-3.6.2-1] [v5 MQTT-3.7.2-1]
#[test]
fn acks_v5() {
    let list = properties(&[P::ReasonString("s"), P::UserProperty("k", "v")]);
    let mut ack = Ack {
        packet_id: id(1),
        reason: R::Success,
        properties: list.as_properties(),
    };
    check_canonical(V5, "40 [0001 00 [1F <s> 26 <k> <v>]]", Packet::PubAck(ack));
    check_canonical(V5, "62 [0001 00 [1F <s> 26 <k> <v>]]", Packet::PubRel(ack));
    ack.properties = Default::default();
    check_accepted(V5, "40 [0001 00]", Packet::PubAck(ack));
    check_accepted(V5, "50 [0001 00 []]", Packet::PubRec(ack));
    for (first, codes) in [
        ("40", &[0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99][..]),
        ("50", &[0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
        ("62", &[0x92]),
        ("70", &[0x92]),
    ] {
        for &code in codes {
            ack.reason = R::from_byte(code).unwrap();
            let packet = match first {
                "40" => Packet::PubAck(ack),
                "50" => Packet::PubRec(ack),
                "62" => Packet::PubRel(ack),
                _ => Packet::PubComp(ack),
            };
            check_canonical(V5, &format!("{first} [0001 {code:02X}]"), packet);
            check_accepted(V5, &format!("{first} [0001 {code:02X} []]"), packet);
        }
    }
}

/// [v5 MQTT-3.9.3-2] [v5 MQTT-3.11.3-2]
#[test]
fn suback_and_unsuback_v5() {
    let codes = [
        R::Success,
        R::GrantedQos1,
        R::GrantedQos2,
        R::UnspecifiedError,
    ];
    let more = [
        R::ImplementationSpecificError,
        R::NotAuthorized,
        R::TopicFilterInvalid,
        R::PacketIdentifierInUse,
        R::QuotaExceeded,
        R::SharedSubscriptionsNotSupported,
        R::SubscriptionIdentifiersNotSupported,
        R::WildcardSubscriptionsNotSupported,
    ];
    let codes = [&codes[..], &more[..]].concat();
    let list = properties(&[P::ReasonString("s")]);
    let (properties, reasons) = (list.as_properties(), ReasonCodes::List(&codes));
    let suback = SubAck {
        packet_id: id(1),
        properties,
        reasons,
    };
    let notation = "90 [0001 [1F <s>] 00 01 02 80 83 87 8F 91 97 9E A1 A2]";
    check_canonical(V5, notation, Packet::SubAck(suback));
    let codes = [R::Success, R::NoSubscriptionExisted, R::NotAuthorized];
    let reasons = ReasonCodes::List(&codes);
    let unsuback = SubAck {
        packet_id: id(1),
        properties: Default::default(),
        reasons,
    };
    check_canonical(V5, "B0 [0001 [] 00 11 87]", Packet::UnsubAck(unsuback));
}

#[test]
fn lists_of_reasons_are_equal_when_their_codes_are() {
    let packet = bytes("90 [0001 [] 00 87]");
    let Packet::SubAck(suback) = decode(&packet, Version::V5).unwrap() else {
        panic!()
    };
    assert_eq!(
        suback.reasons,
        ReasonCodes::List(&[R::Success, R::NotAuthorized])
    );
    assert_ne!(suback.reasons, ReasonCodes::List(&[R::Success]));
    assert_ne!(
        ReasonCodes::List(&[R::NotAuthorized, R::Success]),
        suback.reasons
    );
    assert_eq!(
        (suback.reasons.len(), suback.reasons.is_empty()),
        (2, false)
    );
}

/// [v5 MQTT-3.14.2-1]
#[test]
fn disconnect_v5() {
    let mut packet = Disconnect {
        reason: R::Success,
        properties: Default::default(),
    };
    check_accepted(V5, "E0 [00]", Packet::Disconnect(packet));
    check_accepted(V5, "E0 [00 []]", Packet::Disconnect(packet));
    for code in [
        0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95,
        0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
    ] {
        packet.reason = R::from_byte(code).unwrap();
        check_canonical(V5, &format!("E0 [{code:02X}]"), Packet::Disconnect(packet));
    }
    let list = properties(&[
        P::SessionExpirySecs(0),
        P::ServerReference("h"),
        P::ReasonString("s"),
        P::UserProperty("k", "v"),
    ]);
    let packet = Disconnect {
        reason: R::Success,
        properties: list.as_properties(),
    };
    let notation = "E0 [00 [11 00000000 1C <h> 1F <s> 26 <k> <v>]]";
    check_canonical(V5, notation, Packet::Disconnect(packet));
}

/// [v5 MQTT-3.15.2-1]
#[test]
fn auth_v5() {
    let empty = Auth {
        reason: R::Success,
        properties: Default::default(),
    };
    check_canonical(V5, "F0 00", Packet::Auth(empty));
    let list = properties(&[P::AuthenticationMethod("m"), P::AuthenticationData(b"d")]);
    for reason in [R::Success, R::ContinueAuthentication, R::ReAuthenticate] {
        let packet = Auth {
            reason,
            properties: list.as_properties(),
        };
        let notation = format!("F0 [{:02X} [15 <m> 16 <d>]]", reason as u8);
        check_canonical(V5, &notation, Packet::Auth(packet));
    }
}

#[test]
fn a_buffer_of_properties_is_reused() {
    let mut buffer = properties(&[P::ReasonString("s")]);
    let copy = buffer.clone();
    buffer.clear();
    assert!(buffer.as_properties().is_empty());
    buffer.extend(copy.as_properties());
    assert!(buffer.as_properties().iter().eq([P::ReasonString("s")]));
    assert_eq!(buffer.as_properties().as_bytes(), [0x1F, 0, 1, b's']);
}
