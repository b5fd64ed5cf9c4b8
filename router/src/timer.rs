//! The timer wheel: a hashed wheel of slots one tick ([`TIMER_TICK_MILLIS`]) wide.
//!
//! The shard puts in keep-alives, expiries and delayed wills. Nothing is taken out early: the owner of a
//! timer looks, when it fires, whether it still means anything, and puts it in again if it was too early.

use crate::Millis;
use crate::limits::TIMER_TICK_MILLIS;

/// Slots of the wheel: most timers are shorter than 8.5 minutes and are met once; one of a week is
/// looked at a thousand times.
const SLOTS: usize = 512;

/// The wheel.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    slots: Box<[Vec<Entry<T>>]>,
    /// The last tick that was advanced to.
    tick: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    /// 32 bits of seconds are a century.
    tick: u32,
    item: T,
}

impl<T: Copy> Wheel<T> {
    /// An empty wheel that stands at `now`.
    pub(crate) fn new(now: Millis) -> Wheel<T> {
        Wheel {
            slots: std::iter::repeat_with(Vec::new).take(SLOTS).collect(),
            tick: now.0 / TIMER_TICK_MILLIS,
        }
    }

    /// Has `item` fire in the first [`Wheel::advance`] at or after `at`: never earlier, and less than one
    /// tick late as long as the wheel is advanced every tick. A time gone by fires with the next tick.
    pub(crate) fn insert(&mut self, at: Millis, item: T) {
        let tick = at.0.div_ceil(TIMER_TICK_MILLIS).max(self.tick + 1);
        self.slots[slot_of(tick)].push(Entry {
            tick: tick as u32,
            item,
        });
    }

    /// Hands out what is due at `now`, tick by tick, in the order of insertion within a tick.
    pub(crate) fn advance(&mut self, now: Millis, mut fire: impl FnMut(T)) {
        let target = now.0 / TIMER_TICK_MILLIS;
        // After a gap of more than a round each slot is visited once.
        let first = (self.tick + 1).max((target + 1).saturating_sub(SLOTS as u64));
        for tick in first..=target {
            let slot = &mut self.slots[slot_of(tick)];
            slot.retain(|entry| {
                let due = u64::from(entry.tick) <= target;
                if due {
                    fire(entry.item);
                }
                !due
            });
            // A burst must not keep its memory for the life of the wheel.
            if slot.capacity() > 64 && slot.len() < slot.capacity() / 4 {
                slot.shrink_to(slot.len() * 2);
            }
        }
        self.tick = self.tick.max(target);
    }

    /// Timers in the wheel, those that mean nothing any more included.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.iter().map(Vec::len).sum()
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let entries: usize = self.slots.iter().map(Vec::capacity).sum();
        (entries * size_of::<Entry<T>>() + size_of_val(&*self.slots)) as u64
    }
}

fn slot_of(tick: u64) -> usize {
    (tick % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SLOTS, Wheel};
    use crate::Millis;
    use crate::limits::TIMER_TICK_MILLIS;

    proptest! {
        #[test]
        fn timers_fire_once_in_time_and_never_early(
            steps in prop::collection::vec((0..4_u8, 0..2_000_000_u64), 1..200),
            start in 0..10_000_000_u64,
        ) {
            let mut now = start;
            let mut wheel = Wheel::new(Millis(now));
            let mut waiting: Vec<(u64, usize)> = Vec::new();
            for (name, (kind, span)) in steps.into_iter().enumerate() {
                let span = if kind % 2 == 0 { span } else { span % 3_000 };
                if kind < 3 {
                    wheel.insert(Millis(now + span), name);
                    waiting.push((now + span, name));
                    continue;
                }
                now += span;
                let mut fired = Vec::new();
                wheel.advance(Millis(now), |name| fired.push(name));
                for &(at, name) in &waiting {
                    let has_fired = fired.contains(&name);
                    prop_assert!(at <= now || !has_fired, "{name} is early");
                    prop_assert!(at + TIMER_TICK_MILLIS > now || has_fired, "{name} is late");
                }
                let before = waiting.len();
                waiting.retain(|(_, name)| !fired.contains(name));
                prop_assert_eq!(before - waiting.len(), fired.len());
                prop_assert_eq!(wheel.len(), waiting.len());
            }
        }
    }

    #[test]
    fn a_burst_leaves_no_memory_behind() {
        let mut wheel = Wheel::new(Millis(0));
        for name in 0..100_000_u32 {
            wheel.insert(Millis(5_000), name);
        }
        let mut fired = Vec::new();
        wheel.advance(Millis(5_000), |name| fired.push(name));
        assert!(fired.into_iter().eq(0..100_000));
        assert!(wheel.bytes() < 64 * SLOTS as u64);
    }
}
