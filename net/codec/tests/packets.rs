//! Property tests: any valid packet survives encode and decode, in every version; any part of it,
//! and any damage to it, is refused or awaited, never a panic.
//!
//! The seed is fixed, so that a run is repeatable; `PROPTEST_RNG_SEED` sets another.
#![allow(
    clippy::unwrap_used,
    reason = "test support, outside of #[test] functions"
)]

#[path = "../fuzz/round_trip.rs"]
mod round_trip;
mod strategies;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ringmq_codec::packet::{
    Ack, Auth, ConnAck, Connect, Disconnect, Publish, ReasonCodes, SubAck, Will, encode_subscribe,
    encode_unsubscribe,
};
use ringmq_codec::{
    PACKET_SIZE_MAX, Packet, PacketId, PacketType, Properties, PropertiesBuffer, Property, Qos,
    ReasonCode, TopicFilter, TopicName, TopicNameBuffer, Version, frame,
};
use strategies::{
    binary, filter, options, packet_id, properties, qos, reason, text, topic, v3_version, version,
};

fn config() -> ProptestConfig {
    let seed = ProptestConfig::default().rng_seed;
    let rng_seed = if seed == RngSeed::Random {
        RngSeed::Fixed(1883)
    } else {
        seed
    };
    ProptestConfig {
        cases: 600,
        rng_seed,
        failure_persistence: None,
        ..Default::default()
    }
}

fn decode(bytes: &[u8], version: Version) -> Packet<'_> {
    let raw = frame::split(bytes, PACKET_SIZE_MAX).unwrap().unwrap();
    assert_eq!(raw.length, bytes.len());
    Packet::decode(raw, version).unwrap()
}

/// All that must hold for a valid packet.
fn check(packet: Packet<'_>, version: Version) {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes);
    assert_eq!(decode(&bytes, version), packet);
    check_parts(&bytes, version);
}

/// Every strict prefix is awaited; every cut body with a fixed-up length, and the packet with any
/// one bit of its first bytes turned, is read without a panic.
fn check_parts(bytes: &[u8], version: Version) {
    for length in 0..bytes.len() {
        assert_eq!(frame::split(&bytes[..length], PACKET_SIZE_MAX), Ok(None));
    }
    let body = frame::split(bytes, PACKET_SIZE_MAX).unwrap().unwrap().body;
    let selector = version as u8 - Version::V31 as u8;
    for length in (0..body.len()).filter(|&length| length < 128) {
        let mut cut = vec![selector, bytes[0], length as u8];
        cut.extend_from_slice(&body[..length]);
        round_trip::check(&cut);
    }
    let mut damaged = [&[selector], bytes].concat();
    for at in 1..damaged.len().min(16) {
        for bit in 0..8 {
            damaged[at] ^= 1 << bit;
            round_trip::check(&damaged);
            damaged[at] ^= 1 << bit;
        }
    }
}

fn for_version<'a>(properties: &'a PropertiesBuffer, version: Version) -> Properties<'a> {
    if version.is_v5() {
        properties.as_properties()
    } else {
        Properties::EMPTY
    }
}

const CONNECT: &[u8] = &[0x11, 0x15, 0x17, 0x19, 0x21, 0x22, 0x26, 0x26, 0x27];
const WILL: &[u8] = &[0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26, 0x26];
const CONNACK: &[u8] = &[
    0x11, 0x12, 0x13, 0x15, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x26, 0x27, 0x28, 0x29,
    0x2A,
];
const PUBLISH: &[u8] = &[0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x0B, 0x23, 0x26, 0x26];
const SUBSCRIBE: &[u8] = &[0x0B, 0x26, 0x26];
const UNSUBSCRIBE: &[u8] = &[0x26, 0x26];
const ACK: &[u8] = &[0x1F, 0x26, 0x26];
const DISCONNECT: &[u8] = &[0x11, 0x1C, 0x1F, 0x26, 0x26];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn connect(
        (version, clean_start, keep_alive_secs) in (version(), any::<bool>(), any::<u16>()),
        client_id in text(),
        will in option::of((topic(), binary(), qos(), any::<bool>(), properties(WILL))),
        user_name in option::of(text()),
        password in option::of(binary()),
        connect_properties in properties(CONNECT),
    ) {
        let will = will.as_ref().map(|(topic, payload, qos, retain, properties)| Will {
            topic: TopicName::new(topic).unwrap(),
            payload,
            qos: *qos,
            retain: *retain,
            properties: for_version(properties, version),
        });
        let has_password = user_name.is_some() || version.is_v5();
        let connect = Connect {
            version,
            clean_start,
            keep_alive_secs,
            client_id: &client_id,
            will,
            user_name: user_name.as_deref(),
            password: password.as_deref().filter(|_| has_password),
            properties: for_version(&connect_properties, version),
        };
        // It names its own version, whatever the caller says.
        check(Packet::Connect(connect), Version::V311);
    }

    #[test]
    fn connack(
        version in version(),
        present in any::<bool>(),
        code in 0u8..=5,
        v5_reason in reason(PacketType::ConnAck),
        properties in properties(CONNACK),
    ) {
        const V3_REASONS: [ReasonCode; 6] = [
            ReasonCode::Success,
            ReasonCode::UnsupportedProtocolVersion,
            ReasonCode::ClientIdentifierNotValid,
            ReasonCode::ServerUnavailable,
            ReasonCode::BadUserNameOrPassword,
            ReasonCode::NotAuthorized,
        ];
        let reason = if version.is_v5() { v5_reason } else { V3_REASONS[usize::from(code)] };
        let session_present = present && !reason.is_error() && version != Version::V31;
        let properties = for_version(&properties, version);
        check(Packet::ConnAck(ConnAck { session_present, reason, properties }), version);
    }

    #[test]
    fn publish(
        version in version(),
        (dup, qos, retain, packet_id) in (any::<bool>(), qos(), any::<bool>(), packet_id()),
        topic in topic(),
        payload in vec(any::<u8>(), 0..300),
        mut properties in properties(PUBLISH),
        is_aliased in any::<bool>(),
    ) {
        let topic = TopicName::new(&topic).unwrap();
        let is_aliased = is_aliased && version.is_v5();
        let has_alias = |property| matches!(property, Property::TopicAlias(_));
        if is_aliased && !properties.as_properties().iter().any(has_alias) {
            properties.push(Property::TopicAlias(7));
        }
        let publish = Publish {
            dup: dup && (qos > Qos::AtMostOnce || version == Version::V31),
            qos,
            retain,
            topic: if is_aliased { None } else { Some(topic) },
            packet_id: Some(packet_id).filter(|_| qos > Qos::AtMostOnce),
            properties: for_version(&properties, version),
            payload: &payload,
        };
        let mut bytes = Vec::new();
        publish.encode(version, &mut bytes);
        prop_assert_eq!(publish.encoded_len(version), bytes.len());
        check(Packet::Publish(publish), version);
    }

    #[test]
    fn acks(
        (version, packet_id) in (version(), packet_id()),
        puback in reason(PacketType::PubAck),
        pubcomp in reason(PacketType::PubComp),
        properties in properties(ACK),
    ) {
        let properties = for_version(&properties, version);
        let with = |reason| {
            let reason = if version.is_v5() { reason } else { ReasonCode::Success };
            Ack { packet_id, reason, properties }
        };
        check(Packet::PubAck(with(puback)), version);
        check(Packet::PubRec(with(puback)), version);
        check(Packet::PubRel(with(pubcomp)), version);
        check(Packet::PubComp(with(pubcomp)), version);
    }

    #[test]
    fn subscribe(
        (version, packet_id) in (version(), packet_id()),
        filters in vec((filter(), options()), 1..5),
        properties in properties(SUBSCRIBE),
    ) {
        let is_repeated = properties.as_properties().iter().filter(|property| {
            matches!(property, Property::SubscriptionIdentifier(_))
        }).count() > 1;
        prop_assume!(!is_repeated);
        let filters: Vec<_> = filters.iter().map(|(filter, options)| {
            let filter = TopicFilter::new(filter).unwrap();
            let mut options = options.for_version(version);
            options.no_local &= filter.share().is_none();
            (filter, options)
        }).collect();
        let properties = for_version(&properties, version);
        let mut bytes = Vec::new();
        encode_subscribe(version, packet_id, properties, &filters, &mut bytes);
        let packet = decode(&bytes, version);
        let Packet::Subscribe(subscribe) = packet else { panic!("{packet:?}") };
        prop_assert_eq!(subscribe.packet_id, packet_id);
        prop_assert_eq!(subscribe.properties, properties);
        prop_assert!(subscribe.filters.iter().eq(filters));
        check(packet, version);
    }

    #[test]
    fn unsubscribe(
        (version, packet_id) in (version(), packet_id()),
        filters in vec(filter(), 1..5),
        properties in properties(UNSUBSCRIBE),
    ) {
        let filters: Vec<_> = filters.iter().map(|text| TopicFilter::new(text).unwrap()).collect();
        let properties = for_version(&properties, version);
        let mut bytes = Vec::new();
        encode_unsubscribe(version, packet_id, properties, &filters, &mut bytes);
        let packet = decode(&bytes, version);
        let Packet::Unsubscribe(unsubscribe) = packet else { panic!("{packet:?}") };
        prop_assert_eq!(unsubscribe.packet_id, packet_id);
        prop_assert_eq!(unsubscribe.properties, properties);
        prop_assert!(unsubscribe.filters.iter().eq(filters));
        check(packet, version);
    }

    #[test]
    fn suback_and_unsuback(
        packet_id in packet_id(),
        suback in vec(reason(PacketType::SubAck), 1..9),
        unsuback in vec(reason(PacketType::UnsubAck), 1..9),
        v3_codes in vec(0usize..4, 1..9),
        v3_version in v3_version(),
        properties in properties(ACK),
    ) {
        const V3_REASONS: [ReasonCode; 4] = [
            ReasonCode::Success,
            ReasonCode::GrantedQos1,
            ReasonCode::GrantedQos2,
            ReasonCode::UnspecifiedError,
        ];
        let properties = properties.as_properties();
        let with = |properties, reasons| {
            SubAck { packet_id, properties, reasons: ReasonCodes::List(reasons) }
        };
        check(Packet::SubAck(with(properties, &suback)), Version::V5);
        check(Packet::UnsubAck(with(properties, &unsuback)), Version::V5);
        let v3: Vec<_> = v3_codes.into_iter().map(|code| V3_REASONS[code]).collect();
        check(Packet::SubAck(with(Properties::EMPTY, &v3)), v3_version);
        check(Packet::UnsubAck(with(Properties::EMPTY, &[])), v3_version);
    }

    #[test]
    fn disconnect_and_auth(
        disconnect in reason(PacketType::Disconnect),
        auth in reason(PacketType::Auth),
        properties in properties(DISCONNECT),
        (method, data) in (text(), option::of(binary())),
    ) {
        let properties = properties.as_properties();
        check(Packet::Disconnect(Disconnect { reason: disconnect, properties }), Version::V5);
        let mut properties = PropertiesBuffer::new();
        properties.push(Property::AuthenticationMethod(&method));
        if let Some(data) = &data {
            properties.push(Property::AuthenticationData(data));
        }
        let properties = properties.as_properties();
        check(Packet::Auth(Auth { reason: auth, properties }), Version::V5);
    }

    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..200)) {
        round_trip::check(&bytes);
    }

    /// Bytes with a legal fixed header get further than arbitrary ones.
    #[test]
    fn arbitrary_bodies(
        selector in 0u8..3,
        first in prop::sample::select(vec![
            0x10, 0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xA2, 0xB0, 0xE0, 0xF0,
        ]),
        body in vec(prop_oneof![3 => 0u8..8, 1 => any::<u8>()], 0..100),
    ) {
        let mut bytes = vec![selector, first, body.len() as u8];
        bytes.extend(body);
        round_trip::check(&bytes);
    }
}

#[test]
fn packets_without_fields() {
    for version in [Version::V31, Version::V311, Version::V5] {
        check(Packet::PingReq, version);
        check(Packet::PingResp, version);
        let (reason, properties) = (ReasonCode::Success, Properties::EMPTY);
        check(
            Packet::Disconnect(Disconnect { reason, properties }),
            version,
        );
    }
    assert_eq!(
        PacketId::new(u16::MAX).map(PacketId::next),
        Some(PacketId::FIRST)
    );
}

/// A topic that is expected changes nothing of what is decoded, whether it is the packet's or not.
#[test]
fn an_expected_topic_changes_nothing() {
    let topics = ["a", "a/b", "a/c", "ä", "a\0", "a/+", "", "\u{feff}a"];
    let mut expected = TopicNameBuffer::default();
    for topic in topics {
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        body.extend_from_slice(b"\0payload");
        let mut bytes = vec![0x30, body.len() as u8];
        bytes.extend_from_slice(&body);
        for version in [Version::V311, Version::V5] {
            let raw = frame::split(&bytes, PACKET_SIZE_MAX).unwrap().unwrap();
            let alone = Packet::decode(raw, version);
            for other in topics {
                expected.clear();
                if let Some(other) = TopicName::new(other) {
                    expected.set(other);
                }
                let decoded = Publish::decode(raw, version, expected.topic()).map(Packet::Publish);
                assert_eq!(decoded, alone, "{topic:?} where {other:?} was expected");
            }
        }
    }
}
