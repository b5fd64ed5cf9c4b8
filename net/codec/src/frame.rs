//! Splitting a byte stream into whole packets under a maximum packet size.

use crate::{DecodeError, PacketType};

/// First byte of a packet, checked: a known type with flags that are legal for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedHeader {
    /// The packet's type.
    pub packet_type: PacketType,
    /// The low four bits: DUP, QoS and RETAIN of a PUBLISH; fixed for all others.
    pub flags: u8,
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

/// The packet at the start of `bytes`; `Ok(None)` while it is incomplete (call again with more).
/// `packet_size_max` in bytes counts the whole packet and is refused as soon as the header shows it.
pub fn split(bytes: &[u8], packet_size_max: u32) -> Result<Option<RawPacket<'_>>, DecodeError> {
    let _ = (bytes, packet_size_max);
    todo!()
}
