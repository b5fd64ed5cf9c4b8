//! The shard's clock: milliseconds since the broker started, read at most once per tick.
//!
//! All shards count from the same instant, since points in time cross between them. This is the only
//! place where the running broker reads the time.

use std::time::{Duration, Instant};

use ringmq_router::Millis;

/// A clock whose reading stands still until [`Clock::step`].
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    reading: Option<Millis>,
}

impl Clock {
    /// Counts from `started`.
    pub(crate) fn new(started: Instant) -> Clock {
        Clock {
            started,
            reading: None,
        }
    }

    /// Time has passed: the next [`Clock::now`] reads it anew.
    #[inline]
    pub(crate) fn step(&mut self) {
        self.reading = None;
    }

    /// The time of this tick.
    #[inline]
    pub(crate) fn now(&mut self) -> Millis {
        *self
            .reading
            .get_or_insert_with(|| Millis(self.started.elapsed().as_millis() as u64))
    }

    /// How long it is until `then`, which may be past.
    pub(crate) fn until(&mut self, then: Millis) -> Duration {
        Duration::from_millis(then.0.saturating_sub(self.now().0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still_within_a_tick() {
        let mut clock = Clock::new(Instant::now() - Duration::from_secs(5));
        let first = clock.now();
        assert!(first >= Millis(5_000));
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(clock.now(), first);
        clock.step();
        assert!(clock.now() > first);
        assert_eq!(clock.until(Millis(0)), Duration::ZERO);
    }
}
