//! UNSUBSCRIBE: filters.
//!
//! The list of them is read like that of SUBSCRIBE, in `filters`.

use super::filters::FilterList;
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
pub struct UnsubscribeFilters<'a>(FilterList<'a>);

impl<'a> UnsubscribeFilters<'a> {
    /// In the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = TopicFilter<'a>> + Clone {
        self.0.iter(|reader, _| reader.known_topic_filter())
    }

    /// How many they are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(self) -> usize {
        self.0.len()
    }
}

impl<'a> Unsubscribe<'a> {
    pub(super) fn decode(body: &'a [u8], version: Version) -> Result<Unsubscribe<'a>, DecodeError> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let carrier = Carrier::Packet(PacketType::Unsubscribe);
        let properties = Properties::read(&mut reader, carrier, version)?;
        // [v3.1.1 MQTT-3.10.3-2] [v5 MQTT-3.10.3-2]
        let kind = (PacketType::Unsubscribe, version);
        let filters = UnsubscribeFilters(FilterList::read(reader, kind, Reader::topic_filter)?);
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
