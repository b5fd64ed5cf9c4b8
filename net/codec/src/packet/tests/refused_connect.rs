//! Refused CONNECT packets.

use super::{ALL, check_refused};
use crate::DecodeError as E;
use crate::Field as F;
use crate::PacketType as T;
use crate::ReasonCode::{
    MalformedPacket, ProtocolError, TopicNameInvalid, UnsupportedProtocolVersion,
};

/// [v3.1.1 MQTT-3.1.2-1] [v5 MQTT-3.1.2-1]
#[test]
#[rustfmt::skip]
fn protocol_name_and_level() {
    let unsupported = UnsupportedProtocolVersion;
    check_refused(&[
        (ALL, "10 00", E::Truncated(F::ProtocolName), MalformedPacket),
        (ALL, "10 [0004 'MQT']", E::Truncated(F::ProtocolName), MalformedPacket),
        (ALL, "10 [<MQTT>]", E::Truncated(F::ProtocolLevel), MalformedPacket),
        (ALL, "10 [<> 04 02 003C <ab>]", E::ProtocolName, unsupported),
        (ALL, "10 [<mqtt> 04 02 003C <ab>]", E::ProtocolName, unsupported),
        (ALL, "10 [<MQTT > 04 02 003C <ab>]", E::ProtocolName, unsupported),
        (ALL, "10 [<HTTP> 04 02 003C <ab>]", E::ProtocolName, unsupported),
        (ALL, "10 [0004 FFFFFFFF 04 02 003C <ab>]", E::ProtocolName, unsupported),
        (ALL, "10 [<MQTT> 00 02 003C <ab>]", E::ProtocolLevel(0), unsupported),
        (ALL, "10 [<MQTT> 03 02 003C <ab>]", E::ProtocolLevel(3), unsupported),
        (ALL, "10 [<MQTT> 06 02 003C 00 <ab>]", E::ProtocolLevel(6), unsupported),
        (ALL, "10 [<MQTT> 84 02 003C <ab>]", E::ProtocolLevel(0x84), unsupported),
        (ALL, "10 [<MQIsdp> 04 02 003C <ab>]", E::ProtocolLevel(4), unsupported),
        (ALL, "10 [<MQIsdp> 05 02 003C 00 <ab>]", E::ProtocolLevel(5), unsupported),
        // The level is refused before anything behind it is looked at.
        (ALL, "10 [<MQTT> 06]", E::ProtocolLevel(6), unsupported),
        (ALL, "10 8F00 <MQTT> 05 02 003C 00 <ab>", E::RemainingLengthNotMinimal, MalformedPacket),
    ]);
}

/// [v3.1.1 MQTT-3.1.2-3] [v3.1.1 MQTT-3.1.2-13] [v3.1.1 MQTT-3.1.2-14] [v3.1.1 MQTT-3.1.2-15]
/// [v3.1.1 MQTT-3.1.2-22] [v5 MQTT-3.1.2-3] [v5 MQTT-3.1.2-12] [v5 MQTT-3.1.2-13]
#[test]
#[rustfmt::skip]
fn connect_flags() {
    let will = E::WillFlagsWithoutWill;
    check_refused(&[
        (ALL, "10 [<MQTT> 04]", E::Truncated(F::ConnectFlags), MalformedPacket),
        (ALL, "10 [<MQTT> 04 03 003C <ab>]", E::ConnectFlagReserved, MalformedPacket),
        (ALL, "10 [<MQTT> 05 01 003C [] <ab>]", E::ConnectFlagReserved, MalformedPacket),
        (ALL, "10 [<MQTT> 04 1E 003C <ab> <w> <x>]", E::WillQos3, MalformedPacket),
        (ALL, "10 [<MQTT> 05 1E 003C [] <ab> [] <w> <x>]", E::WillQos3, MalformedPacket),
        (ALL, "10 [<MQIsdp> 03 1E 003C <ab> <w> <x>]", E::WillQos3, MalformedPacket),
        (ALL, "10 [<MQTT> 04 0A 003C <ab>]", will, MalformedPacket),
        (ALL, "10 [<MQTT> 04 12 003C <ab>]", will, MalformedPacket),
        (ALL, "10 [<MQTT> 04 22 003C <ab>]", will, MalformedPacket),
        (ALL, "10 [<MQTT> 05 22 003C [] <ab>]", will, MalformedPacket),
        (ALL, "10 [<MQTT> 04 42 003C <ab> <p>]", E::PasswordWithoutUserName, ProtocolError),
        (ALL, "10 [<MQIsdp> 03 42 003C <ab> <p>]", E::PasswordWithoutUserName, ProtocolError),
    ]);
}

/// [v3.1.1 MQTT-3.1.2-19] [v3.1.1 MQTT-3.1.2-21] [v3.1.1 MQTT-3.1.3-3] [v3.1.1 MQTT-3.1.3-4]
/// [v3.1.1 MQTT-3.1.3-11] [v5 MQTT-3.1.3-3] [v5 MQTT-3.1.4-1]
#[test]
#[rustfmt::skip]
fn fields() {
    let [keep_alive, client_id] = [F::KeepAlive, F::ClientIdentifier].map(E::Truncated);
    check_refused(&[
        (ALL, "10 [<MQTT> 04 02 00]", keep_alive, MalformedPacket),
        (ALL, "10 [<MQTT> 04 02 003C]", client_id, MalformedPacket),
        (ALL, "10 [<MQTT> 04 02 003C 0003 'ab']", client_id, MalformedPacket),
        (ALL, "10 [<MQIsdp> 03 02 003C]", client_id, MalformedPacket),
        (ALL, "10 [<MQTT> 05 02 003C]", E::Truncated(F::Properties), MalformedPacket),
        (ALL, "10 [<MQTT> 05 02 003C []]", client_id, MalformedPacket),
        (ALL, "10 [<MQTT> 04 02 003C 0001 FF]", E::NotUtf8(F::ClientIdentifier), MalformedPacket),
        (ALL, "10 [<MQTT> 04 02 003C 0001 00]", E::NulInText(F::ClientIdentifier), MalformedPacket),
        (ALL, "10 [<MQTT> 04 02 003C <ab> 00]", E::TrailingBytes(T::Connect), MalformedPacket),
        (ALL, "10 [<MQTT> 05 02 003C [] <ab> 00]", E::TrailingBytes(T::Connect), MalformedPacket),
        (ALL, "10 [<MQIsdp> 03 02 003C <ab> 00]", E::TrailingBytes(T::Connect), MalformedPacket),
        (ALL, "10 [<MQTT> 04 82 003C <ab>]", E::Truncated(F::UserName), MalformedPacket),
        (ALL, "10 [<MQIsdp> 03 82 003C <ab> 00]", E::Truncated(F::UserName), MalformedPacket),
        (ALL, "10 [<MQTT> 04 82 003C <ab> 0001 FF]", E::NotUtf8(F::UserName), MalformedPacket),
        (ALL, "10 [<MQTT> 04 82 003C <ab> 0001 00]", E::NulInText(F::UserName), MalformedPacket),
        (ALL, "10 [<MQTT> 04 C2 003C <ab> <u>]", E::Truncated(F::Password), MalformedPacket),
        (ALL, "10 [<MQTT> 04 C2 003C <ab> <u> 0002 'p']", E::Truncated(F::Password), MalformedPacket),
    ]);
}

/// [v3.1.1 MQTT-3.1.3-10]
#[test]
#[rustfmt::skip]
fn will() {
    let topic = F::WillTopic;
    check_refused(&[
        (ALL, "10 [<MQTT> 04 06 003C <ab>]", E::Truncated(topic), MalformedPacket),
        (ALL, "10 [<MQTT> 04 06 003C <ab> <w>]", E::Truncated(F::WillPayload), MalformedPacket),
        (ALL, "10 [<MQTT> 04 06 003C <ab> <> <x>]", E::TopicName(topic), TopicNameInvalid),
        (ALL, "10 [<MQTT> 04 06 003C <ab> <w/#> <x>]", E::TopicName(topic), TopicNameInvalid),
        (ALL, "10 [<MQTT> 04 06 003C <ab> 0001 FF <x>]", E::NotUtf8(topic), MalformedPacket),
        (ALL, "10 [<MQTT> 04 06 003C <ab> 0001 00 <x>]", E::NulInText(topic), MalformedPacket),
        (ALL, "10 [<MQTT> 05 06 003C [] <ab> [] <> <x>]", E::TopicName(topic), TopicNameInvalid),
        // 3.1 does not let the fields of a will be missing.
        (ALL, "10 [<MQIsdp> 03 06 003C <ab>]", E::Truncated(topic), MalformedPacket),
    ]);
}
