//! A connection as two byte streams: what the client wrote and the shard has not been given yet, and
//! what the shard put out and the client has not read yet. Bounded towards the client; either side may
//! end it at any byte.

use std::collections::VecDeque;

use ringmq_router::link::Handover;
use ringmq_router::{CloseCause, ConnectionId, ShardId};

use crate::client::ClientIndex;
use crate::oracle::{AttemptId, MessageIndex};
use crate::time::Time;

/// Position in the table of sockets; never reused in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SocketId(pub(crate) u32);

/// Where the broker's end of a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a listener's backlog.
    Backlog,
    /// A shard's connection.
    Shard(ShardId, ConnectionId),
    /// On the way to another shard.
    Moving(ShardId),
    /// The broker has closed it, or was told that it is gone.
    Gone,
}

/// What the client's end does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientEnd {
    /// Reads and writes.
    Open,
    /// Reads, and throws away what it reads: another connection took its place.
    Ghost,
    /// Neither reads nor says that it is gone.
    Silent,
    /// Gone.
    Closed,
}

/// How far the judgement on a CONNECT has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nobody has asked.
    Unasked,
    /// This connection waits for it.
    Asked(ShardId, ConnectionId),
    /// It will never come.
    Withheld,
    /// The shard was told to let the client in.
    Allowed,
    /// The shard was told not to.
    Denied,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) client: ClientIndex,
    pub(crate) attempt: AttemptId,
    pub(crate) place: Place,
    pub(crate) client_end: ClientEnd,
    /// From the client, not yet given to the shard.
    pub(crate) upstream: Vec<u8>,
    /// How many of these wait for the shard's tick already.
    pub(crate) arrived: usize,
    /// How many bytes the client has written, and how many of them the broker was given.
    pub(crate) written: usize,
    pub(crate) given: usize,
    /// Publishes that expire among the bytes not given: where each ends, and after how many seconds.
    pub(crate) expiring: VecDeque<(usize, MessageIndex, u32)>,
    /// Those that were given and perhaps not read.
    pub(crate) unread: Vec<MessageIndex>,
    /// What follows the upstream bytes.
    pub(crate) upstream_end: Option<CloseCause>,
    /// The shard is being told so.
    pub(crate) end_given: bool,
    pub(crate) upstream_scheduled: bool,
    /// The shard does not want to read.
    pub(crate) paused: bool,
    /// Put out by the shard, waiting for room.
    pub(crate) outbox: Vec<u8>,
    /// The shard knows that there is no room.
    pub(crate) blocked: bool,
    /// To the client, not yet read.
    pub(crate) downstream: Vec<u8>,
    pub(crate) downstream_scheduled: bool,
    pub(crate) stalled_until: Time,
    /// When the shard was last given bytes.
    pub(crate) last_given: Time,
    /// When bytes last arrived at the shard.
    pub(crate) last_arrived: Time,
    pub(crate) was_paused: bool,
    /// What the CONNACK said.
    pub(crate) session_present: Option<bool>,
    /// What became of the question whether its client may come in.
    pub(crate) judgement: Judgement,
    /// While it moves to another shard.
    pub(crate) handover: Option<Box<Handover>>,
}

impl Socket {
    /// A socket in the backlog.
    pub(crate) fn new(client: ClientIndex, attempt: AttemptId) -> Socket {
        Socket {
            client,
            attempt,
            place: Place::Backlog,
            client_end: ClientEnd::Open,
            upstream: Vec::new(),
            arrived: 0,
            written: 0,
            given: 0,
            expiring: VecDeque::new(),
            unread: Vec::new(),
            upstream_end: None,
            end_given: false,
            upstream_scheduled: false,
            paused: false,
            outbox: Vec::new(),
            blocked: false,
            downstream: Vec::new(),
            downstream_scheduled: false,
            stalled_until: Time(0),
            last_given: Time(0),
            last_arrived: Time(0),
            was_paused: false,
            session_present: None,
            judgement: Judgement::Unasked,
            handover: None,
        }
    }

    /// Whether the broker still has it.
    pub(crate) fn at_broker(&self) -> bool {
        self.place != Place::Gone
    }

    /// Whether the client still writes to it.
    pub(crate) fn is_open(&self) -> bool {
        self.client_end == ClientEnd::Open
    }

    /// Moves what fits from the outbox towards the client; `true` when nothing is left.
    pub(crate) fn flush(&mut self, capacity: usize) -> bool {
        if self.client_end == ClientEnd::Closed {
            self.outbox.clear();
            return true;
        }
        let room = capacity.saturating_sub(self.downstream.len());
        let fits = room.min(self.outbox.len());
        self.downstream.extend(self.outbox.drain(..fits));
        self.outbox.is_empty()
    }
}
