//! Splitting a byte stream into whole packets under a maximum packet size.
//!
//! Whoever receives bytes calls [`split`] on what it has, hands the packet to
//! [`crate::Packet::decode`] and goes on behind it. The version of the connection is not known
//! here, so what differs between versions is left to `decode`. It never copies a byte.

use crate::write::{length_of_variable_byte_integer, variable_byte_integer};
use crate::{DecodeError, PacketType};

/// The longest packet the protocol can express, in bytes: one byte of type and flags, four bytes
/// of remaining length, and the 268,435,455 bytes these can announce.
pub const PACKET_SIZE_MAX: u32 = 5 + REMAINING_LENGTH_MAX;

/// The largest remaining length. [v3.1.1 2.2.3] [v5 1.5.5]
pub(crate) const REMAINING_LENGTH_MAX: u32 = 268_435_455;

/// First byte of a packet, checked: a known type with flags that are legal for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedHeader {
    /// The packet's type.
    pub packet_type: PacketType,
    /// The low four bits: DUP, QoS and RETAIN of a PUBLISH; fixed for all others.
    pub flags: u8,
}

impl FixedHeader {
    /// Checks type and flags, as far as all versions agree: DUP of PUBREL, SUBSCRIBE and
    /// UNSUBSCRIBE, which 3.1 allows, passes here and is refused by `decode` for the others.
    /// [v3.1.1 MQTT-2.2.2-1] [v3.1.1 MQTT-2.2.2-2] [v5 MQTT-2.1.3-1]
    #[inline]
    pub const fn from_byte(byte: u8) -> Result<FixedHeader, DecodeError> {
        let Some(packet_type) = PacketType::from_number(byte >> 4) else {
            return Err(DecodeError::ReservedPacketType);
        };
        let flags = byte & 0x0F;
        let legal = match packet_type {
            PacketType::Publish if flags & 0b0110 == 0b0110 => {
                return Err(DecodeError::PublishQos3);
            }
            PacketType::Publish => true,
            PacketType::PubRel | PacketType::Subscribe | PacketType::Unsubscribe => {
                flags & 0b0111 == 0b0010
            }
            _ => flags == 0,
        };
        if !legal {
            return Err(DecodeError::FixedHeaderFlags(packet_type));
        }
        Ok(FixedHeader { packet_type, flags })
    }
}

/// One whole packet, not yet taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPacket<'a> {
    /// The checked first byte.
    pub header: FixedHeader,
    /// What follows the remaining length.
    pub body: &'a [u8],
    /// Bytes the packet takes from the start of the input, fixed header included.
    pub length: usize,
}

impl RawPacket<'_> {
    /// Whether the remaining length used no more bytes than it needs. v5 demands it
    /// [v5 MQTT-1.5.5-1]; before, padding was legal and some small clients rely on it.
    #[inline]
    pub(crate) const fn is_remaining_length_minimal(&self) -> bool {
        let body_length = self.body.len();
        self.length == 1 + length_of_variable_byte_integer(body_length as u32) + body_length
    }
}

/// The packet at the start of `bytes`; `Ok(None)` while it is incomplete (call again with more).
/// `packet_size_max` in bytes counts the whole packet and is refused as soon as the header shows it.
#[inline]
pub fn split(bytes: &[u8], packet_size_max: u32) -> Result<Option<RawPacket<'_>>, DecodeError> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let header = FixedHeader::from_byte(first)?;
    let mut remaining_length = 0u32;
    let mut header_length = 1;
    loop {
        let Some(&byte) = bytes.get(header_length) else {
            return Ok(None);
        };
        remaining_length |= u32::from(byte & 0x7F) << (7 * (header_length - 1));
        header_length += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if header_length == 5 {
            return Err(DecodeError::RemainingLength);
        }
    }
    let length = header_length as u32 + remaining_length;
    if length > packet_size_max {
        return Err(DecodeError::PacketTooLarge);
    }
    let length = length as usize;
    let body = bytes.get(header_length..length);
    Ok(body.map(|body| RawPacket {
        header,
        body,
        length,
    }))
}

/// Appends a packet whose body `write_body` appends; for packets off the message path, whose
/// length is easier measured than computed.
///
/// # Panics
/// When the body exceeds what a remaining length can express.
pub(crate) fn write_packet(
    first_byte: u8,
    out: &mut Vec<u8>,
    write_body: impl FnOnce(&mut Vec<u8>),
) {
    out.push(first_byte);
    out.push(0);
    let body_start = out.len();
    write_body(out);
    let remaining_length = out.len() - body_start;
    if remaining_length < 0x80 {
        out[body_start - 1] = remaining_length as u8;
        return;
    }
    let mut length_bytes = Vec::with_capacity(4);
    variable_byte_integer(remaining_length, &mut length_bytes);
    out.splice(body_start - 1..body_start, length_bytes);
}
