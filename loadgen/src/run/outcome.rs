//! What a run found: the figures a report is made of, and why a run could not be made at all.

use std::fmt;
use std::io;

use hdrhistogram::Histogram;
use ringmq_ring::EngineError;
use serde::{Deserialize, Serialize};

use crate::audit::AuditCounts;
use crate::broker_process::ProcessSample;
use crate::folder::FolderError;
use crate::probe::Probed;
use crate::record::{Interval, empty_latency, interval};
use crate::run::connector::Failures;
use crate::sys::{Drops, SelfPortrait};

/// Totals and the state of the machine at one edge of the measured phase.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Edge {
    pub(crate) at_ns: u64,
    pub(crate) published: u64,
    pub(crate) received: u64,
    pub(crate) own_cpu_ns: u64,
    pub(crate) broker: Option<ProcessSample>,
}

/// Everything a run found. Histograms travel beside it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Latencies of messages due in the measured phase.
    #[serde(skip, default = "empty_latency")]
    pub(crate) latency: Histogram<u64>,
    /// The measured phase in pieces; all of them together hold `latency`.
    pub(crate) intervals: Vec<Interval>,
    /// From the beginning of each connect to its CONNACK.
    #[serde(skip, default = "empty_latency")]
    pub(crate) connect_latency: Histogram<u64>,
    pub(crate) connect_failures: Failures,
    /// The same of connects after clients had left or been thrown out, and how long these took together.
    #[serde(skip, default = "empty_latency")]
    pub(crate) return_latency: Histogram<u64>,
    pub(crate) return_seconds: f64,
    /// Clients that came back to a session the broker had not kept.
    pub(crate) sessions_lost: u64,
    /// From UNSUBSCRIBE and SUBSCRIBE to SUBACK, for exchanged subscriptions; and turns missed because the
    /// last exchange was not answered.
    #[serde(skip, default = "empty_latency")]
    pub(crate) change_latency: Histogram<u64>,
    pub(crate) changes_missed: u64,
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
    /// The same of what it says of itself.
    pub(crate) portrait: Option<SelfPortrait>,
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
    /// The broker before the first connect, and when all clients of the first wave were up; the latter only
    /// where one loop brought all of them up.
    pub(crate) broker_before: Option<ProcessSample>,
    pub(crate) broker_connected: Option<ProcessSample>,
    pub(crate) broker_rss_peak: u64,
    /// The broker's CPU; `None` where no process was watched.
    pub(crate) probed: Option<Probed>,
    pub(crate) warnings: Vec<String>,
}

impl Outcome {
    /// Adds what another loop of the same run found. The broker's side is kept from the one that has it.
    pub(crate) fn add(&mut self, other: Outcome) {
        let histograms = [
            (&mut self.latency, other.latency),
            (&mut self.connect_latency, other.connect_latency),
            (&mut self.return_latency, other.return_latency),
            (&mut self.change_latency, other.change_latency),
        ];
        for (own, others) in histograms {
            own.add(&others)
                .expect("all histograms of loadgen have the same bounds");
        }
        interval::add(&mut self.intervals, &other.intervals);
        self.connect_failures.absorb(&other.connect_failures);
        self.lost_connections.absorb(&other.lost_connections);
        self.begin.add(&other.begin);
        self.begin.at_ns = self.begin.at_ns.min(other.begin.at_ns);
        self.end.add(&other.end);
        self.end.at_ns = self.end.at_ns.max(other.end.at_ns);
        self.connect_seconds = self.connect_seconds.max(other.connect_seconds);
        self.return_seconds = self.return_seconds.max(other.return_seconds);
        self.audit.add(&other.audit);
        self.connections += other.connections;
        self.answered = match (self.answered, other.answered) {
            (Some(own), Some(others)) => Some(own + others),
            (own, others) => own.or(others),
        };
        for (own, others) in [
            (&mut self.sessions_lost, other.sessions_lost),
            (&mut self.changes_missed, other.changes_missed),
            (&mut self.published, other.published),
            (&mut self.expected, other.expected),
            (&mut self.late_sends, other.late_sends),
            (&mut self.unsent, other.unsent),
            (&mut self.written_off, other.written_off),
            (&mut self.unacknowledged, other.unacknowledged),
            (&mut self.refused, other.refused),
            (&mut self.protocol_errors, other.protocol_errors),
        ] {
            *own += others;
        }
        self.late_max_ns = self.late_max_ns.max(other.late_max_ns);
        self.drops = self.drops.take().or(other.drops);
        self.portrait = self.portrait.take().or(other.portrait);
        self.broker_before = self.broker_before.or(other.broker_before);
        self.broker_connected = None;
        self.broker_rss_peak = self.broker_rss_peak.max(other.broker_rss_peak);
        self.probed = self.probed.or(other.probed);
        self.warnings.extend(other.warnings);
        self.warnings.dedup();
    }
}

impl Edge {
    fn add(&mut self, other: &Edge) {
        self.published += other.published;
        self.received += other.received;
        self.own_cpu_ns += other.own_cpu_ns;
        self.broker = self.broker.or(other.broker);
    }
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

/// What reaching connections found.
pub(crate) struct ReachOutcome {
    /// Connections that were to be reached; the publisher is not among them.
    pub(crate) connections: u32,
    pub(crate) connect_seconds: f64,
    pub(crate) connect_latency: Histogram<u64>,
    pub(crate) connect_failures: Failures,
    /// Connections that ended before the run did.
    pub(crate) lost_connections: Failures,
    /// Connections that answered at the end.
    pub(crate) answered: u32,
    pub(crate) held: Held,
    /// A message each to a random choice.
    pub(crate) chosen: Reached,
    /// Messages to everyone.
    pub(crate) all: Reached,
    /// Messages that were not published, as the publisher could not or others before them had not arrived.
    pub(crate) unsent: u64,
    /// Messages that came again, out of turn, or to somebody they were not for.
    pub(crate) unexpected: u64,
    pub(crate) corrupt: u64,
    pub(crate) protocol_errors: u64,
    /// The broker before the first connect, with all connections up, when they had been held, and at the end.
    pub(crate) broker_before: Option<ProcessSample>,
    pub(crate) broker_up: Option<ProcessSample>,
    pub(crate) broker_held: Option<ProcessSample>,
    pub(crate) broker_end: Option<ProcessSample>,
    pub(crate) broker_rss_peak: u64,
    /// loadgen's own memory with all connections up.
    pub(crate) own_rss_bytes: u64,
}

/// How connections were kept alive.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Held {
    /// Without anything but keep-alives.
    pub(crate) seconds: f64,
    pub(crate) keep_alive_secs: u16,
    /// PINGREQs over the whole run, the last signs of life among them.
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    /// Not answered when the next was due.
    pub(crate) unanswered: u64,
    /// Answers that each connection got before it was asked for a last one, at least.
    pub(crate) pongs_min: u8,
}

/// Messages and what came of them.
pub(crate) struct Reached {
    pub(crate) published: u64,
    pub(crate) expected: u64,
    pub(crate) delivered: u64,
    /// From the first that was due to the last that came.
    pub(crate) seconds: f64,
    pub(crate) latency: Histogram<u64>,
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
    /// Another loop of the same run failed, which says why.
    Abandoned,
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
            RunError::Abandoned => f.write_str("given up: another part of the run failed"),
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
