//! The report of a run with a load, or of idle connections.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use ringmq_codec::{Qos, Version};
use serde::Serialize;

use super::ConnectReport;
use crate::cli::ConnectArgs;
use crate::histogram::{Percentiles, Row, rows};
use crate::run::outcome::Outcome;
use crate::scenario::{Pace, Plan};

/// Rows of the picture of the latencies.
const ROWS_MAX: usize = 22;

/// What was run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) mqtt: &'static str,
    pub(crate) qos: u8,
    pub(crate) publishers: u32,
    pub(crate) subscribers: u32,
    /// Sources with a sequence of their own: publishers, or simulated sensors.
    pub(crate) streams: u32,
    pub(crate) groups: u32,
    pub(crate) stalled_subscribers: u32,
    pub(crate) payload_bytes: usize,
    pub(crate) closed_loop: bool,
    pub(crate) rate_per_second: Option<f64>,
    pub(crate) window: Option<u32>,
    pub(crate) warmup_seconds: f64,
    pub(crate) duration_seconds: f64,
}

impl Scenario {
    /// What a plan says of itself.
    pub(crate) fn of(plan: &Plan) -> Scenario {
        let (rate_per_second, window) = match plan.pace {
            Pace::Open { rate_per_second } => (Some(rate_per_second), None),
            Pace::Closed { window } => (None, Some(window)),
            Pace::Silent => (None, None),
        };
        Scenario {
            name: plan.name,
            mqtt: version_name(plan.connect.version_mqtt.version()),
            qos: plan.qos as u8,
            publishers: plan.layout.publishers,
            subscribers: plan.layout.subscribers,
            streams: plan.layout.streams,
            groups: plan.layout.groups,
            stalled_subscribers: plan.stalled,
            payload_bytes: plan.payload_bytes,
            closed_loop: window.is_some(),
            rate_per_second,
            window,
            warmup_seconds: plan.phases.warmup,
            duration_seconds: plan.phases.duration,
        }
    }
}

/// A version as people write it.
pub(super) fn version_name(version: Version) -> &'static str {
    match version {
        Version::V31 => "3.1",
        Version::V311 => "3.1.1",
        Version::V5 => "5",
    }
}

/// The broker's process over the measured phase.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct BrokerReport {
    pub(crate) pid: u32,
    /// User and system time of all its threads for each PUBLISH that loadgen received.
    pub(crate) cpu_us_per_delivery: f64,
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

/// loadgen's own share.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct OwnReport {
    pub(crate) version: &'static str,
    /// Share of one CPU that its loop used in the measured phase.
    pub(crate) cpu_share: f64,
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
    pub(crate) broker: Option<BrokerReport>,
    pub(crate) loadgen: OwnReport,
    pub(crate) warnings: Vec<String>,
    pub(crate) violations: Vec<String>,
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
            connect: ConnectReport::new(
                outcome.connect_seconds,
                &outcome.connect_failures,
                Percentiles::of(&outcome.connect_latency),
            ),
            broker: broker(connect, outcome, seconds),
            loadgen: OwnReport {
                version: env!("CARGO_PKG_VERSION"),
                cpu_share: (outcome.end.own_cpu_ns - outcome.begin.own_cpu_ns) as f64
                    / seconds
                    / 1e9,
            },
            warnings: outcome.warnings.clone(),
            violations: Vec::new(),
            rows: picture(&outcome.latency),
            broker_address: connect.broker.clone(),
            scenario,
        };
        report.violations = report.judge();
        report
    }

    /// What must not be: the promises of each QoS, and of a broker that is up.
    fn judge(&self) -> Vec<String> {
        let qos = Qos::from_bits(self.scenario.qos).unwrap_or(Qos::AtMostOnce);
        let is_lossless = qos != Qos::AtMostOnce;
        let unaccounted = self.unaccounted.unwrap_or(0).unsigned_abs();
        let lost = if self.unaccounted.is_some() {
            0
        } else {
            self.lost
        };
        let asked = self.connections_answered.is_some();
        let silent = self.connections - self.connections_answered.unwrap_or(self.connections);
        let rules = [
            (
                is_lossless,
                lost,
                "messages lost; QoS 1 and 2 must lose none",
            ),
            (
                true,
                unaccounted,
                "messages neither delivered nor counted as dropped by the broker",
            ),
            (
                qos != Qos::AtLeastOnce,
                self.duplicated,
                "messages duplicated; only QoS 1 may",
            ),
            (true, self.reordered, "messages out of order"),
            (
                true,
                self.unexpected,
                "messages that nobody published for their subscriber",
            ),
            (true, self.corrupt, "messages not as they were sent"),
            (
                true,
                self.connections_lost,
                "connections lost during the run",
            ),
            (true, self.connect.failures, "connections failed to come up"),
            (
                asked,
                u64::from(silent),
                "connections did not answer at the end",
            ),
            (
                true,
                self.protocol_errors,
                "packets that no client should get",
            ),
        ];
        let broken = rules
            .into_iter()
            .filter(|&(applies, count, _)| applies && count > 0);
        broken
            .map(|(_, count, rule)| format!("{count} {rule}"))
            .collect()
    }
}

fn broker(connect: &ConnectArgs, outcome: &Outcome, seconds: f64) -> Option<BrokerReport> {
    let (begin, end) = (outcome.begin.broker?, outcome.end.broker?);
    let before = outcome.broker_before?;
    let cpu_ns = (end.cpu_ns - begin.cpu_ns) as f64;
    let deliveries = (outcome.end.received - outcome.begin.received).max(1) as f64;
    let grown = end.rss_bytes.saturating_sub(before.rss_bytes) as f64;
    Some(BrokerReport {
        pid: connect.pid?,
        cpu_us_per_delivery: cpu_ns / deliveries / 1e3,
        cpu_share: cpu_ns / seconds / 1e9,
        rss_bytes: end.rss_bytes,
        rss_bytes_before: before.rss_bytes,
        rss_bytes_peak: outcome.broker_rss_peak.max(end.rss_bytes),
        rss_bytes_per_connection: grown / f64::from(outcome.connections.max(1)),
    })
}

fn picture(latency: &Histogram<u64>) -> Vec<Row> {
    rows(latency, ROWS_MAX)
}
