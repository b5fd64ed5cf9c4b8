//! What coordinator and agent say to each other, and how it is put on the wire: a line of JSON each.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::agents::wire::WireOutcome;
use crate::cli::ConnectArgs;
use crate::limits::AGENT_LINE_BYTES_MAX;

/// From the coordinator.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// What does your clock say?
    Clock,
    /// Carry out a share of this.
    Job(Box<Job>),
    /// The load begins at this time of the run.
    Start { at_ns: u64 },
    /// Everything has arrived everywhere.
    Complete,
}

/// A share of a scenario.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// As TOML, complete.
    pub(super) scenario: String,
    pub(super) connect: ConnectArgs,
    /// Arguments that overrule the scenario.
    pub(super) given: Vec<String>,
    pub(super) index: u32,
    pub(super) of: u32,
    /// Tells this run's messages from those of others.
    pub(super) number: u16,
    /// What the agent's clock said when the run's time was zero.
    pub(super) zero_ns: i64,
}

/// From an agent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// Its clock, in nanoseconds since it was started, and its version.
    Clock { now_ns: u64, version: String },
    /// Where it stands.
    Standing(Standing),
    /// What it found, load by load.
    Found(Vec<WireOutcome>),
    /// Why it could not.
    Failed(String),
}

/// Where an agent stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// All its connections are up.
    pub(super) is_ready: bool,
    /// All its loops have sent what they had to send.
    pub(super) has_sent: bool,
    pub(super) expected: u64,
    pub(super) delivered: u64,
    pub(super) unacknowledged: u64,
}

/// A connection that carries lines.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<TcpStream>,
    partial: Vec<u8>,
}

impl Lines {
    /// Lines over a connection whose reads end after `timeout`.
    pub(super) fn new(socket: TcpStream, timeout: Duration) -> io::Result<Lines> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(timeout))?;
        Ok(Lines {
            reader: BufReader::new(socket),
            partial: Vec::new(),
        })
    }

    /// From now on, reads end after this long.
    pub(super) fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.reader.get_ref().set_read_timeout(Some(timeout))
    }

    /// Sends one message.
    pub(super) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.reader.get_mut().write_all(&line)
    }

    /// The next message; `None` when none came in time. A line that is under way goes on with the next call.
    pub(super) fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            let available = match self.reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if is_timeout(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(available.len(), |at| at + 1);
            self.partial.extend_from_slice(&available[..used]);
            self.reader.consume(used);
            if self.partial.len() > AGENT_LINE_BYTES_MAX {
                return Err(io::Error::other("a message is longer than any should be"));
            }
            if end.is_some() {
                let message = serde_json::from_slice(&self.partial)?;
                self.partial.clear();
                return Ok(Some(message));
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
