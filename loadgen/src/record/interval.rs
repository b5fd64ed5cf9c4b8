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
    fn encoding_loses_nothing_and_is_small() {
        let mut histogram = empty_latency();
        for latency_ns in (0..20_000u64).map(|n| 30_000 + n * n) {
            histogram.record(latency_ns).unwrap();
        }
        histogram.record(LATENCY_NS_MAX).unwrap();
        let encoded = EncodedLatency::of(&histogram);
        assert_eq!(encoded.histogram(), histogram);
        assert!(encoded.0.len() < 40_000, "{encoded:?}");
        assert!(EncodedLatency::of(&empty_latency()).is_empty());
        assert!(EncodedLatency::default().histogram().is_empty());
    }
}
