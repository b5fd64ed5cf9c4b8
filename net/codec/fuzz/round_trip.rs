//! What must hold for any bytes a peer may send: nothing panics, and a packet that is accepted is
//! written as bytes that mean the same packet.
//!
//! The fuzz target, the replay of its corpus and the property tests all call [`check`]. The first
//! byte of the input picks the version and the maximum packet size, the rest is the stream.

use ringmq_codec::{
    PACKET_SIZE_MAX, Packet, Properties, PropertiesBuffer, RawPacket, Version, frame,
};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

/// Splits and decodes until the stream ends, is incomplete or is refused.
pub(crate) fn check(data: &[u8]) {
    let Some((&selector, mut stream)) = data.split_first() else {
        return;
    };
    let version = VERSIONS[usize::from(selector) % VERSIONS.len()];
    let packet_size_max = if selector & 0x80 == 0 {
        PACKET_SIZE_MAX
    } else {
        64
    };
    loop {
        let raw = match frame::split(stream, packet_size_max) {
            Ok(Some(raw)) => raw,
            Ok(None) => return,
            Err(error) => return check_error(error),
        };
        assert!(
            raw.length <= packet_size_max as usize,
            "split goes beyond the maximum"
        );
        match Packet::decode(raw, version) {
            Ok(packet) => check_packet(&packet, raw, version),
            Err(error) => return check_error(error),
        }
        stream = &stream[raw.length..];
    }
}

fn check_error(error: ringmq_codec::DecodeError) {
    assert!(error.reason().is_error());
    assert!(!error.to_string().is_empty());
}

/// Written again, the packet means the same, and takes no more bytes than it came in.
fn check_packet(packet: &Packet<'_>, raw: RawPacket<'_>, version: Version) {
    let version = match packet {
        Packet::Connect(connect) => connect.version,
        _ => version,
    };
    let mut out = Vec::new();
    packet.encode(version, &mut out);
    assert!(
        out.len() <= raw.length,
        "written longer than it came: {packet:?}"
    );
    let again = frame::split(&out, PACKET_SIZE_MAX)
        .expect("legal")
        .expect("whole");
    assert_eq!(again.length, out.len());
    assert_eq!(Packet::decode(again, version).as_ref(), Ok(packet));
    check_lists(packet);
    check_other_versions(packet, version);
}

/// The iterators reach the end of what was validated.
fn check_lists(packet: &Packet<'_>) {
    match packet {
        Packet::Connect(connect) => {
            check_properties(connect.properties);
            if let Some(will) = connect.will {
                check_properties(will.properties);
            }
        }
        Packet::ConnAck(connack) => check_properties(connack.properties),
        Packet::Publish(publish) => check_properties(publish.properties),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            check_properties(ack.properties)
        }
        Packet::Subscribe(subscribe) => {
            check_properties(subscribe.properties);
            assert_ne!(subscribe.filters.iter().count(), 0);
        }
        Packet::SubAck(suback) | Packet::UnsubAck(suback) => {
            check_properties(suback.properties);
            assert_eq!(suback.reasons.iter().count(), suback.reasons.len());
        }
        Packet::Unsubscribe(unsubscribe) => {
            check_properties(unsubscribe.properties);
            assert_ne!(unsubscribe.filters.iter().count(), 0);
        }
        Packet::Disconnect(disconnect) => check_properties(disconnect.properties),
        Packet::Auth(auth) => check_properties(auth.properties),
        Packet::PingReq | Packet::PingResp => {}
    }
}

fn check_properties(properties: Properties<'_>) {
    let mut buffer = PropertiesBuffer::new();
    for property in properties.iter() {
        buffer.push(property);
    }
    assert_eq!(buffer.as_properties(), properties);
}

/// A packet that came in one version can be written in another, where that has it.
fn check_other_versions(packet: &Packet<'_>, from: Version) {
    for to in VERSIONS.into_iter().filter(|&to| to != from) {
        let exists = match packet {
            Packet::Auth(_) => false,
            Packet::Publish(publish) => publish.topic.is_some(),
            _ => true,
        };
        if !exists {
            continue;
        }
        let mut out = Vec::new();
        packet.encode(to, &mut out);
        if let Packet::Publish(publish) = packet {
            assert_eq!(publish.encoded_len(to), out.len());
        }
        assert!(matches!(frame::split(&out, PACKET_SIZE_MAX), Ok(Some(_))));
    }
}
