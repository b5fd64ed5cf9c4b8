//! PUBACK, PUBREC, PUBREL and PUBCOMP: the acknowledgements of QoS 1 and 2, one layout.
//!
//! On the message path: nothing is allocated, and the form without reason and properties, which
//! is nearly all of them, is four bytes that [`ShortAck`] reads and writes at once.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{DecodeError, Field, PacketId, PacketType, Properties, ReasonCode, Version, write};

/// PUBACK, PUBREC, PUBREL and PUBCOMP share one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Ack<'a> {
    pub packet_id: PacketId,
    /// `Success` in v3, which has no reason codes here.
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

/// An acknowledgement that reports success and has no properties, in the form that is the same in every
/// version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct ShortAck {
    /// One of the four.
    pub packet_type: PacketType,
    pub packet_id: PacketId,
}

impl ShortAck {
    /// Bytes of the whole packet.
    pub const LEN: usize = 4;

    /// The one at the start of `bytes`; `None` if there is anything else, good or bad, which
    /// [`crate::frame::split`] and [`crate::Packet::decode`] tell.
    #[inline]
    pub fn at(bytes: &[u8]) -> Option<ShortAck> {
        let &[first_byte, 2, high, low] = bytes.first_chunk()? else {
            return None;
        };
        let packet_type = match first_byte {
            0x40 => PacketType::PubAck,
            0x50 => PacketType::PubRec,
            0x62 => PacketType::PubRel,
            0x70 => PacketType::PubComp,
            _ => return None,
        };
        let packet_id = PacketId::new(u16::from_be_bytes([high, low]))?;
        Some(ShortAck {
            packet_type,
            packet_id,
        })
    }

    /// The packet.
    #[inline]
    pub const fn to_bytes(self) -> [u8; ShortAck::LEN] {
        let [high, low] = self.packet_id.get().to_be_bytes();
        [self.packet_type.first_byte(), 2, high, low]
    }
}

impl<'a> Ack<'a> {
    /// A v5 body may end behind the packet identifier (Success) or behind the reason code (no
    /// properties). [v5 3.4.2.1] [v5 3.4.2.2.1]
    #[inline]
    pub(super) fn decode(
        packet_type: PacketType,
        body: &'a [u8],
        version: Version,
    ) -> Result<Ack<'a>, DecodeError> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let mut ack = Ack {
            packet_id,
            reason: ReasonCode::Success,
            properties: Properties::EMPTY,
        };
        if !version.is_v5() {
            reader.finish(packet_type)?;
            return Ok(ack);
        }
        if !reader.is_empty() {
            let code = reader.byte(Field::ReasonCode)?;
            ack.reason = ReasonCode::of_packet(packet_type, code)
                .ok_or(DecodeError::ReasonCode(packet_type, code))?;
        }
        if !reader.is_empty() {
            ack.properties = Properties::read(&mut reader, Carrier::Packet(packet_type), version)?;
        }
        reader.finish(packet_type)?;
        Ok(ack)
    }

    #[inline]
    pub(super) fn encode(&self, packet_type: PacketType, version: Version, out: &mut Vec<u8>) {
        let first_byte = packet_type.first_byte();
        let [high, low] = self.packet_id.get().to_be_bytes();
        let has_properties = version.is_v5() && !self.properties.is_empty();
        let has_reason = version.is_v5() && self.reason != ReasonCode::Success;
        match (has_properties, has_reason) {
            (false, false) => {
                let packet_id = self.packet_id;
                let short = ShortAck {
                    packet_type,
                    packet_id,
                };
                out.extend_from_slice(&short.to_bytes());
            }
            (false, true) => {
                out.extend_from_slice(&[first_byte, 3, high, low, self.reason as u8]);
            }
            (true, _) => write_packet(first_byte, out, |out| {
                write::two_byte_integer(self.packet_id.get(), out);
                out.push(self.reason as u8);
                self.properties.write(version, out);
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ShortAck;
    use crate::frame;
    use crate::packet::Ack;
    use crate::{PACKET_SIZE_MAX, Packet, PacketId, PacketType, Properties, ReasonCode, Version};

    const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

    fn typed(short: ShortAck) -> Packet<'static> {
        let ack = Ack {
            packet_id: short.packet_id,
            reason: ReasonCode::Success,
            properties: Properties::EMPTY,
        };
        match short.packet_type {
            PacketType::PubAck => Packet::PubAck(ack),
            PacketType::PubRec => Packet::PubRec(ack),
            PacketType::PubRel => Packet::PubRel(ack),
            PacketType::PubComp => Packet::PubComp(ack),
            other => panic!("{other} is no acknowledgement"),
        }
    }

    /// Whatever four bytes are taken for a short form mean the same to the decoder, in every version, and are
    /// what is written for it.
    #[test]
    fn short_forms_are_what_the_decoder_makes_of_them() {
        let mut found = 0;
        for first_byte in 0..=u8::MAX {
            for rest in [
                [2, 0, 1],
                [2, 0xFF, 0xFE],
                [2, 0, 0],
                [3, 0, 1],
                [1, 1, 1],
                [0x82, 0, 1],
            ] {
                let bytes = [first_byte, rest[0], rest[1], rest[2], 0x30];
                let Some(short) = ShortAck::at(&bytes) else {
                    continue;
                };
                found += 1;
                assert_eq!(ShortAck::at(&bytes[..3]), None);
                assert_eq!(short.to_bytes(), bytes[..4]);
                for version in VERSIONS {
                    let raw = frame::split(&bytes, PACKET_SIZE_MAX).unwrap().unwrap();
                    assert_eq!(raw.length, ShortAck::LEN);
                    assert_eq!(Packet::decode(raw, version), Ok(typed(short)));
                    let mut written = Vec::new();
                    typed(short).encode(version, &mut written);
                    assert_eq!(written, bytes[..4]);
                }
            }
        }
        assert_eq!(found, 8, "four packets with two identifiers");
    }

    #[test]
    fn every_packet_that_is_written_short_is_read_short() {
        for packet_type in [
            PacketType::PubAck,
            PacketType::PubRec,
            PacketType::PubRel,
            PacketType::PubComp,
        ] {
            let packet_id = PacketId::FIRST;
            let short = ShortAck {
                packet_type,
                packet_id,
            };
            assert_eq!(ShortAck::at(&short.to_bytes()), Some(short));
        }
    }
}
