//! The data types of the protocol, appended to a buffer. The encoders of the packets call these.
//!
//! A caller that hands over what no packet can carry (text or data over 65,535 bytes, a body over
//! the largest remaining length) has a bug: that panics rather than putting a broken packet on the
//! wire. Nothing that was decoded can be too long.

use crate::frame::REMAINING_LENGTH_MAX;

/// Bytes a variable byte integer takes: 1 to 4. [v5 1.5.5]
#[inline]
pub(crate) const fn length_of_variable_byte_integer(value: u32) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Appends a variable byte integer in its shortest form. [v5 MQTT-1.5.5-1]
#[inline]
pub(crate) fn variable_byte_integer(value: usize, out: &mut Vec<u8>) {
    assert!(
        value <= REMAINING_LENGTH_MAX as usize,
        "{value} does not fit a variable byte integer"
    );
    let mut rest = value;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends binary data behind its two bytes of length. [v5 1.5.6]
#[inline]
pub(crate) fn binary(data: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(data.len()).expect("a packet carries at most 65,535 bytes here");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(data);
}

/// Appends text behind its two bytes of length. [v3.1.1 1.5.3] [v5 1.5.4]
#[inline]
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    binary(text.as_bytes(), out);
}

/// Appends a two byte integer, high byte first.
#[inline]
pub(crate) fn two_byte_integer(value: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a four byte integer, high byte first.
#[inline]
pub(crate) fn four_byte_integer(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}
