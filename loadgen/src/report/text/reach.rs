//! The text of reaching connections.

use super::{bytes, count, duration_us, of, paragraph, picture};
use crate::report::{ReachReport, ReachedReport};

/// The whole text.
pub(super) fn render(report: &ReachReport) -> String {
    let held = &report.held;
    let latency = &report.connect.latency_us;
    let mut text = paragraph(
        report.scenario,
        &[format!(
            "{} at {}, a subscription of its own and a common one each",
            of(report.connections, "connection"),
            report.broker_address
        )],
    );
    text += &paragraph(
        "connects",
        &[format!(
            "{:.1} s, {}/s   {} failed   p50 {}   p99 {}   max {}",
            report.connect.seconds,
            count((f64::from(report.connections) / report.connect.seconds) as u64),
            count(report.connect.failures),
            duration_us(latency.p50),
            duration_us(latency.p99),
            duration_us(latency.max)
        )],
    );
    text += &paragraph(
        "held",
        &[
            format!(
                "{} s with a keep-alive of {} s   {} lost   {} answered at the end",
                held.seconds,
                held.keep_alive_secs,
                count(report.connections_lost),
                count(u64::from(report.connections_answered))
            ),
            format!(
                "{} PINGREQs, {} answered, {} of each connection at least as keep-alives",
                count(held.pings),
                count(held.pongs),
                held.pongs_min
            ),
        ],
    );
    text += &reached("chosen", &report.chosen);
    text += &reached("all", &report.all);
    if let Some(broker) = &report.broker {
        let of_broker = [
            format!(
                "RSS {} before, {} with all up, {} held, {} at the end, {} at most",
                bytes(broker.rss_bytes_before as f64),
                bytes(broker.rss_bytes_up as f64),
                bytes(broker.rss_bytes_held as f64),
                bytes(broker.rss_bytes as f64),
                bytes(broker.rss_bytes_peak as f64)
            ),
            format!(
                "{:.1} bytes a connection   CPU {:.1} us a connect, {:.1} % of one CPU while held",
                broker.rss_bytes_per_connection,
                broker.cpu_us_per_connect,
                100.0 * broker.cpu_share_held
            ),
        ];
        text += &paragraph("broker", &of_broker);
    }
    text + &paragraph(
        "loadgen",
        &[format!(
            "RSS {} with all up",
            bytes(report.loadgen_rss_bytes as f64)
        )],
    )
}

fn reached(title: &str, report: &ReachedReport) -> String {
    let latency = &report.latency_us;
    let mut lines = vec![format!(
        "{} published, {} of {} delivered in {:.2} s",
        count(report.published),
        count(report.delivered),
        count(report.expected),
        report.seconds
    )];
    lines.push(format!(
        "p50 {}   p99 {}   p99.9 {}   max {}",
        duration_us(latency.p50),
        duration_us(latency.p99),
        duration_us(latency.p999),
        duration_us(latency.max)
    ));
    let mut text = paragraph(title, &lines);
    for line in picture::render(&report.rows, latency) {
        text += &line;
        text.push('\n');
    }
    text
}
