//! Whether it pays to let input gather before the shard wakes.
//!
//! A wake-up and a segment cost the same for one message and for fifty. Where many receives feed few clients,
//! waiting a moment lets more messages share both; where each receive feeds a client of its own, it would only
//! cost time. So the tick tells here what it did, and is told how long its next sleep is to last at least.

use std::time::Duration;

use crate::limits::{GATHER_MICROS, PACE_TICKS};

/// What the last ticks did, older ones counting less.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    ticks: u32,
    receives: u32,
    sends: u32,
    /// Frames for one client each, and how many of them joined others of the same tick.
    frames: u32,
    joined: u32,
}

impl Pace {
    /// Notes a frame for one client; `joined`: it is not the first of its send.
    #[inline]
    pub(crate) fn frame(&mut self, joined: bool) {
        self.frames += 1;
        self.joined += u32::from(joined);
    }

    /// Whether input of several clients comes in each tick.
    pub(crate) fn is_busy(&self) -> bool {
        self.receives >= 2 * self.ticks
    }

    /// Ends a tick with so many receives and sends; how long the next sleep should gather.
    pub(crate) fn tick(&mut self, receives: usize, sends: usize) -> Duration {
        self.ticks += 1;
        self.receives += receives as u32;
        self.sends += sends as u32;
        let few_sends = self.sends * 2 <= self.receives;
        // Several receives that each feed the same few clients. Where as many are fed as receives come, each
        // may well have a client of its own, for which several frames join too.
        let take_turns = self.joined * 2 > self.frames && self.sends * 2 > self.receives * 3;
        let gathers = self.is_busy() && (few_sends || take_turns);
        if self.ticks >= PACE_TICKS {
            self.ticks /= 2;
            self.receives /= 2;
            self.sends /= 2;
            self.frames /= 2;
            self.joined /= 2;
        }
        Duration::from_micros(if gathers { GATHER_MICROS } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a shard gathers in the end whose ticks are all like this.
    fn after_many(receives: usize, sends: usize, (frames, joined): (usize, usize)) -> Duration {
        let mut pace = Pace::default();
        let mut time = Duration::ZERO;
        for _ in 0..1_000 {
            for frame in 0..frames {
                pace.frame(frame < joined);
            }
            time = pace.tick(receives, sends);
        }
        time
    }

    #[test]
    fn many_receives_that_feed_few_clients_gather() {
        assert_eq!(
            after_many(8, 1, (8, 0)).as_micros(),
            u128::from(GATHER_MICROS)
        );
        // A group of five that takes turns.
        assert_eq!(
            after_many(3, 5, (24, 19)).as_micros(),
            u128::from(GATHER_MICROS)
        );
    }

    #[test]
    fn one_to_one_traffic_does_not() {
        assert_eq!(after_many(8, 8, (8, 0)), Duration::ZERO);
        assert_eq!(after_many(1, 1, (1, 0)), Duration::ZERO);
        assert_eq!(after_many(32, 40, (32, 8)), Duration::ZERO);
        // Windows of four, whose messages come and go together.
        assert_eq!(after_many(8, 8, (32, 24)), Duration::ZERO);
    }

    #[test]
    fn a_lone_publisher_is_not_kept_waiting() {
        assert_eq!(after_many(1, 0, (0, 0)), Duration::ZERO);
        assert_eq!(after_many(1, 5, (16, 11)), Duration::ZERO);
    }

    #[test]
    fn it_ends_when_the_traffic_changes() {
        let mut pace = Pace::default();
        for _ in 0..1_000 {
            pace.tick(8, 1);
        }
        let more = (0..1_000).filter(|_| !pace.tick(1, 1).is_zero()).count();
        assert!(more < 200, "{more}");
    }
}
