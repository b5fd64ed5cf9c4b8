//! Simulated time, in microseconds since the run began.

use ringmq_router::Millis;

/// A second, in microseconds.
pub(crate) const SECOND: u64 = 1_000_000;

/// A point in simulated time, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Time(pub(crate) u64);

impl Time {
    /// This much later.
    pub(crate) fn plus(self, micros: u64) -> Time {
        Time(self.0.saturating_add(micros))
    }

    /// Seconds later.
    pub(crate) fn plus_secs(self, secs: u32) -> Time {
        self.plus(u64::from(secs) * SECOND)
    }

    /// As the router counts it.
    pub(crate) fn millis(self) -> Millis {
        Millis(self.0 / 1_000)
    }

    /// Microseconds since `earlier`; 0 when that lies ahead.
    pub(crate) fn since(self, earlier: Time) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>4}.{:06}", self.0 / SECOND, self.0 % SECOND)
    }
}
