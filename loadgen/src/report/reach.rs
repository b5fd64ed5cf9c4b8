//! The report of reaching connections.

use serde::Serialize;

use super::ConnectReport;
use crate::cli::ConnectArgs;
use crate::histogram::{Percentiles, Row, rows};
use crate::run::outcome::{Held, ReachOutcome, Reached};

/// Rows of each picture.
const ROWS_MAX: usize = 16;

/// Everything there is to say.
#[derive(Debug, Serialize)]
pub(crate) struct ReachReport {
    pub(crate) scenario: &'static str,
    pub(crate) broker_address: String,
    pub(crate) connections: u32,
    pub(crate) connections_lost: u64,
    pub(crate) connections_answered: u32,
    pub(crate) connect: ConnectReport,
    pub(crate) held: Held,
    /// A message each to a random choice of the connections.
    pub(crate) chosen: ReachedReport,
    /// Messages to all of them.
    pub(crate) all: ReachedReport,
    /// Messages that were not even published.
    pub(crate) unsent: u64,
    pub(crate) unexpected: u64,
    pub(crate) corrupt: u64,
    pub(crate) protocol_errors: u64,
    pub(crate) broker: Option<ReachBrokerReport>,
    /// loadgen's own memory with all connections up.
    pub(crate) loadgen_rss_bytes: u64,
    pub(crate) violations: Vec<String>,
}

/// Messages of one phase.
#[derive(Debug, Serialize)]
pub(crate) struct ReachedReport {
    pub(crate) published: u64,
    pub(crate) expected: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) seconds: f64,
    pub(crate) latency_us: Percentiles,
    #[serde(skip)]
    pub(crate) rows: Vec<Row>,
}

/// The broker's process over the phases.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ReachBrokerReport {
    pub(crate) pid: u32,
    pub(crate) rss_bytes_before: u64,
    /// With all connections up.
    pub(crate) rss_bytes_up: u64,
    /// When they had been held.
    pub(crate) rss_bytes_held: u64,
    /// When all had been reached.
    pub(crate) rss_bytes: u64,
    pub(crate) rss_bytes_peak: u64,
    /// What it grew by until the end, over the connections.
    pub(crate) rss_bytes_per_connection: f64,
    pub(crate) cpu_us_per_connect: f64,
    /// While they were held: the price of the keep-alives.
    pub(crate) cpu_share_held: f64,
}

impl ReachedReport {
    fn new(reached: &Reached) -> ReachedReport {
        ReachedReport {
            published: reached.published,
            expected: reached.expected,
            delivered: reached.delivered,
            lost: reached.expected - reached.delivered,
            seconds: reached.seconds,
            latency_us: Percentiles::of(&reached.latency),
            rows: rows(&reached.latency, ROWS_MAX),
        }
    }
}

impl ReachReport {
    pub(super) fn new(connect: &ConnectArgs, outcome: &ReachOutcome) -> ReachReport {
        let mut report = ReachReport {
            scenario: "reach",
            broker_address: connect.broker.clone(),
            connections: outcome.connections,
            connections_lost: outcome.lost_connections.total(),
            connections_answered: outcome.answered,
            connect: ConnectReport::new(
                outcome.connect_seconds,
                &outcome.connect_failures,
                Percentiles::of(&outcome.connect_latency),
            ),
            held: outcome.held,
            chosen: ReachedReport::new(&outcome.chosen),
            all: ReachedReport::new(&outcome.all),
            unsent: outcome.unsent,
            unexpected: outcome.unexpected,
            corrupt: outcome.corrupt,
            protocol_errors: outcome.protocol_errors,
            broker: broker(connect, outcome),
            loadgen_rss_bytes: outcome.own_rss_bytes,
            violations: Vec::new(),
        };
        report.violations = report.judge(outcome);
        report
    }

    /// What must not be. QoS 0 may lose messages, but on one connection that is read none has a reason to be.
    fn judge(&self, outcome: &ReachOutcome) -> Vec<String> {
        let silent = u64::from(outcome.connections - outcome.answered);
        let rules = [
            (self.connect.failures, "connections failed to come up"),
            (self.connections_lost, "connections lost during the run"),
            (
                self.held.unanswered,
                "keep-alives not answered when the next was due",
            ),
            (silent, "connections did not answer at the end"),
            (self.chosen.lost, "messages to chosen connections lost"),
            (self.all.lost, "messages to all connections lost"),
            (
                self.unsent,
                "messages not sent: the publisher could not, or others before them did not arrive",
            ),
            (
                self.unexpected,
                "messages that came again, out of order, or to the wrong connection",
            ),
            (self.corrupt, "messages not as they were sent"),
            (self.protocol_errors, "packets that no client should get"),
        ];
        let mut broken: Vec<String> = rules
            .into_iter()
            .filter(|&(count, _)| count > 0)
            .map(|(count, rule)| format!("{count} {rule}"))
            .collect();
        let turns = self.turns_min();
        if u64::from(self.held.pongs_min) < turns {
            broken.push(format!(
                "a connection had {} keep-alives answered; the time was enough for {turns}",
                self.held.pongs_min
            ));
        }
        if self.connections_lost > 0 {
            broken.push(format!(
                "the reasons:{}",
                outcome.lost_connections.describe()
            ));
        }
        broken
    }

    /// Keep-alives that each connection has had the time for while it was held: one in three quarters of the
    /// keep-alive, the last of which may be under way.
    fn turns_min(&self) -> u64 {
        let period_secs = f64::from(self.held.keep_alive_secs) * 0.75;
        let turns = match self.held.keep_alive_secs {
            0 => 0.0,
            _ => self.held.seconds / period_secs - 1.0,
        };
        // More than 255 are not counted.
        turns.clamp(0.0, 255.0) as u64
    }
}

fn broker(connect: &ConnectArgs, outcome: &ReachOutcome) -> Option<ReachBrokerReport> {
    let before = outcome.broker_before?;
    let up = outcome.broker_up?;
    let held = outcome.broker_held?;
    let end = outcome.broker_end?;
    let connections = f64::from(outcome.connections + 1);
    let grown = end.rss_bytes.saturating_sub(before.rss_bytes) as f64;
    Some(ReachBrokerReport {
        pid: connect.pid?,
        rss_bytes_before: before.rss_bytes,
        rss_bytes_up: up.rss_bytes,
        rss_bytes_held: held.rss_bytes,
        rss_bytes: end.rss_bytes,
        rss_bytes_peak: outcome.broker_rss_peak.max(end.rss_bytes),
        rss_bytes_per_connection: (grown / connections * 10.0).round() / 10.0,
        cpu_us_per_connect: up.cpu_ns_since(&before) as f64 / connections / 1e3,
        cpu_share_held: held.cpu_ns_since(&up) as f64 / 1e9 / outcome.held.seconds,
    })
}
