//! The text of a run with a load, or of idle connections.

use super::{bytes, count, duration_us, of, paragraph, picture, wrapped};
use crate::report::{BrokerReport, LoadReport};

/// Characters of a line behind the margin.
const LINE_WIDTH: usize = 80;

/// The whole text.
pub(super) fn render(report: &LoadReport) -> String {
    let mut paragraphs = vec![paragraph(&report.scenario.name, &scenario(report))];
    let has_load = report.scenario.publishers > 0;
    if has_load {
        paragraphs.push(paragraph("latency", &latency(report)));
        let lines: Vec<String> = picture::render(&report.rows, &report.latency_us);
        paragraphs.push(lines.iter().map(|line| format!("{line}\n")).collect());
    }
    let mut figures = String::new();
    if has_load {
        figures += &paragraph("rates", &rates(report));
        figures += &paragraph("audit", &audit(report));
    }
    figures += &paragraph("broker", &broker(report));
    figures += &paragraph("clients", &clients(report));
    paragraphs.push(figures);
    let warnings: Vec<String> = report
        .warnings
        .iter()
        .flat_map(|w| wrapped(w, LINE_WIDTH))
        .collect();
    if !warnings.is_empty() {
        paragraphs.push(paragraph("warning", &warnings));
    }
    paragraphs.join("\n")
}

/// Who takes part.
fn who(report: &LoadReport) -> String {
    let scenario = &report.scenario;
    let subscribers = of(scenario.subscribers, "subscriber");
    match scenario.kind.as_str() {
        "sensors" => format!(
            "{} on {} -> {subscribers}, {}",
            of(scenario.streams, "sensor"),
            of(scenario.publishers, "connection"),
            of(scenario.groups, "site")
        ),
        "idle" => format!(
            "{} with a subscription each",
            of(scenario.subscribers, "connection")
        ),
        "mixed" => format!(
            "{} loads side by side, {} -> {subscribers}",
            report.loads.len(),
            of(scenario.publishers, "publisher")
        ),
        "fleet" => format!(
            "{} on {} -> {subscribers}, {}",
            of(scenario.streams, "sensor"),
            of(scenario.publishers, "connection"),
            of(scenario.groups, "site")
        ),
        "background" => format!(
            "{} with {} subscriptions each",
            of(scenario.subscribers, "connection"),
            count(u64::from(scenario.filters_each))
        ),
        "shared" => format!(
            "{} -> {subscribers} in {}",
            of(scenario.publishers, "publisher"),
            of(scenario.shared_groups, "shared group")
        ),
        "retained-replay" | "session-backlog" => format!(
            "{} on {} -> {subscribers}",
            of(scenario.streams, "topic"),
            of(scenario.publishers, "publisher")
        ),
        "pairs" => format!(
            "{} of a publisher and a subscriber",
            of(scenario.subscribers, "pair")
        ),
        _ => format!("{} -> {subscribers}", of(scenario.publishers, "publisher")),
    }
}

fn scenario(report: &LoadReport) -> Vec<String> {
    let scenario = &report.scenario;
    let who = who(report);
    let mut lines = vec![format!(
        "{who}, MQTT {} at {}",
        scenario.mqtt, report.broker_address
    )];
    if !report.loads.is_empty() {
        lines.extend(report.loads.iter().map(one_load));
        lines.push(format!("{} s measured", scenario.duration_seconds));
        return lines;
    }
    let payload = match scenario.payload_bytes {
        0 => "readings".to_owned(),
        bytes => format!("{} B", count(bytes as u64)),
    };
    if let Some(rate) = scenario.rate_per_second {
        lines.push(format!(
            "QoS {}, {payload}, open loop: {} publishes/s",
            scenario.qos,
            count(rate as u64)
        ));
    } else if let Some(window) = scenario.window {
        lines.push(format!(
            "QoS {}, {payload}, closed loop: {window} outstanding per publisher",
            scenario.qos
        ));
    }
    lines.push(match scenario.warmup_seconds {
        0.0 => format!("{} s", scenario.duration_seconds),
        warmup => format!(
            "{} s measured after {warmup} s of warm-up",
            scenario.duration_seconds
        ),
    });
    lines
}

/// A load of several, in a line.
fn one_load(load: &LoadReport) -> String {
    let scenario = &load.scenario;
    let title = match scenario.name == scenario.kind {
        true => scenario.name.clone(),
        false => format!("{} ({})", scenario.name, scenario.kind),
    };
    if scenario.publishers == 0 {
        return format!(
            "{title:<22} {} subscribers, {} filters each",
            count(u64::from(scenario.subscribers)),
            count(u64::from(scenario.filters_each))
        );
    }
    format!(
        "{title:<22} QoS {}  {:>9}/s  p50 {}  p99 {}  lost {}",
        scenario.qos,
        count(load.delivered_per_second.round() as u64),
        duration_us(load.latency_us.p50),
        duration_us(load.latency_us.p99),
        count(load.lost)
    )
}

fn latency(report: &LoadReport) -> Vec<String> {
    let figures = &report.latency_us;
    let from = match (report.scenario.replay, report.scenario.closed_loop) {
        (true, _) => "asked for",
        (false, true) => "sent",
        (false, false) => "due",
    };
    let names = ["p50", "p90", "p99", "p99.9", "p99.99", "max"];
    let values = [
        figures.p50,
        figures.p90,
        figures.p99,
        figures.p999,
        figures.p9999,
        figures.max,
    ];
    let row = |cells: [String; 6]| cells.map(|cell| format!("{cell:<11}")).concat();
    vec![
        row(names.map(str::to_owned)),
        row(values.map(duration_us)),
        format!(
            "{} deliveries, from the time each was {from} to its receipt",
            count(figures.count)
        ),
    ]
}

fn rates(report: &LoadReport) -> Vec<String> {
    vec![format!(
        "published {}/s   delivered {}/s",
        count(report.published_per_second.round() as u64),
        count(report.delivered_per_second.round() as u64)
    )]
}

fn audit(report: &LoadReport) -> Vec<String> {
    let mut lines = vec![
        format!(
            "published {}   expected {}   delivered {}",
            count(report.published),
            count(report.expected),
            count(report.delivered)
        ),
        format!(
            "lost {}   duplicated {}   reordered {}   unexpected {}   corrupt {}",
            count(report.lost),
            count(report.duplicated),
            count(report.reordered),
            count(report.unexpected),
            count(report.corrupt)
        ),
    ];
    if let (Some(total), Some(unaccounted)) = (report.drops_total, report.unaccounted) {
        lines.push(format!(
            "dropped by the broker {}   unaccounted {unaccounted}",
            count(total)
        ));
        for (reason, number) in report.drops.iter().flatten() {
            lines.push(format!("  {reason} {}", count(*number)));
        }
    }
    lines
}

fn broker(report: &LoadReport) -> Vec<String> {
    let told = report.broker_memory_bytes.map(|memory| {
        let version = report.broker_version.as_deref().unwrap_or("it");
        let each = memory as f64 / f64::from(report.connections.max(1));
        format!(
            "{version} counts {} of memory ({} a connection)",
            bytes(memory as f64),
            bytes(each)
        )
    });
    let Some(broker) = &report.broker else {
        let advice = "CPU and memory: give its process id with --pid".to_owned();
        return vec![told.unwrap_or(advice)];
    };
    let cpu = if report.scenario.publishers > 0 {
        format!(
            "CPU {:.3} us per delivery ({:.0} %)",
            broker.cpu_us_per_delivery,
            100.0 * broker.cpu_share
        )
    } else {
        format!("CPU {:.1} %", 100.0 * broker.cpu_share)
    };
    let mut lines = vec![format!(
        "{cpu}   RSS {} ({} before; {} a connection)",
        bytes(broker.rss_bytes as f64),
        bytes(broker.rss_bytes_before as f64),
        bytes(broker.rss_bytes_per_connection)
    )];
    if report.scenario.publishers > 0 {
        lines.push(undisturbed(broker));
    }
    lines.extend(told);
    lines
}

/// What it took when nobody disturbed its CPU, or why that is not known.
fn undisturbed(broker: &BrokerReport) -> String {
    let share = 100.0 * broker.undisturbed_share.unwrap_or(0.0);
    match (broker.cpu_us_per_delivery_undisturbed, broker.not_probed) {
        (Some(cpu), _) => {
            format!("CPU {cpu:.3} us per delivery while undisturbed ({share:.0} % of the time)")
        }
        (None, Some(reason)) => format!("undisturbed CPU unknown: {reason}"),
        (None, None) => {
            format!("the CPUs were undisturbed for {share:.0} % of the time: too little to tell")
        }
    }
}

fn clients(report: &LoadReport) -> Vec<String> {
    let connect = &report.connect;
    let mut lines = vec![format!(
        "{} connections in {:.1} s (p50 {}, max {})   loadgen's CPU {:.0} %",
        count(u64::from(report.connections)),
        connect.seconds,
        duration_us(connect.latency_us.p50),
        duration_us(connect.latency_us.max),
        100.0 * report.loadgen.cpu_share
    )];
    if let Some(cpu_us) = connect.broker_cpu_us_each {
        lines.push(format!(
            "the broker spent {} of CPU time on each of them until it was up",
            duration_us(cpu_us)
        ));
    }
    if let Some(floor) = &report.loadgen.calibration {
        lines.push(format!(
            "floor: timer p50 {} late, loopback p50 {}, {:.0} ns a message",
            duration_us(floor.timer_late_p50_us),
            duration_us(floor.loopback_p50_us),
            floor.message_ns
        ));
    }
    for agent in &report.agents {
        lines.push(format!(
            "agent {}: {} connections, clock {:+.0} us (within {:.0} us)",
            agent.address,
            count(u64::from(agent.connections)),
            agent.clock_offset_us,
            agent.clock_error_us
        ));
    }
    if let Some(answered) = report.connections_answered {
        lines.push(format!(
            "{} of them answered at the end",
            count(u64::from(answered))
        ));
    }
    if let Some(returns) = &report.returns {
        lines.push(format!(
            "{} returns in {:.1} s (p50 {}, p99 {}, max {})",
            count(returns.returned),
            returns.seconds,
            duration_us(returns.latency_us.p50),
            duration_us(returns.latency_us.p99),
            duration_us(returns.latency_us.max)
        ));
    }
    if let Some(changes) = &report.changes {
        lines.push(format!(
            "{} subscriptions exchanged (p50 {}, p99 {}, max {}), {} turns missed",
            count(changes.changed),
            duration_us(changes.latency_us.p50),
            duration_us(changes.latency_us.p99),
            duration_us(changes.latency_us.max),
            count(changes.missed)
        ));
    }
    for (reason, number) in &connect.failures_by_reason {
        lines.extend(wrapped(
            &format!("{} failed: {reason}", count(*number)),
            LINE_WIDTH,
        ));
    }
    for (reason, number) in &report.connections_lost_by_reason {
        lines.extend(wrapped(
            &format!("{} lost: {reason}", count(*number)),
            LINE_WIDTH,
        ));
    }
    lines
}
