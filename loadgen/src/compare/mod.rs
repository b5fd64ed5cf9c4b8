//! `loadgen compare`: whether one release is better than another, from the folders of their runs.
//!
//! `group` reads and checks the runs, `metric` takes figures from them, `undisturbed` says which runs a neighbour
//! spoiled, `bootstrap` by how much they differ and how sure that is, `verdict` what it means; `text` and `page`
//! show it. Nothing runs here.

mod bootstrap;
mod group;
mod metric;
mod page;
mod text;
mod undisturbed;
mod verdict;

pub(crate) use bootstrap::median;
pub(crate) use group::{Group, groups};
pub(crate) use metric::{METRICS, Metric};

use std::fmt;
use std::fs;
use std::path::PathBuf;

use bootstrap::Difference;
use group::{Pairing, merged, obstacles, pairing};
use metric::UNDISTURBED;
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
    pairing: Pairing,
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
        comparison.notes.extend_from_slice(&obstacles.notes);
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
    pub(crate) fn of(mut base: Group, mut new: Group, same_within: f64) -> Comparison {
        let pairing = pairing(&base, &new);
        let notes = match pairing {
            Pairing::AtOnce => undisturbed::leave_out(&mut base, &mut new),
            Pairing::InTurn | Pairing::Apart => undisturbed::settle(&mut base, &mut new),
        };
        let row = |metric| row(metric, &base, &new, pairing, same_within);
        let rows = METRICS.into_iter().filter_map(row).collect();
        Comparison {
            base,
            new,
            pairing,
            rows,
            notes,
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

/// A metric of two groups; `None` when a run has it not. Runs that a neighbour spoiled are left out of the metric
/// that knows of them; the pairs are broken then, and the others compared on their own.
fn row(
    metric: Metric,
    base: &Group,
    new: &Group,
    pairing: Pairing,
    same_within: f64,
) -> Option<Row> {
    let figures = |group: &Group| figures(metric, group);
    let (base_figures, new_figures) = (figures(base)?, figures(new)?);
    let asked = base.runs.len().min(new.runs.len());
    let found = base_figures.len().min(new_figures.len());
    let are_all = base_figures.len() == base.runs.len() && new_figures.len() == new.runs.len();
    let difference = match found {
        0 if asked == 0 => return None,
        0 | 1 => only(&base_figures, &new_figures),
        _ if pairing != Pairing::Apart && are_all => bootstrap::paired(&base_figures, &new_figures),
        _ => bootstrap::unpaired(&base_figures, &new_figures),
    };
    let verdict = verdict::judge(difference, metric.direction, same_within, found);
    Some(Row {
        metric,
        verdict: verdict.of_some(found, asked),
        difference,
        base: median(base_figures),
        new: median(new_figures),
    })
}

/// The metric of all runs; `None` when one has it not and no excuse.
fn figures(metric: Metric, group: &Group) -> Option<Vec<f64>> {
    let runs = group.runs.iter();
    if metric.name == UNDISTURBED.name && { runs.clone() }.all(undisturbed::was_probed) {
        return Some(runs.filter_map(|run| metric.of(run)).collect());
    }
    runs.map(|run| metric.of(run)).collect()
}

/// The difference where a side has a single run, or none: nobody knows how sure it is.
fn only(base: &[f64], new: &[f64]) -> Difference {
    let middle = (median(new.to_vec()) / median(base.to_vec())).ln();
    Difference {
        // Nothing is known of a side without any.
        middle: if middle.is_finite() { middle } else { 0.0 },
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    }
}

#[cfg(test)]
mod tests;
