//! The report of a search for the highest rate.

use serde::Serialize;

use crate::limit_search::{Bounds, LimitStep};

/// What was tried, and the knee.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LimitReport {
    pub(crate) scenario: String,
    pub(crate) bounds: Bounds,
    /// In the order they were tried.
    pub(crate) steps: Vec<LimitStep>,
    /// The step with the highest rate that crossed no bound.
    pub(crate) knee: Option<LimitStep>,
    /// Whether loadgen itself was busy at the first rate above the knee: the broker may take more.
    pub(crate) is_own_limit: bool,
}

impl LimitReport {
    /// Sums up a search that ended at a factor.
    pub(crate) fn new(
        scenario: &str,
        bounds: Bounds,
        steps: Vec<LimitStep>,
        knee: Option<f64>,
    ) -> LimitReport {
        let at_knee = steps.iter().find(|step| Some(step.factor) == knee).cloned();
        let failed = steps.iter().filter(|step| step.crossed.is_some());
        let lowest_failed = failed.min_by(|a, b| a.factor.total_cmp(&b.factor));
        let is_busy = |step: &LimitStep| step.loadgen_cpu_share > crate::limits::OWN_CPU_WARN;
        LimitReport {
            scenario: scenario.to_owned(),
            bounds,
            is_own_limit: lowest_failed.is_some_and(is_busy),
            knee: at_knee,
            steps,
        }
    }
}
