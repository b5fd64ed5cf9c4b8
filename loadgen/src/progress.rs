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
    for progress in updates {
        bar.set_length(progress.total.max(1));
        bar.set_position(progress.done);
        bar.set_prefix(progress.phase);
        bar.set_message(message(&progress));
    }
    bar.finish_and_clear();
}

fn show_lines(updates: &Receiver<Progress>) {
    let mut shown: Option<(&'static str, Instant)> = None;
    for progress in updates {
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
    format!(
        "out {}/s  in {}/s{latency}",
        count(rates.published_per_second as u64),
        count(rates.delivered_per_second as u64)
    )
}
