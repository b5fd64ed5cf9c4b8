//! The report of churning.

use serde::Serialize;

use super::ConnectReport;
use crate::cli::ConnectArgs;
use crate::histogram::Percentiles;
use crate::run::outcome::ChurnOutcome;

/// Everything there is to say.
#[derive(Debug, Serialize)]
pub(crate) struct ChurnReport {
    pub(crate) scenario: &'static str,
    pub(crate) broker_address: String,
    pub(crate) rounds: u32,
    /// Connections of each round.
    pub(crate) connections: u32,
    /// Connects of all rounds.
    pub(crate) connects: u64,
    pub(crate) connects_per_second: f64,
    /// Connections that ended in the middle of a packet.
    pub(crate) cut: u64,
    pub(crate) connect: ConnectReport,
    pub(crate) broker: Option<ChurnBrokerReport>,
    pub(crate) violations: Vec<String>,
}

/// The broker's process over the rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ChurnBrokerReport {
    pub(crate) pid: u32,
    pub(crate) cpu_us_per_connect: f64,
    pub(crate) rss_bytes_before: u64,
    pub(crate) rss_bytes_after_first_round: u64,
    pub(crate) rss_bytes: u64,
}

impl ChurnReport {
    pub(super) fn new(connect: &ConnectArgs, outcome: &ChurnOutcome) -> ChurnReport {
        let failures = outcome.failures.total();
        ChurnReport {
            scenario: "churn",
            broker_address: connect.broker.clone(),
            rounds: outcome.rounds,
            connections: outcome.connections,
            connects: outcome.connects,
            connects_per_second: (outcome.connects as f64 / outcome.seconds).round(),
            cut: outcome.cut,
            connect: ConnectReport::new(
                outcome.seconds,
                &outcome.failures,
                Percentiles::of(&outcome.connect_latency),
            ),
            broker: broker(connect, outcome),
            violations: match failures {
                0 => Vec::new(),
                _ => vec![format!(
                    "{failures} connections failed:{}",
                    outcome.failures.describe()
                )],
            },
        }
    }
}

fn broker(connect: &ConnectArgs, outcome: &ChurnOutcome) -> Option<ChurnBrokerReport> {
    let before = outcome.broker_before?;
    let after = outcome.broker_after?;
    let cpu_ns = after.cpu_ns_since(&before) as f64;
    Some(ChurnBrokerReport {
        pid: connect.pid?,
        cpu_us_per_connect: cpu_ns / outcome.connects as f64 / 1e3,
        rss_bytes_before: before.rss_bytes,
        rss_bytes_after_first_round: outcome.broker_after_first_round?.rss_bytes,
        rss_bytes: after.rss_bytes,
    })
}
