//! The memory of topics that were asked for once, by part of their fingerprints: what tells a topic that
//! comes again from one that does not.
//!
//! Only the topic cache asks it, when it has no entry. It forgets: in a set that is full a new topic takes the
//! place of another now and then. Not always, so that of many topics that take turns some are still there
//! when they come again; those leave their places, and so all come to be known at last.

use crate::link::Fingerprint;

/// A topic is remembered in one of these.
const SETS: usize = 1 << 11;

/// Places of a set.
const PLACES: usize = 4;

/// In a full set one new topic of so many takes a place.
const TAKES_ONE_IN: usize = 4;

/// Of the linear congruential stream (Knuth's MMIX).
const DRAW_FACTOR: u64 = 6_364_136_223_846_793_005;

/// Parts of fingerprints; 0 in a place that is free.
#[derive(Debug, Default)]
pub(super) struct AskedOnce {
    /// None before the first topic.
    sets: Box<[[u32; PLACES]]>,
    /// Draws who takes a place: a stream of numbers, as topics that take turns would fall in step with a count.
    draw: u64,
}

impl AskedOnce {
    /// Notes that a topic was asked for. True when that was noted already: it is forgotten then.
    pub(super) fn note(&mut self, fingerprint: Fingerprint) -> bool {
        if self.sets.is_empty() {
            self.sets = vec![[0; PLACES]; SETS].into();
        }
        let set = &mut self.sets[fingerprint.0 as usize % SETS];
        // The lowest bit is set so that no topic looks like a free place.
        let part = (fingerprint.0 >> 24) as u32 | 1;
        if let Some(place) = set.iter_mut().find(|place| **place == part) {
            *place = 0;
            return true;
        }
        let free = set.iter_mut().find(|place| **place == 0);
        if let Some(place) = free {
            *place = part;
            return false;
        }
        self.draw = self.draw.wrapping_mul(DRAW_FACTOR).wrapping_add(1);
        let drawn = (self.draw >> 32) as usize % (PLACES * TAKES_ONE_IN);
        if let Some(place) = set.get_mut(drawn) {
            *place = part;
        }
        false
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }
}

#[cfg(test)]
mod tests {
    use super::{AskedOnce, PLACES, SETS};
    use crate::link::Fingerprint;

    /// Topics of one set.
    fn topic(number: u64) -> Fingerprint {
        Fingerprint(number.wrapping_mul(0x9E_3779_B97F_4A7C) << 25 >> 8 | 5)
    }

    #[test]
    fn the_second_time_is_told_from_the_first() {
        let mut asked = AskedOnce::default();
        for number in 1..=PLACES as u64 {
            assert!(!asked.note(topic(number)));
        }
        for number in 1..=PLACES as u64 {
            assert!(asked.note(topic(number)));
            assert!(!asked.note(topic(number)));
        }
        assert_eq!(asked.bytes(), SETS * PLACES * 4);
    }

    /// Each topic leaves when it has come again, as it would to the cache.
    #[test]
    fn topics_that_take_turns_are_all_known_at_last() {
        let mut asked = AskedOnce::default();
        let mut unknown: Vec<u64> = (1..=5 * PLACES as u64).collect();
        for _ in 0..100 {
            unknown.retain(|&number| !asked.note(topic(number)));
        }
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
