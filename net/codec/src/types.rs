//! The small closed types of the protocol: version, QoS, packet id, packet type, options.
//!
//! Everyone who handles packets uses them. They hold no state and no invalid value.

use std::fmt;
use std::num::NonZeroU16;

use crate::DecodeError;

/// The protocol version a connection speaks, settled by its CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Version {
    /// MQTT 3.1: protocol name `MQIsdp`, level 3.
    V31 = 3,
    /// MQTT 3.1.1: protocol name `MQTT`, level 4.
    V311 = 4,
    /// MQTT 5.0: protocol name `MQTT`, level 5.
    V5 = 5,
}

impl Version {
    /// Whether packets of this version carry properties and reason codes.
    pub const fn is_v5(self) -> bool {
        matches!(self, Version::V5)
    }
}

/// Quality of service of a PUBLISH or the maximum one of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Qos {
    /// QoS 0.
    AtMostOnce = 0,
    /// QoS 1.
    AtLeastOnce = 1,
    /// QoS 2.
    ExactlyOnce = 2,
}

impl Qos {
    /// The QoS of two bits; `None` for 3, which is malformed.
    pub const fn from_bits(bits: u8) -> Option<Qos> {
        match bits {
            0 => Some(Qos::AtMostOnce),
            1 => Some(Qos::AtLeastOnce),
            2 => Some(Qos::ExactlyOnce),
            _ => None,
        }
    }
}

/// A packet identifier, never zero. [v3.1.1 MQTT-2.3.1-1] [v5 MQTT-2.2.1-3]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PacketId(NonZeroU16);

impl PacketId {
    /// The first identifier a new session hands out.
    pub const FIRST: PacketId = PacketId(NonZeroU16::MIN);

    /// `None` for zero.
    pub const fn new(id: u16) -> Option<PacketId> {
        match NonZeroU16::new(id) {
            Some(id) => Some(PacketId(id)),
            None => None,
        }
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// The identifier after this one: 65,535 is followed by 1.
    pub const fn next(self) -> PacketId {
        match NonZeroU16::new(self.0.get().wrapping_add(1)) {
            Some(id) => PacketId(id),
            None => PacketId::FIRST,
        }
    }

    /// How often [`PacketId::next`] must be taken to come from this one to `other`.
    pub const fn steps_to(self, other: PacketId) -> u16 {
        let steps = other.get().wrapping_sub(self.get());
        if other.get() < self.get() {
            // Zero is stepped over.
            steps - 1
        } else {
            steps
        }
    }
}

/// The 15 control packet types, with their number in the fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum PacketType {
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

impl PacketType {
    /// The type of the high four bits of the first byte; `None` for 0, which is reserved.
    pub const fn from_number(number: u8) -> Option<PacketType> {
        use PacketType as P;
        Some(match number {
            1 => P::Connect,
            2 => P::ConnAck,
            3 => P::Publish,
            4 => P::PubAck,
            5 => P::PubRec,
            6 => P::PubRel,
            7 => P::PubComp,
            8 => P::Subscribe,
            9 => P::SubAck,
            10 => P::Unsubscribe,
            11 => P::UnsubAck,
            12 => P::PingReq,
            13 => P::PingResp,
            14 => P::Disconnect,
            15 => P::Auth,
            _ => return None,
        })
    }

    /// The name as the specification writes it.
    pub const fn name(self) -> &'static str {
        use PacketType as P;
        match self {
            P::Connect => "CONNECT",
            P::ConnAck => "CONNACK",
            P::Publish => "PUBLISH",
            P::PubAck => "PUBACK",
            P::PubRec => "PUBREC",
            P::PubRel => "PUBREL",
            P::PubComp => "PUBCOMP",
            P::Subscribe => "SUBSCRIBE",
            P::SubAck => "SUBACK",
            P::Unsubscribe => "UNSUBSCRIBE",
            P::UnsubAck => "UNSUBACK",
            P::PingReq => "PINGREQ",
            P::PingResp => "PINGRESP",
            P::Disconnect => "DISCONNECT",
            P::Auth => "AUTH",
        }
    }

    /// The first byte of a packet of this type: for PUBLISH without its flags, for all others
    /// with the flags that are fixed. [v3.1.1 2.2.2] [v5 2.1.3]
    pub(crate) const fn first_byte(self) -> u8 {
        let flags = match self {
            PacketType::PubRel | PacketType::Subscribe | PacketType::Unsubscribe => 0b0010,
            _ => 0,
        };
        (self as u8) << 4 | flags
    }
}

impl fmt::Display for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a v5 subscription wants of retained messages when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RetainHandling {
    /// 0: send them at every SUBSCRIBE. What v3 does.
    Send = 0,
    /// 1: send them only when the subscription did not exist.
    SendIfNew = 1,
    /// 2: never send them.
    DoNotSend = 2,
}

/// Subscription options byte; v3 has only the QoS. [v5 3.8.3.1]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubscriptionOptions {
    /// The maximum QoS at which messages are sent.
    pub qos: Qos,
    /// Do not send a client its own publishes.
    pub no_local: bool,
    /// Keep the retain flag as the publisher set it.
    pub retain_as_published: bool,
    /// What to do with retained messages at subscribe.
    pub retain_handling: RetainHandling,
}

impl SubscriptionOptions {
    /// The options of a v3 subscription.
    pub const fn v3(qos: Qos) -> SubscriptionOptions {
        SubscriptionOptions {
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Send,
        }
    }

    /// Reads the options byte of a v5 SUBSCRIBE. [v5 MQTT-3.8.3-5]
    pub(crate) const fn from_byte(byte: u8) -> Result<SubscriptionOptions, DecodeError> {
        if byte & 0b1100_0000 != 0 {
            return Err(DecodeError::SubscriptionOptionsReserved);
        }
        let Some(qos) = Qos::from_bits(byte & 0b11) else {
            return Err(DecodeError::SubscriptionQos3);
        };
        let retain_handling = match byte >> 4 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(DecodeError::RetainHandling3),
        };
        let no_local = byte & 0b0100 != 0;
        let retain_as_published = byte & 0b1000 != 0;
        Ok(SubscriptionOptions {
            qos,
            no_local,
            retain_as_published,
            retain_handling,
        })
    }

    /// The options byte of a v5 SUBSCRIBE.
    pub(crate) const fn to_byte(self) -> u8 {
        self.qos as u8
            | (self.no_local as u8) << 2
            | (self.retain_as_published as u8) << 3
            | (self.retain_handling as u8) << 4
    }
}
