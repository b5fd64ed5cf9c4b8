//! `loadgen compare`: whether one release is better than another, from the folders of their runs.
//!
//! `group` reads and checks the runs, `metric` takes figures from them, `bootstrap` says by how much they
//! differ and how sure that is, `verdict` what it means; `text` and `page` show it. Nothing runs here.

mod bootstrap;
mod group;
mod metric;
mod page;
mod text;
mod verdict;

pub(crate) use bootstrap::median;
pub(crate) use group::{Group, groups};
pub(crate) use metric::{METRICS, Metric};

use std::fmt;
use std::fs;
use std::path::PathBuf;

use bootstrap::Difference;
use group::{are_interleaved, merged, obstacles};
use verdict::Verdict;

use crate::cli::CompareArgs;
use crate::folder::FolderError;

/// Share of a change that nobody cares about, unless told otherwise.
pub(crate) const SAME_WITHIN: f64 = 0.03;

/// One metric of two groups.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    metric: Metric,
    /// Medians over the runs.
    base: f64,
    new: f64,
    difference: Difference,
    verdict: Verdict,
}

/// Two groups side by side.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    base: Group,
    new: Group,
    is_paired: bool,
    rows: Vec<Row>,
    notes: Vec<String>,
}

/// Why nothing was compared.
#[derive(Debug)]
pub(crate) enum CompareError {
    Folder(FolderError),
    /// Which side is missing.
    Missing(&'static str),
    Scenario(String),
    Machine(String),
    /// No run has the metric that is to decide.
    NoMetric(&'static str),
}

impl fmt::Display for CompareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompareError::Folder(error) => write!(f, "{error}"),
            CompareError::Missing(side) => {
                write!(f, "no runs for the {side} side: name their folders")
            }
            CompareError::Scenario(why) => write!(
                f,
                "different scenarios: {why}; --across-scenarios compares them all the same"
            ),
            CompareError::Machine(why) => write!(
                f,
                "different machines: {why}; --across-machines compares them all the same"
            ),
            CompareError::NoMetric(name) => write!(
                f,
                "--metric {name}: no run on one of the sides has it (figures of the broker need `loadgen run --pid`)"
            ),
        }
    }
}

impl std::error::Error for CompareError {}

impl From<FolderError> for CompareError {
    fn from(error: FolderError) -> CompareError {
        CompareError::Folder(error)
    }
}

/// Compares, prints, and writes the page; true when nothing is worse than `--fail-above` allows.
pub(crate) fn execute(args: &CompareArgs) -> Result<bool, CompareError> {
    let (base, new) = sides(args)?;
    let all: Vec<&Group> = std::iter::once(&base).chain(&new).collect();
    let obstacles = obstacles(&all);
    if let Some(why) = obstacles.scenario.filter(|_| !args.across_scenarios) {
        return Err(CompareError::Scenario(why));
    }
    if let Some(why) = obstacles.machine.filter(|_| !args.across_machines) {
        return Err(CompareError::Machine(why));
    }
    let mut is_good = true;
    let mut comparisons = Vec::new();
    for new in new {
        let mut comparison = Comparison::of(base.clone(), new, args.same_within);
        comparison.notes.clone_from(&obstacles.notes);
        print!("{}", text::render(&comparison));
        is_good &= comparison.passes(args)?;
        comparisons.push(comparison);
    }
    if let Some(path) = &args.html {
        fs::write(path, page::render(&comparisons))
            .map_err(|source| FolderError::io(path, source))?;
    }
    Ok(is_good)
}

/// Base and new groups: what `--new` names, or all folders but the first.
fn sides(args: &CompareArgs) -> Result<(Group, Vec<Group>), CompareError> {
    let (base, new): (&[PathBuf], &[PathBuf]) = match args.new.as_slice() {
        [] => args.folders.split_at(1),
        new => (&args.folders, new),
    };
    let new = groups(new)?;
    if new.is_empty() {
        return Err(CompareError::Missing("new"));
    }
    Ok((merged(groups(base)?), new))
}

impl Comparison {
    /// Compares all metrics that both groups have.
    pub(crate) fn of(base: Group, new: Group, same_within: f64) -> Comparison {
        let is_paired = are_interleaved(&base, &new);
        let row = |metric| row(metric, &base, &new, is_paired, same_within);
        let rows = METRICS.into_iter().filter_map(row).collect();
        Comparison {
            base,
            new,
            is_paired,
            rows,
            notes: Vec::new(),
        }
    }

    /// Whether the deciding metric is not surely worse by more than `--fail-above`.
    fn passes(&self, args: &CompareArgs) -> Result<bool, CompareError> {
        let Some(limit) = args.fail_above else {
            return Ok(true);
        };
        let deciding = match args.metric {
            Some(metric) => self
                .row(metric.name)
                .ok_or(CompareError::NoMetric(metric.name))?,
            None => self.rows.first().ok_or(CompareError::NoMetric("cpu"))?,
        };
        let worse = match deciding.metric.direction {
            verdict::Direction::LessIsBetter => Difference::share(deciding.difference.middle),
            verdict::Direction::MoreIsBetter => Difference::share(-deciding.difference.middle),
        };
        let fails = deciding.verdict == Verdict::Worse && worse > limit;
        if fails {
            eprintln!(
                "loadgen: {} is worse by {:.1} %, more than {:.1} %",
                deciding.metric.title,
                100.0 * worse,
                100.0 * limit
            );
        }
        Ok(!fails)
    }

    /// A metric's change and verdict in a few words; `None` when a run has it not.
    pub(crate) fn summary(&self, metric: Metric) -> Option<String> {
        let row = self.row(metric.name)?;
        let change = text::percent(row.difference.middle);
        Some(format!("{change} {}", row.verdict))
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.metric.name == name)
    }
}

/// A metric of two groups; `None` when a run has it not.
fn row(
    metric: Metric,
    base: &Group,
    new: &Group,
    is_paired: bool,
    same_within: f64,
) -> Option<Row> {
    let values = |group: &Group| -> Option<Vec<f64>> {
        group.runs.iter().map(|run| metric.of(run)).collect()
    };
    let (base, new) = (values(base)?, values(new)?);
    let runs = base.len().min(new.len());
    let difference = match runs {
        0 => return None,
        1 => only(&base, &new),
        _ if is_paired => bootstrap::paired(&base, &new),
        _ => bootstrap::unpaired(&base, &new),
    };
    Some(Row {
        metric,
        verdict: verdict::judge(difference, metric.direction, same_within, runs),
        difference,
        base: median(base),
        new: median(new),
    })
}

/// The difference where a side has a single run: nobody knows how sure it is.
fn only(base: &[f64], new: &[f64]) -> Difference {
    Difference {
        middle: (median(new.to_vec()) / median(base.to_vec())).ln(),
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    }
}

#[cfg(test)]
mod tests;
