//! Latency by percentile: histograms sampled at quantiles that are evenly spaced in nines.

use hdrhistogram::Histogram;

use super::chart::{Chart, Look, Series, Size};
use super::number::Unit;
use super::scale::{Scale, nines_of};

/// Samples of a curve.
const SAMPLES: u32 = 240;

/// A histogram of nanoseconds with its name.
#[derive(Clone, Debug)]
pub(crate) struct Curve<'a> {
    pub(crate) name: String,
    pub(crate) look: Look,
    pub(crate) latency: &'a Histogram<u64>,
}

/// The curves over each other; each ends where it has a single value left: its maximum.
pub(crate) fn chart(title: &str, note: &str, curves: &[Curve<'_>]) -> Chart {
    let count = curves.iter().map(|curve| curve.latency.len()).max();
    let nines = (count.unwrap_or(0).max(10) as f64).log10();
    let quantiles: Vec<f64> = (0..=SAMPLES)
        .map(|n| 1.0 - 10_f64.powf(-nines * f64::from(n) / f64::from(SAMPLES)))
        .collect();
    let series: Vec<Series> = curves
        .iter()
        .map(|curve| Series {
            name: curve.name.clone(),
            look: curve.look,
            values: sampled(curve.latency, &quantiles),
        })
        .collect();
    let values = series.iter().flat_map(|s| s.values.iter().flatten());
    Chart {
        title: title.to_owned(),
        note: note.to_owned(),
        size: Size::Whole,
        x_title: "percentile (each nine takes the same room)".to_owned(),
        x_scale: Scale::Quantile { nines },
        y_scale: Scale::logarithmic(values.copied(), Unit::Duration),
        xs: quantiles,
        x_labels: Vec::new(),
        marks: Vec::new(),
        series,
    }
}

/// Microseconds at each quantile, up to the one that a single value is beyond.
fn sampled(latency: &Histogram<u64>, quantiles: &[f64]) -> Vec<Option<f64>> {
    let own_nines = (latency.len().max(1) as f64).log10();
    let at = |quantile: f64| {
        let is_inside = !latency.is_empty() && nines_of(quantile) <= own_nines + 1e-6;
        // At its end a curve shows the largest value, not the one before it.
        let is_last = nines_of(quantile) > own_nines - 1e-6;
        let quantile = if is_last { 1.0 } else { quantile };
        is_inside.then(|| latency.value_at_quantile(quantile) as f64 / 1e3)
    };
    quantiles.iter().map(|&quantile| at(quantile)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::empty_latency;

    #[test]
    fn a_curve_rises_from_the_least_to_the_largest_value() {
        let mut latency = empty_latency();
        for micros in 1..=1_000u64 {
            latency.record(micros * 1_000).unwrap();
        }
        let other = empty_latency();
        let curve = |latency| Curve {
            name: "x".to_owned(),
            look: Look::Line(0),
            latency,
        };
        let chart = chart("t", "", &[curve(&latency), curve(&other)]);
        let values: Vec<f64> = chart.series[0].values.iter().flatten().copied().collect();
        assert_eq!(values.len(), SAMPLES as usize + 1);
        assert!(values.is_sorted());
        assert!(values[0] <= 2.0);
        assert!((values[values.len() - 1] - 1_000.0).abs() < 1.0);
        assert!(chart.series[1].values.iter().all(Option::is_none));
    }
}
