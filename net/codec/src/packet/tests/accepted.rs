//! Accepted packets whose form is the same in several versions, and those of v3.

use super::{ALL, SINCE_V311, V3, V5, V31, V311, bytes, check_accepted, check_canonical, decode};
use crate::packet::{Ack, ConnAck, Connect, Disconnect, Publish, ReasonCodes, SubAck, Will};
use crate::{Packet, PacketId, Properties, Qos, ReasonCode, TopicName, Version};

const NONE: Properties<'static> = Properties::EMPTY;

fn id(id: u16) -> PacketId {
    PacketId::new(id).unwrap()
}

pub(super) fn connect(version: Version) -> Connect<'static> {
    Connect {
        version,
        clean_start: true,
        keep_alive_secs: 60,
        client_id: "ab",
        will: None,
        user_name: None,
        password: None,
        properties: NONE,
    }
}

pub(super) fn publish(topic: &'static str) -> Publish<'static> {
    Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: TopicName::new(topic),
        packet_id: None,
        properties: NONE,
        payload: b"",
    }
}

/// [v3.1.1 MQTT-1.5.3-3]
#[test]
fn connect_of_v3() {
    // The version of the CONNECT counts, not the one given to `decode`.
    let v311 = connect(Version::V311);
    check_canonical(ALL, "10 [<MQTT> 04 02 003C <ab>]", Packet::Connect(v311));
    let v31 = connect(Version::V31);
    check_canonical(ALL, "10 [<MQIsdp> 03 02 003C <ab>]", Packet::Connect(v31));
    let persistent = Connect {
        clean_start: false,
        keep_alive_secs: 0,
        ..v311
    };
    check_canonical(
        ALL,
        "10 [<MQTT> 04 00 0000 <ab>]",
        Packet::Connect(persistent),
    );
    let anonymous = Connect {
        client_id: "",
        ..v311
    };
    check_canonical(ALL, "10 [<MQTT> 04 02 003C <>]", Packet::Connect(anonymous));
    let bom = Connect {
        client_id: "\u{FEFF}x",
        ..v311
    };
    check_canonical(
        ALL,
        "10 [<MQTT> 04 02 003C 0004 EFBBBF 'x']",
        Packet::Connect(bom),
    );
    let user = Connect {
        user_name: Some("u"),
        ..v311
    };
    check_canonical(
        ALL,
        "10 [<MQTT> 04 82 003C <ab> <u>]",
        Packet::Connect(user),
    );
    let password = Connect {
        password: Some(&[0, 0xFF]),
        ..user
    };
    check_canonical(
        ALL,
        "10 [<MQTT> 04 C2 003C <ab> <u> 0002 00FF]",
        Packet::Connect(password),
    );
}

/// [v3.1.1 MQTT-3.1.3-1]
#[test]
fn connect_of_v3_with_a_will() {
    let topic = TopicName::new("w/t").unwrap();
    let (payload, qos) = (&b"gone"[..], Qos::AtMostOnce);
    let mut will = Will {
        topic,
        payload,
        qos,
        retain: false,
        properties: NONE,
    };
    let with = |will| {
        Packet::Connect(Connect {
            will: Some(will),
            ..connect(Version::V311)
        })
    };
    check_canonical(ALL, "10 [<MQTT> 04 06 003C <ab> <w/t> <gone>]", with(will));
    (will.qos, will.payload) = (Qos::AtLeastOnce, b"");
    check_canonical(ALL, "10 [<MQTT> 04 0E 003C <ab> <w/t> <>]", with(will));
    (will.qos, will.retain) = (Qos::ExactlyOnce, true);
    check_canonical(ALL, "10 [<MQTT> 04 36 003C <ab> <w/t> <>]", with(will));
    let all = Connect {
        will: Some(will),
        user_name: Some("u"),
        password: Some(b"p"),
        ..connect(Version::V31)
    };
    let notation = "10 [<MQIsdp> 03 F6 003C <ab> <w/t> <> <u> <p>]";
    check_canonical(ALL, notation, Packet::Connect(all));
}

#[test]
fn connect_of_v31_is_read_leniently() {
    let v31 = connect(Version::V31);
    let user = Connect {
        user_name: Some("u"),
        ..v31
    };
    // The remaining length overrules the flags of user name and password.
    check_accepted(ALL, "10 [<MQIsdp> 03 82 003C <ab>]", Packet::Connect(v31));
    check_accepted(ALL, "10 [<MQIsdp> 03 C2 003C <ab>]", Packet::Connect(v31));
    check_accepted(
        ALL,
        "10 [<MQIsdp> 03 C2 003C <ab> <u>]",
        Packet::Connect(user),
    );
    // Bit 0, and a will's QoS and retain without a will.
    check_accepted(ALL, "10 [<MQIsdp> 03 03 003C <ab>]", Packet::Connect(v31));
    check_accepted(ALL, "10 [<MQIsdp> 03 2A 003C <ab>]", Packet::Connect(v31));
}

#[test]
fn connack_of_v3() {
    let with = |session_present, reason| {
        Packet::ConnAck(ConnAck {
            session_present,
            reason,
            properties: NONE,
        })
    };
    check_canonical(V3, "20 [00 00]", with(false, ReasonCode::Success));
    check_canonical(V311, "20 [01 00]", with(true, ReasonCode::Success));
    check_canonical(
        V3,
        "20 [00 01]",
        with(false, ReasonCode::UnsupportedProtocolVersion),
    );
    check_canonical(
        V3,
        "20 [00 02]",
        with(false, ReasonCode::ClientIdentifierNotValid),
    );
    check_canonical(V3, "20 [00 03]", with(false, ReasonCode::ServerUnavailable));
    check_canonical(
        V3,
        "20 [00 04]",
        with(false, ReasonCode::BadUserNameOrPassword),
    );
    check_canonical(V3, "20 [00 05]", with(false, ReasonCode::NotAuthorized));
    // 3.1 reserves the first byte.
    check_accepted(V31, "20 [01 00]", with(false, ReasonCode::Success));
    check_accepted(V31, "20 [FF 05]", with(false, ReasonCode::NotAuthorized));
}

#[test]
fn refusals_that_v3_cannot_express_become_its_nearest() {
    for reason in ReasonCode::ALL {
        let mut out = Vec::new();
        let connack = ConnAck {
            session_present: false,
            reason,
            properties: NONE,
        };
        Packet::ConnAck(connack).encode(Version::V311, &mut out);
        let expected = match reason {
            _ if !reason.is_error() => 0,
            ReasonCode::UnsupportedProtocolVersion => 1,
            ReasonCode::ClientIdentifierNotValid => 2,
            ReasonCode::BadUserNameOrPassword | ReasonCode::BadAuthenticationMethod => 4,
            ReasonCode::NotAuthorized | ReasonCode::Banned => 5,
            _ => 3,
        };
        assert_eq!(out, [0x20, 2, 0, expected], "{reason}");
    }
}

/// [v3.1.1 MQTT-2.3.1-5]
#[test]
fn publish_of_v3() {
    let qos0 = publish("a/b");
    check_canonical(V3, "30 [<a/b>]", Packet::Publish(qos0));
    let message = Publish {
        retain: true,
        payload: b"hi",
        ..qos0
    };
    check_canonical(V3, "31 [<a/b> 'hi']", Packet::Publish(message));
    let qos1 = Publish {
        qos: Qos::AtLeastOnce,
        packet_id: Some(id(0xFFFF)),
        ..message
    };
    check_canonical(V3, "33 [<a/b> FFFF 'hi']", Packet::Publish(qos1));
    let again = Publish {
        dup: true,
        retain: false,
        ..qos1
    };
    check_canonical(V3, "3A [<a/b> FFFF 'hi']", Packet::Publish(again));
    let qos2 = Publish {
        qos: Qos::ExactlyOnce,
        packet_id: Some(id(10)),
        ..again
    };
    check_canonical(V3, "3C [<a/b> 000A 'hi']", Packet::Publish(qos2));
    let odd = Publish {
        payload: &[0, 0xFF],
        ..publish("/ /日")
    };
    check_canonical(V3, "30 [0006 '/ /' E697A5 00FF]", Packet::Publish(odd));
    // Legal in 3.1 only.
    let dup = Publish { dup: true, ..qos0 };
    check_canonical(V31, "38 [<a/b>]", Packet::Publish(dup));
}

#[test]
fn acks_without_reason() {
    let ack = Ack {
        packet_id: id(0x1234),
        reason: ReasonCode::Success,
        properties: NONE,
    };
    check_canonical(ALL, "40 [1234]", Packet::PubAck(ack));
    check_canonical(ALL, "50 [1234]", Packet::PubRec(ack));
    check_canonical(ALL, "62 [1234]", Packet::PubRel(ack));
    check_canonical(ALL, "70 [1234]", Packet::PubComp(ack));
    // DUP of a repeated PUBREL, in 3.1.
    check_accepted(V31, "6A [1234]", Packet::PubRel(ack));
    // A reason stays behind in v3.
    let mut out = Vec::new();
    Packet::PubRec(Ack {
        reason: ReasonCode::QuotaExceeded,
        ..ack
    })
    .encode(Version::V311, &mut out);
    assert_eq!(out, bytes("50 [1234]"));
}

/// [v3.1.1 MQTT-3.9.3-2]
#[test]
fn suback_of_v3() {
    let reasons = [
        ReasonCode::Success,
        ReasonCode::GrantedQos1,
        ReasonCode::GrantedQos2,
        ReasonCode::UnspecifiedError,
    ];
    let reasons = ReasonCodes::List(&reasons);
    let suback = SubAck {
        packet_id: id(7),
        properties: NONE,
        reasons,
    };
    check_canonical(V3, "90 [0007 00 01 02 80]", Packet::SubAck(suback));
    let reasons = ReasonCodes::List(&[ReasonCode::NotAuthorized, ReasonCode::TopicFilterInvalid]);
    let mut out = Vec::new();
    Packet::SubAck(SubAck { reasons, ..suback }).encode(Version::V311, &mut out);
    assert_eq!(out, bytes("90 [0007 80 80]"));
}

#[test]
fn unsuback_of_v3() {
    let reasons = ReasonCodes::List(&[]);
    let unsuback = SubAck {
        packet_id: id(7),
        properties: NONE,
        reasons,
    };
    check_canonical(V3, "B0 [0007]", Packet::UnsubAck(unsuback));
    let mut out = Vec::new();
    let reasons = ReasonCodes::List(&[ReasonCode::Success]);
    Packet::UnsubAck(SubAck {
        reasons,
        ..unsuback
    })
    .encode(Version::V31, &mut out);
    assert_eq!(out, bytes("B0 [0007]"));
}

#[test]
fn pings_and_disconnect() {
    check_canonical(ALL, "C0 00", Packet::PingReq);
    check_canonical(ALL, "D0 00", Packet::PingResp);
    let mut disconnect = Disconnect {
        reason: ReasonCode::Success,
        properties: NONE,
    };
    check_canonical(ALL, "E0 00", Packet::Disconnect(disconnect));
    disconnect.reason = ReasonCode::ServerShuttingDown;
    let mut out = Vec::new();
    Packet::Disconnect(disconnect).encode(Version::V311, &mut out);
    assert_eq!(out, bytes("E0 00"));
}

#[test]
fn names_and_codes_of_the_specification() {
    for byte in 0..=255 {
        let expected = ReasonCode::ALL
            .into_iter()
            .find(|&reason| reason as u8 == byte);
        assert_eq!(ReasonCode::from_byte(byte), expected);
    }
    assert_eq!(ReasonCode::ALL.len(), 43);
    assert_eq!(ReasonCode::Banned.to_string(), "Banned");
    assert!(ReasonCode::UnspecifiedError.is_error() && !ReasonCode::ReAuthenticate.is_error());
    for (versions, first) in [(ALL, "C0 00"), (SINCE_V311, "E0 00"), (V5, "F0 00")] {
        for &version in versions {
            let bytes = bytes(first);
            let packet = decode(&bytes, version).unwrap();
            assert_eq!(packet.packet_type() as u8, bytes[0] >> 4);
        }
    }
}
