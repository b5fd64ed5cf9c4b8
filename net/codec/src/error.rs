//! Why bytes are not a packet, and what the peer is owed for it.

use crate::ReasonCode;

/// A packet that cannot be accepted. The connection that sent it must be closed;
/// [`DecodeError::reason`] is what a v5 peer is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The remaining length takes more than four bytes.
    RemainingLength,
    /// The packet is longer than the receiver's maximum packet size.
    PacketTooLarge,
    // ... the codec's author completes this list, one case per thing that can be wrong ...
}

impl DecodeError {
    /// The reason code the peer is owed.
    pub const fn reason(self) -> ReasonCode {
        todo!()
    }
}
