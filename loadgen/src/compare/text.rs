//! The comparison as a table for a terminal.

use super::bootstrap::Difference;
use super::group::Pairing;
use super::{Comparison, Row};

/// The whole text.
pub(super) fn render(comparison: &Comparison) -> String {
    let (base, new) = (&comparison.base, &comparison.new);
    let runs = |count: usize| if count == 1 { "1 run" } else { "runs" };
    let side = |group: &super::Group| match group.runs.len() {
        1 => runs(1).to_owned(),
        count => format!("{count} {}", runs(count)),
    };
    let scenario = base.runs.first().map_or(String::new(), |run| {
        format!("{} {}", run.scenario.name, run.scenario.hash)
    });
    let how = match comparison.pairing {
        Pairing::AtOnce => "made at the same time, compared in pairs",
        Pairing::InTurn => "made in turn, compared in pairs",
        Pairing::Apart => "not made in turn: drift of the machine counts as difference",
    };
    let mut text = format!(
        "base      {}, {}\nnew       {}, {}\nscenario  {scenario}\nruns      {how}\n\n",
        base.name,
        side(base),
        new.name,
        side(new)
    );
    text.push_str(&line([
        "metric",
        "base",
        "new",
        "change",
        "95 % interval",
        "verdict",
    ]));
    for row in &comparison.rows {
        text.push_str(&row_line(row));
    }
    for note in &comparison.notes {
        text.push_str(&format!("\nnote      {note}"));
    }
    if !comparison.notes.is_empty() {
        text.push('\n');
    }
    text.push('\n');
    text
}

fn row_line(row: &Row) -> String {
    line([
        row.metric.title,
        &row.metric.unit.text(row.base),
        &row.metric.unit.text(row.new),
        &percent(row.difference.middle),
        &interval(row.difference),
        &row.verdict.to_string(),
    ])
}

fn line(cells: [&str; 6]) -> String {
    let [metric, base, new, change, interval, verdict] = cells;
    format!("{metric:<22} {base:>12} {new:>12} {change:>9} {interval:>19}   {verdict}\n")
}

/// A logarithm as a signed percentage.
pub(super) fn percent(logarithm: f64) -> String {
    let share = 100.0 * Difference::share(logarithm);
    // Nothing is shown as less than nothing.
    let share = if share.abs() < 0.05 { 0.0 } else { share };
    format!("{share:+.1} %")
}

/// From where to where the change may go.
pub(super) fn interval(difference: Difference) -> String {
    if difference.low.is_infinite() {
        return "unknown".to_owned();
    }
    format!(
        "{} to {}",
        percent(difference.low).trim_end_matches(" %"),
        percent(difference.high)
    )
}
