//! What a tick has to send: one arena of bytes, and which range of it goes to which connection.
//!
//! Packets for one connection written one behind the other become one range. Handed to the engine at the
//! end of the tick; the buffers are kept.

use std::ops::Range;

use ringmq_ring::{CloseHow, ConnectionId};

/// An order to the engine that is not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Pause(ConnectionId),
    Resume(ConnectionId),
    Close(ConnectionId, CloseHow),
}

/// The output of a tick.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) arena: Vec<u8>,
    pub(crate) frames: Vec<(Range<u32>, ConnectionId)>,
    /// Carried out after the frames are sent.
    pub(crate) orders: Vec<Order>,
}

impl Outbox {
    /// Sends what `write` appends.
    #[inline]
    pub(crate) fn send(&mut self, to: ConnectionId, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.arena.len() as u32;
        write(&mut self.arena);
        let end = self.arena.len() as u32;
        match self.frames.last_mut() {
            Some((range, last)) if *last == to && range.end == start => range.end = end,
            _ => self.frames.push((start..end, to)),
        }
    }

    /// Gives an order.
    pub(crate) fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.orders.is_empty()
    }

    /// Empties it, keeping the allocations.
    pub(crate) fn clear(&mut self) {
        self.arena.clear();
        self.frames.clear();
        self.orders.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_in_a_row_for_one_connection_are_one_frame() {
        let id = |index| ConnectionId {
            index,
            generation: 0,
        };
        let mut outbox = Outbox::default();
        for (to, byte) in [(1, b'a'), (1, b'b'), (2, b'c'), (1, b'd')] {
            outbox.send(id(to), |out| out.push(byte));
        }
        assert_eq!(outbox.frames, [(0..2, id(1)), (2..3, id(2)), (3..4, id(1))]);
        outbox.clear();
        assert!(outbox.is_empty());
    }
}
