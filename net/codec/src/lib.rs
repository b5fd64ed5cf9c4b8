//! MQTT 3.1, 3.1.1 and 5.0 on the wire: bytes to packets and packets to bytes.
//!
//! Three layers, as the protocol has them: [`frame`] splits a byte stream into whole packets,
//! [`packet`] gives each packet its typed form (borrowing from the input), and [`text`] holds the
//! string types that cannot be invalid. The broker and the load generator both use this crate.
//!
//! It must never do I/O, read a clock, spawn a thread, or panic on any bytes.
#![forbid(unsafe_code)]

mod error;
pub mod frame;
pub mod packet;
mod property;
mod reason;
mod text;
mod types;

pub use error::DecodeError;
pub use frame::{FixedHeader, RawPacket};
pub use packet::Packet;
pub use property::{Properties, PropertiesBuffer, Property};
pub use reason::ReasonCode;
pub use text::{TopicFilter, TopicName};
pub use types::{PacketId, PacketType, Qos, RetainHandling, SubscriptionOptions, Version};
