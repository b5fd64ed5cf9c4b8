//! What sessions and connections own beside their place in the tables, measured without a stall.
//!
//! Small tables are measured whole whenever it is asked for. Large ones are measured a piece per timer
//! tick, and the answer is that of the last whole round: a million sessions are not walked at once.

use crate::connection::Connections;
use crate::limits::CENSUS_PLACES;
use crate::sessions::Sessions;

/// Memory owned, bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Owned {
    /// By sessions, without what waits for them.
    pub(crate) sessions: u64,
    /// Queues and in-flight windows, without the messages.
    pub(crate) queues: u64,
    /// By connections: received bytes that wait, topic aliases.
    pub(crate) buffers: u64,
}

/// The measurement under way, and the last that was finished.
#[derive(Debug, Default)]
pub(crate) struct Census {
    next: u32,
    counting: Owned,
    counted: Owned,
}

impl Census {
    /// Measures the next piece.
    pub(crate) fn step(&mut self, sessions: &Sessions, connections: &Connections) {
        let places = places(sessions, connections);
        let end = (self.next + CENSUS_PLACES).min(places);
        count(self.next..end, sessions, connections, &mut self.counting);
        self.next = end;
        if end == places {
            self.counted = std::mem::take(&mut self.counting);
            self.next = 0;
        }
    }

    /// What is owned: now, or for large tables at the last whole round.
    pub(crate) fn owned(&self, sessions: &Sessions, connections: &Connections) -> Owned {
        let places = places(sessions, connections);
        if places > CENSUS_PLACES {
            return self.counted;
        }
        let mut owned = Owned::default();
        count(0..places, sessions, connections, &mut owned);
        owned
    }
}

fn places(sessions: &Sessions, connections: &Connections) -> u32 {
    sessions.places().max(connections.places())
}

fn count(
    places: std::ops::Range<u32>,
    sessions: &Sessions,
    connections: &Connections,
    owned: &mut Owned,
) {
    for place in places {
        if let Some(session) = sessions.at(place) {
            owned.sessions += session.owned_bytes();
            owned.queues += session.outgoing.as_ref().map_or(0, |it| it.bytes());
        }
        owned.buffers += connections.at(place).map_or(0, |it| it.owned_bytes());
    }
}
