//! Cutting what was received into packets, and completing the one that was split between two receives.
//!
//! All other packets are read where the engine received them; only the split one is copied.

use ringmq_codec::{DecodeError, RawPacket, frame};

/// Calls `each` with every packet that `partial` and then `bytes` hold whole, and leaves the rest in `partial`.
#[inline]
pub(crate) fn read_packets(
    partial: &mut Vec<u8>,
    bytes: &[u8],
    packet_size_max: u32,
    mut each: impl FnMut(RawPacket<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut rest = bytes;
    if !partial.is_empty() {
        if !complete(partial, &mut rest, packet_size_max)? {
            return Ok(());
        }
        if let Some(raw) = frame::split(partial, packet_size_max)? {
            each(raw)?;
        }
        partial.clear();
    }
    while let Some(raw) = frame::split(rest, packet_size_max)? {
        each(raw)?;
        rest = &rest[raw.length..];
    }
    partial.extend_from_slice(rest);
    Ok(())
}

/// Moves bytes from `rest` to `partial` until it holds exactly one packet; false when `rest` ran dry.
fn complete(
    partial: &mut Vec<u8>,
    rest: &mut &[u8],
    packet_size_max: u32,
) -> Result<bool, DecodeError> {
    loop {
        if frame::split(partial, packet_size_max)?.is_some() {
            return Ok(true);
        }
        // Byte by byte until the length is known, then all that is missing.
        let wanted = missing(partial).unwrap_or(1).min(rest.len());
        if wanted == 0 {
            return Ok(false);
        }
        let (taken, left) = rest.split_at(wanted);
        partial.extend_from_slice(taken);
        *rest = left;
    }
}

/// Bytes missing of a packet whose fixed header is whole.
fn missing(partial: &[u8]) -> Option<usize> {
    let mut length = 0usize;
    for (at, &byte) in partial.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((2 + at + length).saturating_sub(partial.len()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_completed_from_any_split() {
        let mut packet = vec![0x30, 0xC8, 0x01];
        packet.resize(3 + 200, 7);
        let stream = [&packet[..], &[0xD0, 0]].concat();
        for first in 1..packet.len() {
            for second in first..=packet.len() {
                let mut partial = stream[..first].to_vec();
                let mut rest = &stream[first..second];
                let is_whole = complete(&mut partial, &mut rest, 1_000).unwrap();
                assert_eq!(is_whole, second == packet.len());
                assert!(rest.is_empty());
                if !is_whole {
                    rest = &stream[second..];
                    assert!(complete(&mut partial, &mut rest, 1_000).unwrap());
                    assert_eq!(rest, [0xD0, 0]);
                }
                assert_eq!(partial, packet);
            }
        }
    }

    #[test]
    fn a_packet_over_the_limit_is_an_error() {
        let mut rest = &[0xFF, 0x7F, 0][..];
        assert!(complete(&mut vec![0x30], &mut rest, 100).is_err());
    }
}
