//! PUBLISH towards subscribers: encoded once from raw parts, then copied with another packet identifier.
//! What a client has of its own, subscription identifiers and topic aliases, stands in the envelope.
//!
//! The parts were validated when they were received, so this needs neither packet types nor checks. Only
//! delivery calls it. It must stay free of allocation but for the growth of the output.

use ringmq_codec::{PacketId, Qos, TopicName, Version};

use crate::Millis;
use crate::ids::SessionIndex;
use crate::index::Subscriber;
use crate::link::{Fingerprint, StoredMessage};
use crate::subscription_identifier::IdentifierList;

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
    /// A stored message on its way again; its topic is [`StoredMessage::topic`].
    pub(crate) fn of(
        stored: &'a StoredMessage,
        topic: TopicName<'a>,
        topic_hash: Fingerprint,
    ) -> Message<'a> {
        let content = Content::of(stored);
        Message {
            topic,
            topic_hash,
            properties: content.properties,
            payload: content.payload,
            qos: stored.qos,
            retain: stored.retain,
            expires: stored.expires,
            publisher: None,
        }
    }

    /// The same message with another payload.
    pub(crate) fn with_payload(self, payload: &'a [u8]) -> Message<'a> {
        Message { payload, ..self }
    }

    /// Whether No Local keeps it from the subscriber, whose own it is. [v5 MQTT-3.8.3-3]
    #[inline]
    pub(crate) fn is_kept_from(&self, subscriber: Subscriber) -> bool {
        subscriber.options.no_local() && self.publisher == Some(subscriber.session)
    }

    /// What is sent of it.
    pub(crate) fn content(&self) -> Content<'a> {
        Content {
            topic: self.topic.as_str().as_bytes(),
            properties: self.properties,
            payload: self.payload,
            expires: self.expires,
        }
    }

    /// One allocation that outlives the tick.
    pub(crate) fn to_stored(self) -> StoredMessage {
        let topic = self.topic.as_str().as_bytes();
        // Of the very size, or it would be moved to another.
        let mut bytes = Vec::with_capacity(self.content().bytes() as usize);
        bytes.extend_from_slice(topic);
        bytes.extend_from_slice(self.properties);
        bytes.extend_from_slice(self.payload);
        StoredMessage {
            bytes: bytes.into(),
            topic_len: topic.len() as u16,
            properties_len: self.properties.len() as u32,
            qos: self.qos,
            retain: self.retain,
            expires: self.expires,
        }
    }
}

impl StoredMessage {
    pub(crate) fn topic(&self) -> TopicName<'_> {
        let topic = std::str::from_utf8(&self.bytes[..usize::from(self.topic_len)]);
        let topic = topic.ok().and_then(TopicName::new);
        topic.expect("the publisher's shard has decoded it")
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

    /// What it counts in a queue, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        (self.topic.len() + self.properties.len() + self.payload.len()) as u64
    }

    /// Whether its time is over. [v5 MQTT-3.3.2-5]
    pub(crate) fn is_expired(&self, now: Millis) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The parts of a PUBLISH that differ between subscribers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) version: Version,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    /// Meaningful for QoS 1 and 2.
    pub(crate) packet_id: PacketId,
    /// Written for v5 only.
    pub(crate) identifiers: IdentifierList<'a>,
    /// Meaningful for v5.
    pub(crate) topic: TopicForm,
}

/// How the topic is named. [v5 3.3.2.3.4]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TopicForm {
    /// By itself.
    #[default]
    Full,
    /// By itself, and from now on by this alias.
    SetsAlias(u16),
    /// By an alias that the connection knows.
    Alias(u16),
}

impl Envelope<'static> {
    /// Of a first delivery, with nothing that is the client's own. The packet identifier is to be filled in.
    pub(crate) fn plain(version: Version, qos: Qos, retain: bool) -> Envelope<'static> {
        Envelope {
            version,
            qos,
            retain,
            dup: false,
            packet_id: PacketId::FIRST,
            identifiers: IdentifierList::None,
            topic: TopicForm::Full,
        }
    }
}

impl Envelope<'_> {
    /// Length of the properties that are the client's own, bytes.
    fn properties_len(&self) -> usize {
        let identifiers = self.identifiers.as_slice().iter();
        let identifiers: usize = identifiers.map(|&it| 1 + varint_len(it as usize)).sum();
        let alias = match self.topic {
            TopicForm::Full => 0,
            TopicForm::SetsAlias(_) | TopicForm::Alias(_) => ALIAS_PROPERTY_BYTES,
        };
        identifiers + alias
    }

    fn write_properties(&self, out: &mut Vec<u8>) {
        if let TopicForm::SetsAlias(alias) | TopicForm::Alias(alias) = self.topic {
            out.push(ALIAS_PROPERTY);
            out.extend_from_slice(&alias.to_be_bytes());
        }
        for &identifier in self.identifiers.as_slice() {
            out.push(IDENTIFIER_PROPERTY);
            push_varint(identifier as usize, out);
        }
    }

    /// The topic as it is written.
    fn topic<'t>(&self, content: &Content<'t>) -> &'t [u8] {
        match self.topic {
            TopicForm::Alias(_) if self.version.is_v5() => &[],
            _ => content.topic,
        }
    }
}

const EXPIRY_PROPERTY: u8 = 0x02;
const EXPIRY_PROPERTY_BYTES: usize = 5;
const IDENTIFIER_PROPERTY: u8 = 0x0B;
const ALIAS_PROPERTY: u8 = 0x23;
const ALIAS_PROPERTY_BYTES: usize = 3;

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

fn properties_len(content: &Content<'_>, envelope: &Envelope<'_>) -> usize {
    let expiry = content.expires.map_or(0, |_| EXPIRY_PROPERTY_BYTES);
    content.properties.len() + expiry + envelope.properties_len()
}

fn remaining_len(content: &Content<'_>, envelope: &Envelope<'_>) -> usize {
    let packet_id = if envelope.qos == Qos::AtMostOnce {
        0
    } else {
        2
    };
    let properties = if envelope.version.is_v5() {
        let len = properties_len(content, envelope);
        varint_len(len) + len
    } else {
        0
    };
    2 + envelope.topic(content).len() + packet_id + properties + content.payload.len()
}

/// Length of the whole packet, bytes.
pub(crate) fn frame_len(content: &Content<'_>, envelope: &Envelope<'_>) -> usize {
    let remaining = remaining_len(content, envelope);
    1 + varint_len(remaining) + remaining
}

/// Length of a first delivery at QoS 0 with nothing that is the client's own, before v5 and in v5; with a
/// payload of this length, bytes.
pub(crate) fn plain_lens(content: &Content<'_>, payload_len: usize) -> [usize; 2] {
    [Version::V311, Version::V5].map(|version| {
        let envelope = Envelope::plain(version, Qos::AtMostOnce, false);
        let remaining = remaining_len(content, &envelope) - content.payload.len() + payload_len;
        1 + varint_len(remaining) + remaining
    })
}

/// Whether the whole packet has at most so many bytes, which is quick to tell for a client without a bound.
#[inline]
pub(crate) fn fits(content: &Content<'_>, envelope: &Envelope<'_>, packet_size_max: u32) -> bool {
    packet_size_max == u32::MAX || frame_len(content, envelope) <= packet_size_max as usize
}

/// Appends the packet; the message expiry is what is left of it, in seconds. [v5 MQTT-3.3.2-6]
/// Returns where in `out` the packet identifier stands, for QoS 1 and 2.
pub(crate) fn encode(
    content: &Content<'_>,
    envelope: &Envelope<'_>,
    now: Millis,
    out: &mut Vec<u8>,
) -> usize {
    let remaining = remaining_len(content, envelope);
    out.reserve(5 + remaining);
    let flags = u8::from(envelope.dup) << 3 | (envelope.qos as u8) << 1 | u8::from(envelope.retain);
    let topic = envelope.topic(content);
    let [topic_high, topic_low] = (topic.len() as u16).to_be_bytes();
    if remaining < 0x80 {
        out.extend_from_slice(&[0x30 | flags, remaining as u8, topic_high, topic_low]);
    } else {
        out.push(0x30 | flags);
        push_varint(remaining, out);
        out.extend_from_slice(&[topic_high, topic_low]);
    }
    out.extend_from_slice(topic);
    let packet_id_at = out.len();
    if envelope.qos != Qos::AtMostOnce {
        out.extend_from_slice(&envelope.packet_id.get().to_be_bytes());
    }
    if envelope.version.is_v5() {
        push_varint(properties_len(content, envelope), out);
        if let Some(expires) = content.expires {
            let left_secs = expires.0.saturating_sub(now.0).div_ceil(1_000) as u32;
            out.push(EXPIRY_PROPERTY);
            out.extend_from_slice(&left_secs.to_be_bytes());
        }
        envelope.write_properties(out);
        out.extend_from_slice(content.properties);
    }
    out.extend_from_slice(content.payload);
    packet_id_at
}

#[cfg(test)]
mod tests;
