//! Small frames that may wait: acknowledgements, which cost a segment each when sent alone and nothing when
//! they go along with something else.
//!
//! [`Engine::hold`] puts such a frame aside, copied, beyond the flush. It leaves with the next frame pushed
//! for its connection, when its place is full, or when it is released. While a connection holds frames,
//! its slot's frame set names their place. Nothing may be held for a connection that is closed or given away.

use std::ops::Range;

use crate::engine::Engine;
use crate::event::ConnectionId;
use crate::frame_sets::EMPTY;
use crate::limits::HELD_BYTES_MAX;
use crate::send::Output;
use crate::table::{Marks, NO_QUEUE, Phase, Slot};

/// Frame sets from here on are no sets but places of held frames.
const PLACE: u32 = 1 << 31;

#[derive(Clone, Debug)]
struct Place {
    bytes: [u8; HELD_BYTES_MAX],
    length: u8,
    /// The round in which it was taken.
    round: u32,
}

const _: () = assert!(HELD_BYTES_MAX <= u8::MAX as usize);

/// Whether a slot's frame set is a place of held frames.
pub(crate) fn is_place(frame_set: u32) -> bool {
    frame_set >= PLACE
}

/// Which call of [`Engine::release_held`] a frame waits for at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Any.
    Short,
    /// One that releases these too.
    Long,
}

/// All frames held.
#[derive(Debug, Default)]
pub(crate) struct Held {
    places: Vec<Place>,
    free: Vec<u32>,
    /// Connections by [`Hold`], in the order in which they began to hold. Some may hold nothing any more;
    /// one that holds both is among the first.
    holders: [Vec<u32>; 2],
    /// How many of those with [`Hold::Long`], from the first on, are from before this round.
    old: usize,
    /// Grows with each [`Engine::release_old`].
    round: u32,
}

impl Held {
    /// Takes a place for a frame.
    fn put(&mut self, frame: &[u8]) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                bytes: [0; HELD_BYTES_MAX],
                length: 0,
                round: 0,
            });
            self.places.len() as u32 - 1
        });
        let free = &mut self.places[place as usize];
        (free.length, free.round) = (0, self.round);
        self.append(place | PLACE, frame);
        place | PLACE
    }

    /// Adds a frame that fits.
    fn append(&mut self, place: u32, frame: &[u8]) {
        let place = &mut self.places[(place & !PLACE) as usize];
        let length = usize::from(place.length);
        place.bytes[length..length + frame.len()].copy_from_slice(frame);
        place.length = (length + frame.len()) as u8;
    }

    fn bytes(&self, place: u32) -> &[u8] {
        let place = &self.places[(place & !PLACE) as usize];
        &place.bytes[..usize::from(place.length)]
    }

    /// Whether a place was taken before this round.
    fn is_old(&self, place: u32) -> bool {
        self.places[(place & !PLACE) as usize].round != self.round
    }

    /// Gives a place back with what is in it.
    pub(crate) fn forget(&mut self, place: u32) {
        self.free.push(place & !PLACE);
    }
}

impl Output {
    /// Makes what a connection holds the first frame of its next flush. Returns its frame set.
    #[inline]
    pub(crate) fn release(&mut self, slot: &mut Slot, index: u32) -> u32 {
        if is_place(slot.frame_set) {
            let set = self.sets.own(self.held.bytes(slot.frame_set));
            self.held.forget(slot.frame_set);
            self.pending.push(index);
            slot.frame_set = set;
        }
        slot.frame_set
    }
}

impl Engine {
    /// As [`Engine::push`] of the range `frame` of `arena` for one target, but the bytes may wait, at most until
    /// [`Engine::release_held`]: they are copied, and go out ahead of whatever is pushed next.
    pub fn hold(&mut self, frame: Range<u32>, arena: &[u8], target: ConnectionId, hold: Hold) {
        let Some(slot) = self.table.live(target) else {
            return;
        };
        let (before, length) = (slot.frame_set, frame.len());
        let joins_others = before != EMPTY && !is_place(before);
        if joins_others
            || slot.queue != NO_QUEUE
            || slot.phase == Phase::Connecting
            || length > HELD_BYTES_MAX
        {
            return self.push(frame, &[target]);
        }
        if slot.marks.has(Marks::SEND_FAILED) {
            return;
        }
        let bytes = &arena[frame.start as usize..frame.end as usize];
        let held = &mut self.output.held;
        if before == EMPTY {
            slot.frame_set = held.put(bytes);
        } else if held.bytes(before).len() + length <= HELD_BYTES_MAX {
            held.append(before, bytes);
        } else {
            return self.push(frame, &[target]);
        }
        if before == EMPTY || hold == Hold::Short {
            held.holders[hold as usize].push(target.index);
        }
    }

    /// Whether frames are held that way for any connection.
    pub fn holds(&self, hold: Hold) -> bool {
        !self.output.held.holders[hold as usize].is_empty()
    }

    /// Has the next [`Engine::flush`] send what is held that way.
    pub fn release_held(&mut self, hold: Hold) {
        let mut holders = std::mem::take(&mut self.output.held.holders[hold as usize]);
        for index in holders.drain(..) {
            self.release(index);
        }
        let held = &mut self.output.held;
        held.holders[hold as usize] = holders;
        if hold == Hold::Long {
            held.old = 0;
        }
    }

    /// Ends a round: has the next [`Engine::flush`] send what has been held with [`Hold::Long`] since a round before.
    /// What began to wait in this one may wait for the whole of the next.
    pub fn release_old(&mut self) {
        let mut holders = std::mem::take(&mut self.output.held.holders[Hold::Long as usize]);
        for index in holders.drain(..self.output.held.old) {
            // It may have got company since, and hold another frame, from this round.
            let frame_set = self.table.at(index).frame_set;
            if is_place(frame_set) && self.output.held.is_old(frame_set) {
                self.release(index);
            }
        }
        let held = &mut self.output.held;
        held.old = holders.len();
        held.round = held.round.wrapping_add(1);
        held.holders[Hold::Long as usize] = holders;
    }

    /// Makes what a connection holds the first frame of its next flush. Returns its frame set.
    pub(crate) fn release(&mut self, index: u32) -> u32 {
        self.output.release(self.table.at(index), index)
    }
}
