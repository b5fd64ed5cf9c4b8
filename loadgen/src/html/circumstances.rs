//! The tables beside the charts: the audit, the machine, the settings, the agents.

use super::number::Unit;
use crate::record::{AgentRecord, AuditRecord, BrokerFigures, RunRecord};
use crate::report::text::count;

/// What became of every message.
pub(super) fn audit(audit: &AuditRecord) -> Vec<(String, String)> {
    let counts = [
        ("published", audit.published),
        ("expected deliveries", audit.expected),
        ("delivered", audit.delivered),
        ("lost", audit.lost),
        ("duplicated", audit.duplicated),
        ("out of order", audit.reordered),
        ("unexpected", audit.unexpected),
        ("corrupt", audit.corrupt),
        ("refused by the broker", audit.refused),
        ("connections lost", audit.connections_lost),
        ("connects failed", audit.connect_failures),
    ];
    let mut rows: Vec<_> = counts
        .into_iter()
        .map(|(name, number)| row(name, count(number)))
        .collect();
    for (reason, number) in audit.drops.iter().flatten() {
        rows.push(row(&format!("dropped: {reason}"), count(*number)));
    }
    if let Some(unaccounted) = audit.unaccounted {
        rows.push(row("unaccounted", unaccounted));
    }
    rows
}

/// The machine, the versions, and what else stands behind the figures.
pub(super) fn circumstances(record: &RunRecord) -> Vec<(String, String)> {
    let results = &record.results;
    let machine = &record.machine;
    let mut rows = vec![
        row(
            "broker release",
            record.versions.broker.as_deref().unwrap_or("not named"),
        ),
        row("loadgen", &record.versions.loadgen),
        row("host", &machine.host_name),
        row(
            "CPUs usable by loadgen",
            format!("{} of {}", machine.cpus_usable, machine.cpus),
        ),
        row(
            "connections",
            format!(
                "{} in {:.1} s",
                count(results.connections),
                results.connect_seconds
            ),
        ),
        row(
            "loadgen's CPU",
            format!("{:.0} % of one", 100.0 * results.loadgen_cpu_share),
        ),
        row(
            "sends over 1 ms late",
            format!(
                "{}, by up to {}",
                count(results.late_sends),
                Unit::Duration.exact(results.late_max_us)
            ),
        ),
        row("scenario hash", &record.scenario.hash),
    ];
    rows.extend(
        results
            .broker
            .map(|broker| row("broker's CPU", speed(&broker))),
    );
    rows.extend(waits(record));
    for (name, value) in &record.settings {
        rows.push(row(name, value));
    }
    rows
}

/// Whether the broker had its CPU for itself, and how fast that was.
fn speed(broker: &BrokerFigures) -> String {
    match (
        broker.undisturbed_share,
        broker.probe_quick_us,
        broker.not_probed,
    ) {
        (Some(share), Some(quick_us), _) => format!(
            "undisturbed {:.0} % of the time; a probe takes {} then",
            100.0 * share,
            Unit::Duration.exact(quick_us)
        ),
        (_, _, Some(reason)) => reason.to_string(),
        _ => "not probed".to_owned(),
    }
}

/// Waits of other kinds than deliveries, where there were any.
fn waits(record: &RunRecord) -> Vec<(String, String)> {
    let results = &record.results;
    let kinds = [
        ("returns, p50 / p99", results.return_latency_us),
        (
            "exchanged subscriptions, p50 / p99",
            results.change_latency_us,
        ),
    ];
    let mut rows: Vec<_> = kinds
        .into_iter()
        .filter_map(|(name, latency)| {
            let us = |value| Unit::Duration.exact(value);
            let latency = latency?;
            Some(row(
                name,
                format!("{} / {}", us(latency.p50), us(latency.p99)),
            ))
        })
        .collect();
    if let Some([timer, loopback]) = results.floor_us {
        let us = |value| Unit::Duration.exact(value);
        rows.push(row(
            "floor: timer, loopback",
            format!("{} late, {}", us(timer), us(loopback)),
        ));
    }
    rows
}

/// Who carried how many clients, and how far its clock can be trusted.
pub(super) fn agents(record: &RunRecord) -> Vec<(String, String)> {
    let text = |agent: &AgentRecord| {
        format!(
            "{} connections, clock {:+.0} µs ± {:.0} µs",
            count(u64::from(agent.connections)),
            agent.clock_offset_us,
            agent.clock_error_us
        )
    };
    let agents = record.agents.iter();
    agents
        .map(|agent| (agent.address.clone(), text(agent)))
        .collect()
}

fn row(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}
