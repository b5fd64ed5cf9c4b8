//! The clock of a run: nanoseconds since its start, from the machine's monotonic clock.

use std::time::{Duration, Instant};

/// Counts from when it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts at zero now.
    pub(crate) fn start() -> Clock {
        Clock {
            start: Instant::now(),
        }
    }

    /// The same clock, counting from when this one says `zero_ns`: a moment that may lie before its start.
    pub(crate) fn with_zero_at(self, zero_ns: i64) -> Clock {
        let distance = Duration::from_nanos(zero_ns.unsigned_abs());
        let start = match zero_ns < 0 {
            true => self.start.checked_sub(distance),
            false => self.start.checked_add(distance),
        };
        Clock {
            start: start.unwrap_or(self.start),
        }
    }

    /// Nanoseconds since the start.
    #[inline]
    pub(crate) fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

/// Seconds as nanoseconds.
pub(crate) fn ns(seconds: f64) -> u64 {
    Duration::from_secs_f64(seconds).as_nanos() as u64
}
