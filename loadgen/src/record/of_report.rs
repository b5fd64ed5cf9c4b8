//! From the report of a run to its record.

use std::collections::BTreeMap;

use super::{
    AgentRecord, AuditRecord, BrokerFigures, EncodedLatency, Interval, LoadRecord, Moment, Results,
    RunRecord, ScenarioRecord,
};
use crate::agents::AgentReport;
use crate::cli::ConnectArgs;
use crate::report::{BrokerReport, ChurnReport, LoadReport, ReachReport, Report};

/// What a report does not hold: the latencies themselves.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) intervals: Vec<Interval>,
    pub(crate) connect_latency: EncodedLatency,
}

impl RunRecord {
    /// The record of a run with this report.
    pub(crate) fn of(
        report: &Report,
        connect: &ConnectArgs,
        started: Moment,
        measured: Measured,
    ) -> RunRecord {
        let (scenario, results, audit, warnings) = match report {
            Report::Load(report) => of_load(report),
            Report::Churn(report) => of_churn(report),
            Report::Reach(report) => of_reach(report),
        };
        let mut record = RunRecord::empty(scenario);
        let told = match report {
            Report::Load(report) => report.broker_version.clone(),
            Report::Churn(_) | Report::Reach(_) => None,
        };
        record.versions.broker = connect.release.clone().or(told);
        record.started = started;
        record.settings = settings(connect);
        record.results = results;
        record.audit = audit;
        record.warnings = warnings;
        record.intervals = measured.intervals;
        record.connect_latency = measured.connect_latency;
        if let Report::Load(report) = report {
            record.loads = report.loads.iter().map(of_part).collect();
            record.agents = report.agents.iter().map(of_agent).collect();
        }
        record
    }
}

fn settings(connect: &ConnectArgs) -> BTreeMap<String, String> {
    let settings = [
        ("broker", connect.broker.clone()),
        (
            "cpu",
            connect.cpu.map_or("any".to_owned(), |n| n.to_string()),
        ),
        ("connect-rate", connect.connect_rate.to_string()),
        (
            "connect-outstanding",
            connect.connect_outstanding.to_string(),
        ),
        ("source-addresses", connect.source_addresses.clone()),
        ("timeout", connect.timeout.to_string()),
        ("topic-prefix", connect.topic_prefix.clone()),
    ];
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

type Parts = (ScenarioRecord, Results, AuditRecord, Vec<String>);

fn of_load(report: &LoadReport) -> Parts {
    let scenario = &report.scenario;
    let as_told = || toml::to_string(scenario).expect("a scenario holds only numbers and text");
    let text = scenario.text.clone().unwrap_or_else(as_told);
    let results = Results {
        published_per_second: report.published_per_second,
        delivered_per_second: report.delivered_per_second,
        latency_us: report.latency_us,
        connections: u64::from(report.connections),
        connect_seconds: report.connect.seconds,
        connect_latency_us: report.connect.latency_us,
        broker: report
            .broker
            .as_ref()
            .map(|broker| of_broker(broker, report.delivered)),
        loadgen_cpu_share: report.loadgen.cpu_share,
        late_sends: report.late_sends,
        late_max_us: report.late_max_us,
        return_latency_us: report.returns.map(|returns| returns.latency_us),
        change_latency_us: report.changes.map(|changes| changes.latency_us),
        floor_us: report
            .loadgen
            .calibration
            .as_ref()
            .map(|floor| [floor.timer_late_p50_us, floor.loopback_p50_us]),
    };
    let audit = AuditRecord {
        qos: scenario.qos,
        published: report.published,
        expected: report.expected,
        delivered: report.delivered,
        lost: report.lost,
        duplicated: report.duplicated,
        reordered: report.reordered,
        unexpected: report.unexpected,
        corrupt: report.corrupt,
        drops: report.drops.clone(),
        unaccounted: report.unaccounted,
        refused: report.refused,
        connections_lost: report.connections_lost,
        connect_failures: report.connect.failures,
        protocol_errors: report.protocol_errors,
        violations: report.violations.clone(),
    };
    let record = ScenarioRecord::new(&scenario.name, text, scenario.closed_loop);
    (record, results, audit, report.warnings.clone())
}

fn of_part(report: &LoadReport) -> LoadRecord {
    LoadRecord {
        name: report.scenario.name.to_string(),
        published_per_second: report.published_per_second,
        delivered_per_second: report.delivered_per_second,
        latency_us: report.latency_us,
        lost: report.lost,
    }
}

fn of_agent(agent: &AgentReport) -> AgentRecord {
    AgentRecord {
        address: agent.address.clone(),
        connections: agent.connections,
        clock_offset_us: agent.clock_offset_us,
        clock_error_us: agent.clock_error_us,
    }
}

fn of_broker(broker: &BrokerReport, delivered: u64) -> BrokerFigures {
    BrokerFigures {
        cpu_us_per_delivery: (delivered > 0).then_some(broker.cpu_us_per_delivery),
        cpu_us_per_delivery_undisturbed: broker.cpu_us_per_delivery_undisturbed,
        undisturbed_share: broker.undisturbed_share,
        probe_quick_us: broker.probe_quick_us,
        probe_work: broker.probe_work,
        not_probed: broker.not_probed,
        cpu_share: broker.cpu_share,
        rss_bytes: broker.rss_bytes,
        rss_bytes_before: broker.rss_bytes_before,
        rss_bytes_peak: broker.rss_bytes_peak,
        rss_bytes_per_connection: broker.rss_bytes_per_connection,
    }
}

fn of_churn(report: &ChurnReport) -> Parts {
    let text = format!(
        "name = \"churn\"\nrounds = {}\nconnections = {}\ncut = {}\n",
        report.rounds, report.connections, report.cut
    );
    let broker = report.broker.map(|broker| BrokerFigures {
        cpu_share: broker.cpu_us_per_connect * report.connects_per_second / 1e6,
        rss_bytes: broker.rss_bytes,
        rss_bytes_before: broker.rss_bytes_before,
        rss_bytes_peak: broker.rss_bytes,
        ..BrokerFigures::default()
    });
    let results = Results {
        connections: report.connects,
        connect_seconds: report.connect.seconds,
        connect_latency_us: report.connect.latency_us,
        broker,
        ..Results::default()
    };
    let audit = AuditRecord {
        connect_failures: report.connect.failures,
        violations: report.violations.clone(),
        ..AuditRecord::default()
    };
    let record = ScenarioRecord::new("churn", text, true);
    (record, results, audit, Vec::new())
}

/// The latency is that of the messages to all: the other stands in the text.
fn of_reach(report: &ReachReport) -> Parts {
    let text = format!(
        "name = \"reach\"\nconnections = {}\nhold_secs = {}\nchosen = {}\nrounds = {}\n",
        report.connections, report.held.seconds, report.chosen.published, report.all.published
    );
    let broker = report.broker.map(|broker| BrokerFigures {
        cpu_share: broker.cpu_share_held,
        rss_bytes: broker.rss_bytes,
        rss_bytes_before: broker.rss_bytes_before,
        rss_bytes_peak: broker.rss_bytes_peak,
        rss_bytes_per_connection: broker.rss_bytes_per_connection,
        ..BrokerFigures::default()
    });
    let results = Results {
        latency_us: report.all.latency_us,
        connections: u64::from(report.connections),
        connect_seconds: report.connect.seconds,
        connect_latency_us: report.connect.latency_us,
        broker,
        ..Results::default()
    };
    let audit = AuditRecord {
        published: report.chosen.published + report.all.published,
        expected: report.chosen.expected + report.all.expected,
        delivered: report.chosen.delivered + report.all.delivered,
        lost: report.chosen.lost + report.all.lost,
        unexpected: report.unexpected,
        corrupt: report.corrupt,
        connections_lost: report.connections_lost,
        connect_failures: report.connect.failures,
        protocol_errors: report.protocol_errors,
        violations: report.violations.clone(),
        ..AuditRecord::default()
    };
    let record = ScenarioRecord::new("reach", text, true);
    (record, results, audit, Vec::new())
}
