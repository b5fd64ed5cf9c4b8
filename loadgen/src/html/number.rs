//! Numbers as axes show them: short, in a unit that suits, without needless zeros.

use crate::report::text;

/// What the values of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Microseconds.
    Duration,
    PerSecond,
    /// Percent of one CPU.
    Cpu,
    Bytes,
    Seconds,
}

impl Unit {
    /// For a tick: `200 us`, `1.5M`, `64 MiB`.
    pub(crate) fn tick(self, value: f64) -> String {
        match self {
            Unit::Duration => match value {
                v if v < 1e3 => format!("{} µs", trimmed(v)),
                v if v < 1e6 => format!("{} ms", trimmed(v / 1e3)),
                v => format!("{} s", trimmed(v / 1e6)),
            },
            Unit::PerSecond => match value {
                v if v < 1e4 => trimmed(v),
                v if v < 1e6 => format!("{}k", trimmed(v / 1e3)),
                v => format!("{}M", trimmed(v / 1e6)),
            },
            Unit::Cpu => format!("{} %", trimmed(value)),
            Unit::Bytes => match value {
                v if v < 1024.0 => format!("{} B", trimmed(v)),
                v if v < 1048576.0 => format!("{} KiB", trimmed(v / 1024.0)),
                v if v < 1073741824.0 => format!("{} MiB", trimmed(v / 1048576.0)),
                v => format!("{} GiB", trimmed(v / 1073741824.0)),
            },
            Unit::Seconds => trimmed(value),
        }
    }

    /// For reading a point off: three digits.
    pub(crate) fn exact(self, value: f64) -> String {
        match self {
            Unit::Duration => text::duration_us(value).replace("us", "µs"),
            Unit::PerSecond => format!("{}/s", text::count(value.round() as u64)),
            Unit::Cpu => format!("{value:.1} %"),
            Unit::Bytes => text::bytes(value),
            Unit::Seconds => format!("{value:.1} s"),
        }
    }

    /// Steps of a linear axis come from this base: 1024 for bytes, else 10.
    pub(super) fn base(self) -> f64 {
        match self {
            Unit::Bytes => 1024.0,
            _ => 10.0,
        }
    }
}

/// At most three decimals, without zeros at the end.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        for (unit, value, text) in [
            (Unit::Duration, 200.0, "200 µs"),
            (Unit::Duration, 1_500.0, "1.5 ms"),
            (Unit::Duration, 2e6, "2 s"),
            (Unit::PerSecond, 2_500.0, "2500"),
            (Unit::PerSecond, 1.5e6, "1.5M"),
            (Unit::Bytes, 67_108_864.0, "64 MiB"),
            (Unit::Cpu, 50.0, "50 %"),
            (Unit::Seconds, 0.5, "0.5"),
        ] {
            assert_eq!(unit.tick(value), text);
        }
    }
}
