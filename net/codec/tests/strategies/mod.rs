//! Strategies for the fields of valid packets.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use ringmq_codec::{
    PacketId, PacketType, PropertiesBuffer, Property, Qos, ReasonCode, RetainHandling,
    SubscriptionOptions, Version,
};

pub(crate) fn version() -> impl Strategy<Value = Version> {
    select(vec![Version::V31, Version::V311, Version::V5])
}

pub(crate) fn v3_version() -> impl Strategy<Value = Version> {
    select(vec![Version::V31, Version::V311])
}

pub(crate) fn qos() -> impl Strategy<Value = Qos> {
    select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

pub(crate) fn packet_id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(|id| PacketId::new(id).unwrap())
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[^\0]{0,12}", 1 => "[a-z]{120,140}"]
}

pub(crate) fn binary() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..20)
}

pub(crate) fn topic() -> impl Strategy<Value = String> {
    prop_oneof!["[^\0+#]{1,20}", "[a-b$/]{1,8}"]
}

/// Filters with and without wildcards; those that begin with `$share/` are whole.
pub(crate) fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => "[^\0+#/$]{0,4}", 1 => Just("+".to_owned())];
    let levels = vec(level, 1..5);
    (
        levels,
        select(vec!["", "#"]),
        select(vec!["", "$share/g/", "$SYS/"]),
    )
        .prop_map(|(mut levels, end, start)| {
            if !end.is_empty() {
                levels.push(end.to_owned());
            }
            match start.to_owned() + &levels.join("/") {
                empty if empty.is_empty() || empty == "$share/g/" => empty + "x",
                filter => filter,
            }
        })
}

/// The options of a v5 subscription, and what remains of them in v3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options(SubscriptionOptions);

impl Options {
    pub(crate) fn for_version(self, version: Version) -> SubscriptionOptions {
        if version.is_v5() {
            self.0
        } else {
            SubscriptionOptions::v3(self.0.qos)
        }
    }
}

pub(crate) fn options() -> impl Strategy<Value = Options> {
    let handling = select(vec![
        RetainHandling::Send,
        RetainHandling::SendIfNew,
        RetainHandling::DoNotSend,
    ]);
    (qos(), any::<bool>(), any::<bool>(), handling).prop_map(
        |(qos, no_local, retain_as_published, retain_handling)| {
            Options(SubscriptionOptions {
                qos,
                no_local,
                retain_as_published,
                retain_handling,
            })
        },
    )
}

/// The reason codes that the tables of v5 give a packet, by hand: not the decoder's own list.
pub(crate) fn reason(packet_type: PacketType) -> impl Strategy<Value = ReasonCode> {
    let codes: &[u8] = match packet_type {
        PacketType::ConnAck => &[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90,
            0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
        ],
        PacketType::PubAck => &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        PacketType::PubComp => &[0x00, 0x92],
        PacketType::SubAck => &[
            0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2,
        ],
        PacketType::UnsubAck => &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91],
        PacketType::Disconnect => &[0x00, 0x04, 0x80, 0x8B, 0x8D, 0x8E, 0x95, 0x97, 0x98, 0xA2],
        _ => &[0x00, 0x18, 0x19],
    };
    select(codes).prop_map(|code| ReasonCode::from_byte(code).unwrap())
}

/// Some of the properties with these identifiers, in this order, with any legal value.
pub(crate) fn properties(ids: &'static [u8]) -> impl Strategy<Value = PropertiesBuffer> {
    let some = subsequence(ids, 0..=ids.len());
    let values = vec((text(), topic(), binary(), any::<u32>()), ids.len());
    (some, values).prop_map(|(ids, values)| {
        let mut buffer = PropertiesBuffer::new();
        for (id, (text, topic, data, number)) in ids.into_iter().zip(&values) {
            buffer.push(property(id, text, topic, data, *number));
        }
        buffer
    })
}

fn property<'a>(
    id: u8,
    text: &'a str,
    topic: &'a str,
    data: &'a [u8],
    number: u32,
) -> Property<'a> {
    let flag = number & 1 == 1;
    let low = number as u16;
    match id {
        0x01 => Property::PayloadFormatIndicator(flag),
        0x02 => Property::MessageExpirySecs(number),
        0x03 => Property::ContentType(text),
        0x08 => Property::ResponseTopic(topic),
        0x09 => Property::CorrelationData(data),
        0x0B => Property::SubscriptionIdentifier((number >> (4 + number % 25)).max(1)),
        0x11 => Property::SessionExpirySecs(number),
        0x12 => Property::AssignedClientIdentifier(text),
        0x13 => Property::ServerKeepAliveSecs(low),
        0x15 => Property::AuthenticationMethod(text),
        0x17 => Property::RequestProblemInformation(flag),
        0x18 => Property::WillDelaySecs(number),
        0x19 => Property::RequestResponseInformation(flag),
        0x1A => Property::ResponseInformation(text),
        0x1C => Property::ServerReference(text),
        0x1F => Property::ReasonString(text),
        0x21 => Property::ReceiveMaximum(low.max(1)),
        0x22 => Property::TopicAliasMaximum(low),
        0x23 => Property::TopicAlias(low.max(1)),
        0x24 => Property::MaximumQos(flag),
        0x25 => Property::RetainAvailable(flag),
        0x26 => Property::UserProperty(text, topic),
        0x27 => Property::MaximumPacketSize(number.max(1)),
        0x28 => Property::WildcardSubscriptionAvailable(flag),
        0x29 => Property::SubscriptionIdentifiersAvailable(flag),
        0x2A => Property::SharedSubscriptionAvailable(flag),
        _ => unreachable!("no property {id:#04x}"),
    }
}
