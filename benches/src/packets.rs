//! Packets of clients, as bytes: what a shard is given.
//!
//! Topics of 24 to 37 bytes and payloads of 64 bytes, as in the table of `docs/PERFORMANCE.md`.

use ringmq_codec::packet::{Ack, Connect, Publish, encode_subscribe, encode_unsubscribe};
use ringmq_codec::{
    Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode, SubscriptionOptions,
    Version,
};

use crate::topics::{filter, topic};

/// Payload of every message whose size is not the point.
pub const PAYLOAD: [u8; 64] = [0x55; 64];

/// A packet on the wire.
pub fn encoded(packet: &Packet<'_>, version: Version) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes);
    bytes
}

/// CONNECT of a client that takes so many topic aliases (v5) and leaves no session behind.
pub fn connect(version: Version, client_id: &str, aliases: u16) -> Vec<u8> {
    let mut properties = PropertiesBuffer::new();
    if version.is_v5() {
        properties.push(Property::TopicAliasMaximum(aliases));
    }
    let connect = Packet::Connect(Connect {
        version,
        clean_start: true,
        keep_alive_secs: 0,
        client_id,
        will: None,
        user_name: None,
        password: None,
        properties: properties.as_properties(),
    });
    encoded(&connect, version)
}

/// PUBLISH of v3.1.1 with the 64 bytes of [`PAYLOAD`]; its packet identifier is the first.
pub fn publish(topic_name: &str, qos: Qos) -> Vec<u8> {
    encoded(&publish_of(topic_name, qos, &PAYLOAD), Version::V311)
}

/// So many of them, of each topic in turn; their packet identifiers count from the first.
pub fn publishes_in_turn(topics: &[String], qos: Qos, messages: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut packet_id = PacketId::FIRST;
    for topic_name in topics.iter().cycle().take(messages) {
        let Packet::Publish(publish) = publish_of(topic_name, qos, &PAYLOAD) else {
            unreachable!("a PUBLISH was asked for");
        };
        let numbered = Publish {
            packet_id: publish.packet_id.map(|_| packet_id),
            ..publish
        };
        numbered.encode(Version::V311, &mut bytes);
        packet_id = packet_id.next();
    }
    bytes
}

/// PUBLISH of QoS 0 like [`publish`], to be retained.
pub fn retained(topic_name: &str) -> Vec<u8> {
    let Packet::Publish(publish) = publish_of(topic_name, Qos::AtMostOnce, &PAYLOAD) else {
        unreachable!("a PUBLISH was asked for");
    };
    let retain = true;
    encoded(
        &Packet::Publish(Publish { retain, ..publish }),
        Version::V311,
    )
}

/// PUBLISH without properties.
pub fn publish_of<'a>(topic_name: &'a str, qos: Qos, payload: &'a [u8]) -> Packet<'a> {
    Packet::Publish(Publish {
        dup: false,
        qos,
        retain: false,
        topic: Some(topic(topic_name)),
        packet_id: (qos > Qos::AtMostOnce).then_some(PacketId::FIRST),
        properties: Properties::EMPTY,
        payload,
    })
}

/// SUBSCRIBE with one filter.
pub fn subscribe(version: Version, text: &str, qos: Qos) -> Vec<u8> {
    let filters = [(filter(text), SubscriptionOptions::v3(qos))];
    let (id, none) = (PacketId::FIRST, Properties::EMPTY);
    let mut bytes = Vec::new();
    encode_subscribe(version, id, none, &filters, &mut bytes);
    bytes
}

/// UNSUBSCRIBE with one filter.
pub fn unsubscribe(version: Version, text: &str) -> Vec<u8> {
    let (id, none) = (PacketId::FIRST, Properties::EMPTY);
    let mut bytes = Vec::new();
    encode_unsubscribe(version, id, none, &[filter(text)], &mut bytes);
    bytes
}

/// The four acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// PUBACK.
    PubAck,
    /// PUBREC.
    PubRec,
    /// PUBREL.
    PubRel,
    /// PUBCOMP.
    PubComp,
}

/// An acknowledgement that says Success.
pub fn acknowledgement(kind: Acknowledgement, packet_id: PacketId) -> Vec<u8> {
    let ack = Ack {
        packet_id,
        reason: ReasonCode::Success,
        properties: Properties::EMPTY,
    };
    let packet = match kind {
        Acknowledgement::PubAck => Packet::PubAck(ack),
        Acknowledgement::PubRec => Packet::PubRec(ack),
        Acknowledgement::PubRel => Packet::PubRel(ack),
        Acknowledgement::PubComp => Packet::PubComp(ack),
    };
    encoded(&packet, Version::V311)
}
