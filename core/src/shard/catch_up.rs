//! What a shard does when it was not run for a while: it reads first, and judges then.
//!
//! After a pause of the machine the deadlines of all clients may be past, while what they sent in time lies
//! unread in their sockets. So the timers wait until the input has run dry; otherwise the broker would take
//! clients that spoke for silent ones, and have them all connect again at once.

use ringmq_router::Millis;

use crate::limits::{CATCH_UP_MILLIS_MAX, DRY_TICKS_MIN, LATE_MILLIS_MIN};

/// How far the shard is with what came while it was away.
#[derive(Debug, Default)]
pub(crate) struct CatchUp {
    /// When it was back.
    since: Option<Millis>,
    dry_ticks: u32,
}

impl CatchUp {
    /// Whether timers that were due long ago must wait another tick. `is_dry` says whether the tick had no input
    /// and the next one has none yet.
    pub(crate) fn is_under_way(&mut self, due: Millis, now: Millis, is_dry: bool) -> bool {
        if !self.is_needed(due, now) {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        self.dry_ticks = if is_dry { self.dry_ticks + 1 } else { 0 };
        let is_over = self.dry_ticks >= DRY_TICKS_MIN || now.0 - since.0 >= CATCH_UP_MILLIS_MAX;
        if is_over {
            *self = CatchUp::default();
        }
        !is_over
    }

    /// Whether timers that were due then are late, so that the shard must have been away.
    pub(crate) fn is_needed(&self, due: Millis, now: Millis) -> bool {
        now.0.saturating_sub(due.0) >= LATE_MILLIS_MIN
    }

    /// Whether it has just come back.
    pub(crate) fn is_new(&self) -> bool {
        self.since.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: Millis = Millis(5_000);

    fn after(millis: u64) -> Millis {
        Millis(DUE.0 + millis)
    }

    #[test]
    fn timers_in_time_never_wait() {
        let mut catch_up = CatchUp::default();
        for millis in [0, 1, LATE_MILLIS_MIN - 1] {
            assert!(!catch_up.is_under_way(DUE, after(millis), false));
        }
    }

    #[test]
    fn late_timers_wait_until_input_runs_dry() {
        let mut catch_up = CatchUp::default();
        assert!(catch_up.is_new());
        let pause = 60_000;
        for tick in 0..2_000 {
            // What a look finds may want another one before it is input.
            let is_dry = tick % DRY_TICKS_MIN != 0;
            assert!(catch_up.is_under_way(DUE, after(pause + u64::from(tick)), is_dry));
        }
        assert!(!catch_up.is_new());
        assert!(catch_up.is_under_way(DUE, after(pause + 2_000), false));
        for _ in 1..DRY_TICKS_MIN {
            assert!(catch_up.is_under_way(DUE, after(pause + 2_000), true));
        }
        assert!(!catch_up.is_under_way(DUE, after(pause + 2_000), true));
        assert!(catch_up.is_new(), "ready for the next pause");
    }

    #[test]
    fn they_do_not_wait_for_ever() {
        let mut catch_up = CatchUp::default();
        let pause = LATE_MILLIS_MIN;
        assert!(catch_up.is_under_way(DUE, after(pause), false));
        assert!(catch_up.is_under_way(DUE, after(pause + CATCH_UP_MILLIS_MAX - 1), false));
        assert!(!catch_up.is_under_way(DUE, after(pause + CATCH_UP_MILLIS_MAX), false));
    }
}
