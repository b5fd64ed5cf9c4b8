//! Latencies: recording, percentiles, and the rows of the picture.
//!
//! The run records nanoseconds into an interval histogram, which once in a while is added to the total,
//! so that a report can show the last second as well as the whole. Slices cut the same latencies into the
//! intervals that are kept. Three significant digits.

use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::record::{EncodedLatency, empty_latency};

/// Latencies of the running interval, of the slice since the last cut, and of the whole run.
pub(crate) struct LatencyRecorder {
    interval: Histogram<u64>,
    slice: Histogram<u64>,
    total: Histogram<u64>,
}

impl fmt::Debug for LatencyRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LatencyRecorder({} recorded)",
            self.total.len() + self.slice.len() + self.interval.len()
        )
    }
}

impl LatencyRecorder {
    /// Nothing recorded.
    pub(crate) fn new() -> LatencyRecorder {
        LatencyRecorder {
            interval: empty_latency(),
            slice: empty_latency(),
            total: empty_latency(),
        }
    }

    /// Records one latency in nanoseconds.
    #[inline]
    pub(crate) fn record(&mut self, latency_ns: u64) {
        self.interval.saturating_record(latency_ns);
    }

    /// Ends the interval and gives its percentiles; `None` when nothing was recorded in it.
    pub(crate) fn end_interval(&mut self) -> Option<Percentiles> {
        if self.interval.is_empty() {
            return None;
        }
        let percentiles = Percentiles::of(&self.interval);
        self.slice
            .add(&self.interval)
            .expect("both histograms have the same bounds");
        self.interval.reset();
        Some(percentiles)
    }

    /// Whether anything was recorded since the last slice ended.
    pub(crate) fn has_slice(&self) -> bool {
        !self.interval.is_empty() || !self.slice.is_empty()
    }

    /// Ends the slice and gives what was recorded in it. Intervals may begin and end inside a slice; one
    /// that is under way ends with it.
    pub(crate) fn end_slice(&mut self) -> EncodedLatency {
        self.end_interval();
        let latency = EncodedLatency::of(&self.slice);
        self.total
            .add(&self.slice)
            .expect("both histograms have the same bounds");
        self.slice.reset();
        latency
    }

    /// Ends the recording.
    pub(crate) fn finish(mut self) -> Histogram<u64> {
        self.end_interval();
        self.total
            .add(&self.slice)
            .expect("both histograms have the same bounds");
        self.total
    }
}

/// What a report says of latencies, in microseconds. All zero when nothing was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) min: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) p9999: f64,
    pub(crate) max: f64,
}

impl Percentiles {
    /// The percentiles of a histogram of nanoseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Percentiles {
        if histogram.is_empty() {
            return Percentiles::default();
        }
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Percentiles {
            count: histogram.len(),
            mean: (histogram.mean() / 10.0).round() / 100.0,
            min: histogram.min() as f64 / 1e3,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: histogram.max() as f64 / 1e3,
        }
    }
}

/// One row of the picture: `from_ns..to_ns`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
    pub(crate) count: u64,
}

/// Steps of one decade of the logarithmic axis, finest first, in percent of the decade's start.
const STEPS: [&[u64]; 4] = [
    &[100, 120, 150, 180, 220, 270, 330, 390, 470, 560, 680, 820],
    &[100, 150, 200, 300, 500, 700],
    &[100, 200, 500],
    &[100],
];

/// Cuts a histogram into at most `rows_max` rows (or a row a decade, if that is more) on a logarithmic
/// axis from the first latency to the last.
pub(crate) fn rows(histogram: &Histogram<u64>, rows_max: usize) -> Vec<Row> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let cut = |steps| cut_at(histogram, steps);
    let mut cuts = STEPS.into_iter().map(cut);
    let finest = cuts.next().expect("there are steps");
    std::iter::once(finest)
        .chain(cuts)
        .reduce(|chosen, coarser| {
            if chosen.len() <= rows_max {
                chosen
            } else {
                coarser
            }
        })
        .expect("there are steps")
}

fn cut_at(histogram: &Histogram<u64>, steps: &[u64]) -> Vec<Row> {
    let edges = (2..12).flat_map(|exponent| {
        let hundredth = 10u64.pow(exponent - 2);
        steps.iter().map(move |step| step * hundredth)
    });
    let edges: Vec<u64> = edges.collect();
    let mut rows: Vec<Row> = edges
        .windows(2)
        .map(|pair| Row {
            from_ns: pair[0],
            to_ns: pair[1],
            count: 0,
        })
        .collect();
    for value in histogram.iter_recorded() {
        let latency_ns = value.value_iterated_to();
        let at = edges.partition_point(|&edge| edge <= latency_ns);
        rows[at.saturating_sub(1).min(edges.len() - 2)].count += value.count_at_value();
    }
    let first = rows.iter().position(|row| row.count > 0).unwrap_or(0);
    let last = rows.iter().rposition(|row| row.count > 0).unwrap_or(0);
    rows[first..=last].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LATENCY_NS_MAX;

    fn recorded(latencies_us: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut recorder = LatencyRecorder::new();
        for latency in latencies_us {
            recorder.record(latency * 1_000);
        }
        recorder.finish()
    }

    #[test]
    fn percentiles_are_within_three_digits() {
        let percentiles = Percentiles::of(&recorded(1..=100_000));
        for (found, expected) in [
            (percentiles.p50, 50_000.0),
            (percentiles.p90, 90_000.0),
            (percentiles.p99, 99_000.0),
            (percentiles.p999, 99_900.0),
            (percentiles.p9999, 99_990.0),
            (percentiles.max, 100_000.0),
        ] {
            assert!(
                (found - expected).abs() <= expected / 1_000.0,
                "{found} for {expected}"
            );
        }
        assert_eq!(percentiles.count, 100_000);
    }

    #[test]
    fn intervals_add_up_to_the_total() {
        let mut recorder = LatencyRecorder::new();
        recorder.record(1_000);
        assert_eq!(recorder.end_interval().unwrap().count, 1);
        assert_eq!(recorder.end_interval(), None);
        recorder.record(2_000);
        assert_eq!(recorder.finish().len(), 2);
    }

    #[test]
    fn slices_add_up_to_the_total() {
        let mut recorder = LatencyRecorder::new();
        recorder.record(1_000);
        recorder.end_interval();
        recorder.record(2_000);
        assert!(recorder.has_slice());
        assert_eq!(recorder.end_slice().histogram().len(), 2);
        assert!(!recorder.has_slice());
        assert!(recorder.end_slice().is_empty());
        recorder.record(3_000);
        assert_eq!(recorder.finish().len(), 3);
    }

    #[test]
    fn a_latency_beyond_the_bound_is_kept_at_the_bound() {
        let mut recorder = LatencyRecorder::new();
        recorder.record(u64::MAX);
        assert!(Percentiles::of(&recorder.finish()).max >= LATENCY_NS_MAX as f64 / 1e3);
    }

    #[test]
    fn rows_hold_every_latency_once() {
        let histogram = recorded([5, 50, 55, 120, 130, 400, 90_000]);
        for rows_max in [3, 10, 100] {
            let rows = rows(&histogram, rows_max);
            assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 7);
            assert!(rows.first().unwrap().count > 0 && rows.last().unwrap().count > 0);
            assert!(rows.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
        }
        assert!(rows(&histogram, 100).len() > rows(&histogram, 14).len());
        assert!(rows(&recorded([]), 10).is_empty());
    }
}
