//! The text of churning.

use super::{bytes, count, duration_us, of, paragraph};
use crate::report::ChurnReport;

/// The whole text.
pub(super) fn render(report: &ChurnReport) -> String {
    let latency = &report.connect.latency_us;
    let mut text = paragraph(
        report.scenario,
        &[format!(
            "{} of {} at {}, {} cut in the middle of a packet",
            of(report.rounds, "round"),
            of(report.connections, "connection"),
            report.broker_address,
            count(report.cut)
        )],
    );
    text += &paragraph(
        "connects",
        &[
            format!(
                "{} in {:.1} s, {}/s   {} failed",
                count(report.connects),
                report.connect.seconds,
                count(report.connects_per_second as u64),
                count(report.connect.failures)
            ),
            format!(
                "p50 {}   p99 {}   max {}",
                duration_us(latency.p50),
                duration_us(latency.p99),
                duration_us(latency.max)
            ),
        ],
    );
    if let Some(broker) = &report.broker {
        text += &paragraph(
            "broker",
            &[format!(
                "CPU {:.1} us per connection   RSS {} before, {} after the first round, {} after the last",
                broker.cpu_us_per_connect,
                bytes(broker.rss_bytes_before as f64),
                bytes(broker.rss_bytes_after_first_round as f64),
                bytes(broker.rss_bytes as f64)
            )],
        );
    }
    text
}
