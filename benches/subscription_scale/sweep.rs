//! Time with swept caches: before each measured call memory is walked that is larger than any cache, then
//! one call of the same kind, for something else, brings back the code and what all such calls share. What
//! is left is the price of the lines that belong to what is looked for.

use std::hint::black_box;
use std::time::Instant;

/// More than any cache of a processor that a measurement is run on.
const SWEPT_BYTES: usize = 96 << 20;

const LINE: usize = 64;

/// Calls that are measured with swept caches; the median is reported.
pub(crate) const SWEPT_CALLS: usize = 101;

pub(crate) struct Sweep {
    memory: Vec<u8>,
}

impl Sweep {
    pub(crate) fn new() -> Sweep {
        Sweep {
            memory: vec![1; SWEPT_BYTES],
        }
    }

    /// Puts everything else out of the caches.
    pub(crate) fn run(&mut self) {
        for line in self.memory.iter_mut().step_by(LINE) {
            *line = line.wrapping_add(1);
        }
        black_box(&self.memory);
    }
}

/// Nanoseconds that one call takes.
pub(crate) fn nanos_of(call: impl FnOnce()) -> u64 {
    let started = Instant::now();
    call();
    started.elapsed().as_nanos() as u64
}

pub(crate) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}
