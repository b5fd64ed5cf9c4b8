//! Releases told apart on synthetic runs, with the noise that real machines have.

use super::bootstrap::Draws;
use super::*;
use crate::record::{BrokerFigures, Interval, Moment, RunRecord, ScenarioRecord};

/// Noise of one run beside its twin, as a share.
const NOISE: f64 = 0.02;
/// Experiments of each kind.
const SEEDS: u64 = 40;
/// Drift of the machine, common to both of a pair.
const DRIFT: f64 = 0.25;

/// A value near 0, in units of a standard deviation: the sum of twelve uniform ones.
fn normal(draws: &mut Draws) -> f64 {
    (0..12)
        .map(|_| draws.next() as f64 / u64::MAX as f64)
        .sum::<f64>()
        - 6.0
}

fn run(cpu_us: f64, started: u64) -> RunRecord {
    let mut record = RunRecord::empty(ScenarioRecord::new("x", "qos = 0\n".to_owned(), false));
    record.started = Moment {
        unix_millis: started,
    };
    record.results.broker = Some(BrokerFigures {
        cpu_us_per_delivery: Some(cpu_us),
        ..BrokerFigures::default()
    });
    record
}

/// Runs of two builds in turn, base first, then new first, and so on; `slowdown` is the truth.
fn in_turn(seed: u64, runs: u64, slowdown: f64) -> (Group, Group) {
    let mut draws = Draws::new(seed);
    let group = |name: &str| Group {
        name: name.to_owned(),
        runs: Vec::new(),
    };
    let (mut base, mut new) = (group("base"), group("new"));
    for pair in 0..runs {
        let drift = 1.0 + DRIFT * draws.next() as f64 / u64::MAX as f64;
        let mut cpu = |factor: f64| 5.0 * factor * drift * (NOISE * normal(&mut draws)).exp();
        let turn = pair % 2;
        base.runs.push(run(cpu(1.0), 10 * pair + turn));
        new.runs
            .push(run(cpu(1.0 + slowdown), 10 * pair + 1 - turn));
    }
    (base, new)
}

fn verdict_of(base: Group, new: Group) -> Verdict {
    Comparison::of(base, new, 0.03).row("cpu").unwrap().verdict
}

fn verdicts(slowdown: f64, runs: u64) -> Vec<Verdict> {
    let verdict = |seed| {
        let (base, new) = in_turn(seed, runs, slowdown);
        assert_eq!(pairing(&base, &new), Pairing::InTurn);
        verdict_of(base, new)
    };
    (0..SEEDS).map(verdict).collect()
}

#[test]
fn a_tenth_slower_is_named_every_time() {
    let found = verdicts(0.10, 10);
    assert!(found.iter().all(|&v| v == Verdict::Worse), "{found:?}");
    // Five runs leave it open now and then, but never take it for something else.
    let found = verdicts(0.10, 5);
    let named = found.iter().filter(|&&v| v == Verdict::Worse).count();
    assert!(named >= SEEDS as usize * 3 / 4, "{named}");
    let is_fair = |v: &Verdict| matches!(v, Verdict::Worse | Verdict::Inconclusive { .. });
    assert!(found.iter().all(is_fair), "{found:?}");
}

#[test]
fn a_tenth_faster_is_named_too() {
    let found = verdicts(-0.10, 10);
    assert!(found.iter().all(|&v| v == Verdict::Better), "{found:?}");
}

#[test]
fn equal_builds_are_never_told_apart() {
    for runs in [5, 10] {
        let found = verdicts(0.0, runs);
        let is_fair = |v: &Verdict| matches!(v, Verdict::Same | Verdict::Inconclusive { .. });
        assert!(found.iter().all(is_fair), "{found:?}");
    }
}

#[test]
fn drift_between_blocks_does_not_pass_for_a_change() {
    for seed in 0..SEEDS / 2 {
        let (base, mut new) = in_turn(seed, 7, 0.0);
        for (at, run) in (0..).zip(&mut new.runs) {
            run.started = Moment {
                unix_millis: 1_000 + at,
            };
        }
        assert_eq!(pairing(&base, &new), Pairing::Apart);
        assert!(matches!(
            verdict_of(base, new),
            Verdict::Same | Verdict::Inconclusive { .. }
        ));
    }
}

/// Runs of a minute at the same time, begun 20 ms apart, each on a CPU that was up to twice as slow for a while.
fn at_once(seed: u64, runs: u64, slowdown: f64) -> (Group, Group) {
    let (mut base, mut new) = in_turn(seed, runs, slowdown);
    let mut draws = Draws::new(seed);
    for (number, (base, new)) in (0..).zip(base.runs.iter_mut().zip(&mut new.runs)) {
        let slow = 1.0 + draws.next() as f64 / u64::MAX as f64;
        for (run, apart) in [(base, 0), (new, 20)] {
            run.started.unix_millis = 70_000 * number + apart;
            run.intervals = vec![Interval {
                length_millis: 60_000,
                ..Interval::default()
            }];
            let figures = run.results.broker.as_mut().unwrap();
            figures.cpu_us_per_delivery = figures.cpu_us_per_delivery.map(|cpu| slow * cpu);
            // A probe sees the other broker and takes it for a disturbance.
            figures.cpu_us_per_delivery_undisturbed = Some(5.0);
            figures.undisturbed_share = Some(0.3);
        }
    }
    (base, new)
}

#[test]
fn runs_at_the_same_time_are_compared_by_their_plain_cpu_time() {
    for seed in 0..SEEDS {
        for slowdown in [0.0, 0.1] {
            let (base, new) = at_once(seed, 10, slowdown);
            let comparison = Comparison::of(base, new, 0.03);
            assert_eq!(comparison.pairing, Pairing::AtOnce);
            let deciding = &comparison.rows[0];
            assert_eq!(deciding.metric.name, "cpu");
            let is_right = match deciding.verdict {
                Verdict::Worse => slowdown > 0.0,
                Verdict::Same | Verdict::Inconclusive { .. } => slowdown == 0.0,
                Verdict::Better => false,
            };
            assert!(is_right, "seed {seed}, {slowdown}: {:?}", deciding.verdict);
        }
    }
}

#[test]
fn runs_that_hardly_overlap_are_not_at_the_same_time() {
    let (base, mut new) = at_once(1, 5, 0.0);
    new.runs[2].started.unix_millis += 7_000;
    assert_eq!(pairing(&base, &new), Pairing::InTurn);
    new.runs.pop();
    assert_eq!(pairing(&base, &new), Pairing::Apart);
}

#[test]
fn few_runs_conclude_nothing() {
    let (base, new) = in_turn(1, 3, 0.5);
    assert_eq!(
        verdict_of(base, new),
        Verdict::Inconclusive { more_runs: Some(2) }
    );
    let (base, new) = in_turn(1, 1, 0.5);
    let comparison = Comparison::of(base, new, 0.03);
    assert!(text::render(&comparison).contains("unknown"));
    assert!(page::render(&[comparison]).contains("unknown"));
}

#[test]
fn other_scenarios_and_machines_are_noticed() {
    let (base, mut new) = in_turn(1, 5, 0.0);
    assert_eq!(obstacles(&[&base, &new]), group::Obstacles::default());
    new.runs[2].scenario = ScenarioRecord::new("x", "qos = 1\n".to_owned(), false);
    new.runs[3].machine.cpus += 1;
    new.runs[4]
        .audit
        .violations
        .push("1 message lost".to_owned());
    let found = obstacles(&[&base, &new]);
    assert!(found.scenario.unwrap().contains("`qos = 0`; `qos = 1`"));
    assert!(found.machine.is_some());
    assert!(found.notes[0].contains("1 of 10 runs failed their audit"));
}
