//! Which connections are busy: time in epochs, and the clock hand that finds those that have gone quiet.
//!
//! Called by `receive` for each receive with data, and once a tick. There is no timer per connection.

use std::time::Instant;

use crate::event::ConnectionId;
use crate::limits::{BUSY_RECEIVES, EPOCH_MILLIS, IDLE_EPOCHS};
use crate::table::Slot;

/// The engine's coarse clock and its busy connections.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    epoch: u64,
    swept: u64,
    busy: Vec<ConnectionId>,
    hand: usize,
}

impl Default for Activity {
    fn default() -> Self {
        Activity {
            start: Instant::now(),
            epoch: 0,
            swept: 0,
            busy: Vec::new(),
            hand: 0,
        }
    }
}

impl Activity {
    /// Moves the clock.
    pub(crate) fn tick(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.start);
        let millis = elapsed.as_secs() * 1_000 + u64::from(elapsed.subsec_millis());
        self.epoch = millis / EPOCH_MILLIS;
    }

    /// Notes a receive with data. Returns whether it makes an idle connection busy.
    pub(crate) fn note(&self, slot: &mut Slot) -> bool {
        let now = self.epoch as u16;
        let gap = now.wrapping_sub(slot.epoch);
        slot.epoch = now;
        slot.heat = if gap <= 1 {
            slot.heat.saturating_add(1)
        } else {
            1
        };
        slot.heat >= BUSY_RECEIVES
    }

    /// Whether a connection has been quiet for long.
    pub(crate) fn is_quiet(&self, slot: &Slot) -> bool {
        (self.epoch as u16).wrapping_sub(slot.epoch) > IDLE_EPOCHS
    }

    /// Adds a busy connection to those the hand passes.
    pub(crate) fn add(&mut self, connection: ConnectionId) {
        self.busy.push(connection);
    }

    /// The next connection to look at, and how many to look at now: all of them in about a second.
    pub(crate) fn sweep(&mut self) -> usize {
        let epochs = (self.epoch - self.swept) as usize;
        self.swept = self.epoch;
        epochs.min(usize::from(IDLE_EPOCHS)) * (self.busy.len() / usize::from(IDLE_EPOCHS) + 1)
    }

    /// The connection under the hand.
    pub(crate) fn under_hand(&mut self) -> Option<ConnectionId> {
        if self.hand >= self.busy.len() {
            self.hand = 0;
        }
        self.busy.get(self.hand).copied()
    }

    /// Moves the hand past a connection that stays, or takes it off the list.
    pub(crate) fn pass(&mut self, stays: bool) {
        if stays {
            self.hand += 1;
        } else {
            self.busy.swap_remove(self.hand);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Location, Phase, Table};

    #[test]
    fn only_close_succession_makes_busy() {
        let mut activity = Activity::default();
        let mut table = Table::default();
        let id = table.insert(Location::new(0, 0), Phase::Established);
        for second in 1..50 {
            activity.tick(activity.start + std::time::Duration::from_secs(second));
            assert!(!activity.note(table.at(id.index)));
        }
        let mut busy = false;
        for _ in 0..BUSY_RECEIVES {
            busy = activity.note(table.at(id.index));
        }
        assert!(busy);
        assert!(!activity.is_quiet(table.at(id.index)));
        activity.tick(activity.start + std::time::Duration::from_secs(60));
        assert!(activity.is_quiet(table.at(id.index)));
    }

    #[test]
    fn the_hand_passes_everyone_and_forgets_who_left() {
        let mut activity = Activity::default();
        for index in 0..5 {
            activity.add(ConnectionId {
                index,
                generation: 1,
            });
        }
        let mut seen = Vec::new();
        for _ in 0..5 {
            let id = activity.under_hand().unwrap();
            seen.push(id.index);
            activity.pass(id.index != 2);
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        assert_eq!(activity.busy.len(), 4);
    }
}
