//! One shard's end of the mesh: a ring to and a ring from every other shard.
//!
//! The tick calls [`Port::begin`] and [`Port::receive`] to read, [`Port::send`] while it acts on what the
//! router put out, and [`Port::commit`] once before it flushes: then all of the tick's items become
//! visible, and each destination is called at most once. A full ring never blocks and never drops: items
//! wait here, in order, until the destination has made room and calls back.

use std::collections::VecDeque;
use std::sync::Arc;

use ringmq_router::{ShardCount, ShardId};

use super::parking::Inbox;
use super::ring::{Consumer, Producer, ring};

/// Room for this many items is kept in an overflow that has drained, so that a burst's memory goes back.
const OVERFLOW_ITEMS_KEPT: usize = 64;

/// A shard's end of the mesh. Lives on the shard's thread.
#[derive(Debug)]
pub(crate) struct Port<T> {
    me: ShardId,
    inboxes: Arc<[Inbox]>,
    /// By shard; `None` at `me`.
    outgoing: Box<[Option<Outgoing<T>>]>,
    /// By shard; `None` at `me`.
    incoming: Box<[Option<Consumer<T>>]>,
    /// Shards that have, or may have, items for us.
    unread: u64,
    /// Those of `unread` that still have a turn in this tick.
    turn: u64,
    /// Items one shard may hand in per turn.
    turn_items_max: u32,
    /// Items left of the present turn.
    turn_items: u32,
    /// Shards to call at the next commit: something was pushed for them, or they wait for our room.
    call: u64,
    /// Destinations whose items wait here.
    full: u64,
    /// Destinations that had items waiting here and have no more; not yet told.
    ready: u64,
}

#[derive(Debug)]
struct Outgoing<T> {
    ring: Producer<T>,
    /// What did not fit, in order. Bounded by the router, which pauses whoever publishes towards a full
    /// destination.
    overflow: VecDeque<T>,
}

/// Ends for `shards` shards, in shard order, with rings for `capacity` items (rounded up to a power of two).
pub(crate) fn mesh<T>(shards: ShardCount, capacity: usize) -> Vec<Port<T>> {
    let inboxes: Arc<[Inbox]> = shards.iter().map(Inbox::new).collect();
    let mut ports: Vec<Port<T>> = shards
        .iter()
        .map(|me| Port::unconnected(me, shards, &inboxes))
        .collect();
    for from in 0..ports.len() {
        for to in (0..ports.len()).filter(|to| *to != from) {
            let (producer, consumer) = ring(capacity);
            ports[from].outgoing[to] = Some(Outgoing {
                ring: producer,
                overflow: VecDeque::new(),
            });
            ports[to].incoming[from] = Some(consumer);
        }
    }
    ports
}

/// The announced sleep of one shard.
#[derive(Debug)]
pub(crate) struct Sleep {
    inboxes: Arc<[Inbox]>,
    me: ShardId,
}

impl Sleep {
    /// The shard is awake: from here on nobody spends a wake-up on it.
    pub(crate) fn end(&self) {
        self.inboxes[usize::from(self.me.0)].unpark();
    }
}

impl<T> Port<T> {
    fn unconnected(me: ShardId, shards: ShardCount, inboxes: &Arc<[Inbox]>) -> Port<T> {
        Port {
            me,
            inboxes: Arc::clone(inboxes),
            outgoing: shards.iter().map(|_| None).collect(),
            incoming: shards.iter().map(|_| None).collect(),
            unread: 0,
            turn: 0,
            turn_items_max: 0,
            turn_items: 0,
            call: 0,
            full: 0,
            ready: 0,
        }
    }

    /// Announces that the shard is about to sleep. False when there is, or may be, something to do: then
    /// it must not. After sleeping, [`Port::begin`] ends it.
    #[must_use = "a shard with something to do must not sleep"]
    pub(crate) fn park(&mut self) -> bool {
        debug_assert!(self.call == 0, "commit comes before sleep");
        self.unread == 0 && self.ready == 0 && self.inboxes[self.index()].park()
    }

    /// Ends the sleep that [`Port::park`] announced, from where the port cannot be reached.
    pub(crate) fn sleep(&self) -> Sleep {
        Sleep {
            inboxes: Arc::clone(&self.inboxes),
            me: self.me,
        }
    }

    /// Begins a round of [`Port::receive`] of at most `items_max` items per shard, and sends on what
    /// waited for room.
    pub(crate) fn begin(&mut self, items_max: u32) {
        let called = self.inboxes[self.index()].take();
        self.unread |= called;
        self.turn = self.unread;
        self.turn_items_max = items_max;
        self.turn_items = items_max;
        for to in shards_of(called & self.full) {
            self.push_overflow(to);
            self.call |= bit(to);
        }
    }

    /// The next item of this round.
    pub(crate) fn receive(&mut self) -> Option<(ShardId, T)> {
        while self.turn != 0 {
            let from = ShardId(self.turn.trailing_zeros() as u8);
            let ring = self.incoming[usize::from(from.0)]
                .as_mut()
                .expect("only other shards call");
            if self.turn_items > 0 {
                if let Some(item) = ring.pop() {
                    self.turn_items -= 1;
                    return Some((from, item));
                }
                self.unread &= !bit(from);
            }
            self.end_turn(from);
        }
        None
    }

    fn end_turn(&mut self, from: ShardId) {
        let ring = self.incoming[usize::from(from.0)]
            .as_mut()
            .expect("only other shards call");
        if ring.release() {
            self.call |= bit(from);
        }
        self.turn &= !bit(from);
        self.turn_items = self.turn_items_max;
    }

    /// Sends an item, after all sent to that shard before. True when it is the first that has to wait
    /// for room: the destination is full from here until [`Port::take_ready`] names it.
    pub(crate) fn send(&mut self, to: ShardId, item: T) -> bool {
        let outgoing = self.outgoing[usize::from(to.0)]
            .as_mut()
            .expect("a shard sends nothing to itself");
        self.call |= bit(to);
        if self.full & bit(to) != 0 {
            outgoing.overflow.push_back(item);
            return false;
        }
        match outgoing.ring.push(item) {
            Ok(()) => false,
            Err(item) => {
                outgoing.overflow.push_back(item);
                self.full |= bit(to);
                // Full again before anyone was told that it was ready is no news.
                let untold = self.ready & bit(to) != 0;
                self.ready &= !bit(to);
                !untold
            }
        }
    }

    /// Makes everything visible that was sent since the last commit, and calls each shard concerned once;
    /// `wake` is called for those that sleep.
    pub(crate) fn commit(&mut self, mut wake: impl FnMut(ShardId)) {
        let mut call = std::mem::take(&mut self.call);
        for to in shards_of(call) {
            self.outgoing(to).ring.publish();
        }
        for to in shards_of(self.full) {
            // First the wish, then another try: see `Producer::want_room`.
            self.outgoing(to).ring.want_room();
            if self.push_overflow(to) {
                self.outgoing(to).ring.publish();
                call |= bit(to);
            }
        }
        for to in shards_of(call) {
            if self.inboxes[usize::from(to.0)].call(self.me) {
                wake(to);
            }
        }
    }

    /// Destinations that were full and have taken everything since, as a set.
    pub(crate) fn take_ready(&mut self) -> u64 {
        std::mem::take(&mut self.ready)
    }

    /// Items that wait for room.
    #[cfg(test)]
    pub(crate) fn overflow_items(&self) -> usize {
        self.outgoing
            .iter()
            .flatten()
            .map(|outgoing| outgoing.overflow.len())
            .sum()
    }

    /// Moves what fits from the overflow to the ring. True when at least one item did.
    fn push_overflow(&mut self, to: ShardId) -> bool {
        let outgoing = self.outgoing(to);
        let mut moved = false;
        while let Some(item) = outgoing.overflow.pop_front() {
            if let Err(item) = outgoing.ring.push(item) {
                outgoing.overflow.push_front(item);
                return moved;
            }
            moved = true;
        }
        outgoing.overflow.shrink_to(OVERFLOW_ITEMS_KEPT);
        self.full &= !bit(to);
        self.ready |= bit(to);
        moved
    }

    fn outgoing(&mut self, to: ShardId) -> &mut Outgoing<T> {
        self.outgoing[usize::from(to.0)]
            .as_mut()
            .expect("a shard sends nothing to itself")
    }

    fn index(&self) -> usize {
        usize::from(self.me.0)
    }
}

fn bit(shard: ShardId) -> u64 {
    1 << shard.0
}

/// The shards of a set, in order.
pub(crate) fn shards_of(mut set: u64) -> impl Iterator<Item = ShardId> {
    std::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let shard = ShardId(set.trailing_zeros() as u8);
        set &= set - 1;
        Some(shard)
    })
}

#[cfg(all(test, not(loom)))]
mod tests;
