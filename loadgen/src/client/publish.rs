//! The few bytes of an incoming PUBLISH that the hot path needs.
//!
//! The codec checks every byte of a packet; at millions of deliveries a second loadgen only finds the
//! payload. A topic that is not text goes unnoticed here: judging the broker's form is the test suite's
//! part, and the stamp in the payload tells a message from any other.

use ringmq_codec::{PacketId, Qos, RawPacket};

/// An incoming PUBLISH, taken apart without looking at the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IncomingPublish<'a> {
    pub(crate) qos: Qos,
    pub(crate) packet_id: Option<PacketId>,
    pub(crate) payload: &'a [u8],
}

impl<'a> IncomingPublish<'a> {
    /// `None` when the packet is malformed.
    #[inline]
    pub(crate) fn read(raw: RawPacket<'a>, has_properties: bool) -> Option<IncomingPublish<'a>> {
        let qos = Qos::from_bits(raw.header.flags >> 1 & 0b11)?;
        let (length, rest) = raw.body.split_first_chunk::<2>()?;
        let mut rest = rest.get(usize::from(u16::from_be_bytes(*length))..)?;
        let mut packet_id = None;
        if qos != Qos::AtMostOnce {
            let (id, behind) = rest.split_first_chunk::<2>()?;
            packet_id = Some(PacketId::new(u16::from_be_bytes(*id))?);
            rest = behind;
        }
        if has_properties {
            rest = behind_properties(rest)?;
        }
        Some(IncomingPublish {
            qos,
            packet_id,
            payload: rest,
        })
    }
}

/// What follows the properties.
#[inline]
fn behind_properties(bytes: &[u8]) -> Option<&[u8]> {
    let mut length = 0usize;
    for at in 0..4 {
        let byte = *bytes.get(at)?;
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return bytes.get(at + 1 + length..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringmq_codec::packet::Publish;
    use ringmq_codec::{Packet, PropertiesBuffer, Property, TopicName, Version, frame};

    #[test]
    fn it_agrees_with_the_codec() {
        let mut properties = PropertiesBuffer::new();
        let long = "x".repeat(200);
        properties.push(Property::ContentType(&long));
        for version in [Version::V311, Version::V5] {
            for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
                let packet_id = (qos != Qos::AtMostOnce).then_some(PacketId::FIRST.next());
                let publish = Publish {
                    dup: false,
                    qos,
                    retain: false,
                    topic: TopicName::new("a/b"),
                    packet_id,
                    properties: properties.as_properties(),
                    payload: b"payload",
                };
                let mut bytes = Vec::new();
                Packet::Publish(publish).encode(version, &mut bytes);
                let raw = frame::split(&bytes, 1_000).unwrap().unwrap();
                let expected = IncomingPublish {
                    qos,
                    packet_id,
                    payload: b"payload",
                };
                assert_eq!(IncomingPublish::read(raw, version.is_v5()), Some(expected));
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_malformed() {
        for body in [&[][..], &[0], &[0, 5, b'a'], &[0, 1, b'a', 0x80]] {
            let raw = RawPacket {
                header: ringmq_codec::FixedHeader::from_byte(0x30).unwrap(),
                body,
                length: 2 + body.len(),
            };
            assert_eq!(IncomingPublish::read(raw, true), None);
        }
    }
}
