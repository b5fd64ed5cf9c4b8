//! Runs that belong together, and whether groups of them may be compared.

use std::path::{Path, PathBuf};

use crate::folder::{FolderError, is_run, read, runs_in};
use crate::limits::AT_ONCE_APART_MAX;
use crate::record::RunRecord;

/// Runs of one release, in the order they were made.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) runs: Vec<RunRecord>,
}

/// What stands in the way of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Obstacles {
    pub(crate) scenario: Option<String>,
    pub(crate) machine: Option<String>,
    /// What does not forbid it, but should be known.
    pub(crate) notes: Vec<String>,
}

/// Folders of one side as groups: a group for each release, or for each folder where no release is named.
pub(crate) fn groups(folders: &[PathBuf]) -> Result<Vec<Group>, FolderError> {
    let mut groups: Vec<Group> = Vec::new();
    for folder in folders {
        for record in records(folder)? {
            let name = match &record.versions.broker {
                Some(release) => release.clone(),
                None => name_of(folder),
            };
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.runs.push(record),
                None => groups.push(Group {
                    name,
                    runs: vec![record],
                }),
            }
        }
    }
    for group in &mut groups {
        group.runs.sort_by_key(|run| run.started);
    }
    Ok(groups)
}

/// The groups as one, under all their names.
pub(crate) fn merged(groups: Vec<Group>) -> Group {
    let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let mut runs: Vec<RunRecord> = groups.into_iter().flat_map(|group| group.runs).collect();
    runs.sort_by_key(|run| run.started);
    Group {
        name: names.join(" + "),
        runs,
    }
}

fn records(folder: &Path) -> Result<Vec<RunRecord>, FolderError> {
    if is_run(folder) {
        return Ok(vec![read(folder)?]);
    }
    let runs = runs_in(folder)?;
    if runs.is_empty() {
        return Err(FolderError::Empty(folder.to_owned()));
    }
    runs.iter().map(|run| read(run)).collect()
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || folder.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// What stands in the way of comparing all these runs.
pub(crate) fn obstacles(groups: &[&Group]) -> Obstacles {
    let runs: Vec<&RunRecord> = groups.iter().flat_map(|group| &group.runs).collect();
    let mut obstacles = Obstacles::default();
    let Some(first) = runs.first() else {
        return obstacles;
    };
    if let Some(other) = runs
        .iter()
        .find(|run| run.scenario.text != first.scenario.text)
    {
        let lines = differing_lines(&first.scenario.text, &other.scenario.text);
        obstacles.scenario = Some(format!(
            "{} {} and {} {} differ in: {}",
            first.scenario.name,
            first.scenario.hash,
            other.scenario.name,
            other.scenario.hash,
            lines.join("; ")
        ));
    }
    if let Some(other) = runs.iter().find(|run| !is_same_machine(first, run)) {
        obstacles.machine = Some(format!("{} and {}", machine(first), machine(other)));
    }
    note_circumstances(&runs, first, &mut obstacles.notes);
    obstacles
}

fn note_circumstances(runs: &[&RunRecord], first: &RunRecord, notes: &mut Vec<String>) {
    if let Some(other) = runs
        .iter()
        .find(|run| run.machine.kernel != first.machine.kernel)
    {
        notes.push(format!(
            "kernels differ: {} and {}",
            first.machine.kernel, other.machine.kernel
        ));
    }
    if let Some(other) = runs
        .iter()
        .find(|run| run.versions.loadgen != first.versions.loadgen)
    {
        notes.push(format!(
            "versions of loadgen differ: {} and {}",
            first.versions.loadgen, other.versions.loadgen
        ));
    }
    for (name, value) in &first.settings {
        let differs = |run: &&&RunRecord| name != "broker" && run.settings.get(name) != Some(value);
        if let Some(other) = runs.iter().find(differs) {
            let theirs = other.settings.get(name).map_or("nothing", String::as_str);
            notes.push(format!("the setting {name} differs: {value} and {theirs}"));
        }
    }
    let violated = runs.iter().filter(|run| !run.audit.violations.is_empty());
    let violated = violated.count();
    if violated > 0 {
        notes.push(format!(
            "{violated} of {} runs failed their audit: what a broker loses costs it nothing",
            runs.len()
        ));
    }
    let warned = runs.iter().filter(|run| !run.warnings.is_empty()).count();
    if warned > 0 {
        notes.push(format!(
            "{warned} of {} runs have warnings; read them in their reports",
            runs.len()
        ));
    }
}

/// Lines that one of two texts has and the other has not, at most four.
fn differing_lines(one: &str, other: &str) -> Vec<String> {
    let missing = |from: &str, line: &&str| !from.lines().any(|it| it == *line);
    let mut lines: Vec<String> = one
        .lines()
        .filter(|line| missing(other, line))
        .chain(other.lines().filter(|line| missing(one, line)))
        .map(|line| format!("`{}`", line.trim()))
        .collect();
    if lines.len() > 4 {
        lines.truncate(4);
        lines.push("...".to_owned());
    }
    lines
}

/// The same kind of machine: its model of CPU, how many of them, and memory to a fiftieth.
fn is_same_machine(one: &RunRecord, other: &RunRecord) -> bool {
    let (one, other) = (&one.machine, &other.machine);
    let memory = one.memory_bytes.abs_diff(other.memory_bytes);
    one.cpu_model == other.cpu_model
        && one.cpus == other.cpus
        && one.cpus_usable == other.cpus_usable
        && memory <= one.memory_bytes / 50
}

fn machine(run: &RunRecord) -> String {
    let machine = &run.machine;
    format!(
        "{} ({} x {}, {} usable, {} MiB)",
        machine.host_name,
        machine.cpus,
        machine.cpu_model,
        machine.cpus_usable,
        machine.memory_bytes >> 20
    )
}

/// How the runs of two groups were made beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairing {
    /// Both of a pair at the same time: what the machine did, it did to both at once.
    AtOnce,
    /// One of each, then one of each, in any order: what lasted is common to both of a pair.
    InTurn,
    /// In no pairs.
    Apart,
}

/// The order in which both groups' runs were made.
pub(crate) fn pairing(base: &Group, new: &Group) -> Pairing {
    if base.runs.len() != new.runs.len() {
        return Pairing::Apart;
    }
    let mut pairs = base.runs.iter().zip(&new.runs);
    if pairs.all(|(base, new)| are_at_once(base, new)) {
        return Pairing::AtOnce;
    }
    let mut all: Vec<_> = base.runs.iter().map(|run| (run.started, true)).collect();
    all.extend(new.runs.iter().map(|run| (run.started, false)));
    all.sort_by_key(|&(started, _)| started);
    if all.chunks(2).all(|pair| pair[0].1 != pair[1].1) {
        Pairing::InTurn
    } else {
        Pairing::Apart
    }
}

/// Whether nearly all that was measured in one run was measured in the other at that time.
fn are_at_once(one: &RunRecord, other: &RunRecord) -> bool {
    let apart = one.started.unix_millis.abs_diff(other.started.unix_millis);
    let measured =
        |run: &RunRecord| -> u64 { run.intervals.iter().map(|it| it.length_millis).sum() };
    (apart as f64) < AT_ONCE_APART_MAX * measured(one).min(measured(other)) as f64
}
