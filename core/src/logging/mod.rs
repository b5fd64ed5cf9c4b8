//! What the broker writes about itself, to standard error. The message path logs nothing.
//!
//! Lines are formatted on the thread that has something to say and written by a thread of their own (in
//! `writer`): a terminal or pipe that does not read costs lines, which are counted, and never a shard's time.

mod client;
mod filter;
mod timestamp;
mod writer;

use std::fmt;
use std::io::{self, IsTerminal};
use std::panic;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogSettings, ValueError};
use timestamp::UtcMillis;

pub use client::log_event;
pub use filter::{LogFilter, subject};
pub use writer::LogWriter;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Begins to log. To be called once in a process; what was logged before is gone.
pub fn start(settings: &LogSettings) -> io::Result<LogWriter> {
    let writer = LogWriter::start(io::stderr())?;
    let registry = tracing_subscriber::registry().with(settings.level.targets());
    let lines = tracing_subscriber::fmt::layer()
        .with_timer(UtcMillis)
        .with_writer(writer.lines())
        .with_ansi(settings.format == LogFormat::Text && io::stderr().is_terminal());
    match settings.format {
        LogFormat::Text => registry.with(lines).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
    panic::set_hook(Box::new(log_panic));
    Ok(writer)
}

/// A panic is a line of the log like any other, so that a log of JSON stays one.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let location = panic.location().map(ToString::to_string);
    tracing::error!(
        target: subject::BROKER,
        thread = thread.name().unwrap_or("unnamed"),
        location = location.as_deref().unwrap_or("unknown"),
        "panic: {}",
        panic.payload_as_str().unwrap_or("without a message"),
    );
}

impl LogFormat {
    fn name(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LogFormat {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<LogFormat, ValueError> {
        let all = [LogFormat::Text, LogFormat::Json];
        let found = all.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| ValueError::LogFormat { text: text.into() })
    }
}

impl Serialize for LogFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
