//! The table of settings, the recommendation, and the lines for the configuration.

use super::Measurement;
use crate::report::text::{count, duration_us};

/// The whole text.
pub(super) fn render(measurements: &[Measurement], best: usize) -> String {
    let mut text = format!(
        "{:<8} {:<10} {:>14} {:>10} {:>14} {:>10}\n",
        "shards", "CPUs", "delivered", "CPU", "CPU a delivery", "p99"
    );
    for (at, measurement) in measurements.iter().enumerate() {
        text.push_str(&line(measurement, at == best));
    }
    let best = &measurements[best].setting;
    text.push_str(&format!("\nrecommended: {best}\n\n{}\n", best.config()));
    text
}

fn line(measurement: &Measurement, is_best: bool) -> String {
    let setting = &measurement.setting;
    let shards = setting
        .shards
        .map_or("auto".to_owned(), |it| it.to_string());
    let delivered = format!(
        "{}/s",
        count(measurement.delivered_per_second.round() as u64)
    );
    let share = format!("{:.0} %", 100.0 * measurement.cpu_share);
    let cpu = duration_us(measurement.cpu_us_per_delivery);
    let p99 = duration_us(measurement.p99_us);
    let remark = match (measurement.is_clean, is_best) {
        (false, _) => "   audit failed",
        (true, true) => "   <- recommended",
        (true, false) => "",
    };
    format!(
        "{shards:<8} {:<10} {delivered:>14} {share:>10} {cpu:>14} {p99:>10}{remark}\n",
        setting.cpus
    )
}
