//! The history of all metrics as a page: a chart each, for each scenario.

use super::{History, Point};
use crate::compare::Metric;
use crate::html::{Chart, Look, Page, Scale, Series, Size};

/// Characters that fit below an axis, over all releases.
const AXIS_CHARACTERS: usize = 60;

/// Releases up to which their names stand below the axis; beyond it they stand by the pointer alone.
const NAMES_MAX: usize = 6;

/// The whole page.
pub(super) fn render(histories: &[History]) -> String {
    let releases = histories.iter().map(|it| it.releases.len()).max();
    let runs: usize = histories
        .iter()
        .flat_map(|it| &it.releases)
        .map(|release| release.runs.len())
        .sum();
    let mut page = Page::new(
        "History",
        &format!(
            "{runs} runs, up to {} releases a scenario",
            releases.unwrap_or(0)
        ),
    );
    for history in histories {
        page.section(&format!(
            "{} {}",
            history.scenario.name, history.scenario.hash
        ));
        page.push("<div class=\"charts\">\n");
        for metric in history.metrics() {
            page.push(&chart(history, metric).render());
        }
        page.push("</div>\n");
        page.verbatim("Scenario", &history.scenario.text);
    }
    page.render()
}

fn chart(history: &History, metric: Metric) -> Chart {
    let points = history.points(metric);
    let count = points.len();
    let line = |name: &str, look: usize, of: fn(&Point) -> f64| Series {
        name: name.to_owned(),
        look: Look::Line(look),
        values: points.iter().map(|point| point.as_ref().map(of)).collect(),
    };
    let series = vec![
        line("median", 0, |point| point.median),
        line("least", 2, |point| point.least),
        line("largest", 1, |point| point.largest),
    ];
    let values = points.iter().flatten().map(|point| point.largest);
    let names: Vec<String> = history.releases.iter().map(|it| it.name.clone()).collect();
    let marks = if count <= NAMES_MAX {
        let short = |name: &str| shortened(name, AXIS_CHARACTERS / count.max(1));
        (1..)
            .zip(&names)
            .map(|(at, name)| (f64::from(at), short(name)))
            .collect()
    } else {
        Scale::run_marks(count)
    };
    Chart {
        title: metric.title.to_owned(),
        note: String::new(),
        size: Size::Half,
        x_title: "release, in the order of first runs".to_owned(),
        x_scale: Scale::runs(count),
        y_scale: Scale::from_zero(values, metric.unit.axis()),
        xs: (1..=count).map(|at| at as f64).collect(),
        x_labels: names,
        marks,
        series,
    }
}

/// A name of at most so many characters.
fn shortened(name: &str, characters: usize) -> String {
    if name.chars().count() <= characters {
        return name.to_owned();
    }
    let kept: String = name.chars().take(characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
