//! PUBLISH towards subscribers: encoded once from raw parts, then copied with another packet identifier.
//!
//! The parts were validated when they were received, so this needs neither packet types nor checks. Only
//! delivery calls it. It must stay free of allocation but for the growth of the output.

use bytes::Bytes;
use ringmq_codec::{PacketId, Qos, TopicName, Version};

use crate::link::{Fingerprint, StoredMessage};
use crate::{Millis, ids::SessionIndex};

/// A message on its way to subscribers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) topic: TopicName<'a>,
    pub(crate) topic_hash: Fingerprint,
    /// Forwarded properties, encoded, without message expiry.
    pub(crate) properties: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// QoS it was published with.
    pub(crate) qos: Qos,
    /// The publisher's retain flag.
    pub(crate) retain: bool,
    pub(crate) expires: Option<Millis>,
    /// The publisher's session when it lives on this shard, for No Local.
    pub(crate) publisher: Option<SessionIndex>,
}

impl<'a> Message<'a> {
    /// What is sent of it.
    pub(crate) fn content(&self) -> Content<'a> {
        Content {
            topic: self.topic.as_str().as_bytes(),
            properties: self.properties,
            payload: self.payload,
            expires: self.expires,
        }
    }

    /// One allocation that outlives the tick; the parts are joined in `joined`, whose memory is reused.
    pub(crate) fn to_stored(self, joined: &mut Vec<u8>) -> StoredMessage {
        let topic = self.topic.as_str().as_bytes();
        joined.clear();
        joined.extend_from_slice(topic);
        joined.extend_from_slice(self.properties);
        joined.extend_from_slice(self.payload);
        StoredMessage {
            bytes: Bytes::copy_from_slice(joined),
            topic_len: topic.len() as u16,
            properties_len: self.properties.len() as u32,
            qos: self.qos,
            retain: self.retain,
            expires: self.expires,
        }
    }
}

/// The parts of a PUBLISH that are the same for all subscribers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'a> {
    pub(crate) topic: &'a [u8],
    pub(crate) properties: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) expires: Option<Millis>,
}

impl<'a> Content<'a> {
    /// The parts of a stored message.
    pub(crate) fn of(stored: &'a StoredMessage) -> Content<'a> {
        let (topic, rest) = stored.bytes.split_at(usize::from(stored.topic_len));
        let (properties, payload) = rest.split_at(stored.properties_len as usize);
        Content {
            topic,
            properties,
            payload,
            expires: stored.expires,
        }
    }

    /// Whether its time is over. [v5 MQTT-3.3.2-5]
    pub(crate) fn is_expired(&self, now: Millis) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The parts of a PUBLISH that differ between subscribers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) version: Version,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    /// Meaningful for QoS 1 and 2.
    pub(crate) packet_id: PacketId,
}

const EXPIRY_PROPERTY: u8 = 0x02;
const EXPIRY_PROPERTY_BYTES: usize = 5;

fn varint_len(value: usize) -> usize {
    match value {
        0..=127 => 1,
        128..=16_383 => 2,
        16_384..=2_097_151 => 3,
        _ => 4,
    }
}

fn push_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn properties_len(content: &Content<'_>) -> usize {
    let expiry = content.expires.map_or(0, |_| EXPIRY_PROPERTY_BYTES);
    content.properties.len() + expiry
}

fn remaining_len(content: &Content<'_>, version: Version, qos: Qos) -> usize {
    let packet_id = if qos == Qos::AtMostOnce { 0 } else { 2 };
    let properties = if version.is_v5() {
        let len = properties_len(content);
        varint_len(len) + len
    } else {
        0
    };
    2 + content.topic.len() + packet_id + properties + content.payload.len()
}

/// Length of the whole packet, bytes.
pub(crate) fn frame_len(content: &Content<'_>, version: Version, qos: Qos) -> usize {
    let remaining = remaining_len(content, version, qos);
    1 + varint_len(remaining) + remaining
}

/// Appends the packet; the message expiry is what is left of it, in seconds. [v5 MQTT-3.3.2-6]
/// Returns where in `out` the packet identifier stands, for QoS 1 and 2.
pub(crate) fn encode(
    content: &Content<'_>,
    envelope: Envelope,
    now: Millis,
    out: &mut Vec<u8>,
) -> usize {
    let remaining = remaining_len(content, envelope.version, envelope.qos);
    out.reserve(5 + remaining);
    let flags = u8::from(envelope.dup) << 3 | (envelope.qos as u8) << 1 | u8::from(envelope.retain);
    out.push(0x30 | flags);
    push_varint(remaining, out);
    out.extend_from_slice(&(content.topic.len() as u16).to_be_bytes());
    out.extend_from_slice(content.topic);
    let packet_id_at = out.len();
    if envelope.qos != Qos::AtMostOnce {
        out.extend_from_slice(&envelope.packet_id.get().to_be_bytes());
    }
    if envelope.version.is_v5() {
        push_varint(properties_len(content), out);
        if let Some(expires) = content.expires {
            let left_secs = expires.0.saturating_sub(now.0).div_ceil(1_000) as u32;
            out.push(EXPIRY_PROPERTY);
            out.extend_from_slice(&left_secs.to_be_bytes());
        }
        out.extend_from_slice(content.properties);
    }
    out.extend_from_slice(content.payload);
    packet_id_at
}

#[cfg(test)]
mod tests {
    use ringmq_codec::{
        Packet, PacketId, PropertiesBuffer, Property, Qos, TopicName, Version, packet::Publish,
    };

    use super::{Content, Envelope, encode, frame_len};
    use crate::Millis;

    /// Encodes here and with the codec, and compares.
    fn check(envelope: Envelope, payload: &[u8], expiry_secs: Option<u32>) {
        let now = Millis(5_500);
        let topic = "a/b";
        let mut forwarded = PropertiesBuffer::new();
        forwarded.push(Property::ContentType("text"));
        let content = Content {
            topic: topic.as_bytes(),
            properties: forwarded.as_properties().as_bytes(),
            payload,
            expires: expiry_secs.map(|secs| Millis(now.0 + u64::from(secs) * 1_000)),
        };
        let mut out = vec![0xFF; 3];
        let packet_id_at = encode(&content, envelope, now, &mut out);

        let mut properties = PropertiesBuffer::new();
        if let Some(secs) = expiry_secs {
            properties.push(Property::MessageExpirySecs(secs));
        }
        properties.extend(forwarded.as_properties());
        let has_id = envelope.qos != Qos::AtMostOnce;
        let publish = Publish {
            dup: envelope.dup,
            qos: envelope.qos,
            retain: envelope.retain,
            topic: TopicName::new(topic),
            packet_id: has_id.then_some(envelope.packet_id),
            properties: properties.as_properties(),
            payload,
        };
        let mut expected = Vec::new();
        Packet::Publish(publish).encode(envelope.version, &mut expected);
        assert_eq!(out[3..], expected);
        let len = frame_len(&content, envelope.version, envelope.qos);
        assert_eq!(len, expected.len());
        if has_id {
            let id = envelope.packet_id.get().to_be_bytes();
            assert_eq!(out[packet_id_at..packet_id_at + 2], id);
        }
    }

    #[test]
    fn frames_are_those_of_the_codec() {
        let packet_id = PacketId::new(0x1234).expect("not zero");
        for version in [Version::V31, Version::V311, Version::V5] {
            for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
                for (retain, dup) in [(false, false), (true, qos != Qos::AtMostOnce)] {
                    let envelope = Envelope {
                        version,
                        qos,
                        retain,
                        dup,
                        packet_id,
                    };
                    // Around the lengths at which the remaining length takes another byte.
                    for len in [0, 1, 110, 111, 130, 16_370, 16_384, 2_097_152] {
                        check(envelope, &vec![7; len], None);
                        check(envelope, &vec![7; len], Some(60));
                    }
                }
            }
        }
    }

    #[test]
    fn a_message_expires_at_its_time() {
        let mut content = Content {
            topic: b"t",
            properties: b"",
            payload: b"",
            expires: None,
        };
        assert!(!content.is_expired(Millis(u64::MAX)));
        content.expires = Some(Millis(10));
        assert!(!content.is_expired(Millis(9)));
        assert!(content.is_expired(Millis(10)));
    }
}
