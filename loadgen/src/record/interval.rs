//! A piece of the measured phase.
//!
//! A long run has thousands of them, so the latencies of each are kept in the compact V2 form of
//! HdrHistogram: a few KiB instead of a few hundred.

use std::fmt;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

use crate::limits::LATENCY_NS_MAX;

/// What happened in one piece of the measured phase; counts and times are of this piece alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interval {
    /// Since the measured phase began.
    pub(crate) start_millis: u64,
    pub(crate) length_millis: u64,
    /// In nanoseconds. In a folder it stands in `latency.hlog`.
    #[serde(skip)]
    pub(crate) latency: EncodedLatency,
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    /// Refused publishes, protocol errors, connections lost.
    pub(crate) errors: u64,
    /// Connections that are up at its end.
    pub(crate) connections: u64,
    /// `None` when the broker's process is not watched; likewise its memory.
    pub(crate) broker_cpu_micros: Option<u64>,
    /// At its end.
    pub(crate) broker_rss_bytes: Option<u64>,
    pub(crate) loadgen_cpu_micros: u64,
}

/// Adds the intervals of another loop that ran at the same time, piece by piece. The broker's side is kept
/// from the one that has it.
pub(crate) fn add(own: &mut Vec<Interval>, others: &[Interval]) {
    for (at, other) in others.iter().enumerate() {
        match own.get_mut(at) {
            Some(interval) => interval.add(other),
            None => own.push(other.clone()),
        }
    }
}

impl Interval {
    fn add(&mut self, other: &Interval) {
        let mut latency = self.latency.histogram();
        latency
            .add(other.latency.histogram())
            .expect("all histograms of loadgen have the same bounds");
        self.latency = EncodedLatency::of(&latency);
        self.published += other.published;
        self.delivered += other.delivered;
        self.errors += other.errors;
        self.connections += other.connections;
        self.broker_cpu_micros = self.broker_cpu_micros.or(other.broker_cpu_micros);
        self.broker_rss_bytes = self.broker_rss_bytes.or(other.broker_rss_bytes);
        self.loadgen_cpu_micros += other.loadgen_cpu_micros;
    }
}

/// A histogram of nanoseconds in HdrHistogram's V2 encoding; empty when nothing was recorded.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct EncodedLatency(Vec<u8>);

impl EncodedLatency {
    /// Encodes a histogram without loss.
    pub(crate) fn of(histogram: &Histogram<u64>) -> EncodedLatency {
        let mut bytes = Vec::new();
        if !histogram.is_empty() {
            V2Serializer::new()
                .serialize(histogram, &mut bytes)
                .expect("a histogram of loadgen is far below the size that cannot be encoded");
        }
        EncodedLatency(bytes)
    }

    /// The histogram with loadgen's bounds.
    pub(crate) fn histogram(&self) -> Histogram<u64> {
        let mut histogram = empty_latency();
        if !self.0.is_empty() {
            let recorded: Histogram<u64> = Deserializer::new()
                .deserialize(&mut self.0.as_slice())
                .expect("these bytes were encoded by `of`");
            histogram
                .add(&recorded)
                .expect("loadgen records no latency above its bound");
        }
        histogram
    }

    /// The encoding in hexadecimal digits.
    pub(crate) fn to_hex(&self) -> String {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        let digits = self
            .0
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        digits.collect()
    }

    /// What `to_hex` gave; `None` when it is anything else.
    pub(crate) fn from_hex(text: &str) -> Option<EncodedLatency> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).map(|value| value as u8))
            .collect();
        let digits = digits?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|two| two[0] << 4 | two[two.len() - 1])
            .collect();
        let is_histogram = bytes.is_empty()
            || Deserializer::new()
                .deserialize::<u64, _>(&mut bytes.as_slice())
                .is_ok();
        is_histogram.then_some(EncodedLatency(bytes))
    }

    /// Whether nothing was recorded.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for EncodedLatency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedLatency({} bytes)", self.0.len())
    }
}

/// A histogram of nanoseconds with three significant digits and nothing in it.
pub(crate) fn empty_latency() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("the bounds are constants in range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_loops_add_up_piece_by_piece() {
        let interval = |latency_ns, published| {
            let mut latency = empty_latency();
            latency.record(latency_ns).unwrap();
            Interval {
                latency: EncodedLatency::of(&latency),
                published,
                ..Interval::default()
            }
        };
        let mut own = vec![interval(1_000, 1)];
        add(&mut own, &[interval(9_000, 2), interval(5, 4)]);
        let counts: Vec<_> = own
            .iter()
            .map(|i| (i.published, i.latency.histogram().len()))
            .collect();
        assert_eq!(counts, [(3, 2), (4, 1)]);
    }

    #[test]
    fn encoding_loses_nothing_and_is_small() {
        let mut histogram = empty_latency();
        for latency_ns in (0..20_000u64).map(|n| 30_000 + n * n) {
            histogram.record(latency_ns).unwrap();
        }
        histogram.record(LATENCY_NS_MAX).unwrap();
        let encoded = EncodedLatency::of(&histogram);
        assert_eq!(encoded.histogram(), histogram);
        assert_eq!(
            EncodedLatency::from_hex(&encoded.to_hex()),
            Some(encoded.clone())
        );
        assert_eq!(EncodedLatency::from_hex("0102"), None);
        assert!(encoded.0.len() < 40_000, "{encoded:?}");
        assert!(EncodedLatency::of(&empty_latency()).is_empty());
        assert!(EncodedLatency::default().histogram().is_empty());
    }
}
