//! Which runs have a figure of the time in which nobody disturbed the broker's CPU.
//!
//! `mod.rs` asks before it takes the figures of two groups. A run whose CPU was slow from beginning to end has
//! nothing to show it by but the runs beside it: their probes were quicker. Its figure is not one, then.

use std::collections::BTreeSet;

use super::bootstrap::median;
use super::group::Group;
use super::metric::UNDISTURBED;
use crate::limits::QUICK_DIFFERS_MAX;
use crate::record::RunRecord;

/// Takes the figure away from runs that never saw their CPU undisturbed. What the reader should know of it.
pub(super) fn settle(base: &mut Group, new: &mut Group) -> Vec<String> {
    let all = || base.runs.iter().chain(&new.runs);
    if !all().all(was_probed) {
        let has_cpu = all().any(|run| cpu(run).is_some());
        let note = "the broker's CPU was not probed in all of the runs, so its plain CPU time decides, neighbours included";
        return has_cpu.then(|| note.to_owned()).into_iter().collect();
    }
    let works: BTreeSet<_> = all().map(work_of).collect();
    if works.len() > 1 {
        forget(base, new);
        let note = "loadgen's probes were not the same in all of the runs, so the plain CPU time decides, neighbours included";
        return vec![note.to_owned()];
    }
    let mut notes = Vec::new();
    notes.extend(note_of_speeds(base, new));
    let quick_us = quickest(all());
    for run in base.runs.iter_mut().chain(&mut new.runs) {
        let own = quick_us_of(run);
        if let Some(broker) = &mut run.results.broker
            && own > quick_us * (1.0 + QUICK_DIFFERS_MAX)
        {
            broker.cpu_us_per_delivery_undisturbed = None;
        }
    }
    let all = || base.runs.iter().chain(&new.runs);
    let missing = all().filter(|run| UNDISTURBED.of(run).is_none()).count();
    if missing > 0 {
        notes.push(format!(
            "in {missing} of {} runs the CPUs were hardly ever undisturbed: they count as missing",
            all().count()
        ));
    }
    notes
}

/// Takes the figure away from runs made at the same time: they disturbed each other, but both of a pair alike, so
/// the plain CPU time decides. What the reader should know of it.
pub(super) fn leave_out(base: &mut Group, new: &mut Group) -> Vec<String> {
    forget(base, new);
    let note = "latencies include that the two of a pair waited for each other";
    vec![note.to_owned()]
}

/// As if no probe had looked.
fn forget(base: &mut Group, new: &mut Group) {
    for run in base.runs.iter_mut().chain(&mut new.runs) {
        if let Some(broker) = &mut run.results.broker {
            broker.cpu_us_per_delivery_undisturbed = None;
            broker.undisturbed_share = None;
        }
    }
}

/// Whether a run says how much of its time was undisturbed.
pub(super) fn was_probed(run: &RunRecord) -> bool {
    let broker = run.results.broker.as_ref();
    broker.is_some_and(|broker| broker.undisturbed_share.is_some())
}

fn cpu(run: &RunRecord) -> Option<f64> {
    run.results.broker?.cpu_us_per_delivery
}

fn quick_us_of(run: &RunRecord) -> f64 {
    let broker = run.results.broker.as_ref();
    broker.and_then(|it| it.probe_quick_us).unwrap_or(0.0)
}

/// Which work its probes did.
fn work_of(run: &RunRecord) -> Option<u32> {
    run.results.broker.as_ref()?.probe_work
}

/// What a probe takes on this machine when nothing disturbs it: that of the quickest runs, without the tenth
/// that is quicker still.
fn quickest<'a>(runs: impl Iterator<Item = &'a RunRecord>) -> f64 {
    let mut all: Vec<f64> = runs.map(quick_us_of).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 10).copied().unwrap_or(0.0)
}

/// Warns when the machine was of another speed for one side.
fn note_of_speeds(base: &Group, new: &Group) -> Option<String> {
    let middle = |group: &Group| median(group.runs.iter().map(quick_us_of).collect());
    let (base, new) = (middle(base), middle(new));
    let differs = (base.max(new) / base.min(new) - 1.0).abs();
    (differs > QUICK_DIFFERS_MAX).then(|| {
        format!(
            "probes took {base:.1} us at best on the base side and {new:.1} us on the new one: it was not equally fast for both"
        )
    })
}

#[cfg(test)]
mod tests;
