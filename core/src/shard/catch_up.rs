//! How far the shard has read: clients are judged by that, not by the clock.
//!
//! A shard that was not run for a while, or has more to read than it gets to, finds the deadlines of clients past
//! that spoke in time: what they sent lies unread in their sockets. By the clock it would take them for silent
//! ones, and have them all connect again at once, which is more work still.

use ringmq_ring::Found;
use ringmq_router::Millis;

use crate::limits::{BEHIND_MILLIS_MIN, CATCH_UP_TIMERS, LOOKS_TO_READ, UNREAD_MILLIS_MAX};

/// What is known of it.
#[derive(Debug, Default)]
pub(crate) struct CatchUp {
    /// All that came until then is read.
    read_until: Millis,
    /// What is read when so many looks more have found all, the next one first.
    next: [Millis; LOOKS_TO_READ],
    /// Looks for which the timer that is due has waited.
    waited: usize,
    /// Timers since the shard is behind.
    behind: u32,
}

impl CatchUp {
    /// Takes what the looks of a tick have found, and the time after them, from before which comes the next look.
    pub(crate) fn looked(&mut self, found: Found, now: Millis) {
        match found {
            Found::Nothing => self.next = [now; LOOKS_TO_READ],
            Found::All => {}
            Found::Part => self.next = [self.read_until; LOOKS_TO_READ],
        }
        self.read_until = self.next[0];
        self.next.rotate_left(1);
        self.next[LOOKS_TO_READ - 1] = now;
    }

    /// Until when clients are judged at the timer that is due. `None`: it waits for another look, which may be all
    /// there is to read.
    pub(crate) fn judged_until(&mut self, now: Millis) -> Option<Millis> {
        let is_behind = now.0.saturating_sub(self.read_until.0) >= BEHIND_MILLIS_MIN;
        if is_behind && self.waited < LOOKS_TO_READ {
            self.waited += 1;
            return None;
        }
        self.waited = 0;
        if !is_behind {
            self.behind = 0;
            return Some(now);
        }
        self.behind = self.behind.saturating_add(1);
        if self.behind <= CATCH_UP_TIMERS {
            return Some(self.read_until);
        }
        let bound = now.0.saturating_sub(UNREAD_MILLIS_MAX);
        Some(Millis(self.read_until.0.max(bound)))
    }

    /// Whether the last two timers, and not the one before, found the shard behind: it is not a mere hiccup.
    pub(crate) fn has_fallen_behind(&self) -> bool {
        self.behind == 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 5_000;

    /// A shard that has read all until [`START`].
    fn up_to_date() -> CatchUp {
        let mut catch_up = CatchUp::default();
        catch_up.looked(Found::Nothing, Millis(START));
        catch_up
    }

    /// A timer after as many looks as it waits for, all of which have found that.
    fn timer(catch_up: &mut CatchUp, found: Found, now: Millis) -> Millis {
        for _ in 0..=LOOKS_TO_READ {
            catch_up.looked(found, now);
            if let Some(judged) = catch_up.judged_until(now) {
                return judged;
            }
        }
        panic!("waits for more looks than it takes");
    }

    #[test]
    fn a_shard_that_is_up_to_date_goes_by_the_clock() {
        let mut catch_up = up_to_date();
        for millis in [0, 1, BEHIND_MILLIS_MIN - 1] {
            let now = Millis(START + millis);
            assert_eq!(catch_up.judged_until(now), Some(now));
        }
    }

    #[test]
    fn a_busy_one_is_up_to_date_while_its_looks_find_all() {
        let mut catch_up = up_to_date();
        for millis in 0..10_000 {
            let now = Millis(START + millis);
            catch_up.looked(Found::All, now);
            assert_eq!(catch_up.judged_until(now), Some(now));
        }
    }

    #[test]
    fn one_that_sleeps_between_messages_is_up_to_date() {
        let mut catch_up = up_to_date();
        for second in 1..100 {
            let now = Millis(START + second * 1_000);
            catch_up.looked(Found::All, now);
            assert_eq!(catch_up.judged_until(now), None, "perhaps more comes");
            assert_eq!(timer(&mut catch_up, Found::Nothing, now), now);
        }
    }

    #[test]
    fn after_a_pause_it_judges_by_what_was_read_before() {
        let mut catch_up = up_to_date();
        for second in 60..69 {
            let now = Millis(START + second * 1_000);
            assert_eq!(timer(&mut catch_up, Found::Part, now), Millis(START));
            assert_eq!(catch_up.has_fallen_behind(), second == 61);
        }
        let now = Millis(START + 69_000);
        assert_eq!(timer(&mut catch_up, Found::All, now), now);
        assert!(!catch_up.has_fallen_behind());
    }

    #[test]
    fn looks_that_find_all_count_from_before_the_first() {
        let mut catch_up = up_to_date();
        catch_up.looked(Found::Part, Millis(START + 20_000));
        for (second, read_until) in [(21, 0), (22, 0), (23, 20), (24, 21)] {
            catch_up.looked(Found::All, Millis(START + second * 1_000));
            assert_eq!(catch_up.read_until, Millis(START + read_until * 1_000));
        }
    }

    #[test]
    fn it_does_not_wait_for_ever() {
        let mut catch_up = up_to_date();
        let back = START + 60_000;
        for second in 0..100 {
            let now = Millis(back + second * 1_000);
            let judged = timer(&mut catch_up, Found::Part, now);
            let expected = if second < u64::from(CATCH_UP_TIMERS) {
                START
            } else {
                now.0 - UNREAD_MILLIS_MAX
            };
            assert_eq!(judged, Millis(expected));
        }
    }
}
