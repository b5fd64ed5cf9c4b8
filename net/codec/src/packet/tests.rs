//! Packets by data: what is accepted and what it means, what is refused and why.
//!
//! The tables write packets in a small notation, so that a row can be read beside the
//! specification: hex digits are bytes, `<text>` is text behind its two bytes of length, `'text'`
//! is text alone, and `[...]` is a block behind its length as a variable byte integer, which serves
//! for the remaining length and for the properties.

mod accepted;
mod accepted_v5;
mod lengths;
mod refused;
mod refused_connect;
mod refused_properties;
mod subscriptions;

use crate::{DecodeError, Packet, ReasonCode, Version, frame, write};

const V31: &[Version] = &[Version::V31];
const V311: &[Version] = &[Version::V311];
const V5: &[Version] = &[Version::V5];
const V3: &[Version] = &[Version::V31, Version::V311];
const SINCE_V311: &[Version] = &[Version::V311, Version::V5];
const ALL: &[Version] = &[Version::V31, Version::V311, Version::V5];

/// One refused packet: the versions, the bytes, the error, the reason code owed.
type Refused = (&'static [Version], &'static str, DecodeError, ReasonCode);

/// The bytes of the notation above.
fn bytes(notation: &str) -> Vec<u8> {
    let mut blocks = vec![Vec::new()];
    let mut rest = notation.trim_start();
    while let Some(first) = rest.chars().next() {
        let out = blocks.last_mut().expect("a block is open");
        let mut taken = 1;
        match first {
            '[' => blocks.push(Vec::new()),
            ']' => {
                let block = blocks.pop().expect("a block is open");
                let out = blocks.last_mut().expect("a `[` opened it");
                write::variable_byte_integer(block.len(), out);
                out.extend(block);
            }
            '<' => {
                let (text, _) = rest[1..].split_once('>').expect("`>` closes text");
                write::text(text, out);
                taken = text.len() + 2;
            }
            '\'' => {
                let (text, _) = rest[1..].split_once('\'').expect("`'` closes text");
                out.extend_from_slice(text.as_bytes());
                taken = text.len() + 2;
            }
            _ => {
                out.push(u8::from_str_radix(&rest[..2], 16).expect("two hex digits"));
                taken = 2;
            }
        }
        rest = rest[taken..].trim_start();
    }
    assert_eq!(blocks.len(), 1, "an open block in {notation}");
    blocks.remove(0)
}

fn decode(bytes: &[u8], version: Version) -> Result<Packet<'_>, DecodeError> {
    let raw = frame::split(bytes, frame::PACKET_SIZE_MAX)?.expect("a whole packet");
    assert_eq!(raw.length, bytes.len(), "one packet");
    Packet::decode(raw, version)
}

/// The bytes mean the packet, and the packet is written as these bytes.
#[track_caller]
fn check_canonical(versions: &[Version], notation: &str, packet: Packet<'_>) {
    check_accepted(versions, notation, packet);
    for &version in versions {
        let mut out = b"before".to_vec();
        packet.encode(version, &mut out);
        assert_eq!(&out[6..], bytes(notation), "{version:?} {packet:?}");
        assert_eq!(&out[..6], b"before");
    }
}

/// The bytes mean the packet, although it would be written otherwise.
#[track_caller]
fn check_accepted(versions: &[Version], notation: &str, packet: Packet<'_>) {
    for &version in versions {
        assert_eq!(
            decode(&bytes(notation), version),
            Ok(packet),
            "{version:?} {notation}"
        );
    }
}

#[track_caller]
fn check_refused(cases: &[Refused]) {
    for &(versions, notation, error, reason) in cases {
        for &version in versions {
            let bytes = bytes(notation);
            assert_eq!(
                decode(&bytes, version),
                Err(error),
                "{version:?} {notation}"
            );
            assert_eq!(error.reason(), reason, "{version:?} {notation}");
        }
    }
}

#[test]
fn the_notation_is_what_it_says() {
    assert_eq!(
        bytes("10 [ <ab> 0F [] 'c' ]"),
        [0x10, 7, 0, 2, b'a', b'b', 0x0F, 0, b'c']
    );
}
