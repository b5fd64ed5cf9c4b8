//! The lines of a search for the highest rate.

use super::{count, duration_us};
use crate::limit_search::LimitStep;
use crate::report::LimitReport;

/// A step, below the heading if it is the first.
pub(crate) fn limit_step(step: &LimitStep, is_first: bool) -> String {
    let heading = format!(
        "{:>12} {:>12} {:>10} {:>10} {:>8} {:>8}  crossed\n",
        "publishes/s", "delivered/s", "p50", "p99", "broker", "loadgen"
    );
    let share = |share: f64| format!("{:.0} %", 100.0 * share);
    let line = format!(
        "{:>12} {:>12} {:>10} {:>10} {:>8} {:>8}  {}",
        count(step.rate_per_second.round() as u64),
        count(step.delivered_per_second.round() as u64),
        duration_us(step.p50_us),
        duration_us(step.p99_us),
        step.broker_cpu_share.map_or("-".to_owned(), share),
        share(step.loadgen_cpu_share),
        step.crossed.as_deref().unwrap_or("-")
    );
    match is_first {
        true => heading + &line,
        false => line,
    }
}

/// The end of the search.
pub(crate) fn knee(report: &LimitReport) -> String {
    let Some(knee) = &report.knee else {
        return "no rate kept to the bounds".to_owned();
    };
    let own = match report.is_own_limit {
        true => "; above it loadgen itself was busy, the broker may take more",
        false => "",
    };
    format!(
        "the knee: {} publishes/s, {} deliveries/s, p99 {}{own}",
        count(knee.rate_per_second.round() as u64),
        count(knee.delivered_per_second.round() as u64),
        duration_us(knee.p99_us)
    )
}
