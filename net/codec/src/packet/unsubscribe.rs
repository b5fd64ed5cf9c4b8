//! UNSUBSCRIBE.
//!
//! Like SUBSCRIBE it keeps its filters in the bytes they came in, validated.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{DecodeError, PacketId, PacketType, Properties, TopicFilter, Version, write};

/// UNSUBSCRIBE. At least one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Unsubscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub filters: UnsubscribeFilters<'a>,
}

/// The validated payload of an UNSUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubscribeFilters<'a> {
    bytes: &'a [u8],
    version: Version,
}

impl<'a> UnsubscribeFilters<'a> {
    /// In the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = TopicFilter<'a>> + Clone {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || reader.topic_filter(self.version).ok())
    }

    /// Validates all that `reader` has left. [v3.1.1 MQTT-3.10.3-2] [v5 MQTT-3.10.3-2]
    fn read(reader: Reader<'a>, version: Version) -> Result<UnsubscribeFilters<'a>, DecodeError> {
        if reader.is_empty() {
            return Err(DecodeError::NoTopicFilter(PacketType::Unsubscribe));
        }
        let mut rest = reader;
        while !rest.is_empty() {
            rest.topic_filter(version)?;
        }
        Ok(UnsubscribeFilters {
            bytes: reader.rest(),
            version,
        })
    }
}

impl<'a> Unsubscribe<'a> {
    pub(super) fn decode(body: &'a [u8], version: Version) -> Result<Unsubscribe<'a>, DecodeError> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let carrier = Carrier::Packet(PacketType::Unsubscribe);
        let properties = Properties::read(&mut reader, carrier, version)?;
        let filters = UnsubscribeFilters::read(reader, version)?;
        Ok(Unsubscribe {
            packet_id,
            properties,
            filters,
        })
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        encode(
            version,
            self.packet_id,
            self.properties,
            self.filters.iter(),
            out,
        );
    }
}

/// Appends an UNSUBSCRIBE made from a list of at least one filter.
pub fn encode_unsubscribe(
    version: Version,
    packet_id: PacketId,
    properties: Properties<'_>,
    filters: &[TopicFilter<'_>],
    out: &mut Vec<u8>,
) {
    debug_assert!(
        !filters.is_empty(),
        "an UNSUBSCRIBE carries at least one filter"
    );
    encode(version, packet_id, properties, filters.iter().copied(), out);
}

fn encode<'f>(
    version: Version,
    packet_id: PacketId,
    properties: Properties<'_>,
    filters: impl Iterator<Item = TopicFilter<'f>>,
    out: &mut Vec<u8>,
) {
    write_packet(PacketType::Unsubscribe.first_byte(), out, |out| {
        write::two_byte_integer(packet_id.get(), out);
        properties.write(version, out);
        for filter in filters {
            write::text(filter.as_str(), out);
        }
    });
}
