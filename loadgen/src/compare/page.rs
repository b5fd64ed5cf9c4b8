//! The comparison as a page: verdicts, percentile curves over each other, and every metric's runs.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use super::bootstrap::Difference;
use super::group::Pairing;
use super::text::{interval, percent};
use super::verdict::Verdict;
use super::{Comparison, Group, Row};
use crate::html::{Chart, Curve, Look, Mood, Page, Scale, Series, Size, Tile, curve_chart, escape};
use crate::record::{RunRecord, empty_latency};

/// The page of comparisons with one base.
pub(super) fn render(comparisons: &[Comparison]) -> String {
    let Some(first) = comparisons.first() else {
        return Page::new("Nothing was compared", "").render();
    };
    let names: Vec<&str> = comparisons.iter().map(|c| c.new.name.as_str()).collect();
    let title = format!("{} against {}", names.join(", "), first.base.name);
    let run: Option<&RunRecord> = first.base.runs.first();
    let line = run.map_or(String::new(), |run| {
        format!(
            "{} · {} runs as base · {}, {} CPUs · {}",
            run.scenario.name,
            first.base.runs.len(),
            run.machine.cpu_model,
            run.machine.cpus,
            run.machine.kernel
        )
    });
    let mut page = Page::new(&title, &line);
    let tiles: Vec<Tile> = comparisons.iter().filter_map(tile).collect();
    page.tiles(&tiles);
    page.notices(Mood::Unsure, &first.notes);
    push_curves(&mut page, comparisons);
    for comparison in comparisons {
        page.section(&format!(
            "{} against {}",
            comparison.new.name, comparison.base.name
        ));
        page.paragraph(how(comparison));
        page.push(&table(comparison));
    }
    page.section("Every run");
    page.paragraph("One point a run, in the order they were made. Lines that move together show what the machine did to both.");
    page.push("<div class=\"charts\">\n");
    for row in &first.rows {
        page.push(&runs_chart(row, comparisons).render());
    }
    page.push("</div>\n");
    if let Some(run) = run {
        page.section("Scenario");
        page.verbatim(&run.scenario.name, &run.scenario.text);
    }
    page.render()
}

fn how(comparison: &Comparison) -> &'static str {
    match comparison.pairing {
        Pairing::AtOnce => {
            "The runs were made in pairs at the same time and are compared so: whatever the machine did to one of a pair, it did to the other. Intervals hold the true change with 95 % confidence, by bootstrap over the runs."
        }
        Pairing::InTurn => {
            "The runs were made in turn and are compared in pairs: what the machine did to both of a pair falls out. Intervals hold the true change with 95 % confidence, by bootstrap over the runs."
        }
        Pairing::Apart => {
            "The runs were not made in turn, so what the machine did between them counts as a difference of the releases. Intervals hold the change with 95 % confidence, by bootstrap over the runs, if the machine stayed the same."
        }
    }
}

fn mood(verdict: Verdict) -> Mood {
    match verdict {
        Verdict::Better => Mood::Good,
        Verdict::Worse => Mood::Bad,
        Verdict::Same => Mood::Plain,
        Verdict::Inconclusive { .. } => Mood::Unsure,
    }
}

/// The main metric of a comparison.
fn tile(comparison: &Comparison) -> Option<Tile> {
    let row = comparison.rows.first()?;
    let verdict = row.verdict.to_string().to_lowercase();
    Some(Tile {
        name: format!("{}: {}", comparison.new.name, row.metric.title),
        value: format!(
            "{} {}",
            percent(row.difference.middle),
            verdict.split(':').next().unwrap_or("")
        ),
        note: format!("95 %: {}", interval(row.difference)),
        mood: mood(row.verdict),
    })
}

fn push_curves(page: &mut Page, comparisons: &[Comparison]) {
    let groups: Vec<&Group> = comparisons
        .iter()
        .take(1)
        .map(|comparison| &comparison.base)
        .chain(comparisons.iter().map(|comparison| &comparison.new))
        .collect();
    let merged: Vec<Histogram<u64>> = groups.iter().map(|group| merged_latency(group)).collect();
    if merged.iter().all(Histogram::is_empty) {
        return;
    }
    let single: Vec<(usize, Histogram<u64>)> = groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| group.runs.iter().map(move |run| (at, run.latency())))
        .collect();
    let faint = single.iter().map(|(at, latency)| Curve {
        name: String::new(),
        look: Look::Faint(*at),
        latency,
    });
    let lines = (0..)
        .zip(groups.iter().zip(&merged))
        .map(|(at, (group, latency))| Curve {
            name: group.name.clone(),
            look: Look::Line(at),
            latency,
        });
    let curves: Vec<Curve<'_>> = faint.chain(lines).collect();
    page.section("Latency");
    page.push(
        &curve_chart(
            "Latency by percentile",
            "Strong lines: all runs of a release together. Faint lines: single runs. Where the faint lines of two releases mix, a gap between the strong ones means little.",
            &curves,
        )
        .render(),
    );
}

fn merged_latency(group: &Group) -> Histogram<u64> {
    let mut whole = empty_latency();
    for run in &group.runs {
        whole
            .add(run.latency())
            .expect("all histograms of loadgen have the same bounds");
    }
    whole
}

fn table(comparison: &Comparison) -> String {
    let mut html = "<div class=\"scroll\"><table><thead><tr><th>metric</th><th>base</th><th>new</th><th>change</th><th>95 % interval</th><th class=\"left\">verdict</th></tr></thead><tbody>\n".to_owned();
    for (at, row) in comparison.rows.iter().enumerate() {
        let class = if at == 0 { " class=\"main\"" } else { "" };
        let _ = writeln!(
            html,
            "<tr{class}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"left {}\">{}</td></tr>",
            escape(row.metric.title),
            escape(&figure(row, row.base)),
            escape(&figure(row, row.new)),
            percent(row.difference.middle),
            interval(row.difference),
            mood(row.verdict).class(),
            escape(&row.verdict.to_string().to_lowercase())
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// A median with its unit, or a dash where no run has one.
fn figure(row: &Row, value: f64) -> String {
    match value {
        0.0 => "-".to_owned(),
        value => row.metric.unit.axis().exact(value),
    }
}

/// A metric run by run, for the base and all that are compared with it.
fn runs_chart(row: &Row, comparisons: &[Comparison]) -> Chart {
    let metric = row.metric;
    let base = comparisons
        .iter()
        .take(1)
        .map(|comparison| &comparison.base);
    let groups: Vec<&Group> = base.chain(comparisons.iter().map(|c| &c.new)).collect();
    let longest = groups
        .iter()
        .map(|group| group.runs.len())
        .max()
        .unwrap_or(0);
    let series: Vec<Series> = (0..)
        .zip(&groups)
        .map(|(at, group)| Series {
            name: group.name.clone(),
            look: Look::Line(at),
            values: (0..longest)
                .map(|run| group.runs.get(run).and_then(|run| metric.of(run)))
                .collect(),
        })
        .collect();
    let values: Vec<f64> = series
        .iter()
        .flat_map(|s| s.values.iter().flatten().copied())
        .collect();
    let change = Difference::share(row.difference.middle);
    Chart {
        title: metric.title.to_owned(),
        note: format!(
            "{:+.1} % by the middle of all pairs of runs",
            100.0 * change
        ),
        size: Size::Half,
        x_title: "run".to_owned(),
        x_scale: Scale::runs(longest),
        y_scale: Scale::from_zero(values.into_iter(), metric.unit.axis()),
        xs: (1..=longest).map(|run| run as f64).collect(),
        x_labels: (1..=longest).map(|run| format!("run {run}")).collect(),
        marks: Scale::run_marks(longest),
        series,
    }
}
