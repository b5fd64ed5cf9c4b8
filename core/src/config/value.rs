//! Values that are more than a number: how they are written, in the file and on the command line alike.

use std::fmt;
use std::str::FromStr;

use ringmq_router::SharedStrategy;
use ringmq_router::limits::SHARDS_MAX;
use serde::{Serialize, Serializer};

use crate::logging::subject;
use crate::placement::CpuId;

/// How many shards to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shards {
    /// One per physical core of the CPUs that may be used.
    Auto,
    /// So many, from 1 to [`SHARDS_MAX`].
    Count(u8),
}

/// Which CPUs the shards may be pinned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CpuList {
    /// All that the process was given.
    All,
    /// These, in ascending order and without repetition.
    Only(Vec<CpuId>),
}

/// How the members of a shared subscription are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strategy(pub SharedStrategy);

/// The `group` of `$share/group/filter`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ShareName(String);

/// A text that is no such value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// Not a number of shards.
    Shards {
        /// What was written.
        text: String,
    },
    /// Not a list of CPUs.
    Cpus {
        /// What was written.
        text: String,
    },
    /// A range of CPUs that ends before it begins.
    CpusReversed {
        /// What was written.
        text: String,
    },
    /// Not an address to listen on.
    Address {
        /// What was written.
        text: String,
    },
    /// Not a text that a packet can carry.
    MqttText {
        /// The beginning of it.
        text: String,
    },
    /// Not a port.
    Port {
        /// What was written.
        text: String,
    },
    /// Not a log level.
    LogLevel {
        /// What was written.
        text: String,
        /// The level or subject that looks most like it.
        nearest: String,
    },
    /// Not a log format.
    LogFormat {
        /// What was written.
        text: String,
    },
    /// Not a strategy of shared subscriptions.
    Strategy {
        /// What was written.
        text: String,
        /// The strategy that looks most like it.
        nearest: &'static str,
    },
    /// Not a share name.
    ShareName {
        /// What was written.
        text: String,
    },
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueError::Shards { text } => {
                write!(
                    f,
                    "'{text}' is not \"auto\" or a number from 1 to {SHARDS_MAX}"
                )
            }
            ValueError::Cpus { text } => write!(
                f,
                "'{text}' is not \"all\" or a list of CPU numbers and ranges such as 0,2-5"
            ),
            ValueError::CpusReversed { text } => {
                write!(f, "the range '{text}' ends before it begins")
            }
            ValueError::Address { text } => write!(
                f,
                "'{text}' is not an IP address with an optional port, such as 127.0.0.1:1883, 0.0.0.0 (all IPv4 \
                 interfaces), [::1]:1883 or [::] (all IPv6 interfaces)"
            ),
            ValueError::MqttText { text } => write!(
                f,
                "'{text}' holds U+0000 or more than 65535 bytes, which no packet can carry"
            ),
            ValueError::Port { text } => {
                write!(f, "'{text}' is not a port number from 0 to 65535")
            }
            ValueError::LogLevel { text, nearest } => write!(
                f,
                "'{text}' is not a log level (off, error, warn, info, debug, trace) or subject=level (subjects: {}); \
                 did you mean '{nearest}'?",
                subject::ALL.join(", ")
            ),
            ValueError::LogFormat { text } => write!(f, "'{text}' is not \"text\" or \"json\""),
            ValueError::Strategy { text, nearest } => write!(
                f,
                "'{text}' is not a strategy ({}); did you mean '{nearest}'?",
                SharedStrategy::ALL.map(SharedStrategy::name).join(", ")
            ),
            ValueError::ShareName { text } => write!(
                f,
                "'{text}' is not the group of a $share/group/filter: it must not be empty, and have no /, + or #"
            ),
        }
    }
}

impl std::error::Error for ValueError {}

impl FromStr for Shards {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Shards, ValueError> {
        if text == "auto" {
            return Ok(Shards::Auto);
        }
        match text.parse() {
            Ok(count) if (1..=SHARDS_MAX).contains(&count) => Ok(Shards::Count(count)),
            _ => Err(ValueError::Shards { text: text.into() }),
        }
    }
}

impl Serialize for Shards {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Shards::Auto => serializer.serialize_str("auto"),
            Shards::Count(count) => serializer.serialize_u8(*count),
        }
    }
}

impl FromStr for CpuList {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<CpuList, ValueError> {
        if text == "all" {
            return Ok(CpuList::All);
        }
        let mut cpus = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |number: &str| -> Result<u16, ValueError> {
                let number = number.trim();
                let digits = number.bytes().all(|b| b.is_ascii_digit());
                match number.parse() {
                    Ok(cpu) if digits => Ok(cpu),
                    _ => Err(ValueError::Cpus { text: text.into() }),
                }
            };
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(ValueError::CpusReversed { text: part.into() });
            }
            cpus.extend((first..=last).map(CpuId));
        }
        cpus.sort_unstable();
        cpus.dedup();
        Ok(CpuList::Only(cpus))
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CpuList::All => write!(f, "all"),
            CpuList::Only(cpus) => write!(f, "{}", crate::placement::ranges(cpus)),
        }
    }
}

impl Serialize for CpuList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Strategy {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Strategy, ValueError> {
        let mut all = SharedStrategy::ALL.into_iter();
        let found = all.find(|strategy| strategy.name() == text);
        let names = SharedStrategy::ALL.map(SharedStrategy::name);
        found.map(Strategy).ok_or_else(|| ValueError::Strategy {
            text: text.into(),
            nearest: super::nearest(text, names.into_iter()),
        })
    }
}

impl Serialize for Strategy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl ShareName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ShareName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<ShareName, ValueError> {
        if text.is_empty() || text.contains(['/', '+', '#']) {
            return Err(ValueError::ShareName { text: text.into() });
        }
        Ok(ShareName(text.into()))
    }
}
