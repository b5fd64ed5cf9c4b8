//! The history of a metric as a table for a terminal, with bars.

use super::History;
use crate::compare::{Metric, SAME_WITHIN};
use crate::report::text::paragraph;

/// Characters of the longest bar.
const BAR: f64 = 24.0;

/// The whole text.
pub(super) fn render(history: &History, metric: Metric) -> String {
    let points = history.points(metric);
    let largest = points
        .iter()
        .flatten()
        .map(|p| p.median)
        .fold(0.0, f64::max);
    let mut text = paragraph(
        "scenario",
        &[format!(
            "{} {}",
            history.scenario.name, history.scenario.hash
        )],
    );
    text.push_str(&paragraph("metric", &[metric.title.to_owned()]));
    text.push('\n');
    text.push_str(&format!(
        "{:<22} {:>4} {:>11} {:>11} {:>11}\n",
        "release", "runs", "median", "least", "largest"
    ));
    let steps = history.steps(metric, SAME_WITHIN);
    for ((release, point), step) in history.releases.iter().zip(points).zip(steps) {
        let Some(point) = point else {
            continue;
        };
        let bar = "█".repeat(((BAR * point.median / largest).round() as usize).max(1));
        let [median, least, largest] =
            [point.median, point.least, point.largest].map(|value| metric.unit.text(value));
        let name = release.name.as_str();
        text.push_str(&format!(
            "{name:<22} {:>4} {median:>11} {least:>11} {largest:>11}  {bar:<24}  {}\n",
            point.runs,
            step.unwrap_or_default()
        ));
    }
    // Names and bars leave blanks at the ends of lines.
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n\n"
}
