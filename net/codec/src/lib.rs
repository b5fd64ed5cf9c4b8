//! MQTT 3.1, 3.1.1 and 5.0 on the wire: bytes to packets and packets to bytes.
//!
//! Three layers, as the protocol has them: [`frame`] splits a byte stream into whole packets,
//! [`packet`] gives each packet its typed form (borrowing from the input), and [`TopicName`] and
//! [`TopicFilter`] are string types that cannot be invalid. The broker and the load generator both
//! use this crate.
//!
//! It must never do I/O, read a clock, spawn a thread, or panic on any bytes.
#![forbid(unsafe_code)]

mod error;
pub mod frame;
pub mod packet;
mod properties;
mod property;
mod read;
mod reason;
mod text;
mod types;
mod write;

pub use error::{DecodeError, Field};
pub use frame::{FixedHeader, PACKET_SIZE_MAX, RawPacket};
pub use packet::Packet;
pub use properties::{Properties, PropertiesBuffer};
pub use property::Property;
pub use reason::ReasonCode;
pub use text::{TopicFilter, TopicName, TopicNameBuffer};
pub use types::{PacketId, PacketType, Qos, RetainHandling, SubscriptionOptions, Version};
