//! Cases whose instructions are counted: `scripts/instructions` runs this under callgrind, one case per
//! process, and compares what it counts with `benches/instructions.toml`.
//!
//! `instructions --list` names the cases; `instructions CASE` runs one and prints how many units were counted
//! and what a unit is. Only what runs inside of [`Counter::count`] is counted, so preparation costs nothing.
//! A case must do the same in each run: no clock, no threads, no randomness.

mod codec;
mod connections;
mod counter;
mod crossing;
mod exchanges;
mod fan_out;
mod index;
mod output;

use std::process::ExitCode;

use counter::{Case, Counter};

fn cases() -> Vec<Case> {
    [
        codec::CASES,
        index::CASES,
        connections::CASES,
        fan_out::CASES,
        exchanges::CASES,
        crossing::CASES,
        output::CASES,
    ]
    .concat()
}

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let cases = cases();
    if argument == "--list" {
        for case in cases {
            println!("{}", case.name);
        }
        return ExitCode::SUCCESS;
    }
    let Some(case) = cases.iter().find(|case| case.name == argument) else {
        eprintln!("usage: instructions --list | CASE");
        return ExitCode::FAILURE;
    };
    let mut counter = Counter::default();
    (case.run)(&mut counter);
    println!("{} {}", counter.units(), case.unit);
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::{Counter, cases};

    #[test]
    fn every_case_counts_something_under_a_name_of_its_own() {
        let mut names = Vec::new();
        for case in cases() {
            let mut counter = Counter::default();
            (case.run)(&mut counter);
            assert!(counter.units() > 0, "{}", case.name);
            assert!(!names.contains(&case.name), "{} stands twice", case.name);
            names.push(case.name);
        }
    }
}
