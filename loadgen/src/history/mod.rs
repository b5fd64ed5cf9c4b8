//! `loadgen history`: a metric over many releases, from the folders of their runs.
//!
//! Reads with the parts of `compare`, prints a table and writes a page. Nothing runs here.

mod page;
mod text;

use std::fs;

use crate::cli::HistoryArgs;
use crate::compare::{CompareError, Comparison, Group, METRICS, Metric, groups, median};
use crate::folder::FolderError;
use crate::record::{RunRecord, ScenarioRecord};

/// The releases that ran one scenario, in the order of their first runs.
#[derive(Clone, Debug)]
pub(crate) struct History {
    scenario: ScenarioRecord,
    releases: Vec<Group>,
}

/// A metric of one release.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    runs: usize,
    median: f64,
    least: f64,
    largest: f64,
}

/// Prints the metric and writes the page.
pub(crate) fn execute(args: &HistoryArgs) -> Result<bool, CompareError> {
    let histories = histories(groups(&args.folders)?);
    for history in &histories {
        let metric = match args.metric {
            Some(metric) => Some(metric),
            None => history.main_metric(),
        };
        if let Some(metric) = metric {
            print!("{}", text::render(history, metric));
        }
    }
    if let Some(path) = &args.html {
        fs::write(path, page::render(&histories))
            .map_err(|source| FolderError::io(path, source))?;
    }
    Ok(true)
}

/// A history for each scenario, releases by the time of their first run.
fn histories(groups: Vec<Group>) -> Vec<History> {
    let mut histories: Vec<History> = Vec::new();
    for group in groups {
        for run in group.runs {
            add(&mut histories, &group.name, run);
        }
    }
    for history in &mut histories {
        history
            .releases
            .sort_by_key(|release| release.runs.first().map(|run| run.started));
    }
    histories
}

fn add(histories: &mut Vec<History>, release: &str, run: RunRecord) {
    let at = histories
        .iter()
        .position(|history| history.scenario.text == run.scenario.text);
    let at = at.unwrap_or_else(|| {
        histories.push(History {
            scenario: run.scenario.clone(),
            releases: Vec::new(),
        });
        histories.len() - 1
    });
    let releases = &mut histories[at].releases;
    match releases.iter_mut().find(|group| group.name == release) {
        Some(group) => group.runs.push(run),
        None => releases.push(Group {
            name: release.to_owned(),
            runs: vec![run],
        }),
    }
}

impl History {
    /// Metrics that at least one run has.
    fn metrics(&self) -> Vec<Metric> {
        let runs = || self.releases.iter().flat_map(|release| &release.runs);
        METRICS
            .into_iter()
            .filter(|metric| runs().any(|run| metric.of(run).is_some()))
            .collect()
    }

    /// The first that all releases have, so that none is left out; else the first.
    fn main_metric(&self) -> Option<Metric> {
        let metrics = self.metrics();
        let is_whole = |metric: &&Metric| self.points(**metric).iter().all(Option::is_some);
        let whole = metrics.iter().find(is_whole);
        whole.or(metrics.first()).copied()
    }

    /// The metric of each release that has it.
    fn points(&self, metric: Metric) -> Vec<Option<Point>> {
        let releases = self.releases.iter();
        releases.map(|release| point(release, metric)).collect()
    }

    /// Each release against the one before it; `None` for the first, and where the metric is missing.
    fn steps(&self, metric: Metric, same_within: f64) -> Vec<Option<String>> {
        let step = |pair: &[Group]| {
            let comparison = Comparison::of(pair[0].clone(), pair[1].clone(), same_within);
            comparison.summary(metric)
        };
        let steps = self.releases.windows(2).map(step);
        std::iter::once(None).chain(steps).collect()
    }
}

fn point(release: &Group, metric: Metric) -> Option<Point> {
    let values: Vec<f64> = release
        .runs
        .iter()
        .filter_map(|run| metric.of(run))
        .collect();
    (!values.is_empty()).then(|| Point {
        runs: values.len(),
        least: values.iter().copied().fold(f64::INFINITY, f64::min),
        largest: values.iter().copied().fold(0.0, f64::max),
        median: median(values),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Moment;

    fn run(release: &str, scenario: &str, started: u64, p50: f64) -> RunRecord {
        let scenario = ScenarioRecord::new("x", scenario.to_owned(), false);
        let mut record = RunRecord::empty(scenario);
        record.versions.broker = Some(release.to_owned());
        record.started = Moment {
            unix_millis: started,
        };
        record.results.latency_us.p50 = p50;
        record
    }

    #[test]
    fn releases_stand_in_the_order_of_their_first_runs_apart_by_scenario() {
        let group = |name: &str, runs: Vec<RunRecord>| Group {
            name: name.to_owned(),
            runs,
        };
        let histories = histories(vec![
            group("b", vec![run("b", "one", 5, 30.0), run("b", "two", 6, 7.0)]),
            group(
                "a",
                (1..4)
                    .map(|at| run("a", "one", at, 10.0 * at as f64))
                    .collect(),
            ),
        ]);
        assert_eq!(histories.len(), 2);
        let names: Vec<&str> = histories[0]
            .releases
            .iter()
            .map(|r| r.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b"]);
        let metric = Metric::parse("p50").unwrap();
        assert_eq!(
            histories[0].points(metric)[0],
            Some(Point {
                runs: 3,
                median: 20.0,
                least: 10.0,
                largest: 30.0
            })
        );
        let text = text::render(&histories[0], metric);
        assert!(
            text.contains("20.0 us") && text.contains("+50.0 %"),
            "{text}"
        );
        let page = page::render(&histories);
        assert!(page.contains("p50 latency") && page.contains("<figure"));
    }
}
