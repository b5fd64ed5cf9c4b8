//! An outcome on its way from an agent: the same figures, with histograms in HdrHistogram's own encoding, so
//! that nothing is lost when they are added up.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::record::{EncodedLatency, Interval};
use crate::run::outcome::Outcome;

/// A histogram as hexadecimal digits of its encoding.
#[derive(Debug, Serialize, Deserialize)]
struct WireLatency(String);

/// An outcome.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireOutcome {
    latency: WireLatency,
    connect_latency: WireLatency,
    return_latency: WireLatency,
    change_latency: WireLatency,
    /// Latencies of the intervals, which they do not carry themselves.
    interval_latencies: Vec<WireLatency>,
    figures: Outcome,
}

impl WireLatency {
    fn of(histogram: &Histogram<u64>) -> WireLatency {
        WireLatency(EncodedLatency::of(histogram).to_hex())
    }

    fn encoded(&self) -> EncodedLatency {
        EncodedLatency::from_hex(&self.0).unwrap_or_default()
    }

    fn histogram(&self) -> Histogram<u64> {
        self.encoded().histogram()
    }
}

impl WireOutcome {
    /// For the way.
    pub(super) fn of(outcome: Outcome) -> WireOutcome {
        let latency_of = |interval: &Interval| WireLatency(interval.latency.to_hex());
        WireOutcome {
            latency: WireLatency::of(&outcome.latency),
            connect_latency: WireLatency::of(&outcome.connect_latency),
            return_latency: WireLatency::of(&outcome.return_latency),
            change_latency: WireLatency::of(&outcome.change_latency),
            interval_latencies: outcome.intervals.iter().map(latency_of).collect(),
            figures: outcome,
        }
    }

    /// Behind it.
    pub(super) fn into_outcome(self) -> Outcome {
        let mut outcome = self.figures;
        outcome.latency = self.latency.histogram();
        outcome.connect_latency = self.connect_latency.histogram();
        outcome.return_latency = self.return_latency.histogram();
        outcome.change_latency = self.change_latency.histogram();
        for (interval, latency) in outcome.intervals.iter_mut().zip(&self.interval_latencies) {
            interval.latency = latency.encoded();
        }
        outcome
    }
}
