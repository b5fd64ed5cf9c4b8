//! What a run found: the figures a report is made of, and why a run could not be made at all.

use std::fmt;
use std::io;

use hdrhistogram::Histogram;
use ringmq_ring::EngineError;

use crate::audit::AuditCounts;
use crate::broker_process::ProcessSample;
use crate::folder::FolderError;
use crate::record::Interval;
use crate::run::connector::Failures;
use crate::sys::Drops;

/// Totals and the state of the machine at one edge of the measured phase.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edge {
    pub(crate) at_ns: u64,
    pub(crate) published: u64,
    pub(crate) received: u64,
    pub(crate) own_cpu_ns: u64,
    pub(crate) broker: Option<ProcessSample>,
}

/// Everything a run found.
pub(crate) struct Outcome {
    /// Latencies of messages due in the measured phase.
    pub(crate) latency: Histogram<u64>,
    /// The measured phase in pieces; all of them together hold `latency`.
    pub(crate) intervals: Vec<Interval>,
    /// From the beginning of each connect to its CONNACK.
    pub(crate) connect_latency: Histogram<u64>,
    pub(crate) connect_failures: Failures,
    /// Connections that came up.
    pub(crate) connections: u32,
    pub(crate) connect_seconds: f64,
    /// Connections that ended before the run did.
    pub(crate) lost_connections: Failures,
    /// Connections that answered at the end, where they were asked.
    pub(crate) answered: Option<u32>,
    pub(crate) begin: Edge,
    pub(crate) end: Edge,
    /// Publishes of the whole run, warm-up included.
    pub(crate) published: u64,
    /// What subscribers were to get of them.
    pub(crate) expected: u64,
    pub(crate) audit: AuditCounts,
    /// The broker's drops, when it was asked and told.
    pub(crate) drops: Option<Drops>,
    pub(crate) late_sends: u64,
    pub(crate) late_max_ns: u64,
    /// Open loop: publishes that were due and could not be sent.
    pub(crate) unsent: u64,
    /// Closed loop: messages given up on.
    pub(crate) written_off: u64,
    pub(crate) unacknowledged: u64,
    /// Acknowledgements with an error as their reason code.
    pub(crate) refused: u64,
    /// Packets no client should get.
    pub(crate) protocol_errors: u64,
    /// Memory of the broker before the first connect.
    pub(crate) broker_before: Option<ProcessSample>,
    pub(crate) broker_rss_peak: u64,
    pub(crate) warnings: Vec<String>,
}

/// What churning found.
pub(crate) struct ChurnOutcome {
    pub(crate) rounds: u32,
    /// Connections of each round.
    pub(crate) connections: u32,
    /// Connects begun in all rounds.
    pub(crate) connects: u64,
    /// Connections that ended in the middle of a packet.
    pub(crate) cut: u64,
    pub(crate) failures: Failures,
    pub(crate) connect_latency: Histogram<u64>,
    pub(crate) seconds: f64,
    pub(crate) broker_before: Option<ProcessSample>,
    pub(crate) broker_after_first_round: Option<ProcessSample>,
    pub(crate) broker_after: Option<ProcessSample>,
}

/// Why a run could not be made.
#[derive(Debug)]
pub(crate) enum RunError {
    /// An argument does not fit the others or the machine.
    Argument(String),
    Engine(EngineError),
    /// Nothing can be said of the broker's process.
    Process {
        pid: u32,
        source: io::Error,
    },
    /// Connections failed before the load began.
    Connect {
        failed: u64,
        total: u32,
        failures: Failures,
    },
    /// What was found cannot be kept.
    Folder(FolderError),
    /// Every connection was lost.
    AllLost(Failures),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Argument(text) => f.write_str(text),
            RunError::Folder(error) => write!(f, "{error}"),
            RunError::Engine(error) => write!(f, "{error}"),
            RunError::Process { pid, source } => write!(
                f,
                "--pid {pid}: its CPU time and memory cannot be read ({source}); is that a process on this machine?"
            ),
            RunError::Connect {
                failed,
                total,
                failures,
            } => write!(
                f,
                "{failed} of {total} connections failed:{}",
                failures.describe()
            ),
            RunError::AllLost(failures) => {
                write!(f, "every connection was lost:{}", failures.describe())
            }
        }
    }
}

impl std::error::Error for RunError {}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> Self {
        RunError::Engine(error)
    }
}

impl From<FolderError> for RunError {
    fn from(error: FolderError) -> Self {
        RunError::Folder(error)
    }
}

impl From<String> for RunError {
    fn from(text: String) -> Self {
        RunError::Argument(text)
    }
}
