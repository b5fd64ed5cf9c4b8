//! Refused packets, except CONNECT and what is wrong with properties.

use super::{ALL, SINCE_V311, V3, V5, V311, check_refused};
use crate::DecodeError as E;
use crate::Field as F;
use crate::PacketType as T;
use crate::ReasonCode::{MalformedPacket, ProtocolError, TopicFilterInvalid, TopicNameInvalid};

/// [v3.1.1 MQTT-2.2.2-1] [v3.1.1 MQTT-3.3.1-4] [v3.1.1 MQTT-3.6.1-1] [v3.1.1 MQTT-3.8.1-1]
/// [v3.1.1 MQTT-3.10.1-1] [v3.1.1 MQTT-3.14.1-1] [v5 MQTT-1.5.5-1] [v5 MQTT-2.1.3-1]
/// [v5 MQTT-3.3.1-4] [v5 MQTT-3.6.1-1] [v5 MQTT-3.8.1-1] [v5 MQTT-3.10.1-1] [v5 MQTT-3.14.1-1]
/// [v5 MQTT-3.15.1-1]
#[test]
#[rustfmt::skip]
fn fixed_header() {
    check_refused(&[
        (ALL, "00 00", E::ReservedPacketType, MalformedPacket),
        (ALL, "0F 00", E::ReservedPacketType, MalformedPacket),
        (ALL, "11 00", E::FixedHeaderFlags(T::Connect), MalformedPacket),
        (ALL, "18 00", E::FixedHeaderFlags(T::Connect), MalformedPacket),
        (ALL, "21 [00 00]", E::FixedHeaderFlags(T::ConnAck), MalformedPacket),
        (ALL, "36 [<a> 0001]", E::PublishQos3, MalformedPacket),
        (ALL, "3F [<a> 0001]", E::PublishQos3, MalformedPacket),
        (ALL, "42 [0001]", E::FixedHeaderFlags(T::PubAck), MalformedPacket),
        (ALL, "48 [0001]", E::FixedHeaderFlags(T::PubAck), MalformedPacket),
        (ALL, "52 [0001]", E::FixedHeaderFlags(T::PubRec), MalformedPacket),
        (ALL, "60 [0001]", E::FixedHeaderFlags(T::PubRel), MalformedPacket),
        (ALL, "63 [0001]", E::FixedHeaderFlags(T::PubRel), MalformedPacket),
        (ALL, "66 [0001]", E::FixedHeaderFlags(T::PubRel), MalformedPacket),
        (SINCE_V311, "6A [0001]", E::FixedHeaderFlags(T::PubRel), MalformedPacket),
        (ALL, "72 [0001]", E::FixedHeaderFlags(T::PubComp), MalformedPacket),
        (ALL, "80 [0001 <a> 00]", E::FixedHeaderFlags(T::Subscribe), MalformedPacket),
        (ALL, "84 [0001 <a> 00]", E::FixedHeaderFlags(T::Subscribe), MalformedPacket),
        (SINCE_V311, "8A [0001 <a> 00]", E::FixedHeaderFlags(T::Subscribe), MalformedPacket),
        (ALL, "92 [0001 00]", E::FixedHeaderFlags(T::SubAck), MalformedPacket),
        (ALL, "A0 [0001 <a>]", E::FixedHeaderFlags(T::Unsubscribe), MalformedPacket),
        (SINCE_V311, "AA [0001 <a>]", E::FixedHeaderFlags(T::Unsubscribe), MalformedPacket),
        (ALL, "B1 [0001]", E::FixedHeaderFlags(T::UnsubAck), MalformedPacket),
        (ALL, "C1 00", E::FixedHeaderFlags(T::PingReq), MalformedPacket),
        (ALL, "D8 00", E::FixedHeaderFlags(T::PingResp), MalformedPacket),
        (ALL, "E1 00", E::FixedHeaderFlags(T::Disconnect), MalformedPacket),
        (ALL, "F2 00", E::FixedHeaderFlags(T::Auth), MalformedPacket),
        (V3, "F0 00", E::PacketTypeNotInVersion(T::Auth), ProtocolError),
        (ALL, "30 FFFFFFFF", E::RemainingLength, MalformedPacket),
        (ALL, "30 80808080 00", E::RemainingLength, MalformedPacket),
        (V5, "C0 8000", E::RemainingLengthNotMinimal, MalformedPacket),
        (V5, "30 84808000 <a> 00", E::RemainingLengthNotMinimal, MalformedPacket),
    ]);
}

/// [v3.1.1 MQTT-3.2.2-4] [v5 MQTT-3.2.2-1] [v5 MQTT-3.2.2-6] [v5 MQTT-3.2.2-8]
#[test]
#[rustfmt::skip]
fn connack() {
    let code = |code| E::ReasonCode(T::ConnAck, code);
    check_refused(&[
        (ALL, "20 00", E::Truncated(F::ConnAckFlags), MalformedPacket),
        (ALL, "20 [00]", E::Truncated(F::ReasonCode), MalformedPacket),
        (V5, "20 [00 00]", E::Truncated(F::Properties), MalformedPacket),
        (V3, "20 [00 00 00]", E::TrailingBytes(T::ConnAck), MalformedPacket),
        (V5, "20 [00 00 [] 00]", E::TrailingBytes(T::ConnAck), MalformedPacket),
        (V311, "20 [02 00]", E::ConnAckFlags, MalformedPacket),
        (V5, "20 [80 00 []]", E::ConnAckFlags, MalformedPacket),
        (V311, "20 [01 01]", E::SessionPresentOnRefusal, ProtocolError),
        (V5, "20 [01 87 []]", E::SessionPresentOnRefusal, ProtocolError),
        (V3, "20 [00 06]", code(0x06), ProtocolError),
        (V3, "20 [00 80]", code(0x80), ProtocolError),
        (V5, "20 [00 01 []]", code(0x01), ProtocolError),
        (V5, "20 [00 8B []]", code(0x8B), ProtocolError),
        (V5, "20 [00 FF []]", code(0xFF), ProtocolError),
    ]);
}

/// [v3.1.1 MQTT-1.5.3-1] [v3.1.1 MQTT-1.5.3-2] [v3.1.1 MQTT-3.3.1-2] [v3.1.1 MQTT-3.3.2-1]
/// [v3.1.1 MQTT-3.3.2-2] [v5 MQTT-1.5.4-1] [v5 MQTT-1.5.4-2] [v5 MQTT-3.3.1-2] [v5 MQTT-3.3.2-1]
/// [v5 MQTT-3.3.2-2]
#[test]
#[rustfmt::skip]
fn publish() {
    let name = F::TopicName;
    check_refused(&[
        (ALL, "30 00", E::Truncated(name), MalformedPacket),
        (ALL, "30 [00]", E::Truncated(name), MalformedPacket),
        (ALL, "30 [0002 'a']", E::Truncated(name), MalformedPacket),
        (ALL, "30 [FFFF 'a']", E::Truncated(name), MalformedPacket),
        (ALL, "32 [<a>]", E::Truncated(F::PacketIdentifier), MalformedPacket),
        (ALL, "32 [<a> 00]", E::Truncated(F::PacketIdentifier), MalformedPacket),
        (ALL, "32 [<a> 0000 00]", E::PacketIdentifierZero, ProtocolError),
        (ALL, "34 [<a> 0000 00]", E::PacketIdentifierZero, ProtocolError),
        (V5, "30 [<a>]", E::Truncated(F::Properties), MalformedPacket),
        (V5, "30 [<a> 01]", E::Truncated(F::Properties), MalformedPacket),
        (SINCE_V311, "38 [<a> 00]", E::DupWithQos0, ProtocolError),
        (SINCE_V311, "39 [<a> 00]", E::DupWithQos0, ProtocolError),
        (V3, "30 [<>]", E::TopicName(name), TopicNameInvalid),
        (V5, "30 [<> []]", E::TopicMissing, ProtocolError),
        (V5, "30 [<> [02 00000001] 'x']", E::TopicMissing, ProtocolError),
        (ALL, "30 [<#> 00]", E::TopicName(name), TopicNameInvalid),
        (ALL, "30 [<a/+> 00]", E::TopicName(name), TopicNameInvalid),
        (ALL, "30 [<a+> 00]", E::TopicName(name), TopicNameInvalid),
        (ALL, "30 [0001 00 00]", E::NulInText(name), MalformedPacket),
        (ALL, "30 [0003 'a' 00 'b' 00]", E::NulInText(name), MalformedPacket),
        (ALL, "30 [0001 80 00]", E::NotUtf8(name), MalformedPacket),
        (ALL, "30 [0001 FF 00]", E::NotUtf8(name), MalformedPacket),
        // A surrogate, an overlong form, a code point beyond the last, a cut sequence.
        (ALL, "30 [0003 EDA080 00]", E::NotUtf8(name), MalformedPacket),
        (ALL, "30 [0002 C080 00]", E::NotUtf8(name), MalformedPacket),
        (ALL, "30 [0004 F4908080 00]", E::NotUtf8(name), MalformedPacket),
        (ALL, "30 [0002 E697 A5 00]", E::NotUtf8(name), MalformedPacket),
    ]);
}

/// [v5 MQTT-3.4.2-1] [v5 MQTT-3.5.2-1] [v5 MQTT-3.6.2-1] [v5 MQTT-3.7.2-1]
#[test]
#[rustfmt::skip]
fn acks() {
    let code = |packet_type, code| E::ReasonCode(packet_type, code);
    check_refused(&[
        (ALL, "40 00", E::Truncated(F::PacketIdentifier), MalformedPacket),
        (ALL, "40 [00]", E::Truncated(F::PacketIdentifier), MalformedPacket),
        (ALL, "40 [0000]", E::PacketIdentifierZero, ProtocolError),
        (ALL, "50 [0000]", E::PacketIdentifierZero, ProtocolError),
        (ALL, "62 [0000]", E::PacketIdentifierZero, ProtocolError),
        (ALL, "70 [0000]", E::PacketIdentifierZero, ProtocolError),
        (V3, "40 [0001 00]", E::TrailingBytes(T::PubAck), MalformedPacket),
        (V3, "50 [0001 00]", E::TrailingBytes(T::PubRec), MalformedPacket),
        (V3, "62 [0001 00 00]", E::TrailingBytes(T::PubRel), MalformedPacket),
        (V3, "70 [0001 00]", E::TrailingBytes(T::PubComp), MalformedPacket),
        (V5, "40 [0001 00 [] 00]", E::TrailingBytes(T::PubAck), MalformedPacket),
        (V5, "40 [0001 01]", code(T::PubAck, 0x01), ProtocolError),
        (V5, "40 [0001 92]", code(T::PubAck, 0x92), ProtocolError),
        (V5, "50 [0001 8F]", code(T::PubRec, 0x8F), ProtocolError),
        (V5, "62 [0001 10]", code(T::PubRel, 0x10), ProtocolError),
        (V5, "62 [0001 80]", code(T::PubRel, 0x80), ProtocolError),
        (V5, "70 [0001 97]", code(T::PubComp, 0x97), ProtocolError),
        (V5, "40 [0001 00 01]", E::Truncated(F::Properties), MalformedPacket),
    ]);
}

/// [v3.1.1 MQTT-2.3.1-1] [v3.1.1 MQTT-3.8.3-1] [v3.1.1 MQTT-3.8.3-3] [v3.1.1 MQTT-3.8.3-4]
/// [v5 MQTT-3.8.3-1] [v5 MQTT-3.8.3-2] [v5 MQTT-3.8.3-4] [v5 MQTT-3.8.3-5] [v5 MQTT-4.8.2-1]
/// [v5 MQTT-4.8.2-2]
#[test]
#[rustfmt::skip]
fn subscribe() {
    let options = E::Truncated(F::SubscriptionOptions);
    check_refused(&[
        (ALL, "82 00", E::Truncated(F::PacketIdentifier), MalformedPacket),
        (ALL, "82 [0000 00 <a> 00]", E::PacketIdentifierZero, ProtocolError),
        (V3, "82 [0001]", E::NoTopicFilter(T::Subscribe), ProtocolError),
        (V5, "82 [0001]", E::Truncated(F::Properties), MalformedPacket),
        (V5, "82 [0001 []]", E::NoTopicFilter(T::Subscribe), ProtocolError),
        (V3, "82 [0001 <a>]", options, MalformedPacket),
        (V5, "82 [0001 [] <a>]", options, MalformedPacket),
        (V3, "82 [0001 <a> 00 00]", E::Truncated(F::TopicFilter), MalformedPacket),
        (V3, "82 [0001 0002 'a']", E::Truncated(F::TopicFilter), MalformedPacket),
        (V3, "82 [0001 <> 00]", E::TopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <> 00]", E::TopicFilter, TopicFilterInvalid),
        (V3, "82 [0001 <a#> 00]", E::TopicFilter, TopicFilterInvalid),
        (V3, "82 [0001 <#/a> 00]", E::TopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <a> 00 <a+/b> 00]", E::TopicFilter, TopicFilterInvalid),
        (V3, "82 [0001 0001 00 00]", E::NulInText(F::TopicFilter), MalformedPacket),
        (V3, "82 [0001 0001 C0 00]", E::NotUtf8(F::TopicFilter), MalformedPacket),
        (V3, "82 [0001 <a> 03]", E::SubscriptionQos3, ProtocolError),
        (V5, "82 [0001 [] <a> 03]", E::SubscriptionQos3, ProtocolError),
        (V3, "82 [0001 <a> 04]", E::SubscriptionOptionsReserved, MalformedPacket),
        (V3, "82 [0001 <a> 80]", E::SubscriptionOptionsReserved, MalformedPacket),
        (V5, "82 [0001 [] <a> 40]", E::SubscriptionOptionsReserved, MalformedPacket),
        (V5, "82 [0001 [] <a> 80]", E::SubscriptionOptionsReserved, MalformedPacket),
        (V5, "82 [0001 [] <a> 30]", E::RetainHandling3, ProtocolError),
        (V5, "82 [0001 [] <$share/g/a> 04]", E::NoLocalOnSharedSubscription, ProtocolError),
        (V5, "82 [0001 [] <$share/> 00]", E::SharedTopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <$share/g> 00]", E::SharedTopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <$share/g/> 00]", E::SharedTopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <$share//a> 00]", E::SharedTopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <$share/+/a> 00]", E::SharedTopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <$share/#> 00]", E::SharedTopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <$share/g/a#> 00]", E::TopicFilter, TopicFilterInvalid),
        (V5, "82 [0001 [] <$share/g+/a> 00]", E::TopicFilter, TopicFilterInvalid),
    ]);
}

#[test]
#[rustfmt::skip]
fn suback() {
    let code = |packet_type, code| E::ReasonCode(packet_type, code);
    check_refused(&[
        (ALL, "90 [00]", E::Truncated(F::PacketIdentifier), MalformedPacket),
        (ALL, "90 [0000 00 00]", E::PacketIdentifierZero, ProtocolError),
        (V3, "90 [0001]", E::NoReasonCode(T::SubAck), ProtocolError),
        (V5, "90 [0001 []]", E::NoReasonCode(T::SubAck), ProtocolError),
        (V3, "90 [0001 03]", code(T::SubAck, 0x03), ProtocolError),
        (V3, "90 [0001 00 87]", code(T::SubAck, 0x87), ProtocolError),
        (V5, "90 [0001 [] 03]", code(T::SubAck, 0x03), ProtocolError),
        (V5, "90 [0001 [] 02 11]", code(T::SubAck, 0x11), ProtocolError),
        (V3, "B0 [0001 00]", E::TrailingBytes(T::UnsubAck), MalformedPacket),
        (ALL, "B0 [0000]", E::PacketIdentifierZero, ProtocolError),
        (V5, "B0 [0001]", E::Truncated(F::Properties), MalformedPacket),
        (V5, "B0 [0001 []]", E::NoReasonCode(T::UnsubAck), ProtocolError),
        (V5, "B0 [0001 [] 01]", code(T::UnsubAck, 0x01), ProtocolError),
    ]);
}

/// [v3.1.1 MQTT-3.10.3-2] [v5 MQTT-3.10.3-1] [v5 MQTT-3.10.3-2]
#[test]
#[rustfmt::skip]
fn unsubscribe() {
    check_refused(&[
        (ALL, "A2 [0000 00 <a>]", E::PacketIdentifierZero, ProtocolError),
        (V3, "A2 [0001]", E::NoTopicFilter(T::Unsubscribe), ProtocolError),
        (V5, "A2 [0001 []]", E::NoTopicFilter(T::Unsubscribe), ProtocolError),
        (V3, "A2 [0001 <a> 00]", E::Truncated(F::TopicFilter), MalformedPacket),
        (V3, "A2 [0001 <>]", E::TopicFilter, TopicFilterInvalid),
        (V3, "A2 [0001 <a> <a/#/b>]", E::TopicFilter, TopicFilterInvalid),
        (V5, "A2 [0001 [] <$share/g>]", E::SharedTopicFilter, TopicFilterInvalid),
        (V5, "A2 [0001 [] 0001 00]", E::NulInText(F::TopicFilter), MalformedPacket),
    ]);
}

/// [v5 MQTT-3.14.2-1] [v5 MQTT-3.15.2-1]
#[test]
#[rustfmt::skip]
fn ping_disconnect_and_auth() {
    let code = |packet_type, code| E::ReasonCode(packet_type, code);
    check_refused(&[
        (ALL, "C0 [00]", E::TrailingBytes(T::PingReq), MalformedPacket),
        (ALL, "D0 [00 00]", E::TrailingBytes(T::PingResp), MalformedPacket),
        (V3, "E0 [00]", E::TrailingBytes(T::Disconnect), MalformedPacket),
        (V5, "E0 [00 [] 00]", E::TrailingBytes(T::Disconnect), MalformedPacket),
        (V5, "E0 [01]", code(T::Disconnect, 0x01), ProtocolError),
        (V5, "E0 [86]", code(T::Disconnect, 0x86), ProtocolError),
        (V5, "E0 [92]", code(T::Disconnect, 0x92), ProtocolError),
        (V5, "F0 [00]", E::Truncated(F::Properties), MalformedPacket),
        (V5, "F0 [18 []]", E::AuthenticationMethodMissing, ProtocolError),
        (V5, "F0 [00 [1F <s>]]", E::AuthenticationMethodMissing, ProtocolError),
        (V5, "F0 [80 []]", code(T::Auth, 0x80), ProtocolError),
        (V5, "F0 [18 [15 <m>] 00]", E::TrailingBytes(T::Auth), MalformedPacket),
    ]);
}
