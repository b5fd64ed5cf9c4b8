//! One simulated client: the state of its connection, what it has received of an incomplete packet, and
//! the packets it sends.
//!
//! The run owns the clients in one table and moves them through their states; nothing here does I/O.

mod in_flight;
mod packets;
mod partial;
mod publish;

pub(crate) use in_flight::{Answer, InFlight};
pub(crate) use packets::{ClientIds, ConnectPacket, disconnect, subscribe};
pub(crate) use partial::read_packets;
pub(crate) use publish::IncomingPublish;

use ringmq_ring::ConnectionId;

/// Where a client stands.
///
/// ```text
/// Idle -> Connecting -> AwaitingConnAck -> AwaitingSubAck -> Ready -> Gone
///                                     \_____ publishers ____/
/// ```
/// From every state but `Idle` a client may end up in `Gone`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Not begun.
    #[default]
    Idle,
    /// The socket is on its way.
    Connecting,
    /// CONNECT is out.
    AwaitingConnAck,
    /// SUBSCRIBE is out.
    AwaitingSubAck,
    /// Takes part.
    Ready,
    /// Failed, lost or closed.
    Gone,
}

/// One client.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) state: State,
    /// The socket is full; nothing more is published until it drains.
    pub(crate) is_blocked: bool,
    /// A PINGREQ is out.
    pub(crate) awaits_pong: bool,
    /// The engine's name for the connection.
    pub(crate) connection: Option<ConnectionId>,
    /// SUBSCRIBEs without their answer, on arrival.
    pub(crate) subacks_missing: u16,
    /// When the connect began, in nanoseconds since the start of the run.
    pub(crate) began_ns: u64,
    /// When it last asked for messages that waited for it: by its CONNECT or its SUBSCRIBE.
    pub(crate) came_ns: u64,
    /// The beginning of a packet whose end has not come yet.
    pub(crate) partial: Vec<u8>,
}

impl Client {
    /// Whether it may publish, as far as its connection is concerned.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Ready && !self.is_blocked
    }

    /// Whether a connect is under way.
    pub(crate) fn is_rising(&self) -> bool {
        matches!(
            self.state,
            State::Connecting | State::AwaitingConnAck | State::AwaitingSubAck
        )
    }
}
