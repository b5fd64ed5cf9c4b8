//! What each connection is to be sent this tick, as a number: a frame set is another set and one more
//! frame, so that connections which are sent the same share one set and its bytes are gathered once.
//!
//! Pure bookkeeping; `send` pushes, asks for bytes and clears after each flush.

use std::ops::Range;

use crate::limits::SCRATCH_BYTES_MAX;

/// Frames from here on lie in the sets' own bytes and not in the arena.
const OWN: u32 = 1 << 31;

/// The set of a connection that is sent nothing.
pub(crate) const EMPTY: u32 = 0;

#[derive(Clone, Debug)]
struct FrameSet {
    /// The frames before `frame`, or [`EMPTY`].
    previous: u32,
    /// Last frame, or several that lie next to each other in the arena.
    frame: Range<u32>,
    /// Bytes of the whole set.
    bytes: u64,
    /// The set made last from this one, for the next connection that takes the same step.
    child: u32,
    child_frame: Range<u32>,
    /// Where the set lies in scratch, if `round` is the present one.
    gathered: usize,
    round: u32,
}

/// The frame sets of one tick and the scratch they are gathered in.
#[derive(Debug)]
pub(crate) struct FrameSets {
    sets: Vec<FrameSet>,
    /// Bytes that were in no arena.
    own: Vec<u8>,
    scratch: Vec<u8>,
    round: u32,
}

impl Default for FrameSets {
    fn default() -> Self {
        let mut sets = FrameSets {
            sets: Vec::new(),
            own: Vec::new(),
            scratch: Vec::new(),
            round: 1,
        };
        sets.clear();
        sets
    }
}

impl FrameSets {
    /// The set that is `previous` and then `frame`.
    pub(crate) fn then(&mut self, previous: u32, frame: &Range<u32>) -> u32 {
        let from = &self.sets[previous as usize];
        if from.child != EMPTY && from.child_frame == *frame {
            return from.child;
        }
        let child = u32::try_from(self.sets.len()).expect("fewer sets in a tick than 2^32");
        let set = FrameSet {
            previous: if from.frame.end == frame.start && previous != EMPTY {
                from.previous
            } else {
                previous
            },
            frame: if from.frame.end == frame.start && previous != EMPTY {
                from.frame.start..frame.end
            } else {
                frame.clone()
            },
            bytes: from.bytes + u64::from(frame.end - frame.start),
            child: EMPTY,
            child_frame: 0..0,
            gathered: 0,
            round: 0,
        };
        self.sets.push(set);
        let from = &mut self.sets[previous as usize];
        from.child = child;
        from.child_frame = frame.clone();
        child
    }

    /// A set of one frame that is copied, since it lies in no arena.
    pub(crate) fn own(&mut self, frame: &[u8]) -> u32 {
        let start = OWN | self.own.len() as u32;
        self.own.extend_from_slice(frame);
        self.then(EMPTY, &(start..OWN | self.own.len() as u32))
    }

    /// Bytes of the whole set.
    pub(crate) fn len(&self, set: u32) -> u64 {
        self.sets[set as usize].bytes
    }

    /// Whether the scratch has room for the set, if it needs any. An empty scratch always has.
    pub(crate) fn fits(&self, set: u32) -> bool {
        let entry = &self.sets[set as usize];
        entry.previous == EMPTY
            || entry.round == self.round
            || self.scratch.is_empty()
            || self.scratch.len() as u64 + entry.bytes <= SCRATCH_BYTES_MAX as u64
                && self.scratch.len() as u64 + entry.bytes <= self.scratch.capacity() as u64
    }

    /// Forgets what has been gathered: no send may need it any more.
    pub(crate) fn restart(&mut self) {
        self.scratch.clear();
        self.round = self.round.wrapping_add(1).max(1);
    }

    /// The set's bytes, next to each other. They stay until [`FrameSets::restart`], provided that
    /// [`FrameSets::fits`] was asked first.
    pub(crate) fn gather<'a>(&'a mut self, set: u32, arena: &'a [u8]) -> &'a [u8] {
        let entry = &self.sets[set as usize];
        if entry.previous == EMPTY {
            return bytes_of(&entry.frame, &self.own, arena);
        }
        let bytes = entry.bytes as usize;
        if entry.round != self.round {
            if self.scratch.is_empty() {
                self.scratch.reserve(bytes.max(SCRATCH_BYTES_MAX));
            }
            let start = self.scratch.len();
            self.scratch.resize(start + bytes, 0);
            self.copy_into(set, arena, start);
            let entry = &mut self.sets[set as usize];
            entry.gathered = start;
            entry.round = self.round;
        }
        let start = self.sets[set as usize].gathered;
        &self.scratch[start..start + bytes]
    }

    /// Writes the set to scratch from its last frame to its first.
    fn copy_into(&mut self, set: u32, arena: &[u8], start: usize) {
        let mut at = set;
        let mut end = start + self.sets[set as usize].bytes as usize;
        while at != EMPTY {
            let entry = &self.sets[at as usize];
            let frame = bytes_of(&entry.frame, &self.own, arena);
            self.scratch[end - frame.len()..end].copy_from_slice(frame);
            end -= frame.len();
            at = entry.previous;
        }
        debug_assert_eq!(end, start);
    }

    /// Ends the tick.
    pub(crate) fn clear(&mut self) {
        self.restart();
        if self.scratch.capacity() > 2 * SCRATCH_BYTES_MAX {
            self.scratch = Vec::new();
        }
        self.own.clear();
        self.sets.clear();
        self.sets.push(FrameSet {
            previous: EMPTY,
            frame: 0..0,
            bytes: 0,
            child: EMPTY,
            child_frame: 0..0,
            gathered: 0,
            round: 0,
        });
    }
}

fn bytes_of<'a>(frame: &Range<u32>, own: &'a [u8], arena: &'a [u8]) -> &'a [u8] {
    let bytes = if frame.start & OWN == 0 { arena } else { own };
    &bytes[(frame.start & !OWN) as usize..(frame.end & !OWN) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARENA: &[u8] = b"aabbbccccddddd";
    const A: Range<u32> = 0..2;
    const B: Range<u32> = 2..5;
    const D: Range<u32> = 9..14;

    #[test]
    fn equal_histories_share_a_set() {
        let mut sets = FrameSets::default();
        let first = sets.then(EMPTY, &A);
        assert_eq!(sets.then(EMPTY, &A), first);
        let second = sets.then(first, &D);
        assert_eq!(sets.then(first, &D), second);
        assert_ne!(sets.then(first, &B), second);
    }

    #[test]
    fn bytes_come_in_the_order_of_pushing() {
        let mut sets = FrameSets::default();
        let mut set = EMPTY;
        for frame in [D, A, B, A, D] {
            set = sets.then(set, &frame);
        }
        assert_eq!(sets.len(set), 17);
        assert!(sets.fits(set));
        assert_eq!(sets.gather(set, ARENA), b"dddddaabbbaaddddd");
        assert_eq!(sets.gather(set, ARENA), b"dddddaabbbaaddddd");
    }

    #[test]
    fn neighbours_in_the_arena_are_not_copied() {
        let mut sets = FrameSets::default();
        let first = sets.then(EMPTY, &A);
        let set = sets.then(first, &B);
        let bytes = sets.gather(set, ARENA);
        assert_eq!(bytes, b"aabbb");
        assert_eq!(bytes.as_ptr(), ARENA.as_ptr());
        assert!(sets.scratch.is_empty());
    }

    #[test]
    fn a_merged_set_can_go_on() {
        let mut sets = FrameSets::default();
        let mut set = EMPTY;
        for frame in [D, A, B, D] {
            set = sets.then(set, &frame);
        }
        assert_eq!(sets.gather(set, ARENA), b"dddddaabbbddddd");
    }

    #[test]
    fn a_restart_gathers_again() {
        let mut sets = FrameSets::default();
        let first = sets.then(EMPTY, &D);
        let set = sets.then(first, &A);
        assert_eq!(sets.gather(set, ARENA), b"dddddaa");
        sets.restart();
        assert_eq!(sets.gather(set, b"xxbbbccccyyyyy"), b"yyyyyxx");
    }

    #[test]
    fn scratch_is_bounded_but_takes_any_single_set() {
        let arena = vec![7; SCRATCH_BYTES_MAX * 2];
        let half = SCRATCH_BYTES_MAX as u32;
        let mut sets = FrameSets::default();
        let one = sets.then(EMPTY, &(half..2 * half));
        let big = sets.then(one, &(0..half));
        assert!(sets.fits(big));
        assert_eq!(sets.gather(big, &arena).len(), arena.len());
        let two = sets.then(EMPTY, &(1..2));
        let small = sets.then(two, &(0..1));
        assert!(!sets.fits(small));
    }
}
