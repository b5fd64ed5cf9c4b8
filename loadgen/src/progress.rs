//! What is shown while a run is under way: a bar on a terminal, plain lines elsewhere; all on standard error.
//!
//! The run sends [`Progress`] over a channel and the main thread draws, so that a slow terminal never
//! delays a message.

use std::io::IsTerminal;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::histogram::Percentiles;
use crate::limits::PROGRESS_LINE_EVERY;
use crate::report::text::{count, duration_us};

/// Where a run stands.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// Which of the loops that carry the run out says so.
    pub(crate) member: usize,
    /// What is being done, in a word.
    pub(crate) phase: &'static str,
    /// How much of it is done, and of how much.
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// Figures of the interval that just ended.
    pub(crate) rates: Option<Rates>,
}

/// Figures of an interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) published_per_second: f64,
    pub(crate) delivered_per_second: f64,
    pub(crate) latency: Option<Percentiles>,
    /// Connections that are up.
    pub(crate) connections: u32,
    /// Connections lost, publishes refused, packets that should not be.
    pub(crate) errors: u64,
}

/// What all loops of a run said last.
#[derive(Debug, Default)]
struct Members {
    last: Vec<Option<Progress>>,
}

impl Members {
    /// Takes what one said and gives the whole picture.
    fn take(&mut self, progress: Progress) -> Progress {
        let member = progress.member;
        if self.last.len() <= member {
            self.last.resize(member + 1, None);
        }
        let phase = progress.phase;
        self.last[member] = Some(progress);
        let mut whole = Progress {
            member: 0,
            phase,
            done: 0,
            total: 0,
            rates: None,
        };
        let together = self.last.iter().flatten().filter(|p| p.phase == phase);
        for one in together {
            whole.done += one.done;
            whole.total += one.total;
            whole.rates = match (whole.rates, one.rates) {
                (Some(sum), Some(rates)) => Some(sum.with(&rates)),
                (sum, rates) => sum.or(rates),
            };
        }
        whole
    }
}

impl Rates {
    /// The sums, and the worse latency: percentiles cannot be added.
    fn with(self, other: &Rates) -> Rates {
        let worse = |one: Percentiles, other: Percentiles| match one.p99 >= other.p99 {
            true => one,
            false => other,
        };
        Rates {
            published_per_second: self.published_per_second + other.published_per_second,
            delivered_per_second: self.delivered_per_second + other.delivered_per_second,
            latency: match (self.latency, other.latency) {
                (Some(one), Some(other)) => Some(worse(one, other)),
                (one, other) => one.or(other),
            },
            connections: self.connections + other.connections,
            errors: self.errors + other.errors,
        }
    }
}

/// Draws until the run ends. On a terminal the bar is gone afterwards.
pub(crate) fn show(updates: &Receiver<Progress>) {
    if std::io::stderr().is_terminal() {
        show_bar(updates);
    } else {
        show_lines(updates);
    }
}

fn show_bar(updates: &Receiver<Progress>) {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix:<10} {bar:24} {percent:>3} %  {msg}")
        .expect("the template is a constant")
        .progress_chars("█▉▊▋▌▍▎▏ ");
    bar.set_style(style);
    let mut members = Members::default();
    for progress in updates {
        let progress = members.take(progress);
        bar.set_length(progress.total.max(1));
        bar.set_position(progress.done);
        bar.set_prefix(progress.phase);
        bar.set_message(message(&progress));
    }
    bar.finish_and_clear();
}

fn show_lines(updates: &Receiver<Progress>) {
    let mut shown: Option<(&'static str, Instant)> = None;
    let mut members = Members::default();
    for progress in updates {
        let progress = members.take(progress);
        let is_due = shown.is_none_or(|(phase, at)| {
            phase != progress.phase || at.elapsed() >= PROGRESS_LINE_EVERY
        });
        if is_due {
            eprintln!("{:<10} {}", progress.phase, message(&progress));
            shown = Some((progress.phase, Instant::now()));
        }
    }
}

fn message(progress: &Progress) -> String {
    let Some(rates) = &progress.rates else {
        return format!("{} of {}", count(progress.done), count(progress.total));
    };
    let latency = rates.latency.map_or(String::new(), |latency| {
        format!(
            "  p50 {}  p99 {}",
            duration_us(latency.p50),
            duration_us(latency.p99)
        )
    });
    let errors = match rates.errors {
        0 => String::new(),
        errors => format!("  errors {}", count(errors)),
    };
    format!(
        "out {}/s  in {}/s{latency}  {} up{errors}",
        count(rates.published_per_second as u64),
        count(rates.delivered_per_second as u64),
        count(u64::from(rates.connections))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(member: usize, phase: &'static str, delivered_per_second: f64) -> Progress {
        Progress {
            member,
            phase,
            done: 1,
            total: 4,
            rates: Some(Rates {
                published_per_second: 1.0,
                delivered_per_second,
                latency: None,
                connections: 10,
                errors: 0,
            }),
        }
    }

    #[test]
    fn loops_in_one_phase_are_shown_together() {
        let mut members = Members::default();
        members.take(progress(0, "measuring", 1_000.0));
        let both = members.take(progress(2, "measuring", 500.0));
        assert_eq!((both.done, both.total), (2, 8));
        assert_eq!(message(&both), "out 2/s  in 1,500/s  20 up");
        let alone = members.take(progress(0, "draining", 0.0));
        assert_eq!((alone.phase, alone.total), ("draining", 4));
    }
}
