//! Everything a shard can ask of the world around it.

use std::net::SocketAddr;

use crate::link::{Handover, LinkMessage};
use crate::{Authentication, CommandId, ConnectionId, LogPosition, ShardId, Stats};

/// What follows from one or more inputs, in order. The caller reads `list`, acts on it, then calls
/// [`Outputs::clear`]; the allocations stay.
#[derive(Debug, Default)]
pub struct Outputs {
    /// In the order they must happen.
    pub list: Vec<Output>,
    /// Encoded frames, named by [`FrameRange`].
    pub bytes: Vec<u8>,
    /// Receivers of frames, named by [`TargetRange`].
    pub targets: Vec<ConnectionId>,
}

/// A range of [`Outputs::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRange {
    /// First byte.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// A range of [`Outputs::targets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRange {
    /// First receiver.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// How long a frame may wait for company: alone it costs a segment, with other frames to the same client
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// Not at all.
    No,
    /// As long as other input waits: an acknowledgement, without which the client may not go on.
    WhileBusy,
    /// A moment longer: PUBREL, whose message the client has already. The next message is likely to follow.
    Moment,
}

/// One thing to do.
#[derive(Debug)]
pub enum Output {
    /// Send the frame, one or more whole packets, to each of the targets, after everything sent to them
    /// before.
    Send {
        /// What.
        frame: FrameRange,
        /// To whom.
        targets: TargetRange,
        /// For how long it may wait for something else to go to the same target.
        wait: Wait,
    },
    /// Close the connection once its frames are out (bounded by the caller). The shard has forgotten it:
    /// no input about it may follow.
    Close {
        /// Which.
        connection: ConnectionId,
        /// For the log and the counters.
        reason: CloseReason,
    },
    /// Stop reading from the connection. What was read already may still be given.
    Pause {
        /// Which.
        connection: ConnectionId,
    },
    /// Read from it again.
    Resume {
        /// Which.
        connection: ConnectionId,
    },
    /// The CONNECT was accepted here (the connection stays on this shard).
    Established {
        /// Which.
        connection: ConnectionId,
    },
    /// Move the connection to the shard its client lives on. The shard has forgotten it.
    HandOver {
        /// Which.
        connection: ConnectionId,
        /// Its new home.
        to: ShardId,
        /// To be given there as [`crate::Input::HandedOver`], with the descriptor.
        handover: Box<Handover>,
    },
    /// A message to another shard, in order per destination.
    Link {
        /// The destination.
        to: ShardId,
        /// What it says.
        message: LinkMessage,
    },
    /// Check who this is; answered by [`crate::Input::Authenticated`].
    Authenticate {
        /// About whom.
        connection: ConnectionId,
        /// What is to be judged.
        authentication: Box<Authentication>,
    },
    /// Append to the durable log; answered by [`crate::Input::Durable`]. Only when the settings ask for a log.
    Append {
        /// The record's position: one more than the one before.
        position: LogPosition,
        /// The record: the PUBLISH that must survive, encoded as v5, in [`Outputs::bytes`].
        record: FrameRange,
    },
    /// The answer to a command.
    Answer {
        /// The command's.
        id: CommandId,
        /// The answer.
        answer: Answer,
    },
    /// Something an operator may want to read. Never on the message path.
    Log(LogEvent),
}

/// Answers to [`crate::Command`]s.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Done.
    Done,
    /// No such client on this shard.
    NotFound,
    /// This shard's counters.
    Stats(Box<Stats>),
}

/// Why the broker closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client said DISCONNECT.
    ClientDisconnected,
    /// The peer broke the protocol, or was refused; with the reason it was owed.
    Refused(ringmq_codec::ReasonCode),
    /// What it sent is no MQTT packet.
    Malformed(ringmq_codec::DecodeError),
    /// Nothing came within 1.5 times the keep-alive.
    KeepAlive,
    /// No CONNECT within the bound.
    ConnectTimeout,
    /// Another connection has the same client identifier.
    TakenOver,
    /// The broker stops.
    Shutdown,
    /// The control plane asked for it.
    Administrative,
}

/// For the log.
#[derive(Clone, Debug)]
pub enum LogEvent {
    /// A client is connected.
    Connected {
        /// Its identifier.
        client_id: Box<str>,
        /// Its address.
        peer: SocketAddr,
        /// Its protocol version.
        version: ringmq_codec::Version,
        /// Whether its session went on.
        session_present: bool,
    },
    /// A client is gone.
    Disconnected {
        /// Its identifier.
        client_id: Box<str>,
        /// Its address.
        peer: SocketAddr,
        /// What ended it.
        cause: Disconnection,
    },
    /// A connection ended before its CONNECT was accepted.
    Rejected {
        /// Its address.
        peer: SocketAddr,
        /// What ended it.
        cause: Disconnection,
    },
    /// A session ended by its expiry.
    SessionExpired {
        /// Its identifier.
        client_id: Box<str>,
    },
}

/// What ended a connection, from whichever side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnection {
    /// The broker closed it.
    ByBroker(CloseReason),
    /// The transport ended.
    ByPeer(crate::CloseCause),
}

impl Outputs {
    /// Nothing yet.
    pub fn new() -> Outputs {
        Outputs::default()
    }

    /// Empties it, keeping the allocations.
    pub fn clear(&mut self) {
        self.list.clear();
        self.bytes.clear();
        self.targets.clear();
    }

    /// Sends the bytes from `start` to the end to one connection, joined to the frame before when that went
    /// to it alone.
    pub(crate) fn send_to(&mut self, start: usize, to: ConnectionId) {
        self.send_in_time(start, to, Wait::No);
    }

    /// As [`Outputs::send_to`], of a frame that may wait.
    pub(crate) fn send_in_time(&mut self, start: usize, to: ConnectionId, may_wait: Wait) {
        let (start, end) = (start as u32, self.bytes.len() as u32);
        let last_target = self.targets.len() as u32;
        if let Some(Output::Send {
            frame,
            targets,
            wait,
        }) = self.list.last_mut()
            && frame.end == start
            && targets.end == last_target
            && targets.end - targets.start == 1
            && self.targets.last() == Some(&to)
        {
            frame.end = end;
            *wait = may_wait.min(*wait);
            return;
        }
        self.targets.push(to);
        let frame = FrameRange { start, end };
        self.push_send(frame, last_target, may_wait);
    }

    /// Adds a send to the targets from `first_target` on.
    fn push_send(&mut self, frame: FrameRange, first_target: u32, wait: Wait) {
        let targets = TargetRange {
            start: first_target,
            end: self.targets.len() as u32,
        };
        // Filled in where it lies. Were it made and then moved there, the processor would read it as a whole while
        // its parts are still being written, and wait for them: 40 cycles.
        const BLANK: Output = Output::Send {
            frame: FrameRange { start: 0, end: 0 },
            targets: TargetRange { start: 0, end: 0 },
            wait: Wait::No,
        };
        self.list.push(BLANK);
        if let Some(Output::Send {
            frame: place_of_frame,
            targets: place_of_targets,
            wait: place_of_wait,
        }) = self.list.last_mut()
        {
            (*place_of_frame, *place_of_targets, *place_of_wait) = (frame, targets, wait);
        }
    }

    /// Sends the bytes from `start` to the end to each of `receivers`.
    pub(crate) fn send_to_all(&mut self, start: usize, receivers: &[ConnectionId]) {
        if let [only] = receivers {
            return self.send_to(start, *only);
        }
        let first = self.targets.len() as u32;
        self.targets.extend_from_slice(receivers);
        let frame = FrameRange {
            start: start as u32,
            end: self.bytes.len() as u32,
        };
        self.push_send(frame, first, Wait::No);
    }

    /// The bytes of a frame.
    pub fn frame(&self, range: FrameRange) -> &[u8] {
        &self.bytes[range.start as usize..range.end as usize]
    }

    /// The receivers of a frame.
    pub fn receivers(&self, range: TargetRange) -> &[ConnectionId] {
        &self.targets[range.start as usize..range.end as usize]
    }
}
