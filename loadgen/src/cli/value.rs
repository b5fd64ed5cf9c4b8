//! Values of the command line, as far as one of them alone can be wrong.

use crate::limits::{PAYLOAD_BYTES_MAX, STAMP_BYTES_MIN};

fn number(text: &str, is_legal: impl Fn(f64) -> bool, range: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if is_legal(value) {
        Ok(value)
    } else {
        Err(format!("must be {range}"))
    }
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| (0.0..=1e7).contains(&value),
        "between 0 and 10,000,000",
    )
}

pub(super) fn seconds_above_zero(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| value > 0.0 && value <= 1e7,
        "above 0 and at most 10,000,000",
    )
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| value > 0.0 && value <= 1e9,
        "above 0 and at most 1,000,000,000",
    )
}

pub(super) fn fraction(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| (0.0..=1.0).contains(&value),
        "between 0 and 1",
    )
}

/// `5%` or `5` as 0.05.
pub(super) fn percentage(text: &str) -> Result<f64, String> {
    let digits = text.strip_suffix('%').unwrap_or(text).trim_end();
    number(
        digits,
        |value| (0.0..=1000.0).contains(&value),
        "between 0% and 1000%",
    )
    .map(|value| value / 100.0)
}

pub(super) fn payload_bytes(text: &str) -> Result<usize, String> {
    let bytes: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    if bytes < STAMP_BYTES_MIN {
        Err(format!(
            "at least {STAMP_BYTES_MIN} bytes: the stamp that latency and audit rest on"
        ))
    } else if bytes > PAYLOAD_BYTES_MAX {
        Err(format!("at most {PAYLOAD_BYTES_MAX} bytes"))
    } else {
        Ok(bytes)
    }
}
