//! The connections of an engine: a dense slab of small entries, each naming its socket's place (ring and
//! slot), what it wants and what it has in flight.
//!
//! Only state lives here; what follows from a change is decided in `receive`, `send` and `close`.

use crate::event::ConnectionId;
use crate::limits::SLOT_BITS;
use crate::user_data::{self, Operation};

/// Where a socket lives: the ring in the high bits, the slot of its table in the low ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location(u32);

impl Location {
    pub(crate) fn new(ring: usize, slot: u32) -> Location {
        debug_assert!(slot < 1 << SLOT_BITS);
        Location((ring as u32) << SLOT_BITS | slot)
    }

    pub(crate) fn ring(self) -> usize {
        (self.0 >> SLOT_BITS) as usize
    }

    pub(crate) fn slot(self) -> u32 {
        self.0 & ((1 << SLOT_BITS) - 1)
    }
}

/// The life of an entry.
///
/// ```text
/// Free -> Handshake -> Established -> (Lingering ->) Closing -> Closed -> Free
///      -> Connecting ----^     Handshake -> HandingOver -> Closing
///      -> (arrival) Established
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Free,
    /// Client socket, connect in flight.
    Connecting,
    /// Accepted; single-shot receive.
    Handshake,
    /// Idle (poll) or busy (multishot receive).
    Established,
    /// On its way to another engine.
    HandingOver,
    /// The caller is done with it; output is still to go out.
    Lingering,
    /// Waits for what is in flight to end.
    Closing,
    /// The CLOSE is queued: nothing more may be queued for the slot.
    Closed,
}

/// A set of operations in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Armed(u8);

impl Armed {
    pub(crate) const ONCE: Armed = Armed(1);
    pub(crate) const POLL: Armed = Armed(2);
    pub(crate) const MULTI: Armed = Armed(4);
    pub(crate) const OUT: Armed = Armed(8);
    pub(crate) const DRAIN: Armed = Armed(16);
    pub(crate) const CONNECT: Armed = Armed(32);
    pub(crate) const SHUTDOWN: Armed = Armed(64);
    pub(crate) const HAND_OVER: Armed = Armed(128);

    /// What a cancel can end, with the operation each was packed with.
    pub(crate) const CANCELLABLE: [(Armed, Operation); 5] = [
        (Armed::ONCE, Operation::ReceiveOnce),
        (Armed::POLL, Operation::PollIn),
        (Armed::MULTI, Operation::ReceiveMulti),
        (Armed::OUT, Operation::PollOut),
        (Armed::CONNECT, Operation::Connect),
    ];

    pub(crate) const fn or(self, other: Armed) -> Armed {
        Armed(self.0 | other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn any(self, of: Armed) -> bool {
        self.0 & of.0 != 0
    }

    pub(crate) fn insert(&mut self, other: Armed) {
        self.0 |= other.0;
    }

    pub(crate) fn remove(&mut self, other: Armed) {
        self.0 &= !other.0;
    }
}

/// Marks of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(u8);

impl Marks {
    /// The caller does not want bytes.
    pub(crate) const PAUSED: Marks = Marks(1);
    /// Wants multishot receive.
    pub(crate) const BUSY: Marks = Marks(2);
    /// Bytes are known or supposed to wait in the socket.
    pub(crate) const READABLE: Marks = Marks(4);
    /// In the list of connections to look at before the next enter.
    pub(crate) const DIRTY: Marks = Marks(8);
    /// `Blocked` was reported and `Ready` not yet.
    pub(crate) const BLOCKED: Marks = Marks(16);
    /// A send failed: output is over, receiving tells the rest.
    pub(crate) const SEND_FAILED: Marks = Marks(32);
    /// Lingering: our FIN has been sent, what comes in is thrown away.
    pub(crate) const FIN_SENT: Marks = Marks(64);
    /// The flush under way has dealt with it.
    pub(crate) const FLUSHED: Marks = Marks(128);

    pub(crate) fn has(self, mark: Marks) -> bool {
        self.0 & mark.0 != 0
    }

    pub(crate) fn set(&mut self, mark: Marks) {
        self.0 |= mark.0;
    }

    pub(crate) fn clear(&mut self, mark: Marks) {
        self.0 &= !mark.0;
    }
}

/// No output queue.
pub(crate) const NO_QUEUE: u32 = u32::MAX;

/// One connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    pub(crate) location: Location,
    /// Frame set pushed and not yet flushed; 0 is the empty one.
    pub(crate) frame_set: u32,
    /// Output queue, or [`NO_QUEUE`].
    pub(crate) queue: u32,
    /// Epoch of the last receive with data.
    pub(crate) epoch: u16,
    /// Receives in close succession.
    pub(crate) heat: u8,
    pub(crate) phase: Phase,
    pub(crate) armed: Armed,
    pub(crate) cancelled: Armed,
    pub(crate) marks: Marks,
}

const _: () = assert!(size_of::<Slot>() <= 24);

impl Slot {
    /// Whether the caller still has a say in it.
    pub(crate) fn is_live(&self) -> bool {
        matches!(
            self.phase,
            Phase::Connecting | Phase::Handshake | Phase::Established
        )
    }
}

/// The slab. Indices are reused last in, first out, so that the live ones stay low and dense.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Table {
    /// Takes an index for a socket at `location`.
    pub(crate) fn insert(&mut self, location: Location, phase: Phase) -> ConnectionId {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.slots.len()).expect("locations have 32 bits");
                self.slots.push(Slot {
                    generation: 0,
                    location,
                    frame_set: 0,
                    queue: NO_QUEUE,
                    epoch: 0,
                    heat: 0,
                    phase: Phase::Free,
                    armed: Armed::default(),
                    cancelled: Armed::default(),
                    marks: Marks::default(),
                });
                index
            }
        };
        let slot = &mut self.slots[index as usize];
        debug_assert_eq!(slot.phase, Phase::Free);
        *slot = Slot {
            generation: slot.generation.wrapping_add(1),
            location,
            frame_set: 0,
            queue: NO_QUEUE,
            epoch: 0,
            heat: 0,
            phase,
            armed: Armed::default(),
            cancelled: Armed::default(),
            marks: Marks::default(),
        };
        ConnectionId {
            index,
            generation: slot.generation,
        }
    }

    /// Gives an index back. Nothing may be in flight for it.
    pub(crate) fn remove(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        debug_assert!(slot.armed.is_empty() && slot.queue == NO_QUEUE);
        slot.phase = Phase::Free;
        slot.frame_set = 0;
        self.free.push(index);
    }

    /// The entry at an index the engine itself remembers.
    pub(crate) fn at(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    /// The name of the entry at an index.
    pub(crate) fn id(&self, index: u32) -> ConnectionId {
        ConnectionId {
            index,
            generation: self.slots[index as usize].generation,
        }
    }

    /// The caller's connection, unless it is over.
    pub(crate) fn live(&mut self, id: ConnectionId) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(id.index as usize)?;
        (slot.generation == id.generation && slot.is_live()).then_some(slot)
    }

    /// The caller's connection, to look at only.
    pub(crate) fn peek(&self, id: ConnectionId) -> Option<&Slot> {
        let slot = self.slots.get(id.index as usize)?;
        (slot.generation == id.generation && slot.phase != Phase::Free).then_some(slot)
    }

    /// The connection a completion belongs to, unless it is stale.
    pub(crate) fn of(&mut self, user_data: u64) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(user_data::index(user_data) as usize)?;
        (slot.phase != Phase::Free && user_data::is_of(user_data, slot.generation)).then_some(slot)
    }

    /// The entry of this very connection, in whatever phase.
    pub(crate) fn same(&mut self, id: ConnectionId) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(id.index as usize)?;
        (slot.generation == id.generation && slot.phase != Phase::Free).then_some(slot)
    }

    /// Connections held.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_index_has_a_new_generation() {
        let mut table = Table::default();
        let first = table.insert(Location::new(0, 7), Phase::Handshake);
        assert!(table.live(first).is_some());
        table.remove(first.index);
        assert!(table.live(first).is_none());
        let second = table.insert(Location::new(3, 9), Phase::Handshake);
        assert_eq!(second.index, first.index);
        assert_ne!(second.generation, first.generation);
        assert!(table.live(first).is_none());
        let old = user_data::pack(Operation::PollIn, first.index, first.generation);
        assert!(table.of(old).is_none());
        assert_eq!(table.at(second.index).location.ring(), 3);
        assert_eq!(table.at(second.index).location.slot(), 9);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn calls_for_a_closing_connection_find_nothing() {
        let mut table = Table::default();
        let id = table.insert(Location::new(0, 0), Phase::Established);
        table.at(id.index).phase = Phase::Closing;
        assert!(table.live(id).is_none());
        assert!(table.same(id).is_some());
    }
}
