//! The report of one run.

use std::fmt::Write as _;

use super::chart::Look;
use super::circumstances::{agents, audit, circumstances};
use super::curve::{self, Curve};
use super::number::Unit;
use super::over_time;
use super::page::{Mood, Page, Tile, escape};
use crate::record::{AuditRecord, RunRecord};
use crate::report::text::{bytes, count};

/// The page of a run.
pub(crate) fn run_report(record: &RunRecord) -> String {
    let broker = record.versions.broker.as_deref();
    let title = match broker {
        Some(release) => format!("{} · {release}", record.scenario.name),
        None => record.scenario.name.clone(),
    };
    let line = format!(
        "{} · {}, {} CPUs, {} · {}",
        day_and_time(&record.started.to_string()),
        record.machine.cpu_model,
        record.machine.cpus,
        bytes(record.machine.memory_bytes as f64),
        record.machine.kernel
    );
    let mut page = Page::new(&title, &line);
    page.tiles(&tiles(record));
    page.notices(Mood::Bad, &record.audit.violations);
    page.notices(Mood::Unsure, &record.warnings);
    push_latency(&mut page, record);
    push_loads(&mut page, record);
    let charts = over_time::charts(&record.intervals);
    if !charts.is_empty() {
        page.section("Over time");
        page.push("<div class=\"charts\">\n");
        for chart in charts {
            page.push(&chart.render());
        }
        page.push("</div>\n");
    }
    page.section("Audit and circumstances");
    page.push("<div class=\"columns\">\n");
    page.facts(
        "Audit of the whole run, warm-up included",
        &audit(&record.audit),
    );
    page.facts("Machine and run", &circumstances(record));
    if !record.agents.is_empty() {
        page.facts("Agents", &agents(record));
    }
    page.verbatim("Scenario", &record.scenario.text);
    page.push("</div>\n");
    page.render()
}

/// `2026-11-21 02:39:02 UTC` of `2026-11-21T02:39:02.125Z`.
fn day_and_time(moment: &str) -> String {
    let text = moment.replace('T', " ");
    format!("{} UTC", text.split('.').next().unwrap_or(&text))
}

fn tile(name: &str, value: String, note: &str) -> Tile {
    Tile {
        name: name.to_owned(),
        value,
        note: note.to_owned(),
        mood: Mood::Plain,
    }
}

fn tiles(record: &RunRecord) -> Vec<Tile> {
    let results = &record.results;
    let us = |value| Unit::Duration.exact(value);
    let mut tiles = Vec::new();
    if results.latency_us.count > 0 {
        let latency = results.latency_us;
        let from = if record.scenario.closed_loop {
            "closed loop: since sent"
        } else {
            "open loop: since due"
        };
        tiles.push(tile("p50 latency", us(latency.p50), from));
        tiles.push(tile("p99", us(latency.p99), ""));
        tiles.push(tile("p99.9", us(latency.p999), ""));
        tiles.push(tile("largest", us(latency.max), ""));
        let published = format!(
            "of {}/s published",
            count(results.published_per_second.round() as u64)
        );
        tiles.push(tile(
            "delivered",
            format!("{}/s", count(results.delivered_per_second.round() as u64)),
            &published,
        ));
    } else {
        let latency = results.connect_latency_us;
        tiles.push(tile("connections", count(results.connections), ""));
        tiles.push(tile("p50 connect", us(latency.p50), ""));
        tiles.push(tile("p99 connect", us(latency.p99), ""));
    }
    if let Some(broker) = &results.broker {
        let share = format!("{:.0} % of one CPU", 100.0 * broker.cpu_share);
        if let Some(cpu) = broker.cpu_us_per_delivery {
            tiles.push(tile("broker CPU a delivery", us(cpu), &share));
        }
        if let Some(cpu) = broker.cpu_us_per_delivery_undisturbed {
            let of_time = 100.0 * broker.undisturbed_share.unwrap_or(0.0);
            let note = format!("{of_time:.0} % of the time");
            tiles.push(tile("the same, undisturbed", us(cpu), &note));
        }
        let grown = format!("{} a connection", bytes(broker.rss_bytes_per_connection));
        tiles.push(tile(
            "broker memory",
            bytes(broker.rss_bytes as f64),
            &grown,
        ));
    }
    tiles.push(verdict(&record.audit));
    tiles
}

fn verdict(audit: &AuditRecord) -> Tile {
    let is_clean = audit.violations.is_empty();
    Tile {
        name: "audit".to_owned(),
        value: if is_clean { "clean" } else { "violated" }.to_owned(),
        note: format!("lost {} of {}", count(audit.lost), count(audit.expected)),
        mood: if is_clean { Mood::Good } else { Mood::Bad },
    }
}

fn push_latency(page: &mut Page, record: &RunRecord) {
    let latency = record.latency();
    let connects = record.connect_latency.histogram();
    let curve = |name: &str, latency| Curve {
        name: name.to_owned(),
        look: Look::Line(0),
        latency,
    };
    if !latency.is_empty() {
        let note = if record.scenario.closed_loop {
            "Closed loop: each latency counts from when the message was sent. A broker that stalls is sent less meanwhile, so stalls weigh less here than they would for clients that keep their own time."
        } else {
            "Open loop: each latency counts from when the message was due, sent or not, so a stall shows in every message that fell into it."
        };
        page.section("Latency");
        page.push(
            &curve::chart(
                "Latency by percentile",
                note,
                &[curve("delivery", &latency)],
            )
            .render(),
        );
        page.push(&percentile_table(record));
    } else if !connects.is_empty() {
        page.section("Connecting");
        page.push(
            &curve::chart(
                "Connect time by percentile",
                "",
                &[curve("connect", &connects)],
            )
            .render(),
        );
    }
}

fn percentile_table(record: &RunRecord) -> String {
    let latency = record.results.latency_us;
    let cells = [
        ("min", latency.min),
        ("p50", latency.p50),
        ("p90", latency.p90),
        ("p99", latency.p99),
        ("p99.9", latency.p999),
        ("p99.99", latency.p9999),
        ("max", latency.max),
        ("mean", latency.mean),
    ];
    let mut html = "<div class=\"scroll\"><table><thead><tr><th>deliveries</th>".to_owned();
    for (name, _) in cells {
        let _ = write!(html, "<th>{name}</th>");
    }
    let _ = write!(
        html,
        "</tr></thead><tbody><tr><td>{}</td>",
        count(latency.count)
    );
    for (_, value) in cells {
        let _ = write!(html, "<td>{}</td>", Unit::Duration.exact(value));
    }
    html.push_str("</tr></tbody></table></div>\n");
    html
}

/// The loads of a run that had several, on their own.
fn push_loads(page: &mut Page, record: &RunRecord) {
    if record.loads.len() < 2 {
        return;
    }
    page.section("Loads");
    let mut html = "<div class=\"scroll\"><table><thead><tr><th>load</th><th>published</th><th>delivered</th><th>lost</th><th>p50</th><th>p99</th><th>max</th></tr></thead><tbody>\n".to_owned();
    for load in &record.loads {
        let rate = |value: f64| Unit::PerSecond.exact(value);
        let us = |value: f64| Unit::Duration.exact(value);
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&load.name),
            rate(load.published_per_second),
            rate(load.delivered_per_second),
            count(load.lost),
            us(load.latency_us.p50),
            us(load.latency_us.p99),
            us(load.latency_us.max)
        );
    }
    html.push_str("</tbody></table></div>\n");
    page.push(&html);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{
        AgentRecord, EncodedLatency, Interval, LoadRecord, ScenarioRecord, empty_latency,
    };

    #[test]
    fn the_report_is_whole_and_needs_no_network() {
        let mut latency = empty_latency();
        latency.record(1_000_000).unwrap();
        let mut record = RunRecord::empty(ScenarioRecord::new(
            "fan-out",
            "note = \"<script>\"\n".to_owned(),
            false,
        ));
        record.versions.broker = Some("ringmq <9>".to_owned());
        record.loads = ["alarms", "telemetry"]
            .map(|name| LoadRecord {
                name: name.to_owned(),
                ..LoadRecord::default()
            })
            .to_vec();
        record.agents = vec![AgentRecord {
            address: "10.0.0.2:1893".to_owned(),
            clock_error_us: 40.0,
            ..AgentRecord::default()
        }];
        record.results.latency_us.count = 1;
        record.audit.violations = vec!["3 messages lost".to_owned()];
        record.intervals = vec![Interval {
            length_millis: 1_000,
            latency: EncodedLatency::of(&latency),
            delivered: 1,
            ..Interval::default()
        }];
        let page = run_report(&record);
        for part in [
            "Latency by percentile",
            "Latency over time",
            "Messages a second",
            "ringmq &lt;9&gt;",
            "note = &quot;&lt;script&gt;&quot;",
            "3 messages lost",
            "<td>telemetry</td>",
            "10.0.0.2:1893",
            "prefers-color-scheme: dark",
            "@media print",
        ] {
            assert!(page.contains(part), "{part}");
        }
        for part in ["http:", "https:", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(part), "{part}");
        }
    }

    #[test]
    fn a_run_without_messages_shows_its_connects() {
        let mut latency = empty_latency();
        latency.record(5_000_000).unwrap();
        let mut record = RunRecord::empty(ScenarioRecord::new(
            "churn",
            "rounds = 2\n".to_owned(),
            true,
        ));
        record.connect_latency = EncodedLatency::of(&latency);
        let page = run_report(&record);
        assert!(page.contains("Connect time by percentile"));
        assert!(!page.contains("Latency by percentile"));
    }
}
