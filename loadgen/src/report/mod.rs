//! What a run found, in the form it is told: figures computed once, then printed as text or as JSON.
//!
//! The names of the JSON fields are an interface: scripts read them.

mod churn;
mod judge;
mod limit;
mod load;
mod reach;
mod scenario;
mod several;
pub(crate) mod text;

pub(crate) use churn::ChurnReport;
pub(crate) use limit::LimitReport;
pub(crate) use load::{BrokerReport, LoadReport};
pub(crate) use reach::{ReachReport, ReachedReport};
pub(crate) use scenario::Scenario;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::ConnectArgs;
use crate::ensemble::LoadOutcome;
use crate::histogram::Percentiles;
use crate::run::connector::Failures;
use crate::run::outcome::{ChurnOutcome, Outcome, ReachOutcome};

/// A report of any kind.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Report {
    Load(Box<LoadReport>),
    Churn(Box<ChurnReport>),
    Reach(Box<ReachReport>),
}

/// How connecting went.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectReport {
    /// From the first connect to the last CONNACK or SUBACK.
    pub(crate) seconds: f64,
    pub(crate) failures: u64,
    pub(crate) failures_by_reason: BTreeMap<String, u64>,
    /// From the beginning of a connect until the client may take part, in microseconds.
    pub(crate) latency_us: Percentiles,
    /// User and system time of the broker for each connection until it took part, in microseconds; of a
    /// single load only. What a client does to take part is in it: subscribers subscribe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) broker_cpu_us_each: Option<f64>,
}

impl ConnectReport {
    fn new(seconds: f64, failures: &Failures, latency_us: Percentiles) -> ConnectReport {
        ConnectReport {
            seconds,
            failures: failures.total(),
            failures_by_reason: failures.counts().clone(),
            latency_us,
            broker_cpu_us_each: None,
        }
    }
}

impl Report {
    /// The report of a run with one load.
    fn of_load(scenario: Scenario, connect: &ConnectArgs, outcome: &Outcome) -> Report {
        Report::Load(Box::new(LoadReport::new(scenario, connect, outcome)))
    }

    /// The report of a scenario with one load or several.
    pub(crate) fn of_loads(
        name: &str,
        connect: &ConnectArgs,
        mut loads: Vec<LoadOutcome>,
    ) -> Report {
        match (loads.pop(), loads.is_empty()) {
            (Some(load), true) => Report::of_load(load.scenario, connect, &load.outcome),
            (last, _) => {
                loads.extend(last);
                Report::Load(Box::new(LoadReport::of_several(name, connect, loads)))
            }
        }
    }

    /// The report of churning.
    pub(crate) fn of_churn(connect: &ConnectArgs, outcome: &ChurnOutcome) -> Report {
        Report::Churn(Box::new(ChurnReport::new(connect, outcome)))
    }

    /// The report of reaching connections.
    pub(crate) fn of_reach(connect: &ConnectArgs, outcome: &ReachOutcome) -> Report {
        Report::Reach(Box::new(ReachReport::new(connect, outcome)))
    }

    /// What must not have been, a line each.
    pub(crate) fn violations(&self) -> &[String] {
        match self {
            Report::Load(report) => &report.violations,
            Report::Churn(report) => &report.violations,
            Report::Reach(report) => &report.violations,
        }
    }
}

/// The report as one JSON object.
pub(crate) fn json(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report)
        .expect("a report holds only numbers, text and maps with text keys")
}
