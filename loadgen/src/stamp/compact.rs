//! The stamp in 16 bytes, for the short payloads that some benchmarks ask for.
//!
//! ```text
//! run 8 bit, stream 24, sequence 32 | due time / 256 ns 40, checksum 24
//! ```
//! It counts streams up to 16 million, sequence numbers up to 4 billion, three days of due times to a
//! quarter of a microsecond, and misses one changed payload in 16 million.

use super::{HEADER_BYTES, Stamp, StampError, checksum, u64_at};
use crate::ids::StreamId;
use crate::limits::STAMP_BYTES_MIN;

const STREAM_BITS: u32 = 24;
const CHECKSUM_BITS: u32 = 24;
/// Nanoseconds of one unit of the due time, as a power of two.
const DUE_SHIFT: u32 = 8;

/// The checksum of the first word, the due time and the filling.
fn sum_of(first: u64, due: u64, filling: &[u8]) -> u64 {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&first.to_le_bytes());
    header[8..16].copy_from_slice(&due.to_le_bytes());
    checksum(&header, filling) & ((1 << CHECKSUM_BITS) - 1)
}

/// Writes the stamp over the first [`STAMP_BYTES_MIN`] bytes of a payload that has at least as many.
pub(super) fn write(stamp: Stamp, payload: &mut [u8]) {
    let stream = u64::from(stamp.stream.0) & ((1 << STREAM_BITS) - 1);
    let first = u64::from(stamp.run & 0xFF) | stream << 8 | stamp.sequence << 32;
    let due = (stamp.due_ns >> DUE_SHIFT) & ((1 << (64 - CHECKSUM_BITS)) - 1);
    let sum = sum_of(first, due, &payload[STAMP_BYTES_MIN..]);
    payload[..8].copy_from_slice(&first.to_le_bytes());
    payload[8..STAMP_BYTES_MIN].copy_from_slice(&(due << CHECKSUM_BITS | sum).to_le_bytes());
}

/// Reads it back. The run has its lower eight bits only.
pub(super) fn read(payload: &[u8]) -> Result<Stamp, StampError> {
    if payload.len() < STAMP_BYTES_MIN {
        return Err(StampError::Foreign);
    }
    let (first, second) = (u64_at(payload, 0), u64_at(payload, 8));
    let due = second >> CHECKSUM_BITS;
    let sum = second & ((1 << CHECKSUM_BITS) - 1);
    if sum != sum_of(first, due, &payload[STAMP_BYTES_MIN..]) {
        return Err(StampError::Corrupt);
    }
    Ok(Stamp {
        run: (first & 0xFF) as u16,
        stream: StreamId((first >> 8) as u32 & ((1 << STREAM_BITS) - 1)),
        sequence: first >> 32,
        due_ns: due << DUE_SHIFT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_payloads_are_read_back_and_every_change_is_seen() {
        let stamp = Stamp {
            run: 0xAB,
            stream: StreamId((1 << 24) - 2),
            sequence: u64::from(u32::MAX) - 1,
            due_ns: (1 << 46) + 512,
        };
        for bytes in 16..32 {
            let mut payload = vec![b'.'; bytes];
            stamp.write_raw(&mut payload);
            assert_eq!(Stamp::read(&payload), Ok(stamp));
            for at in 0..bytes {
                let mut changed = payload.clone();
                changed[at] ^= 1;
                assert_eq!(Stamp::read(&changed), Err(StampError::Corrupt), "byte {at}");
            }
        }
    }

    #[test]
    fn what_is_shorter_still_is_foreign() {
        assert_eq!(Stamp::read(&[0; 15]), Err(StampError::Foreign));
    }
}
