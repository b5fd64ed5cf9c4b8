//! Several loops as one run: the loads of a scenario side by side, each on one thread or several.
//!
//! Every loop carries out its share of one plan; they share a clock and a stage, so that all begin together
//! and none leaves early. Threads share nothing else: a loop's figures are its own until they are added up.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use hdrhistogram::Histogram;

use crate::machine;
use crate::progress::Progress;
use crate::record::{Interval, empty_latency, interval};
use crate::report::Scenario;
use crate::run::outcome::{Outcome, RunError};
use crate::run::share::Share;
use crate::run::stage::Stage;
use crate::run::{self, Clock, Part};
use crate::scenario::{Pace, Plan};

/// How this process takes part in a run.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Which of the processes it is, and of how many.
    pub(crate) share: Share,
    /// Loops for each load.
    pub(crate) threads: u32,
    pub(crate) clock: Clock,
    /// Tells this run's messages from those of others; the same in all processes.
    pub(crate) number: u16,
}

impl Place {
    /// The only process.
    pub(crate) fn alone(threads: u32) -> Place {
        Place {
            share: Share::WHOLE,
            threads,
            clock: Clock::start(),
            number: std::process::id() as u16,
        }
    }
}

/// What was found of one load.
pub(crate) struct LoadOutcome {
    pub(crate) scenario: Scenario,
    pub(crate) outcome: Outcome,
}

/// Carries out the plans that `make` makes, once for each thread, and gives what each load found.
pub(crate) fn execute(
    make: impl Fn() -> Result<Vec<Plan>, String>,
    place: &Place,
    stage_of: impl FnOnce(u32) -> Arc<Stage>,
    updates: &Sender<Progress>,
) -> Result<Vec<LoadOutcome>, RunError> {
    let mut plans: Vec<(usize, Share, Plan)> = Vec::new();
    let of = place.share.of * place.threads;
    for thread in 0..place.threads {
        for (load, plan) in make()?.into_iter().enumerate() {
            let index = place.share.index * place.threads + thread;
            plans.push((load, Share { index, of }, plan));
        }
    }
    let is_whole = of == 1;
    let stage = stage_of(plans.len() as u32);
    thread::scope(|scope| {
        let mut loops = Vec::new();
        for (member, (load, share, mut plan)) in plans.into_iter().enumerate() {
            if !is_whole && matches!(plan.pace, Pace::Closed { .. }) {
                stage.abandon();
                return Err(RunError::Argument(format!(
                    "load `{}`: a closed loop runs on one thread of one machine: use a rate",
                    plan.name
                )));
            }
            if member > 0 {
                plan.connect.pid = None;
            }
            let scenario = Scenario::of(&plan);
            let part = Part {
                share,
                stage: Arc::clone(&stage),
                member,
                clock: place.clock,
                number: place.number,
            };
            let updates = updates.clone();
            let handle = scope.spawn(move || {
                machine::sharpen_timers();
                run::execute(plan, part, updates)
            });
            loops.push((load, scenario, handle));
        }
        let mut found: Vec<LoadOutcome> = Vec::new();
        let mut error = None;
        for (load, scenario, handle) in loops {
            match handle.join() {
                Ok(Ok(outcome)) => match found.get_mut(load) {
                    Some(same) => same.outcome.add(outcome),
                    None => found.push(LoadOutcome { scenario, outcome }),
                },
                // The first reason counts; the others were only told of it.
                Ok(Err(RunError::Abandoned)) => {
                    error.get_or_insert(RunError::Abandoned);
                }
                Ok(Err(reason)) => error = Some(reason),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        match error {
            Some(error) => Err(error),
            None => Ok(found),
        }
    })
}

/// The intervals of all loads together.
pub(crate) fn intervals(loads: &[LoadOutcome]) -> Vec<Interval> {
    let mut sum = Vec::new();
    for load in loads {
        interval::add(&mut sum, &load.outcome.intervals);
    }
    sum
}

/// The latencies of connecting of all loads together.
pub(crate) fn connect_latency(loads: &[LoadOutcome]) -> Histogram<u64> {
    let mut sum = empty_latency();
    for load in loads {
        sum.add(&load.outcome.connect_latency)
            .expect("all histograms of loadgen have the same bounds");
    }
    sum
}
