//! All scripts against brokers of so many shards, many at a time: they mostly wait for each other's bytes.
//!
//! Scripts with the same configuration share a broker; one that is `alone` has its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::broker::Broker;
use crate::run::run;
use crate::script::{Script, files};
use crate::words::Version;

/// Scripts that run at the same time.
const WORKERS: usize = 12;

/// What one worker does in one go.
enum Job<'a> {
    /// A script on the broker with the default configuration.
    Shared(&'a Script, Version, usize),
    /// Scripts one after the other on a broker that is started for them.
    Own(Vec<(&'a Script, Version)>),
}

/// Reads all scripts whose names hold the text in the environment variable WIRE, if it is set.
pub(crate) fn scripts() -> (Vec<Script>, Vec<String>) {
    let wanted = wanted();
    let mut scripts = Vec::new();
    let mut errors = Vec::new();
    for (file, text) in files("scripts", "wire") {
        match Script::parse(&file, &text) {
            Ok(script) if script.file.contains(&wanted) => scripts.push(script),
            Ok(_) => {}
            Err(error) => errors.push(error),
        }
    }
    (scripts, errors)
}

/// What the names of scripts and tables must hold to be run.
pub(crate) fn wanted() -> String {
    std::env::var("WIRE").unwrap_or_default()
}

/// Runs every script in each of its versions; panics with one line or more for each failure.
pub(crate) fn check_scripts(shards: u8) {
    let (scripts, mut failures) = scripts();
    let mut jobs = VecDeque::new();
    let mut by_config: BTreeMap<&str, Vec<(&Script, Version)>> = BTreeMap::new();
    let mut runs = 0;
    for script in &scripts {
        for version in &script.versions {
            runs += 1;
            if script.alone {
                jobs.push_front(Job::Own(vec![(script, *version)]));
            } else if script.config.is_empty() {
                jobs.push_back(Job::Shared(script, *version, runs));
            } else {
                let runs = by_config.entry(&script.config).or_default();
                runs.push((script, *version));
            }
        }
    }
    // First those that take longest.
    for runs in by_config.into_values() {
        jobs.push_front(Job::Own(runs));
    }
    let shared = Broker::start(shards, "").expect("a broker starts");
    let jobs = Mutex::new(jobs);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let job = jobs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some(job) = job else { return };
                    let wrong = work(job, &shared);
                    found
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(wrong);
                }
            });
        }
    });
    failures.extend(found.into_inner().unwrap_or_else(PoisonError::into_inner));
    failures.extend(shared.stop().err());
    failures.sort();
    println!("{} scripts, {runs} runs on {shards} shards", scripts.len());
    let count = failures.len();
    assert!(count == 0, "{count} failures:\n{}", failures.join("\n"));
}

/// Does one job; returns what failed.
fn work(job: Job<'_>, shared: &Broker) -> Vec<String> {
    match job {
        Job::Shared(script, version, number) => {
            let prefix = format!("r{number}/");
            run(script, version, shared, &prefix)
                .err()
                .into_iter()
                .collect()
        }
        Job::Own(runs) => run_on_own_broker(&runs, shared.shards),
    }
}

fn run_on_own_broker(runs: &[(&Script, Version)], shards: u8) -> Vec<String> {
    let (first, _) = runs[0];
    let broker = match Broker::start(shards, &first.config) {
        Ok(broker) => broker,
        Err(error) => return vec![format!("{}: {error}", first.file)],
    };
    let mut failures = Vec::new();
    for (number, (script, version)) in runs.iter().enumerate() {
        let prefix = match script.alone {
            true => String::new(),
            false => format!("r{number}/"),
        };
        failures.extend(run(script, *version, &broker, &prefix).err());
    }
    failures.extend(
        broker
            .stop()
            .err()
            .map(|error| format!("{}: {error}", first.file)),
    );
    failures
}
