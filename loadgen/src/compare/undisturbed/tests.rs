//! Runs on a CPU that somebody shares, and what is made of them.

use super::*;
use crate::compare::bootstrap::Draws;
use crate::compare::verdict::Verdict;
use crate::compare::{Comparison, text};
use crate::probe::PROBE_WORK;
use crate::record::{BrokerFigures, Moment, ScenarioRecord};

/// How much slower the CPU is while shared.
const SHARED: f64 = 1.7;

/// Runs in turn of a broker and one that costs `factor` times as much. Each run is disturbed for a share of its
/// time, one of four always; its plain figure shows that, its undisturbed one does not.
fn in_turn(seed: u64, runs: u64, factor: f64) -> (Group, Group) {
    let mut draws = Draws::new(seed);
    let mut draw = move || draws.next() as f64 / u64::MAX as f64;
    let group = |name: &str| Group {
        name: name.to_owned(),
        runs: Vec::new(),
    };
    let mut sides = [(group("base"), 1.0), (group("new"), factor)];
    for at in 0..2 * runs {
        let (side, factor) = &mut sides[(at % 2) as usize];
        let disturbed = if draw() < 0.25 { 1.0 } else { 0.9 * draw() };
        let cost = 5.0 * *factor * (0.98 + 0.04 * draw());
        let slow = if disturbed == 1.0 { SHARED } else { 1.0 };
        let mut run = RunRecord::empty(ScenarioRecord::new("x", "qos = 0\n".to_owned(), false));
        run.started = Moment { unix_millis: at };
        run.results.broker = Some(BrokerFigures {
            cpu_us_per_delivery: Some(cost * (1.0 + disturbed * (SHARED - 1.0))),
            cpu_us_per_delivery_undisturbed: Some(cost * slow),
            undisturbed_share: Some(if disturbed == 1.0 {
                1.0
            } else {
                1.0 - disturbed
            }),
            probe_quick_us: Some(50.0 * slow),
            ..BrokerFigures::default()
        });
        side.runs.push(run);
    }
    sides.map(|(group, _)| group).into()
}

fn figures(run: &mut RunRecord) -> &mut BrokerFigures {
    run.results.broker.as_mut().unwrap()
}

fn first_row(base: Group, new: Group) -> (&'static str, Verdict) {
    let comparison = Comparison::of(base, new, 0.03);
    let row = &comparison.rows[0];
    (row.metric.name, row.verdict)
}

#[test]
fn a_tenth_is_found_beside_a_neighbour_and_equals_are_not_told_apart() {
    for seed in 0..40 {
        let (base, new) = in_turn(seed, 14, 1.1);
        let found = first_row(base, new);
        assert_eq!(found, (UNDISTURBED.name, Verdict::Worse), "seed {seed}");
        let (base, new) = in_turn(seed, 14, 1.0);
        let (_, verdict) = first_row(base, new);
        let is_fair = matches!(verdict, Verdict::Same | Verdict::Inconclusive { .. });
        assert!(is_fair, "seed {seed}: {verdict:?}");
    }
}

#[test]
fn runs_that_were_slow_throughout_count_as_missing() {
    let (mut base, mut new) = in_turn(1, 10, 1.0);
    let slow = |run: &&RunRecord| quick_us_of(run) > 60.0;
    let expected = base.runs.iter().chain(&new.runs).filter(slow).count();
    assert!(expected > 0);
    let notes = settle(&mut base, &mut new);
    let runs = base.runs.iter().chain(&new.runs);
    let missing = runs.filter(|run| UNDISTURBED.of(run).is_none()).count();
    assert_eq!(missing, expected);
    let expected = format!("in {missing} of 20 runs");
    let is_told = notes.iter().any(|note| note.starts_with(&expected));
    assert!(is_told, "{notes:?}");
}

#[test]
fn too_many_missing_runs_want_more() {
    let (mut base, new) = in_turn(2, 8, 1.0);
    for run in &mut base.runs[..6] {
        figures(run).cpu_us_per_delivery_undisturbed = None;
    }
    let (name, verdict) = first_row(base.clone(), new.clone());
    assert_eq!(name, UNDISTURBED.name);
    let Verdict::Inconclusive {
        more_runs: Some(more),
    } = verdict
    else {
        panic!("{verdict:?}");
    };
    // Three are lacking, and of four runs only one counts.
    assert!(more >= 12, "{more}");
    for run in &mut base.runs {
        figures(run).cpu_us_per_delivery_undisturbed = None;
    }
    let comparison = Comparison::of(base, new, 0.03);
    assert!(matches!(
        comparison.rows[0].verdict,
        Verdict::Inconclusive { more_runs: Some(8) }
    ));
    let text = text::render(&comparison);
    assert!(text.contains(" - ") && text.contains("unknown"), "{text}");
}

#[test]
fn where_a_run_was_not_probed_the_plain_figure_decides() {
    let (base, mut new) = in_turn(3, 7, 1.0);
    let figures = figures(&mut new.runs[2]);
    figures.undisturbed_share = None;
    figures.cpu_us_per_delivery_undisturbed = None;
    let comparison = Comparison::of(base, new, 0.03);
    assert_eq!(comparison.rows[0].metric.name, "cpu");
    assert!(comparison.notes[0].contains("plain CPU time decides"));
}

#[test]
fn a_machine_of_two_speeds_is_told_of() {
    let (base, mut new) = in_turn(4, 7, 1.0);
    for run in &mut new.runs {
        figures(run).probe_quick_us = Some(70.0);
    }
    let comparison = Comparison::of(base, new, 0.03);
    assert!(
        comparison.notes[0].contains("not equally fast"),
        "{:?}",
        comparison.notes
    );
}

#[test]
fn times_of_different_probes_are_not_compared() {
    let (mut base, mut new) = in_turn(5, 7, 1.0);
    for run in &mut base.runs {
        figures(run).probe_quick_us = Some(20.0);
    }
    for run in &mut new.runs {
        figures(run).probe_work = Some(PROBE_WORK);
    }
    let comparison = Comparison::of(base, new, 0.03);
    assert_eq!(comparison.rows[0].metric.name, "cpu");
    assert!(comparison.notes[0].contains("probes were not the same"));
}
