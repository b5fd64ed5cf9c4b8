//! Connections that move to this shard: the socket comes through the engine, the router's half through
//! the message ring, in either order; the ticket pairs them.
//!
//! Until both are here the router knows nothing of the connection, so bytes that come early wait in this
//! table. A half that stays alone is given up after a bound.

use std::collections::HashMap;

use ringmq_ring::{CloseCause, ConnectionId};
use ringmq_router::Millis;
use ringmq_router::link::Handover;

use crate::limits::HAND_OVER_MILLIS;
use crate::link::Ticket;

/// Halves of hand-overs that wait for the other half.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    sockets: HashMap<Ticket, Socket>,
    handovers: HashMap<Ticket, (Box<Handover>, Millis)>,
    /// The tickets of the sockets, by connection.
    tickets: HashMap<ConnectionId, Ticket>,
}

#[derive(Debug)]
struct Socket {
    connection: ConnectionId,
    came: Millis,
    early: Early,
}

/// What happened to a socket before the router could be told of it, in this order.
#[derive(Debug, Default)]
pub(crate) struct Early {
    /// Received bytes.
    pub(crate) bytes: Vec<u8>,
    /// The end of the connection.
    pub(crate) closed: Option<CloseCause>,
}

/// Both halves.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// The connection under its new name.
    pub(crate) connection: ConnectionId,
    /// For the router.
    pub(crate) handover: Box<Handover>,
    /// What to tell the router right after it.
    pub(crate) early: Early,
}

/// Halves that were given up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GivenUp {
    /// Sockets to be closed.
    pub(crate) sockets: Vec<ConnectionId>,
    /// Hand-overs whose socket never came.
    pub(crate) handovers: usize,
}

impl Arrivals {
    /// The socket came.
    pub(crate) fn socket(
        &mut self,
        ticket: Ticket,
        connection: ConnectionId,
        now: Millis,
    ) -> Option<Arrived> {
        if let Some((handover, _)) = self.handovers.remove(&ticket) {
            return Some(Arrived {
                connection,
                handover,
                early: Early::default(),
            });
        }
        self.tickets.insert(connection, ticket);
        let socket = Socket {
            connection,
            came: now,
            early: Early::default(),
        };
        self.sockets.insert(ticket, socket);
        None
    }

    /// The router's half came.
    pub(crate) fn handover(
        &mut self,
        ticket: Ticket,
        handover: Box<Handover>,
        now: Millis,
    ) -> Option<Arrived> {
        let Some(socket) = self.sockets.remove(&ticket) else {
            self.handovers.insert(ticket, (handover, now));
            return None;
        };
        self.tickets.remove(&socket.connection);
        Some(Arrived {
            connection: socket.connection,
            handover,
            early: socket.early,
        })
    }

    /// The record of a connection that waits for the router's half. `None` for all others, at the price
    /// of one branch while nothing waits.
    #[inline]
    pub(crate) fn early(&mut self, connection: ConnectionId) -> Option<&mut Early> {
        if self.tickets.is_empty() {
            return None;
        }
        let ticket = self.tickets.get(&connection)?;
        let socket = self.sockets.get_mut(ticket)?;
        Some(&mut socket.early)
    }

    /// The connection waits no more by its number, since the engine may give that to another; its end
    /// stays on record.
    pub(crate) fn closed(&mut self, connection: ConnectionId) {
        self.tickets.remove(&connection);
    }

    /// Gives up every half that has been alone for longer than [`HAND_OVER_MILLIS`].
    pub(crate) fn give_up(&mut self, now: Millis) -> GivenUp {
        let is_old = |came: Millis| came.0 + HAND_OVER_MILLIS < now.0;
        let mut given_up = GivenUp::default();
        let tickets = &mut self.tickets;
        self.sockets.retain(|_, socket| {
            let old = is_old(socket.came);
            if old && tickets.remove(&socket.connection).is_some() {
                given_up.sockets.push(socket.connection);
            }
            !old
        });
        let before = self.handovers.len();
        self.handovers.retain(|_, (_, came)| !is_old(*came));
        given_up.handovers = before - self.handovers.len();
        given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringmq_router::ListenerId;

    const CONNECTION: ConnectionId = ConnectionId {
        index: 7,
        generation: 3,
    };

    fn handover() -> Box<Handover> {
        Box::new(Handover {
            listener: ListenerId(0),
            peer: ([127, 0, 0, 1], 5).into(),
            bytes: Box::new([16]),
        })
    }

    #[test]
    fn pairs_in_either_order() {
        let mut arrivals = Arrivals::default();
        assert!(arrivals.socket(Ticket(1), CONNECTION, Millis(0)).is_none());
        let both = arrivals.handover(Ticket(1), handover(), Millis(0));
        assert_eq!(both.expect("both").connection, CONNECTION);

        assert!(
            arrivals
                .handover(Ticket(2), handover(), Millis(0))
                .is_none()
        );
        let both = arrivals.socket(Ticket(2), CONNECTION, Millis(0));
        assert_eq!(both.expect("both").connection, CONNECTION);
        assert!(arrivals.early(CONNECTION).is_none());
        assert_eq!(arrivals.give_up(Millis(1_000_000)), GivenUp::default());
    }

    #[test]
    fn keeps_what_comes_early() {
        let mut arrivals = Arrivals::default();
        assert!(arrivals.socket(Ticket(1), CONNECTION, Millis(0)).is_none());
        let early = arrivals.early(CONNECTION).expect("waits");
        early.bytes.extend_from_slice(b"ab");
        early.closed = Some(CloseCause::Reset);
        arrivals.closed(CONNECTION);
        assert!(arrivals.early(CONNECTION).is_none(), "the number is free");
        let both = arrivals.handover(Ticket(1), handover(), Millis(0));
        let early = both.expect("both").early;
        assert_eq!(early.bytes, b"ab");
        assert_eq!(early.closed, Some(CloseCause::Reset));
    }

    #[test]
    fn gives_up_what_stays_alone() {
        let mut arrivals = Arrivals::default();
        let gone = ConnectionId {
            index: 8,
            generation: 0,
        };
        assert!(arrivals.socket(Ticket(1), CONNECTION, Millis(0)).is_none());
        assert!(arrivals.socket(Ticket(2), gone, Millis(0)).is_none());
        arrivals.closed(gone);
        assert!(
            arrivals
                .handover(Ticket(3), handover(), Millis(0))
                .is_none()
        );
        assert_eq!(
            arrivals.give_up(Millis(HAND_OVER_MILLIS)),
            GivenUp::default()
        );
        let given_up = arrivals.give_up(Millis(HAND_OVER_MILLIS + 1));
        assert_eq!(given_up.sockets, [CONNECTION], "not the one that is gone");
        assert_eq!(given_up.handovers, 1);
        assert!(arrivals.early(CONNECTION).is_none());
    }
}
