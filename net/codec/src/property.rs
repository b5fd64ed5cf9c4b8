//! The 27 properties of v5, one by one: identifier, data type, range, and the packets that may
//! carry them. [v5 2.2.2.2]
//!
//! [`crate::Properties`] is the list of them that a packet carries. Nothing here knows which
//! property was seen before.

use crate::read::Reader;
use crate::{DecodeError, Field, PacketType, write};

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Property<'a> {
    PayloadFormatIndicator(bool),
    MessageExpirySecs(u32),
    ContentType(&'a str),
    ResponseTopic(&'a str),
    CorrelationData(&'a [u8]),
    SubscriptionIdentifier(u32),
    SessionExpirySecs(u32),
    AssignedClientIdentifier(&'a str),
    ServerKeepAliveSecs(u16),
    AuthenticationMethod(&'a str),
    AuthenticationData(&'a [u8]),
    RequestProblemInformation(bool),
    WillDelaySecs(u32),
    RequestResponseInformation(bool),
    ResponseInformation(&'a str),
    ServerReference(&'a str),
    ReasonString(&'a str),
    ReceiveMaximum(u16),
    TopicAliasMaximum(u16),
    TopicAlias(u16),
    MaximumQos(bool),
    RetainAvailable(bool),
    UserProperty(&'a str, &'a str),
    MaximumPacketSize(u32),
    WildcardSubscriptionAvailable(bool),
    SubscriptionIdentifiersAvailable(bool),
    SharedSubscriptionAvailable(bool),
}

/// Identifiers of the properties that some rule names.
pub(crate) mod id {
    pub(crate) const SUBSCRIPTION_IDENTIFIER: u8 = 0x0B;
    pub(crate) const AUTHENTICATION_METHOD: u8 = 0x15;
    pub(crate) const AUTHENTICATION_DATA: u8 = 0x16;
    pub(crate) const USER_PROPERTY: u8 = 0x26;
}

/// Who carries properties: a packet, or the will inside a CONNECT, which has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Packet(PacketType),
    Will,
}

impl Carrier {
    /// The carrier's bit in [`carriers_of`].
    const fn bit(self) -> u16 {
        match self {
            Carrier::Packet(packet_type) => 1 << packet_type as u16,
            Carrier::Will => WILL,
        }
    }

    /// Whether it may carry the property; `None` where v5 assigns no property to the identifier.
    pub(crate) const fn may_carry(self, id: u8) -> Option<bool> {
        match carriers_of(id) {
            0 => None,
            carriers => Some(carriers & self.bit() != 0),
        }
    }
}

const CONNECT: u16 = Carrier::Packet(PacketType::Connect).bit();
const CONNACK: u16 = Carrier::Packet(PacketType::ConnAck).bit();
const PUBLISH: u16 = Carrier::Packet(PacketType::Publish).bit();
const SUBSCRIBE: u16 = Carrier::Packet(PacketType::Subscribe).bit();
const DISCONNECT: u16 = Carrier::Packet(PacketType::Disconnect).bit();
const AUTH: u16 = Carrier::Packet(PacketType::Auth).bit();
const UNSUBSCRIBE: u16 = Carrier::Packet(PacketType::Unsubscribe).bit();
const ACKS: u16 = Carrier::Packet(PacketType::PubAck).bit()
    | Carrier::Packet(PacketType::PubRec).bit()
    | Carrier::Packet(PacketType::PubRel).bit()
    | Carrier::Packet(PacketType::PubComp).bit()
    | Carrier::Packet(PacketType::SubAck).bit()
    | Carrier::Packet(PacketType::UnsubAck).bit();
/// Packet type 0 does not exist, so its bit stands for the will.
const WILL: u16 = 1 << 0;

/// The packets that may carry a property, one bit per packet type; none for an unknown identifier.
const fn carriers_of(id: u8) -> u16 {
    match id {
        0x01 | 0x02 | 0x03 | 0x08 | 0x09 => PUBLISH | WILL,
        0x0B => PUBLISH | SUBSCRIBE,
        0x11 => CONNECT | CONNACK | DISCONNECT,
        0x12 | 0x13 | 0x1A => CONNACK,
        0x15 | 0x16 => CONNECT | CONNACK | AUTH,
        0x17 | 0x19 => CONNECT,
        0x18 => WILL,
        0x1C => CONNACK | DISCONNECT,
        0x1F => CONNACK | ACKS | DISCONNECT | AUTH,
        0x21 | 0x22 | 0x27 => CONNECT | CONNACK,
        0x23 => PUBLISH,
        0x24 | 0x25 | 0x28 | 0x29 | 0x2A => CONNACK,
        0x26 => {
            WILL | CONNECT | CONNACK | PUBLISH | ACKS | SUBSCRIBE | UNSUBSCRIBE | DISCONNECT | AUTH
        }
        _ => 0,
    }
}

/// The name the specification gives the property with this identifier.
pub(crate) const fn property_name(id: u8) -> &'static str {
    match id {
        0x01 => "Payload Format Indicator",
        0x02 => "Message Expiry Interval",
        0x03 => "Content Type",
        0x08 => "Response Topic",
        0x09 => "Correlation Data",
        0x0B => "Subscription Identifier",
        0x11 => "Session Expiry Interval",
        0x12 => "Assigned Client Identifier",
        0x13 => "Server Keep Alive",
        0x15 => "Authentication Method",
        0x16 => "Authentication Data",
        0x17 => "Request Problem Information",
        0x18 => "Will Delay Interval",
        0x19 => "Request Response Information",
        0x1A => "Response Information",
        0x1C => "Server Reference",
        0x1F => "Reason String",
        0x21 => "Receive Maximum",
        0x22 => "Topic Alias Maximum",
        0x23 => "Topic Alias",
        0x24 => "Maximum QoS",
        0x25 => "Retain Available",
        0x26 => "User Property",
        0x27 => "Maximum Packet Size",
        0x28 => "Wildcard Subscription Available",
        0x29 => "Subscription Identifier Available",
        0x2A => "Shared Subscription Available",
        _ => "(unknown)",
    }
}

impl<'a> Property<'a> {
    /// Reads identifier and value, and checks the value's range.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Property<'a>, DecodeError> {
        let id = reader.byte(Field::Properties)?;
        let field = Field::Property(id);
        Ok(match id {
            0x01 => Property::PayloadFormatIndicator(read_bool(reader, id)?),
            0x02 => Property::MessageExpirySecs(reader.four_byte_integer(field)?),
            0x03 => Property::ContentType(reader.text(field)?),
            // It is a topic name. [v5 MQTT-3.3.2-13] [v5 MQTT-3.3.2-14]
            0x08 => Property::ResponseTopic(reader.topic_name(field)?.as_str()),
            0x09 => Property::CorrelationData(reader.binary(field)?),
            0x0B => match reader.variable_byte_integer(field)? {
                0 => return Err(DecodeError::PropertyValue(id)),
                identifier => Property::SubscriptionIdentifier(identifier),
            },
            0x11 => Property::SessionExpirySecs(reader.four_byte_integer(field)?),
            0x12 => Property::AssignedClientIdentifier(reader.text(field)?),
            0x13 => Property::ServerKeepAliveSecs(reader.two_byte_integer(field)?),
            0x15 => Property::AuthenticationMethod(reader.text(field)?),
            0x16 => Property::AuthenticationData(reader.binary(field)?),
            0x17 => Property::RequestProblemInformation(read_bool(reader, id)?),
            0x18 => Property::WillDelaySecs(reader.four_byte_integer(field)?),
            0x19 => Property::RequestResponseInformation(read_bool(reader, id)?),
            0x1A => Property::ResponseInformation(reader.text(field)?),
            0x1C => Property::ServerReference(reader.text(field)?),
            0x1F => Property::ReasonString(reader.text(field)?),
            0x21 => match reader.two_byte_integer(field)? {
                0 => return Err(DecodeError::PropertyValue(id)),
                maximum => Property::ReceiveMaximum(maximum),
            },
            0x22 => Property::TopicAliasMaximum(reader.two_byte_integer(field)?),
            0x23 => match reader.two_byte_integer(field)? {
                0 => return Err(DecodeError::TopicAliasZero),
                alias => Property::TopicAlias(alias),
            },
            0x24 => Property::MaximumQos(read_bool(reader, id)?),
            0x25 => Property::RetainAvailable(read_bool(reader, id)?),
            0x26 => Property::UserProperty(reader.text(field)?, reader.text(field)?),
            0x27 => match reader.four_byte_integer(field)? {
                0 => return Err(DecodeError::PropertyValue(id)),
                maximum => Property::MaximumPacketSize(maximum),
            },
            0x28 => Property::WildcardSubscriptionAvailable(read_bool(reader, id)?),
            0x29 => Property::SubscriptionIdentifiersAvailable(read_bool(reader, id)?),
            0x2A => Property::SharedSubscriptionAvailable(read_bool(reader, id)?),
            _ => return Err(DecodeError::PropertyUnknown(id)),
        })
    }

    /// The identifier on the wire.
    pub(crate) const fn id(&self) -> u8 {
        match self {
            Property::PayloadFormatIndicator(_) => 0x01,
            Property::MessageExpirySecs(_) => 0x02,
            Property::ContentType(_) => 0x03,
            Property::ResponseTopic(_) => 0x08,
            Property::CorrelationData(_) => 0x09,
            Property::SubscriptionIdentifier(_) => 0x0B,
            Property::SessionExpirySecs(_) => 0x11,
            Property::AssignedClientIdentifier(_) => 0x12,
            Property::ServerKeepAliveSecs(_) => 0x13,
            Property::AuthenticationMethod(_) => 0x15,
            Property::AuthenticationData(_) => 0x16,
            Property::RequestProblemInformation(_) => 0x17,
            Property::WillDelaySecs(_) => 0x18,
            Property::RequestResponseInformation(_) => 0x19,
            Property::ResponseInformation(_) => 0x1A,
            Property::ServerReference(_) => 0x1C,
            Property::ReasonString(_) => 0x1F,
            Property::ReceiveMaximum(_) => 0x21,
            Property::TopicAliasMaximum(_) => 0x22,
            Property::TopicAlias(_) => 0x23,
            Property::MaximumQos(_) => 0x24,
            Property::RetainAvailable(_) => 0x25,
            Property::UserProperty(..) => 0x26,
            Property::MaximumPacketSize(_) => 0x27,
            Property::WildcardSubscriptionAvailable(_) => 0x28,
            Property::SubscriptionIdentifiersAvailable(_) => 0x29,
            Property::SharedSubscriptionAvailable(_) => 0x2A,
        }
    }

    /// Appends identifier and value.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.push(self.id());
        match self {
            Property::PayloadFormatIndicator(value)
            | Property::RequestProblemInformation(value)
            | Property::RequestResponseInformation(value)
            | Property::MaximumQos(value)
            | Property::RetainAvailable(value)
            | Property::WildcardSubscriptionAvailable(value)
            | Property::SubscriptionIdentifiersAvailable(value)
            | Property::SharedSubscriptionAvailable(value) => out.push(u8::from(value)),
            Property::ServerKeepAliveSecs(value)
            | Property::ReceiveMaximum(value)
            | Property::TopicAliasMaximum(value)
            | Property::TopicAlias(value) => write::two_byte_integer(value, out),
            Property::MessageExpirySecs(value)
            | Property::SessionExpirySecs(value)
            | Property::WillDelaySecs(value)
            | Property::MaximumPacketSize(value) => write::four_byte_integer(value, out),
            Property::SubscriptionIdentifier(value) => {
                write::variable_byte_integer(value as usize, out);
            }
            Property::CorrelationData(data) | Property::AuthenticationData(data) => {
                write::binary(data, out);
            }
            Property::ContentType(text)
            | Property::ResponseTopic(text)
            | Property::AssignedClientIdentifier(text)
            | Property::AuthenticationMethod(text)
            | Property::ResponseInformation(text)
            | Property::ServerReference(text)
            | Property::ReasonString(text) => write::text(text, out),
            Property::UserProperty(name, value) => {
                write::text(name, out);
                write::text(value, out);
            }
        }
    }
}

/// A byte that means yes or no; any other value is a Protocol Error.
fn read_bool(reader: &mut Reader<'_>, id: u8) -> Result<bool, DecodeError> {
    match reader.byte(Field::Property(id))? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::PropertyValue(id)),
    }
}
