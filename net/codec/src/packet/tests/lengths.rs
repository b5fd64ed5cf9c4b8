//! The remaining length: padded, at the borders of its size, and refused early.

use super::accepted::{connect, publish};
use super::{ALL, V3, check_accepted, decode};
use crate::frame::split;
use crate::packet::{Connect, Publish};
use crate::{DecodeError as E, PACKET_SIZE_MAX, Packet, ReasonCode, Version};

#[test]
fn padded_remaining_length_is_legal_before_v5() {
    check_accepted(V3, "C0 8000", Packet::PingReq);
    check_accepted(V3, "30 85808000 <a/b>", Packet::Publish(publish("a/b")));
    let connect = Packet::Connect(connect(Version::V311));
    check_accepted(ALL, "10 8E00 <MQTT> 04 02 003C <ab>", connect);
}

#[test]
fn remaining_lengths_at_their_borders() {
    for (payload_length, length_bytes) in [(124, 1), (125, 2), (16_380, 2), (16_381, 3)] {
        let payload = vec![b'x'; payload_length];
        let packet = Publish {
            payload: &payload,
            ..publish("a")
        };
        let mut out = Vec::new();
        packet.encode(Version::V311, &mut out);
        assert_eq!(out.len(), 1 + length_bytes + 3 + payload_length);
        assert_eq!(packet.encoded_len(Version::V311), out.len());
        assert_eq!(decode(&out, Version::V311), Ok(Packet::Publish(packet)));
    }
    // The same borders for packets whose length is measured rather than computed.
    for (id_length, length_bytes) in [(115, 1), (116, 2), (16_371, 2), (16_372, 3)] {
        let client_id = "x".repeat(id_length);
        let packet = Connect {
            client_id: &client_id,
            ..connect(Version::V311)
        };
        let mut out = Vec::new();
        Packet::Connect(packet).encode(Version::V311, &mut out);
        assert_eq!(out.len(), 1 + length_bytes + 12 + id_length);
        assert_eq!(decode(&out, Version::V311), Ok(Packet::Connect(packet)));
    }
}

#[test]
fn sizes_are_refused_by_the_header() {
    let too_large = [
        &[0x30, 0xFF, 0xFF, 0xFF, 0x7F][..],
        &[0x30, 5],
        &[0x30, 0x80, 1],
    ];
    for header in too_large {
        assert_eq!(split(header, 6), Err(E::PacketTooLarge), "{header:X?}");
    }
    assert_eq!(E::PacketTooLarge.reason(), ReasonCode::PacketTooLarge);
    assert_eq!(split(&[0x30, 4], 6), Ok(None));
    assert_eq!(split(&too_large[0][..4], 6), Ok(None));
    assert_eq!(split(too_large[0], PACKET_SIZE_MAX), Ok(None));
    assert_eq!(
        split(too_large[0], PACKET_SIZE_MAX - 1),
        Err(E::PacketTooLarge)
    );
}
