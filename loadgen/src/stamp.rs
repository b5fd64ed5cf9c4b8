//! The stamp in every payload: who sent it, which one it is, when it was due, and a checksum of it all.
//!
//! Senders write it, receivers read it in place; the audit and the latency rest on nothing else. Neither
//! direction allocates. A payload is raw (stamp, then filling), or a JSON object or CBOR map that ends with
//! the stamp, so that other clients can read what simulated sensors say. Raw payloads that are too short
//! for it have a compact stamp.

mod compact;

use crate::ids::StreamId;
use crate::limits::STAMP_BYTES;

/// First two bytes of every stamp.
const MAGIC: u16 = 0x524D;

/// Bytes of the stamp before its checksum.
const HEADER_BYTES: usize = STAMP_BYTES - 8;

/// First byte of a CBOR map of four pairs, and what stands before the stamp in it: the key, and the head of
/// a byte string of 32. [RFC 8949 3]
const CBOR_MAP_OF_4: u8 = 0xA4;
const CBOR_OPEN: &[u8] = b"\x65stamp\x58\x20";

/// What stands before and behind the hexadecimal stamp of a text payload.
const TEXT_OPEN: &str = ",\"stamp\":\"";
const TEXT_CLOSE: &str = "\"}";

/// What a payload says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Tells messages of this run from those of another one on the same topics.
    pub(crate) run: u16,
    /// The source.
    pub(crate) stream: StreamId,
    /// Counts up from zero for each source.
    pub(crate) sequence: u64,
    /// When it was to be sent, in nanoseconds since the start of the run.
    pub(crate) due_ns: u64,
}

/// Why a payload has no stamp to go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StampError {
    /// Not loadgen's.
    Foreign,
    /// loadgen's, but not as it was sent.
    Corrupt,
}

impl Stamp {
    fn header(self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..2].copy_from_slice(&MAGIC.to_le_bytes());
        header[2..4].copy_from_slice(&self.run.to_le_bytes());
        header[4..8].copy_from_slice(&self.stream.0.to_le_bytes());
        header[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        header[16..].copy_from_slice(&self.due_ns.to_le_bytes());
        header
    }

    fn of_header(header: &[u8; HEADER_BYTES]) -> Option<Stamp> {
        let word = |at: usize| u64_at(header, at);
        let first = word(0);
        (first as u16 == MAGIC).then_some(Stamp {
            run: (first >> 16) as u16,
            stream: StreamId((first >> 32) as u32),
            sequence: word(8),
            due_ns: word(16),
        })
    }

    /// Writes the stamp over the beginning of a raw payload of at least 16 bytes; the rest is
    /// filling, which the checksum covers.
    pub(crate) fn write_raw(self, payload: &mut [u8]) {
        if payload.len() < STAMP_BYTES {
            return compact::write(self, payload);
        }
        let header = self.header();
        let sum = checksum(&header, &payload[STAMP_BYTES..]);
        payload[..HEADER_BYTES].copy_from_slice(&header);
        payload[HEADER_BYTES..STAMP_BYTES].copy_from_slice(&sum.to_le_bytes());
    }

    /// Closes the JSON object that `text` begins, as in `{"value":1`, with the stamp as its last field.
    pub(crate) fn write_text(self, text: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let header = self.header();
        let sum = checksum(&header, text);
        text.extend_from_slice(TEXT_OPEN.as_bytes());
        for byte in header.into_iter().chain(sum.to_le_bytes()) {
            text.push(DIGITS[usize::from(byte >> 4)]);
            text.push(DIGITS[usize::from(byte & 15)]);
        }
        text.extend_from_slice(TEXT_CLOSE.as_bytes());
    }

    /// Closes the CBOR map that `map` begins with the stamp as its last value, a byte string.
    pub(crate) fn write_cbor(self, map: &mut Vec<u8>) {
        let header = self.header();
        let sum = checksum(&header, map);
        map.extend_from_slice(CBOR_OPEN);
        map.extend_from_slice(&header);
        map.extend_from_slice(&sum.to_le_bytes());
    }

    /// Reads the stamp of any form and checks the whole payload against it.
    #[inline]
    pub(crate) fn read(payload: &[u8]) -> Result<Stamp, StampError> {
        if payload.len() < STAMP_BYTES {
            return compact::read(payload);
        }
        match payload[0] {
            b'{' => return Stamp::read_text(payload),
            CBOR_MAP_OF_4 => return Stamp::read_cbor(payload),
            _ => {}
        }
        let (header, rest) = payload
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(StampError::Foreign)?;
        let stamp = Stamp::of_header(header).ok_or(StampError::Foreign)?;
        let (sum, filling) = rest.split_first_chunk::<8>().ok_or(StampError::Corrupt)?;
        if u64::from_le_bytes(*sum) != checksum(header, filling) {
            return Err(StampError::Corrupt);
        }
        Ok(stamp)
    }

    fn read_cbor(payload: &[u8]) -> Result<Stamp, StampError> {
        let (before, stamp) = payload
            .split_last_chunk::<STAMP_BYTES>()
            .ok_or(StampError::Foreign)?;
        let map = before.strip_suffix(CBOR_OPEN).ok_or(StampError::Foreign)?;
        Stamp::of_bytes(stamp, map)
    }

    /// The stamp in `bytes`, whose checksum covers `filling` too.
    fn of_bytes(bytes: &[u8; STAMP_BYTES], filling: &[u8]) -> Result<Stamp, StampError> {
        let (header, sum) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .expect("a stamp is longer than its header");
        let stamp = Stamp::of_header(header).ok_or(StampError::Corrupt)?;
        match sum == checksum(header, filling).to_le_bytes() {
            true => Ok(stamp),
            false => Err(StampError::Corrupt),
        }
    }

    fn read_text(payload: &[u8]) -> Result<Stamp, StampError> {
        let closed = payload
            .strip_suffix(TEXT_CLOSE.as_bytes())
            .ok_or(StampError::Foreign)?;
        let (before, digits) = closed
            .split_last_chunk::<{ 2 * STAMP_BYTES }>()
            .ok_or(StampError::Foreign)?;
        let text = before
            .strip_suffix(TEXT_OPEN.as_bytes())
            .ok_or(StampError::Foreign)?;
        let mut bytes = [0; STAMP_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = hex_digit(pair[0]).ok_or(StampError::Corrupt)?;
            let low = hex_digit(pair[1]).ok_or(StampError::Corrupt)?;
            *byte = high << 4 | low;
        }
        Stamp::of_bytes(&bytes, text)
    }
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[inline]
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Folds 16 bytes into the state: the 128-bit product of both words, each with a secret of its own.
#[inline]
fn fold(state: u64, low: u64, high: u64) -> u64 {
    let product = u128::from(low ^ state ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(high ^ 0xD6E8_FEB8_6659_FD93 ^ state.rotate_left(32));
    (product as u64) ^ ((product >> 64) as u64) ^ state.rotate_left(7)
}

/// A checksum of header and filling that sees every changed, moved, missing or added byte. A few
/// nanoseconds for the usual payload; nothing is promised against a forger.
#[inline]
fn checksum(header: &[u8; HEADER_BYTES], filling: &[u8]) -> u64 {
    let mut state = fold(filling.len() as u64, u64_at(header, 0), u64_at(header, 8));
    state = fold(state, u64_at(header, 16), 0);
    let mut pieces = filling.chunks_exact(16);
    for piece in &mut pieces {
        state = fold(state, u64_at(piece, 0), u64_at(piece, 8));
    }
    let rest = pieces.remainder();
    if !rest.is_empty() {
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        state = fold(state, u64_at(&last, 0), u64_at(&last, 8));
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        run: 7,
        stream: StreamId(70_000),
        sequence: 1 << 40,
        due_ns: 123_456_789_012,
    };

    fn raw(bytes: usize) -> Vec<u8> {
        let mut payload: Vec<u8> = (0..bytes).map(|n| n as u8).collect();
        STAMP.write_raw(&mut payload);
        payload
    }

    fn text() -> Vec<u8> {
        let mut payload = b"{\"id\":5,\"value\":21.25".to_vec();
        STAMP.write_text(&mut payload);
        payload
    }

    #[test]
    fn what_is_written_is_read() {
        for bytes in [32, 33, 47, 48, 64, 1_024] {
            assert_eq!(Stamp::read(&raw(bytes)), Ok(STAMP));
        }
        assert_eq!(Stamp::read(&text()), Ok(STAMP));
    }

    #[test]
    fn a_text_payload_is_json() {
        let value: serde_json::Value = serde_json::from_slice(&text()).unwrap();
        assert_eq!(value["value"], 21.25);
    }

    #[test]
    fn every_changed_byte_is_seen() {
        for payload in [raw(64), raw(71), text()] {
            for at in 0..payload.len() {
                let mut changed = payload.clone();
                changed[at] ^= 1;
                assert!(Stamp::read(&changed).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn moved_and_missing_bytes_are_seen() {
        let payload = raw(96);
        let mut swapped = payload.clone();
        swapped[32..64].copy_from_slice(&payload[64..96]);
        swapped[64..96].copy_from_slice(&payload[32..64]);
        assert_eq!(Stamp::read(&swapped), Err(StampError::Corrupt));
        assert_eq!(Stamp::read(&payload[..95]), Err(StampError::Corrupt));
        assert_eq!(Stamp::read(&payload[..30]), Err(StampError::Corrupt));
    }

    #[test]
    fn other_payloads_are_foreign() {
        for payload in [&b""[..], b"21.5", b"{}", &[0; 64]] {
            assert_eq!(Stamp::read(payload), Err(StampError::Foreign));
        }
    }
}
