//! What happened when: latency, throughput, CPU and memory of each interval.

use super::chart::{Chart, Look, Series, Size};
use super::number::Unit;
use super::scale::Scale;
use crate::record::Interval;

/// Shorter pieces say nothing of a rate.
const LENGTH_MILLIS_MIN: u64 = 100;

/// Lines further apart than this share no linear axis.
const SPREAD_MAX: f64 = 20.0;

/// A figure of an interval, where it has one.
type Figure = fn(&Interval) -> Option<f64>;

/// A line: its name and what it shows.
type Line = (&'static str, Figure);

/// The charts that there is something to show in.
pub(super) fn charts(intervals: &[Interval]) -> Vec<Chart> {
    let long: Vec<&Interval> = loaded(intervals)
        .iter()
        .filter(|interval| interval.length_millis >= LENGTH_MILLIS_MIN)
        .collect();
    let latency: [Line; 3] = [
        ("p50", |it| quantile(it, 0.5)),
        ("p99", |it| quantile(it, 0.99)),
        ("max", |it| quantile(it, 1.0)),
    ];
    let rates: [Line; 2] = [
        ("delivered", |it| rate(it, it.delivered)),
        ("published", |it| rate(it, it.published)),
    ];
    let cpu: [Line; 2] = [
        ("broker", |it| cpu_percent(it, it.broker_cpu_micros?)),
        ("loadgen", |it| cpu_percent(it, it.loadgen_cpu_micros)),
    ];
    let memory: [Line; 1] = [("broker", |it| it.broker_rss_bytes.map(|bytes| bytes as f64))];
    let charts = [
        of("Latency over time", Unit::Duration, &latency, &long),
        of("Messages a second", Unit::PerSecond, &rates, &long),
        of("CPU, percent of one", Unit::Cpu, &cpu, &long),
        of("Resident memory", Unit::Bytes, &memory, &long),
    ];
    charts.into_iter().flatten().collect()
}

/// Without the last interval if it is the one of draining, when nothing was published: its rates would
/// look like a collapse. Its latencies are in the percentiles.
fn loaded(intervals: &[Interval]) -> &[Interval] {
    match intervals {
        [loaded @ .., last] if last.published == 0 && !loaded.is_empty() => loaded,
        all => all,
    }
}

/// A chart; `None` when no line has a figure above 0.
fn of(title: &str, unit: Unit, lines: &[Line], intervals: &[&Interval]) -> Option<Chart> {
    let series: Vec<Series> = (0..)
        .zip(lines)
        .map(|(at, &(name, figure))| Series {
            name: name.to_owned(),
            look: Look::Line(at),
            values: intervals.iter().map(|interval| figure(interval)).collect(),
        })
        .filter(|series| series.values.iter().flatten().any(|&value| value > 0.0))
        .collect();
    if series.is_empty() {
        return None;
    }
    let values = series
        .iter()
        .flat_map(|s| s.values.iter().flatten())
        .copied();
    let y_scale = match unit {
        Unit::Duration => Scale::logarithmic(values, unit),
        // Fan-out puts what is delivered far above what is published.
        Unit::PerSecond if spread(&series) > SPREAD_MAX => Scale::logarithmic(values, unit),
        _ => Scale::from_zero(values, unit),
    };
    let xs: Vec<f64> = intervals.iter().map(|interval| middle(interval)).collect();
    let end = intervals.last().map_or(1.0, |last| {
        (last.start_millis + last.length_millis) as f64 / 1e3
    });
    Some(Chart {
        title: title.to_owned(),
        note: String::new(),
        size: Size::Half,
        x_title: "seconds of the measured phase".to_owned(),
        x_scale: Scale::Linear {
            from: 0.0,
            to: end,
            unit: Unit::Seconds,
        },
        y_scale,
        xs,
        x_labels: Vec::new(),
        marks: Vec::new(),
        series,
    })
}

/// How many times higher the highest line stands than the lowest.
fn spread(series: &[Series]) -> f64 {
    let heights = series.iter().map(|s| {
        let values = s.values.iter().flatten().copied();
        values.fold(0.0, f64::max)
    });
    let (low, high) = heights.fold((f64::INFINITY, 0.0_f64), |(low, high), height| {
        (low.min(height), high.max(height))
    });
    high / low
}

/// Seconds since the measured phase began.
fn middle(interval: &Interval) -> f64 {
    (interval.start_millis as f64 + interval.length_millis as f64 / 2.0) / 1e3
}

fn quantile(interval: &Interval, quantile: f64) -> Option<f64> {
    let has_any = !interval.latency.is_empty();
    has_any.then(|| interval.latency.histogram().value_at_quantile(quantile) as f64 / 1e3)
}

fn rate(interval: &Interval, count: u64) -> Option<f64> {
    Some(count as f64 * 1e3 / interval.length_millis as f64)
}

fn cpu_percent(interval: &Interval, micros: u64) -> Option<f64> {
    Some(micros as f64 / 10.0 / interval.length_millis as f64)
}
