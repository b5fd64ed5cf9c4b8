//! Which lines are written: a level for everything, and levels for single subjects.
//!
//! Written `info`, or `info,client=debug,shard=warn`, in the configuration and on the command line alike.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::config::{ValueError, nearest};

/// What the lines of the log are about: their `target`.
pub mod subject {
    /// The process: start, stop, signals, limits.
    pub const BROKER: &str = "broker";
    /// Sockets that listen.
    pub const LISTENER: &str = "listener";
    /// Clients that come and go.
    pub const CLIENT: &str = "client";
    /// Sessions that end.
    pub const SESSION: &str = "session";
    /// Shard threads and their rings.
    pub const SHARD: &str = "shard";

    /// All of them.
    pub const ALL: [&str; 5] = [BROKER, LISTENER, CLIENT, SESSION, SHARD];
}

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// From which level on lines are written, by subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    level: LevelFilter,
    subjects: Vec<(&'static str, LevelFilter)>,
}

impl Default for LogFilter {
    fn default() -> LogFilter {
        LogFilter {
            level: LevelFilter::INFO,
            subjects: Vec::new(),
        }
    }
}

impl LogFilter {
    pub(super) fn targets(&self) -> Targets {
        Targets::new()
            .with_default(self.level)
            .with_targets(self.subjects.iter().copied())
    }
}

impl FromStr for LogFilter {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<LogFilter, ValueError> {
        let mut filter = LogFilter::default();
        for part in text.split(',') {
            match part.split_once('=') {
                None => filter.level = level(part.trim())?,
                Some((name, value)) => {
                    let subject = subject(name.trim())?;
                    filter.subjects.retain(|(known, _)| *known != subject);
                    filter.subjects.push((subject, level(value.trim())?));
                }
            }
        }
        Ok(filter)
    }
}

fn level(text: &str) -> Result<LevelFilter, ValueError> {
    let found = LEVELS.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, level)| *level)
        .ok_or_else(|| unknown(text, LEVELS.iter().map(|(name, _)| *name)))
}

fn subject(text: &str) -> Result<&'static str, ValueError> {
    let found = subject::ALL.into_iter().find(|name| *name == text);
    found.ok_or_else(|| unknown(text, subject::ALL.into_iter()))
}

fn unknown<'c>(text: &str, candidates: impl Iterator<Item = &'c str>) -> ValueError {
    ValueError::LogLevel {
        text: text.to_owned(),
        nearest: nearest(text, candidates).to_owned(),
    }
}

fn level_name(level: LevelFilter) -> &'static str {
    let found = LEVELS.iter().find(|(_, known)| *known == level);
    found.map_or("off", |(name, _)| name)
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(level_name(self.level))?;
        for (subject, level) in &self.subjects {
            write!(f, ",{subject}={}", level_name(*level))?;
        }
        Ok(())
    }
}

impl Serialize for LogFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_alone_and_subjects() {
        for text in [
            "off",
            "info",
            "trace",
            "info,client=debug",
            "warn,shard=off,client=trace",
        ] {
            assert_eq!(text.parse::<LogFilter>().unwrap().to_string(), text);
        }
        let later_wins = "info, client=debug, client=warn".parse::<LogFilter>();
        assert_eq!(later_wins.unwrap().to_string(), "info,client=warn");
    }

    #[test]
    fn unknown_words_name_the_nearest() {
        for (text, nearest) in [
            ("inf", "info"),
            ("info,clients=debug", "client"),
            ("client=debg", "debug"),
        ] {
            match text.parse::<LogFilter>() {
                Err(ValueError::LogLevel { nearest: found, .. }) => {
                    assert_eq!(found, nearest, "{text}")
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
