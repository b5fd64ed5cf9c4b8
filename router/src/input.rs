//! Everything that can happen to a shard.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::link::{Handover, LinkMessage};
use crate::{CommandId, ConnectionId, ListenerId, LogPosition, Millis, Settings, ShardId, Verdict};

/// One event. A shard changes only by handling one of these.
#[derive(Debug)]
pub enum Input<'a> {
    /// A connection was accepted on this shard. Nothing is known of it before its CONNECT.
    Opened {
        /// Chosen by the caller; not in use.
        connection: ConnectionId,
        /// Where it came in.
        listener: ListenerId,
        /// Who it is.
        peer: SocketAddr,
    },
    /// A connection whose client lives here arrived from the shard that accepted it.
    HandedOver {
        /// Chosen by the caller; not in use.
        connection: ConnectionId,
        /// What that shard put out in [`crate::Output::HandOver`].
        handover: Box<Handover>,
    },
    /// Bytes from the peer, in order, split anywhere.
    Received {
        /// From whom.
        connection: ConnectionId,
        /// The bytes; what is not yet a whole packet is kept by the shard.
        bytes: &'a [u8],
    },
    /// The transport is gone. Nothing may be sent to it any more. Not given after [`crate::Output::Close`].
    Closed {
        /// Which.
        connection: ConnectionId,
        /// Why.
        cause: CloseCause,
    },
    /// The peer does not take more bytes now; what was put out so far is kept by the caller.
    SendBlocked {
        /// Which.
        connection: ConnectionId,
    },
    /// The peer takes bytes again and nothing put out before waits any more.
    SendReady {
        /// Which.
        connection: ConnectionId,
    },
    /// A message from another shard; in order per sender.
    Link {
        /// The sender.
        from: ShardId,
        /// What it says.
        message: LinkMessage,
    },
    /// The ring towards `to` is full: the caller keeps what is put out for it (in order), but
    /// connections that publish towards it must pause.
    LinkFull {
        /// The destination.
        to: ShardId,
    },
    /// The ring towards `to` has room again.
    LinkReady {
        /// The destination.
        to: ShardId,
    },
    /// The answer to [`crate::Output::Authenticate`].
    Authenticated {
        /// Who was judged. It may be gone.
        connection: ConnectionId,
        /// The judgement.
        verdict: Verdict,
    },
    /// The durable log holds every record up to and including this position.
    Durable {
        /// The last durable record.
        up_to: LogPosition,
    },
    /// A question or an order of the control plane.
    Command {
        /// Comes back in the answer.
        id: CommandId,
        /// What is wanted.
        command: Command,
    },
    /// A new configuration, valid from now on.
    Settings(Arc<Settings>),
    /// Time passed. Given at least every [`crate::limits::TIMER_TICK_MILLIS`].
    Timer {
        /// All that had come until then was given, or is waited for no longer: clients that were silent or stayed
        /// away until then are given up. Now, unless the caller is behind.
        read_until: Millis,
    },
    /// The caller has handed in all it had: put out what was gathered over the tick
    /// (publish batches to other shards). Given before the caller flushes and sleeps, and again instead of
    /// sleeping while [`crate::Shard::is_idle`] is false.
    EndOfTick,
    /// Stop: tell v5 clients 0x8B and close every connection.
    Shutdown,
}

/// Why the transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCause {
    /// The peer closed its side in order.
    PeerClosed,
    /// The peer or the network broke the connection.
    Reset,
    /// Another error, as errno.
    Error(i32),
}

/// Orders and questions of the control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Answered by [`crate::Answer::Stats`].
    Stats,
    /// Close the client's connection with 0x98; answered by [`crate::Answer::Done`].
    Disconnect {
        /// Whom.
        client_id: Box<str>,
    },
    /// Sets or clears the session's trace bit; answered by [`crate::Answer::Done`].
    Trace {
        /// Whom.
        client_id: Box<str>,
        /// On or off.
        on: bool,
    },
}
