//! How a reading is written down: JSON, CBOR or raw bytes, each with the stamp inside.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

use crate::limits::STAMP_BYTES;
use crate::stamp::Stamp;

/// The form of a fleet's payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PayloadForm {
    /// `{"id":17,"kind":"temp","value":21.430,"stamp":"..."}`.
    #[default]
    Json,
    /// The same map in CBOR, the stamp as a byte string. [RFC 8949]
    Cbor,
    /// The stamp, the value as a little-endian `f32`, and filling.
    Raw,
}

/// Appends a reading as JSON. `kind` comes from a scenario, which `kinds` has checked to need no escapes.
pub(super) fn write_json(stamp: Stamp, kind: &str, value: f32, out: &mut Vec<u8>) {
    let id = stamp.stream.0;
    write!(
        out,
        "{{\"id\":{id},\"kind\":\"{kind}\",\"value\":{value:.3}"
    )
    .expect("a Vec takes any bytes");
    stamp.write_text(out);
}

/// Appends a reading as a CBOR map of four pairs.
pub(super) fn write_cbor(stamp: Stamp, kind: &str, value: f32, out: &mut Vec<u8>) {
    out.push(0xA4);
    cbor_text("id", out);
    out.push(0x1A);
    out.extend_from_slice(&stamp.stream.0.to_be_bytes());
    cbor_text("kind", out);
    cbor_text(kind, out);
    cbor_text("value", out);
    out.push(0xFA);
    out.extend_from_slice(&value.to_be_bytes());
    stamp.write_cbor(out);
}

/// A text of fewer than 256 bytes.
fn cbor_text(text: &str, out: &mut Vec<u8>) {
    let length = text.len().min(255);
    match length {
        0..24 => out.push(0x60 | length as u8),
        _ => out.extend_from_slice(&[0x78, length as u8]),
    }
    out.extend_from_slice(&text.as_bytes()[..length]);
}

/// Appends the stamp, the value and filling up to `bytes` in all.
pub(super) fn write_raw(stamp: Stamp, value: f32, bytes: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes, b'.');
    let payload = &mut out[start..];
    if let Some(place) = payload.get_mut(STAMP_BYTES..STAMP_BYTES + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
    stamp.write_raw(payload);
}
