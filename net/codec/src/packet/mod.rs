//! The 15 control packets in their typed form, for all three versions.
//!
//! `decode` borrows from the input; `encode` appends to the caller's buffer. One file per packet
//! (or per family of packets with one layout). What is checked here is the form of one packet;
//! whether it may come now, from this side, is the caller's rule.

mod ack;
mod auth;
mod connack;
mod connect;
mod disconnect;
mod filters;
mod publish;
mod publish_run;
mod suback;
mod subscribe;
#[cfg(test)]
mod tests;
mod unsubscribe;

pub use ack::{Ack, ShortAck};
pub use auth::Auth;
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use disconnect::Disconnect;
pub use publish::Publish;
pub use publish_run::{PublishRun, RunShape};
pub use suback::{ReasonCodes, SubAck, WireReasonCodes};
pub use subscribe::{Subscribe, SubscribeFilters, encode_subscribe};
pub use unsubscribe::{Unsubscribe, UnsubscribeFilters, encode_unsubscribe};

use crate::read::Reader;
use crate::{DecodeError, PacketType, RawPacket, Version};

/// A whole PINGRESP.
pub const PINGRESP: [u8; 2] = [PacketType::PingResp.first_byte(), 0];

/// A control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Packet<'a> {
    Connect(Connect<'a>),
    ConnAck(ConnAck<'a>),
    Publish(Publish<'a>),
    PubAck(Ack<'a>),
    PubRec(Ack<'a>),
    PubRel(Ack<'a>),
    PubComp(Ack<'a>),
    Subscribe(Subscribe<'a>),
    SubAck(SubAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(SubAck<'a>),
    PingReq,
    PingResp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Takes a whole packet apart for the connection's version (which CONNECT ignores: it names its own).
    /// Accepts packets of either direction; whether a client may send it is the caller's rule.
    #[inline]
    pub fn decode(raw: RawPacket<'a>, version: Version) -> Result<Packet<'a>, DecodeError> {
        let packet_type = raw.header.packet_type;
        if packet_type == PacketType::Connect {
            return Ok(Packet::Connect(Connect::decode(raw)?));
        }
        if packet_type == PacketType::Publish {
            return Ok(Packet::Publish(Publish::decode(raw, version, None)?));
        }
        if version.is_v5() && !raw.is_remaining_length_minimal() {
            return Err(DecodeError::RemainingLengthNotMinimal);
        }
        let body = raw.body;
        // DUP outside of PUBLISH is 3.1's alone.
        if raw.header.flags & 0b1000 != 0 && version != Version::V31 {
            return Err(DecodeError::FixedHeaderFlags(packet_type));
        }
        Ok(match packet_type {
            PacketType::Connect | PacketType::Publish => unreachable!("returned above"),
            PacketType::ConnAck => Packet::ConnAck(ConnAck::decode(body, version)?),
            PacketType::PubAck => Packet::PubAck(Ack::decode(packet_type, body, version)?),
            PacketType::PubRec => Packet::PubRec(Ack::decode(packet_type, body, version)?),
            PacketType::PubRel => Packet::PubRel(Ack::decode(packet_type, body, version)?),
            PacketType::PubComp => Packet::PubComp(Ack::decode(packet_type, body, version)?),
            PacketType::Subscribe => Packet::Subscribe(Subscribe::decode(body, version)?),
            PacketType::SubAck => Packet::SubAck(SubAck::decode(packet_type, body, version)?),
            PacketType::Unsubscribe => Packet::Unsubscribe(Unsubscribe::decode(body, version)?),
            PacketType::UnsubAck => Packet::UnsubAck(SubAck::decode(packet_type, body, version)?),
            PacketType::PingReq => {
                Reader::new(body).finish(packet_type)?;
                Packet::PingReq
            }
            PacketType::PingResp => {
                Reader::new(body).finish(packet_type)?;
                Packet::PingResp
            }
            PacketType::Disconnect => Packet::Disconnect(Disconnect::decode(body, version)?),
            PacketType::Auth => Packet::Auth(Auth::decode(body, version)?),
        })
    }

    /// Appends the packet as `version` has it, fixed header included. CONNECT is written in its
    /// own version; AUTH, which only v5 has, must not be given another.
    ///
    /// # Panics
    /// When a text or data is longer than the 65,535 bytes a field can carry, or the packet than
    /// [`crate::PACKET_SIZE_MAX`]. No packet that was decoded is; one that changes its version may
    /// become so, which [`Publish::encoded_len`] tells.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        match self {
            Packet::Connect(connect) => connect.encode(out),
            Packet::ConnAck(connack) => connack.encode(version, out),
            Packet::Publish(publish) => publish.encode(version, out),
            Packet::PubAck(ack) => ack.encode(PacketType::PubAck, version, out),
            Packet::PubRec(ack) => ack.encode(PacketType::PubRec, version, out),
            Packet::PubRel(ack) => ack.encode(PacketType::PubRel, version, out),
            Packet::PubComp(ack) => ack.encode(PacketType::PubComp, version, out),
            Packet::Subscribe(subscribe) => subscribe.encode(version, out),
            Packet::SubAck(suback) => suback.encode(PacketType::SubAck, version, out),
            Packet::Unsubscribe(unsubscribe) => unsubscribe.encode(version, out),
            Packet::UnsubAck(unsuback) => unsuback.encode(PacketType::UnsubAck, version, out),
            Packet::PingReq => out.extend_from_slice(&[PacketType::PingReq.first_byte(), 0]),
            Packet::PingResp => out.extend_from_slice(&PINGRESP),
            Packet::Disconnect(disconnect) => disconnect.encode(version, out),
            Packet::Auth(auth) => auth.encode(version, out),
        }
    }

    /// The type of the packet.
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Packet::Connect(_) => PacketType::Connect,
            Packet::ConnAck(_) => PacketType::ConnAck,
            Packet::Publish(_) => PacketType::Publish,
            Packet::PubAck(_) => PacketType::PubAck,
            Packet::PubRec(_) => PacketType::PubRec,
            Packet::PubRel(_) => PacketType::PubRel,
            Packet::PubComp(_) => PacketType::PubComp,
            Packet::Subscribe(_) => PacketType::Subscribe,
            Packet::SubAck(_) => PacketType::SubAck,
            Packet::Unsubscribe(_) => PacketType::Unsubscribe,
            Packet::UnsubAck(_) => PacketType::UnsubAck,
            Packet::PingReq => PacketType::PingReq,
            Packet::PingResp => PacketType::PingResp,
            Packet::Disconnect(_) => PacketType::Disconnect,
            Packet::Auth(_) => PacketType::Auth,
        }
    }
}
