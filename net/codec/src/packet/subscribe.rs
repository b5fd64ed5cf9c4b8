//! SUBSCRIBE: filters, each with its options.
//!
//! The list of them is read like that of UNSUBSCRIBE, in `filters`.

use super::filters::FilterList;
use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{
    DecodeError, Field, PacketId, PacketType, Properties, Qos, SubscriptionOptions, TopicFilter,
    Version, write,
};

/// SUBSCRIBE. At least one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Subscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub filters: SubscribeFilters<'a>,
}

/// The validated payload of a SUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeFilters<'a>(FilterList<'a>);

impl<'a> SubscribeFilters<'a> {
    /// In the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = (TopicFilter<'a>, SubscriptionOptions)> + Clone {
        self.0.iter(read_known_filter)
    }

    /// How many they are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(self) -> usize {
        self.0.len()
    }
}

impl<'a> Subscribe<'a> {
    pub(super) fn decode(body: &'a [u8], version: Version) -> Result<Subscribe<'a>, DecodeError> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let carrier = Carrier::Packet(PacketType::Subscribe);
        let properties = Properties::read(&mut reader, carrier, version)?;
        // [v3.1.1 MQTT-3.8.3-3] [v5 MQTT-3.8.3-2]
        let list = FilterList::read(reader, (PacketType::Subscribe, version), read_filter)?;
        let filters = SubscribeFilters(list);
        Ok(Subscribe {
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

/// Appends a SUBSCRIBE made from a list of at least one filter, without building
/// [`SubscribeFilters`] first. Before v5, of the options only the QoS is written.
pub fn encode_subscribe(
    version: Version,
    packet_id: PacketId,
    properties: Properties<'_>,
    filters: &[(TopicFilter<'_>, SubscriptionOptions)],
    out: &mut Vec<u8>,
) {
    debug_assert!(
        !filters.is_empty(),
        "a SUBSCRIBE carries at least one filter"
    );
    encode(version, packet_id, properties, filters.iter().copied(), out);
}

fn encode<'f>(
    version: Version,
    packet_id: PacketId,
    properties: Properties<'_>,
    filters: impl Iterator<Item = (TopicFilter<'f>, SubscriptionOptions)>,
    out: &mut Vec<u8>,
) {
    write_packet(PacketType::Subscribe.first_byte(), out, |out| {
        write::two_byte_integer(packet_id.get(), out);
        properties.write(version, out);
        for (filter, options) in filters {
            write::text(filter.as_str(), out);
            out.push(if version.is_v5() {
                options.to_byte()
            } else {
                options.qos as u8
            });
        }
    });
}

/// One filter with its options. [v3.1.1 MQTT-3.8.3-4] [v5 MQTT-3.8.3-4] [v5 MQTT-3.8.3-5]
fn read_filter<'a>(
    reader: &mut Reader<'a>,
    version: Version,
) -> Result<(TopicFilter<'a>, SubscriptionOptions), DecodeError> {
    let filter = reader.topic_filter(version)?;
    Ok((filter, read_options(reader, filter, version)?))
}

/// One that was read before.
fn read_known_filter<'a>(
    reader: &mut Reader<'a>,
    version: Version,
) -> Result<(TopicFilter<'a>, SubscriptionOptions), DecodeError> {
    let filter = reader.known_topic_filter()?;
    Ok((filter, read_options(reader, filter, version)?))
}

fn read_options(
    reader: &mut Reader<'_>,
    filter: TopicFilter<'_>,
    version: Version,
) -> Result<SubscriptionOptions, DecodeError> {
    let byte = reader.byte(Field::SubscriptionOptions)?;
    if !version.is_v5() {
        if byte > 0b11 {
            return Err(DecodeError::SubscriptionOptionsReserved);
        }
        let qos = Qos::from_bits(byte).ok_or(DecodeError::SubscriptionQos3)?;
        return Ok(SubscriptionOptions::v3(qos));
    }
    let options = SubscriptionOptions::from_byte(byte)?;
    if options.no_local && filter.share().is_some() {
        return Err(DecodeError::NoLocalOnSharedSubscription);
    }
    Ok(options)
}
