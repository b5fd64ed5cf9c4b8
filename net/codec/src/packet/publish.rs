//! PUBLISH: the message path.
//!
//! Decoding allocates nothing and looks at each byte of the topic twice (UTF-8, then wildcards
//! and U+0000), or once if it is the expected one; at the payload never. Encoding reserves once and copies three slices.

use crate::property::Carrier;
use crate::read::Reader;
use crate::{
    DecodeError, Field, PacketId, PacketType, Properties, Property, Qos, RawPacket, TopicName,
    Version, write,
};

/// PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Publish<'a> {
    /// Only above QoS 0 (3.1 leaves it open there). [v3.1.1 MQTT-3.3.1-2] [v5 MQTT-3.3.1-2]
    pub dup: bool,
    pub qos: Qos,
    pub retain: bool,
    /// `None` for the empty topic of a v5 publish that uses a topic alias.
    pub topic: Option<TopicName<'a>>,
    /// Present exactly when `qos` is above 0.
    pub packet_id: Option<PacketId>,
    pub properties: Properties<'a>,
    pub payload: &'a [u8],
}

/// Bits of the fixed header's flags.
mod flag {
    pub(super) const RETAIN: u8 = 1 << 0;
    pub(super) const QOS_SHIFT: u8 = 1;
    pub(super) const DUP: u8 = 1 << 3;
}

impl<'a> Publish<'a> {
    /// As [`crate::Packet::decode`] of a PUBLISH whose topic may well be `expected`: if it is, the packet's
    /// topic is that very text, and its bytes are not validated again. Publishers repeat themselves.
    ///
    /// # Panics
    /// When the packet is no PUBLISH.
    #[inline]
    pub fn decode(
        raw: RawPacket<'a>,
        version: Version,
        expected: Option<TopicName<'a>>,
    ) -> Result<Publish<'a>, DecodeError> {
        let RawPacket { header, body, .. } = raw;
        assert_eq!(header.packet_type, PacketType::Publish);
        if version.is_v5() && !raw.is_remaining_length_minimal() {
            return Err(DecodeError::RemainingLengthNotMinimal);
        }
        let flags = header.flags;
        let qos =
            Qos::from_bits(flags >> flag::QOS_SHIFT & 0b11).ok_or(DecodeError::PublishQos3)?;
        let dup = flags & flag::DUP != 0;
        if dup && qos == Qos::AtMostOnce && version != Version::V31 {
            return Err(DecodeError::DupWithQos0);
        }
        let mut reader = Reader::new(body);
        let topic = reader.topic_name_or_empty(expected, Field::TopicName)?;
        let packet_id = match qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce | Qos::ExactlyOnce => Some(reader.packet_id()?),
        };
        let carrier = Carrier::Packet(PacketType::Publish);
        let properties = Properties::read(&mut reader, carrier, version)?;
        if topic.is_none() {
            check_topic_is_aliased(properties, version)?;
        }
        let retain = flags & flag::RETAIN != 0;
        Ok(Publish {
            dup,
            qos,
            retain,
            topic,
            packet_id,
            properties,
            payload: reader.rest(),
        })
    }

    /// Appends the packet, fixed header included. The properties are left out before v5.
    ///
    /// # Panics
    /// When [`Publish::encoded_len`] exceeds [`crate::PACKET_SIZE_MAX`].
    #[inline]
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        debug_assert_eq!(self.packet_id.is_some(), self.qos > Qos::AtMostOnce);
        debug_assert!(self.topic.is_some() || version.is_v5());
        let remaining_length = self.remaining_length(version);
        let length_bytes = write::length_of_variable_byte_integer(remaining_length as u32);
        out.reserve(1 + length_bytes + remaining_length);
        let flags = u8::from(self.retain)
            | (self.qos as u8) << flag::QOS_SHIFT
            | if self.dup { flag::DUP } else { 0 };
        out.push(PacketType::Publish.first_byte() | flags);
        write::variable_byte_integer(remaining_length, out);
        write::text(self.topic_text(), out);
        if let Some(packet_id) = self.packet_id {
            write::two_byte_integer(packet_id.get(), out);
        }
        self.properties.write(version, out);
        out.extend_from_slice(self.payload);
    }

    /// Bytes [`Publish::encode`] appends: to be compared with the receiver's maximum packet size
    /// [v5 MQTT-3.1.2-24] and with [`crate::PACKET_SIZE_MAX`], which a packet may exceed when it
    /// gains properties on its way from one version to another.
    #[inline]
    pub fn encoded_len(&self, version: Version) -> usize {
        let remaining_length = self.remaining_length(version);
        // Saturated, a length beyond all limits takes four bytes, and stays beyond them.
        let counted = u32::try_from(remaining_length).unwrap_or(u32::MAX);
        1 + write::length_of_variable_byte_integer(counted) + remaining_length
    }

    #[inline]
    fn remaining_length(&self, version: Version) -> usize {
        let packet_id_length = if self.packet_id.is_some() { 2 } else { 0 };
        let properties_length = self.properties.encoded_length(version);
        2 + self.topic_text().len() + packet_id_length + properties_length + self.payload.len()
    }

    #[inline]
    fn topic_text(&self) -> &'a str {
        self.topic.map_or("", TopicName::as_str)
    }
}

/// An empty topic needs a topic alias, which only v5 has. [v3.1.1 MQTT-4.7.3-1] [v5 3.3.2.1]
fn check_topic_is_aliased(properties: Properties<'_>, version: Version) -> Result<(), DecodeError> {
    if !version.is_v5() {
        return Err(DecodeError::TopicName(Field::TopicName));
    }
    let is_aliased = properties
        .iter()
        .any(|property| matches!(property, Property::TopicAlias(_)));
    if is_aliased {
        Ok(())
    } else {
        Err(DecodeError::TopicMissing)
    }
}
