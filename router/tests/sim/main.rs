//! The simulation: N shards of the router over a fake network in one thread, replayed from a seed, and
//! an oracle that judges what their clients see.
//!
//! `scripts/simulate` runs the set of CI, `scripts/simulate SEED` replays one seed with its trace.
//! A plain `cargo test` runs a few seeds only.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the simulation may print, read its arguments and use threads; the router may not"
)]

mod authenticator;
mod behind;
mod between_shards;
mod broker;
mod client;
mod client_alias;
mod client_connect;
mod client_receive;
mod client_send;
mod coverage;
mod describe;
mod drill;
mod expiry;
mod faults;
mod link;
mod log;
mod network;
mod node;
mod operator;
mod oracle;
mod outputs;
mod plan;
mod random;
mod rounds;
mod socket;
mod time;
mod topics;
mod trace;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use coverage::Coverage;
use oracle::{Rule, Violation};
use plan::{EVENTS_MIN, Plan};
use world::{Report, World};

/// Seeds of a plain `cargo test`.
const SEEDS_BRIEF: u64 = 20;

/// Fewer seeds cannot be expected to meet everything.
const SEEDS_FOR_COVERAGE: u64 = 200;

/// Seeds that are run twice to prove that a run repeats bit for bit.
const SEEDS_TWICE: u64 = 5;

/// Runs one seed; a panic of the router is a violation like any other.
fn run(seed: u64, readable: bool) -> Report {
    let mut world = World::new(Plan::new(seed), readable);
    let outcome = catch_unwind(AssertUnwindSafe(|| world.run()));
    if let Err(panic) = outcome {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        world.fail(Rule::Panic, text);
    }
    let mut report = world.into_report();
    if report.violation.is_none() && report.events < EVENTS_MIN {
        report.violation = Some(Violation {
            rule: Rule::Stuck,
            at: time::Time(0),
            detail: format!("only {} events", report.events),
        });
    }
    report
}

/// Replays a seed that failed and says how to do it again.
fn explain(seed: u64) -> String {
    let report = run(seed, true);
    let mut text = String::new();
    for line in &report.trace {
        text += line;
        text.push('\n');
    }
    match report.violation {
        Some(Violation { rule, at, detail }) => {
            text += &format!("\nseed {seed} violates {rule:?} at {at}: {detail}\n");
        }
        None => text += &format!("\nseed {seed} holds: {} events\n", report.events),
    }
    text + &format!("replay: scripts/simulate {seed}\n")
}

#[derive(Debug, Default)]
struct Summary {
    coverage: Coverage,
    events: u64,
    failed: Vec<(u64, Violation)>,
}

/// Runs seeds on as many threads as asked for, until some have failed.
fn run_all(seeds: &[u64], threads: usize, failures_max: usize) -> Summary {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let summary = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        return;
                    };
                    let report = run(*seed, false);
                    let mut summary = summary.lock().expect("no thread panics while it holds it");
                    summary.events += report.events;
                    summary.coverage.merge(&report.coverage);
                    if let Some(violation) = report.violation {
                        summary.failed.push((*seed, violation));
                        if summary.failed.len() >= failures_max {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    summary
        .into_inner()
        .expect("no thread panics while it holds it")
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn all_rules_hold_for_all_seeds() {
    if let Some(seed) = number("RINGMQ_SIMULATE_SEED") {
        let text = explain(seed);
        println!("{text}");
        assert!(run(seed, false).violation.is_none(), "seed {seed} fails");
        return;
    }
    let wanted = number("RINGMQ_SIMULATE_SEEDS");
    let first = number("RINGMQ_SIMULATE_FIRST").unwrap_or(0);
    let mut seeds: Vec<u64> = (first..first + wanted.unwrap_or(SEEDS_BRIEF)).collect();
    if let Some(fresh) = number("RINGMQ_SIMULATE_FRESH") {
        use std::hash::{BuildHasher, RandomState};
        let base = RandomState::new().hash_one(0) % 1_000_000_000;
        println!("simulation: fresh seeds {} to {}", base, base + fresh - 1);
        seeds.extend(base..base + fresh);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = number("RINGMQ_SIMULATE_THREADS").map_or(threads, |number| number as usize);
    let failures_max = number("RINGMQ_SIMULATE_FAILURES").unwrap_or(1) as usize;
    let mut summary = run_all(&seeds, threads, failures_max);
    summary.failed.sort_by_key(|(seed, _)| *seed);
    for (seed, violation) in &summary.failed {
        let Violation { rule, at, detail } = violation;
        println!("seed {seed} violates {rule:?} at {at}: {detail}");
    }
    if let Some((seed, violation)) = summary.failed.first() {
        println!("{}", explain(*seed));
        panic!(
            "seed {seed} violates {:?}; replay: scripts/simulate {seed}",
            violation.rule
        );
    }
    println!(
        "simulation: {} seeds, {} events, all rules hold; met:",
        seeds.len(),
        summary.events
    );
    print!("{}", summary.coverage);
    if wanted.is_some_and(|seeds| seeds >= SEEDS_FOR_COVERAGE) {
        let unmet = summary.coverage.unmet();
        assert!(unmet.is_empty(), "never met: {unmet:?}");
    }
}

#[test]
fn a_seed_repeats_bit_for_bit() {
    for seed in 0..SEEDS_TWICE {
        let (once, again) = (run(seed, false), run(seed, true));
        assert_eq!(
            once.trace_hash,
            again.trace_hash,
            "{:?} of seed {seed}",
            Rule::Determinism
        );
        assert_eq!(once.events, again.events);
    }
}
