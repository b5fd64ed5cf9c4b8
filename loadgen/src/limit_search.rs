//! Searching the highest rate that a broker takes: double until a bound is crossed, then halve the gap.
//!
//! Pure: the caller makes a run at each rate that [`LimitSearch::next_factor`] names and says how it went. Rates are
//! factors of the scenario's own.

use serde::Serialize;

use crate::limits::{LIMIT_FACTOR_MAX, LIMIT_FACTOR_MIN, LIMIT_GAP};
use crate::report::LoadReport;

/// Where the search stands: the highest factor that passed and the lowest that did not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitSearch {
    passed: Option<f64>,
    failed: Option<f64>,
}

impl LimitSearch {
    /// Nothing tried.
    pub(crate) fn new() -> LimitSearch {
        LimitSearch {
            passed: None,
            failed: None,
        }
    }

    /// The factor to try next; `None` when the gap is small enough or the range is at its end.
    pub(crate) fn next_factor(&self) -> Option<f64> {
        match (self.passed, self.failed) {
            (None, None) => Some(1.0),
            (Some(passed), None) => Some(passed * 2.0).filter(|&next| next <= LIMIT_FACTOR_MAX),
            (None, Some(failed)) => Some(failed / 2.0).filter(|&next| next >= LIMIT_FACTOR_MIN),
            (Some(passed), Some(failed)) => {
                (failed / passed > LIMIT_GAP).then(|| (passed * failed).sqrt())
            }
        }
    }

    /// Takes how the factor that `next_factor` named went.
    pub(crate) fn on_result(&mut self, factor: f64, has_passed: bool) {
        match has_passed {
            true => self.passed = Some(factor),
            false => self.failed = Some(factor),
        }
    }

    /// The highest factor that passed.
    pub(crate) fn knee(&self) -> Option<f64> {
        self.passed
    }
}

/// What a rate must keep to.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Bounds {
    pub(crate) p99_us: f64,
    /// Share of the messages that may be lost.
    pub(crate) loss: f64,
}

/// What a run at one rate found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LimitStep {
    /// Of the scenario's own rate.
    pub(crate) factor: f64,
    pub(crate) rate_per_second: f64,
    pub(crate) published_per_second: f64,
    pub(crate) delivered_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Share of the messages.
    pub(crate) loss: f64,
    pub(crate) unsent: u64,
    pub(crate) broker_cpu_share: Option<f64>,
    pub(crate) loadgen_cpu_share: f64,
    /// What it crossed; `None`: nothing.
    pub(crate) crossed: Option<String>,
}

impl LimitStep {
    /// Judges a run.
    pub(crate) fn of(factor: f64, report: &LoadReport, bounds: &Bounds) -> LimitStep {
        let loss = report.lost as f64 / report.expected.max(1) as f64;
        let p99_us = report.latency_us.p99;
        let broken = report.duplicated + report.reordered + report.unexpected + report.corrupt;
        let crossed = match () {
            () if loss > bounds.loss => Some(format!("lost {:.3} %", 100.0 * loss)),
            () if p99_us > bounds.p99_us => Some(format!("p99 {:.1} ms", p99_us / 1e3)),
            () if report.unsent > 0 => Some(format!("{} could not be sent", report.unsent)),
            () if report.connections_lost > 0 => Some("connections lost".to_owned()),
            () if broken > 0 && !report.violations.is_empty() => Some("audit".to_owned()),
            () => None,
        };
        LimitStep {
            factor,
            rate_per_second: report.scenario.rate_per_second.unwrap_or(0.0),
            published_per_second: report.published_per_second,
            delivered_per_second: report.delivered_per_second,
            p50_us: report.latency_us.p50,
            p99_us,
            loss,
            unsent: report.unsent,
            broker_cpu_share: report.broker.map(|broker| broker.cpu_share),
            loadgen_cpu_share: report.loadgen.cpu_share,
            crossed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches against a broker that takes up to `limit`; gives the knee and the runs it took.
    fn search(limit: f64) -> (Option<f64>, u32) {
        let mut search = LimitSearch::new();
        let mut runs = 0;
        while let Some(factor) = search.next_factor() {
            search.on_result(factor, factor <= limit);
            runs += 1;
        }
        (search.knee(), runs)
    }

    #[test]
    fn the_knee_is_found_within_the_gap() {
        for limit in [0.013, 0.9, 1.0, 1.7, 40.0, 900.0] {
            let (knee, runs) = search(limit);
            let knee = knee.unwrap();
            assert!(
                knee <= limit && knee * LIMIT_GAP * 1.001 >= limit,
                "{limit}: {knee}"
            );
            assert!(runs <= 20, "{limit}: {runs} runs");
        }
    }

    #[test]
    fn a_limit_out_of_range_ends_the_search() {
        assert_eq!(search(0.0).0, None);
        assert!(search(f64::MAX).0.unwrap() <= LIMIT_FACTOR_MAX);
    }
}
