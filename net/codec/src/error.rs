//! Why bytes are not a packet, and what the peer is owed for it.
//!
//! [`crate::frame::split`] and [`crate::Packet::decode`] return it; the connection that sent such
//! bytes must be closed. Every case names one thing that can be wrong, so that a log line needs no
//! hex dump to be understood. Nothing here depends on the state of a session.

use std::fmt;

use crate::property::property_name;
use crate::{PacketType, ReasonCode};

/// A packet that cannot be accepted. The connection that sent it must be closed;
/// [`DecodeError::reason`] is what a v5 peer is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The remaining length takes more than four bytes. [v5 MQTT-1.5.5-1]
    RemainingLength,
    /// The remaining length of a v5 packet uses more bytes than it needs. [v5 MQTT-1.5.5-1]
    RemainingLengthNotMinimal,
    /// The packet is longer than the receiver's maximum packet size. [v5 MQTT-3.1.2-24]
    PacketTooLarge,
    /// Packet type 0, in any version.
    ReservedPacketType,
    /// The packet type does not exist in the connection's version: AUTH before v5.
    PacketTypeNotInVersion(PacketType),
    /// Reserved flags of the fixed header are wrong. [v3.1.1 MQTT-2.2.2-2] [v5 MQTT-2.1.3-1]
    FixedHeaderFlags(PacketType),
    /// A PUBLISH with QoS 3. [v3.1.1 MQTT-3.3.1-4] [v5 MQTT-3.3.1-4]
    PublishQos3,
    /// A PUBLISH with QoS 0 and DUP. [v3.1.1 MQTT-3.3.1-2] [v5 MQTT-3.3.1-2]
    DupWithQos0,

    /// The body ends before the field does.
    Truncated(Field),
    /// The body goes on behind the last field.
    TrailingBytes(PacketType),
    /// The text is not well-formed UTF-8. [v3.1.1 MQTT-1.5.3-1] [v5 MQTT-1.5.4-1]
    NotUtf8(Field),
    /// The text holds U+0000. [v3.1.1 MQTT-1.5.3-2] [v5 MQTT-1.5.4-2]
    NulInText(Field),
    /// A packet identifier of zero. [v3.1.1 MQTT-2.3.1-1] [v5 MQTT-2.2.1-3]
    PacketIdentifierZero,

    /// Not the protocol name of MQTT. The server may close without a CONNACK.
    /// [v3.1.1 MQTT-3.1.2-1] [v5 MQTT-3.1.2-1]
    ProtocolName,
    /// MQTT, but of a level this crate does not speak. [v3.1.1 MQTT-3.1.2-2] [v5 MQTT-3.1.2-2]
    ProtocolLevel(u8),
    /// Bit 0 of the connect flags is set. [v3.1.1 MQTT-3.1.2-3] [v5 MQTT-3.1.2-3]
    ConnectFlagReserved,
    /// Will QoS 3. [v3.1.1 MQTT-3.1.2-14] [v5 MQTT-3.1.2-12]
    WillQos3,
    /// Will QoS or Will Retain without the Will Flag. [v3.1.1 MQTT-3.1.2-13]
    /// [v3.1.1 MQTT-3.1.2-15] [v5 MQTT-3.1.2-11] [v5 MQTT-3.1.2-13]
    WillFlagsWithoutWill,
    /// A password without a user name, before v5. [v3.1.1 MQTT-3.1.2-22]
    PasswordWithoutUserName,
    /// Reserved bits of the CONNACK flags are set. [v5 MQTT-3.2.2-1]
    ConnAckFlags,
    /// A CONNACK that refuses, with Session Present. [v3.1.1 MQTT-3.2.2-4] [v5 MQTT-3.2.2-6]
    SessionPresentOnRefusal,

    /// A topic name that is empty or holds a wildcard. [v3.1.1 MQTT-3.3.2-2] [v5 MQTT-3.3.2-2]
    TopicName(Field),
    /// A v5 PUBLISH with neither topic nor topic alias.
    TopicMissing,
    /// A topic alias of zero. [v5 MQTT-3.3.2-8]
    TopicAliasZero,
    /// A topic filter that is empty or has a wildcard where none may stand.
    /// [v3.1.1 MQTT-4.7.1-2] [v3.1.1 MQTT-4.7.1-3] [v5 MQTT-4.7.1-1] [v5 MQTT-4.7.1-2]
    TopicFilter,
    /// A v5 filter that begins with `$share/` without a share name and a filter.
    /// [v5 MQTT-4.8.2-1] [v5 MQTT-4.8.2-2]
    SharedTopicFilter,
    /// SUBSCRIBE or UNSUBSCRIBE without a topic filter. [v3.1.1 MQTT-3.8.3-3] [v5 MQTT-3.8.3-2]
    /// [v3.1.1 MQTT-3.10.3-2] [v5 MQTT-3.10.3-2]
    NoTopicFilter(PacketType),
    /// Reserved bits of the subscription options are set.
    /// [v3.1.1 MQTT-3.8.3-4] [v5 MQTT-3.8.3-5]
    SubscriptionOptionsReserved,
    /// Subscription options with QoS 3. [v3.1.1 MQTT-3.8.3-4] [v5 3.8.3.1]
    SubscriptionQos3,
    /// Subscription options with Retain Handling 3. [v5 3.8.3.1]
    RetainHandling3,
    /// No Local on a shared subscription. [v5 MQTT-3.8.3-4]
    NoLocalOnSharedSubscription,

    /// A reason code that v5 (or a return code that v3) does not have for this packet.
    ReasonCode(PacketType, u8),
    /// SUBACK or v5 UNSUBACK without a reason code. [v3.1.1 MQTT-3.8.4-5] [v5 MQTT-3.8.4-6]
    NoReasonCode(PacketType),
    /// A variable byte integer takes more than four bytes, or more than it needs.
    /// [v5 MQTT-1.5.5-1]
    VariableByteInteger(Field),
    /// A property identifier v5 does not assign. [v5 2.2.2.2]
    PropertyUnknown(u8),
    /// A property that this packet (or will) must not carry. [v5 2.2.2.2]
    PropertyNotAllowed(u8),
    /// A property twice where it may stand once. [v5 2.2.2.2]
    PropertyRepeated(u8),
    /// A property with a value outside its range.
    PropertyValue(u8),
    /// Authentication Data without an Authentication Method. [v5 3.1.2.11.10]
    AuthenticationDataWithoutMethod,
    /// An AUTH without an Authentication Method. [v5 3.15.2.2.2]
    AuthenticationMethodMissing,
}

/// The field of a packet that a [`DecodeError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
#[non_exhaustive]
pub enum Field {
    ProtocolName,
    ProtocolLevel,
    ConnectFlags,
    KeepAlive,
    ClientIdentifier,
    WillTopic,
    WillPayload,
    UserName,
    Password,
    ConnAckFlags,
    ReasonCode,
    TopicName,
    TopicFilter,
    SubscriptionOptions,
    PacketIdentifier,
    Properties,
    /// A property, by its identifier.
    Property(u8),
}

impl DecodeError {
    /// The reason code the peer is owed. [v5 4.13]
    pub const fn reason(self) -> ReasonCode {
        use DecodeError as E;
        match self {
            E::RemainingLength
            | E::RemainingLengthNotMinimal
            | E::ReservedPacketType
            | E::FixedHeaderFlags(_)
            | E::PublishQos3
            | E::Truncated(_)
            | E::TrailingBytes(_)
            | E::NotUtf8(_)
            | E::NulInText(_)
            | E::ConnectFlagReserved
            | E::WillQos3
            | E::WillFlagsWithoutWill
            | E::ConnAckFlags
            | E::SubscriptionOptionsReserved
            | E::VariableByteInteger(_)
            | E::PropertyUnknown(_)
            | E::PropertyNotAllowed(_) => ReasonCode::MalformedPacket,
            E::PacketTooLarge => ReasonCode::PacketTooLarge,
            E::ProtocolName | E::ProtocolLevel(_) => ReasonCode::UnsupportedProtocolVersion,
            E::TopicName(_) => ReasonCode::TopicNameInvalid,
            E::TopicAliasZero => ReasonCode::TopicAliasInvalid,
            E::TopicFilter | E::SharedTopicFilter => ReasonCode::TopicFilterInvalid,
            E::PacketTypeNotInVersion(_)
            | E::DupWithQos0
            | E::PacketIdentifierZero
            | E::PasswordWithoutUserName
            | E::SessionPresentOnRefusal
            | E::TopicMissing
            | E::NoTopicFilter(_)
            | E::SubscriptionQos3
            | E::RetainHandling3
            | E::NoLocalOnSharedSubscription
            | E::ReasonCode(..)
            | E::NoReasonCode(_)
            | E::PropertyRepeated(_)
            | E::PropertyValue(_)
            | E::AuthenticationDataWithoutMethod
            | E::AuthenticationMethodMissing => ReasonCode::ProtocolError,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DecodeError as E;
        match *self {
            E::RemainingLength => f.write_str("the remaining length takes more than four bytes"),
            E::RemainingLengthNotMinimal => {
                f.write_str("the remaining length takes more bytes than it needs")
            }
            E::PacketTooLarge => f.write_str("the packet is longer than the maximum packet size"),
            E::ReservedPacketType => f.write_str("packet type 0 is reserved"),
            E::PacketTypeNotInVersion(packet) => write!(f, "{packet} exists only in MQTT 5.0"),
            E::FixedHeaderFlags(packet) => write!(f, "reserved flags of {packet} are wrong"),
            E::PublishQos3 => f.write_str("PUBLISH with QoS 3"),
            E::DupWithQos0 => f.write_str("PUBLISH with DUP and QoS 0"),
            E::Truncated(field) => write!(f, "the packet ends within its {field}"),
            E::TrailingBytes(packet) => write!(f, "bytes behind the end of {packet}"),
            E::NotUtf8(field) => write!(f, "the {field} is not well-formed UTF-8"),
            E::NulInText(field) => write!(f, "the {field} holds the character U+0000"),
            E::PacketIdentifierZero => f.write_str("the packet identifier is 0"),
            E::ProtocolName => f.write_str("the protocol name is not MQTT's"),
            E::ProtocolLevel(level) => write!(f, "protocol level {level} is not supported"),
            E::ConnectFlagReserved => f.write_str("the reserved connect flag is set"),
            E::WillQos3 => f.write_str("CONNECT with will QoS 3"),
            E::WillFlagsWithoutWill => f.write_str("will QoS or will retain without a will"),
            E::PasswordWithoutUserName => f.write_str("a password without a user name"),
            E::ConnAckFlags => f.write_str("reserved flags of the CONNACK body are set"),
            E::SessionPresentOnRefusal => f.write_str("a refusing CONNACK with session present"),
            E::TopicName(field) => write!(f, "the {field} is empty or holds a wildcard"),
            E::TopicMissing => f.write_str("PUBLISH with neither topic name nor topic alias"),
            E::TopicAliasZero => f.write_str("the topic alias is 0"),
            E::TopicFilter => f.write_str("the topic filter is empty or has a misplaced wildcard"),
            E::SharedTopicFilter => {
                f.write_str("the shared topic filter is not $share/name/filter")
            }
            E::NoTopicFilter(packet) => write!(f, "{packet} without a topic filter"),
            E::SubscriptionOptionsReserved => {
                f.write_str("reserved bits of the subscription options are set")
            }
            E::SubscriptionQos3 => f.write_str("subscription options with QoS 3"),
            E::RetainHandling3 => f.write_str("subscription options with retain handling 3"),
            E::NoLocalOnSharedSubscription => f.write_str("no local on a shared subscription"),
            E::ReasonCode(packet, code) => {
                write!(f, "reason code {code:#04x} does not exist for {packet}")
            }
            E::NoReasonCode(packet) => write!(f, "{packet} without a reason code"),
            E::VariableByteInteger(field) => {
                write!(f, "the {field} holds a malformed variable byte integer")
            }
            E::PropertyUnknown(id) => write!(f, "property identifier {id:#04x} does not exist"),
            E::PropertyNotAllowed(id) => {
                write!(f, "the property {} may not stand here", property_name(id))
            }
            E::PropertyRepeated(id) => {
                write!(f, "the property {} stands there twice", property_name(id))
            }
            E::PropertyValue(id) => {
                write!(f, "the property {} is out of range", property_name(id))
            }
            E::AuthenticationDataWithoutMethod => {
                f.write_str("authentication data without an authentication method")
            }
            E::AuthenticationMethodMissing => f.write_str("AUTH without an authentication method"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Field::ProtocolName => "protocol name",
            Field::ProtocolLevel => "protocol level",
            Field::ConnectFlags => "connect flags",
            Field::KeepAlive => "keep alive",
            Field::ClientIdentifier => "client identifier",
            Field::WillTopic => "will topic",
            Field::WillPayload => "will payload",
            Field::UserName => "user name",
            Field::Password => "password",
            Field::ConnAckFlags => "connect acknowledge flags",
            Field::ReasonCode => "reason code",
            Field::TopicName => "topic name",
            Field::TopicFilter => "topic filter",
            Field::SubscriptionOptions => "subscription options",
            Field::PacketIdentifier => "packet identifier",
            Field::Properties => "properties",
            Field::Property(id) => return write!(f, "property {}", property_name(id)),
        })
    }
}
