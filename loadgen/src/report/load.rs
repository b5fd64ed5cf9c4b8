//! The report of a run with a load, or of idle connections.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::ConnectReport;
use crate::agents::AgentReport;
use crate::calibration::Calibration;
use crate::cli::ConnectArgs;
use crate::histogram::{Percentiles, Row, rows};
use crate::probe::{NotProbed, PROBE_WORK, Probed};
use crate::report::Scenario;
use crate::run::outcome::Outcome;
use crate::sys::SelfPortrait;

/// Rows of the picture of the latencies.
const ROWS_MAX: usize = 22;

/// The broker's process over the measured phase.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct BrokerReport {
    pub(crate) pid: u32,
    /// User and system time of all its threads for each PUBLISH that loadgen received.
    pub(crate) cpu_us_per_delivery: f64,
    /// The same of the time in which nobody disturbed its CPU, and the share of that time. `null` where too
    /// little was, and both where no probe could look.
    pub(crate) cpu_us_per_delivery_undisturbed: Option<f64>,
    pub(crate) undisturbed_share: Option<f64>,
    /// What a probe takes there when nobody does, in microseconds.
    pub(crate) probe_quick_us: Option<f64>,
    /// Which work the probe does: times of different ones do not compare.
    pub(crate) probe_work: Option<u32>,
    /// Why no probe could look.
    pub(crate) not_probed: Option<NotProbed>,
    /// Share of one CPU.
    pub(crate) cpu_share: f64,
    /// Resident memory at the end of the measured phase.
    pub(crate) rss_bytes: u64,
    /// Before the first connect.
    pub(crate) rss_bytes_before: u64,
    pub(crate) rss_bytes_peak: u64,
    /// What it grew by, for each connection.
    pub(crate) rss_bytes_per_connection: f64,
}

/// Clients that left and returned, were thrown out and returned, or came when all was published.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ReturnReport {
    pub(crate) returned: u64,
    /// From the first connect to the last answer, all rounds together.
    pub(crate) seconds: f64,
    /// From the beginning of a connect until the client may take part, in microseconds.
    pub(crate) latency_us: Percentiles,
    /// Sessions the broker was to keep and did not.
    pub(crate) sessions_lost: u64,
}

/// Subscriptions exchanged while the load ran.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ChangeReport {
    pub(crate) changed: u64,
    /// Turns missed because the exchange before was not answered yet.
    pub(crate) missed: u64,
    /// From UNSUBSCRIBE and SUBSCRIBE to SUBACK, in microseconds.
    pub(crate) latency_us: Percentiles,
}

/// loadgen's own share.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct OwnReport {
    pub(crate) version: &'static str,
    /// Share of one CPU that its loops used in the measured phase.
    pub(crate) cpu_share: f64,
    /// Below this nothing can be measured here.
    pub(crate) calibration: Option<Calibration>,
}

/// Everything there is to say.
#[derive(Serialize)]
pub(crate) struct LoadReport {
    pub(crate) scenario: Scenario,
    pub(crate) broker_address: String,
    /// In the measured phase.
    pub(crate) published_per_second: f64,
    pub(crate) delivered_per_second: f64,
    /// Of messages due in the measured phase: from the time each was due (open loop) or sent (closed loop)
    /// to its receipt, in microseconds.
    pub(crate) latency_us: Percentiles,
    /// Messages of the whole run, warm-up included, as are all counts from here on.
    pub(crate) published: u64,
    pub(crate) expected: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    pub(crate) unexpected: u64,
    pub(crate) corrupt: u64,
    /// With `--sys`: what the broker says it dropped, by reason, and what nobody accounts for.
    pub(crate) drops: Option<BTreeMap<String, u64>>,
    pub(crate) drops_total: Option<u64>,
    pub(crate) unaccounted: Option<i64>,
    /// Likewise: the version it names, and its memory at the end by its own account.
    pub(crate) broker_version: Option<String>,
    pub(crate) broker_memory_bytes: Option<u64>,
    pub(crate) late_sends: u64,
    pub(crate) late_max_us: f64,
    pub(crate) unsent: u64,
    pub(crate) written_off: u64,
    pub(crate) unacknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) protocol_errors: u64,
    /// Connections that came up, and for idle ones those that answered at the end.
    pub(crate) connections: u32,
    pub(crate) connections_answered: Option<u32>,
    pub(crate) connections_lost: u64,
    pub(crate) connections_lost_by_reason: BTreeMap<String, u64>,
    pub(crate) connect: ConnectReport,
    /// Clients that came back, or came late.
    pub(crate) returns: Option<ReturnReport>,
    /// Exchanged subscriptions.
    pub(crate) changes: Option<ChangeReport>,
    pub(crate) broker: Option<BrokerReport>,
    pub(crate) loadgen: OwnReport,
    pub(crate) warnings: Vec<String>,
    pub(crate) violations: Vec<String>,
    /// The machines that carried it out together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) agents: Vec<AgentReport>,
    /// The loads of a mixed run, each on its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) loads: Vec<LoadReport>,
    /// The picture of the latencies, for the text.
    #[serde(skip)]
    pub(crate) rows: Vec<Row>,
}

impl LoadReport {
    pub(super) fn new(scenario: Scenario, connect: &ConnectArgs, outcome: &Outcome) -> LoadReport {
        let seconds = outcome.end.at_ns.saturating_sub(outcome.begin.at_ns).max(1) as f64 / 1e9;
        let per_second = |from: u64, to: u64| ((to - from) as f64 / seconds * 10.0).round() / 10.0;
        let audit = outcome.audit;
        let drops_total = outcome.drops.as_ref().map(|drops| drops.total());
        let undelivered = outcome.expected as i64 - audit.delivered as i64;
        let mut report = LoadReport {
            published_per_second: per_second(outcome.begin.published, outcome.end.published),
            delivered_per_second: per_second(outcome.begin.received, outcome.end.received),
            latency_us: Percentiles::of(&outcome.latency),
            published: outcome.published,
            expected: outcome.expected,
            delivered: audit.delivered,
            lost: undelivered.max(0) as u64,
            duplicated: audit.duplicated,
            reordered: audit.reordered,
            unexpected: audit.unexpected,
            corrupt: audit.corrupt,
            drops: outcome.drops.as_ref().map(|drops| drops.by_reason.clone()),
            drops_total,
            unaccounted: drops_total.map(|drops| undelivered - drops as i64),
            broker_version: outcome.portrait.as_ref().and_then(|p| p.version.clone()),
            broker_memory_bytes: outcome
                .portrait
                .as_ref()
                .map(SelfPortrait::memory_bytes)
                .filter(|&bytes| bytes > 0),
            late_sends: outcome.late_sends,
            late_max_us: outcome.late_max_ns as f64 / 1e3,
            unsent: outcome.unsent,
            written_off: outcome.written_off,
            unacknowledged: outcome.unacknowledged,
            refused: outcome.refused,
            protocol_errors: outcome.protocol_errors,
            connections: outcome.connections,
            connections_answered: outcome.answered,
            connections_lost: outcome.lost_connections.total(),
            connections_lost_by_reason: outcome.lost_connections.counts().clone(),
            connect: ConnectReport {
                broker_cpu_us_each: cpu_us_of_connect(outcome),
                ..ConnectReport::new(
                    outcome.connect_seconds,
                    &outcome.connect_failures,
                    Percentiles::of(&outcome.connect_latency),
                )
            },
            returns: (scenario.replay || scenario.storms > 0).then(|| ReturnReport {
                returned: outcome.return_latency.len(),
                seconds: outcome.return_seconds,
                latency_us: Percentiles::of(&outcome.return_latency),
                sessions_lost: outcome.sessions_lost,
            }),
            changes: (scenario.changes_per_second > 0.0).then(|| ChangeReport {
                changed: outcome.change_latency.len(),
                missed: outcome.changes_missed,
                latency_us: Percentiles::of(&outcome.change_latency),
            }),
            broker: broker(connect, outcome, seconds),
            loadgen: OwnReport {
                version: env!("CARGO_PKG_VERSION"),
                cpu_share: (outcome.end.own_cpu_ns - outcome.begin.own_cpu_ns) as f64
                    / seconds
                    / 1e9,
                calibration: None,
            },
            warnings: outcome.warnings.clone(),
            violations: Vec::new(),
            agents: Vec::new(),
            loads: Vec::new(),
            rows: picture(&outcome.latency),
            broker_address: connect.broker.clone(),
            scenario,
        };
        report.violations = report.judge();
        report
    }

    /// Adds what this machine cannot measure below.
    pub(crate) fn calibrate(&mut self, calibration: Calibration) {
        self.warnings.extend(calibration.warning());
        self.loadgen.calibration = Some(calibration);
    }

    /// Adds who carried it out, and how far latencies between them can be trusted.
    pub(crate) fn set_agents(&mut self, agents: Vec<AgentReport>) {
        let errors = agents.iter().map(|agent| agent.clock_error_us);
        let worst = errors.fold(0.0, f64::max);
        if agents.len() > 1 {
            self.warnings.push(format!(
                "latencies between agents are right to within {:.0} us: the error of their clocks' offsets",
                2.0 * worst
            ));
        }
        self.agents = agents;
    }
}

fn broker(connect: &ConnectArgs, outcome: &Outcome, seconds: f64) -> Option<BrokerReport> {
    let (begin, end) = (outcome.begin.broker?, outcome.end.broker?);
    let before = outcome.broker_before?;
    let cpu_ns = end.cpu_ns_since(&begin) as f64;
    let deliveries = (outcome.end.received - outcome.begin.received).max(1) as f64;
    let grown = end.rss_bytes.saturating_sub(before.rss_bytes) as f64;
    let (undisturbed, not_probed) = match outcome.probed {
        Some(Probed::Found(found)) => (Some(found), None),
        Some(Probed::Not(reason)) => (None, Some(reason)),
        None => (None, None),
    };
    Some(BrokerReport {
        pid: connect.pid?,
        cpu_us_per_delivery: cpu_ns / deliveries / 1e3,
        cpu_us_per_delivery_undisturbed: undisturbed.and_then(|it| it.cpu_us_per_delivery),
        undisturbed_share: undisturbed.map(|it| it.share),
        probe_quick_us: undisturbed.map(|it| it.quick_us),
        probe_work: undisturbed.map(|_| PROBE_WORK),
        not_probed,
        cpu_share: cpu_ns / seconds / 1e9,
        rss_bytes: end.rss_bytes,
        rss_bytes_before: before.rss_bytes,
        rss_bytes_peak: outcome.broker_rss_peak.max(end.rss_bytes),
        rss_bytes_per_connection: grown / f64::from(outcome.connections.max(1)),
    })
}

fn cpu_us_of_connect(outcome: &Outcome) -> Option<f64> {
    let cpu_ns = outcome
        .broker_connected?
        .cpu_ns_since(&outcome.broker_before?);
    let connections = f64::from(outcome.connections.max(1));
    Some(cpu_ns as f64 / connections / 1e3)
}

fn picture(latency: &Histogram<u64>) -> Vec<Row> {
    rows(latency, ROWS_MAX)
}
