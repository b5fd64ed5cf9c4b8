//! What the engine reports, and the names it uses for a connection.
//!
//! Events are handed to the caller's closure by [`crate::Engine::wait`] and [`crate::Engine::flush`].
//! Bytes in them are borrowed from the engine and are gone when the closure returns.

use std::net::SocketAddr;

/// A connection of one engine: a dense index into the engine's table, and the generation that tells a
/// reused index apart. Calls with a stale generation do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// Dense index, below [`crate::EngineConfig::connections_max`] rounded up to whole tables.
    pub index: u32,
    /// Counts the owners of the index.
    pub generation: u32,
}

/// How much of what was there a [`crate::Engine::wait`] has reported. A connection that is polled takes two
/// waits, one for the poll and one for the receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There was nothing, at the end of the wait.
    Nothing,
    /// All that was there when the wait began.
    All,
    /// Perhaps not all: the wait ended at [`crate::EngineConfig::completions_per_tick`], or a receive found no
    /// free buffer.
    Part,
}

impl Found {
    /// What this wait and the next have found together.
    pub fn then(self, next: Found) -> Found {
        match (self, next) {
            (_, Found::Nothing) => Found::Nothing,
            (Found::Part, _) | (_, Found::Part) => Found::Part,
            (Found::Nothing | Found::All, Found::All) => Found::All,
        }
    }
}

/// What happened. No event for a connection follows its [`Event::Closed`] or a call of
/// [`crate::Engine::close`] or [`crate::Engine::hand_over`].
#[derive(Debug)]
pub enum Event<'a> {
    /// A listener took a connection; it is in single-shot receive.
    Accepted {
        /// The new connection.
        connection: ConnectionId,
        /// Address of the peer as accept reported it.
        peer: SocketAddr,
        /// The tag given to [`crate::Engine::listen`].
        tag: u16,
    },
    /// A connection begun by [`crate::Engine::connect`] is up; it counts as established.
    Connected {
        /// The connection that [`crate::Engine::connect`] returned.
        connection: ConnectionId,
    },
    /// Bytes of the stream, in order, at least one.
    Received {
        /// Whose bytes they are.
        connection: ConnectionId,
        /// The bytes; valid during the call.
        bytes: &'a [u8],
    },
    /// The connection is gone and its index is the engine's again. Not reported for connections that
    /// the caller closed.
    Closed {
        /// The connection that ended.
        connection: ConnectionId,
        /// Why it ended.
        cause: CloseCause,
    },
    /// The socket is full; the engine queues what does not fit. The caller should hold back.
    Blocked {
        /// The connection with a full socket.
        connection: ConnectionId,
    },
    /// All that was queued for a blocked connection has been sent.
    Ready {
        /// The connection that drained.
        connection: ConnectionId,
    },
    /// A socket that another engine handed over is ours now and counts as established.
    Arrived {
        /// The connection under its new name.
        connection: ConnectionId,
        /// The ticket given to [`crate::Engine::hand_over`].
        ticket: u64,
    },
    /// Reported at the source: no table of the target had a free slot; the socket has been closed.
    HandOverFailed {
        /// The ticket given to [`crate::Engine::hand_over`].
        ticket: u64,
    },
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCause {
    /// The peer sent FIN.
    PeerClosed,
    /// The peer sent RST, or the connection timed out in the kernel.
    Reset,
    /// The connection never came up; the error number of `connect`.
    ConnectFailed(i32),
    /// Any other error number of a receive or send.
    Error(i32),
}

/// How [`crate::Engine::close`] treats output that is still queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseHow {
    /// Close when the queue is out, or after [`crate::EngineConfig::linger`].
    Flush,
    /// Close at once and drop the queue.
    Now,
}
