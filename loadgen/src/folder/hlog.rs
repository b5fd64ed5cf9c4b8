//! HdrHistogram interval logs, version 2: the form that the HdrHistogram tools of all languages read.
//!
//! Values are nanoseconds; the maximum in the text of each line is in milliseconds, as those tools have
//! it. An interval in which nothing was recorded has a line too, so that lines and intervals match.

use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use crate::record::{Interval, Moment, RunRecord};

/// Nanoseconds of the unit that maxima are written in.
const MAX_UNIT_NS: f64 = 1e6;

/// The log of the measured phase, times counted from `base`.
pub(super) fn of_intervals(intervals: &[Interval], base: Moment) -> Vec<u8> {
    let line = |interval: &Interval| {
        (
            interval.latency.histogram(),
            interval.start_millis,
            interval.length_millis,
        )
    };
    of_lines(
        "latencies of deliveries in nanoseconds",
        base,
        intervals.iter().map(line),
    )
}

/// The log of connecting: one interval.
pub(super) fn of_connects(record: &RunRecord) -> Vec<u8> {
    let length_millis = (record.results.connect_seconds * 1e3) as u64;
    let line = (record.connect_latency.histogram(), 0, length_millis);
    of_lines(
        "latencies of connects in nanoseconds",
        record.started,
        [line],
    )
}

fn of_lines(
    comment: &str,
    base: Moment,
    lines: impl IntoIterator<Item = (Histogram<u64>, u64, u64)>,
) -> Vec<u8> {
    let base = UNIX_EPOCH + Duration::from_millis(base.unix_millis);
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!(
            "[loadgen {}: {comment}]",
            env!("CARGO_PKG_VERSION")
        ))
        .with_start_time(base)
        .with_base_time(base)
        .with_max_value_divisor(MAX_UNIT_NS)
        .begin_log_with(&mut bytes, &mut serializer)
        .expect("writing to memory does not fail");
    for (latency, start_millis, length_millis) in lines {
        log.write_histogram(
            &latency,
            Duration::from_millis(start_millis),
            Duration::from_millis(length_millis),
            None,
        )
        .expect("a histogram of loadgen is far below the size that cannot be encoded");
    }
    bytes
}
