//! The fixed piece of work whose time says how fast a CPU is at the moment.
//!
//! Called by the probes, each on the CPU it is pinned to. It gives a core all the instructions that it can begin in a
//! cycle, so that it feels when somebody shares the core; a chain of dependent steps would not, nor do a few of them
//! side by side on a core that begins six in a cycle. It must be the same in every run, for its times are compared
//! between them: with another work goes another [`PROBE_WORK`].

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

use crate::limits::{PROBE_PIECES, PROBE_ROUNDS};

/// Which work this is. The first had four chains of multiplications: on a core that begins six instructions in a cycle
/// they took 11 % longer while somebody shared it, which passed for undisturbed; these take 57 to 65 % longer.
pub(crate) const PROBE_WORK: u32 = 2;

/// Words of the buffer: 4 KiB, an eighth of the smallest first cache.
const WORDS: usize = 512;

/// Chains that go on side by side, as many as there are registers for, by what each adds in a step.
const CHAINS: [u64; 8] = [
    0x9e37_79b9,
    0xbf58_476d,
    0x94d0_49bb,
    0xd6e8_feb8,
    0x7f4a_7c15,
    0x1ce4_e5b9,
    0x1331_11eb,
    0x6659_fd93,
];

/// The work and its buffer.
pub(super) struct Work {
    words: Box<[u64; WORDS]>,
}

impl Work {
    pub(super) fn new() -> Work {
        Work {
            words: Box::new([1; WORDS]),
        }
    }

    /// Does it once; the CPU time of this thread for it, in nanoseconds. It is done in pieces of which the middle
    /// one counts, so that an interrupt in one of them does not.
    pub(super) fn time(&mut self) -> u64 {
        // What the broker has put out of the caches comes back before the clock is read.
        self.walk(1);
        let mut pieces = [0; PROBE_PIECES];
        let mut began_ns = thread_cpu_ns();
        for piece in &mut pieces {
            self.walk(PROBE_ROUNDS);
            let now_ns = thread_cpu_ns();
            *piece = now_ns - began_ns;
            began_ns = now_ns;
        }
        pieces.sort_unstable();
        pieces[PROBE_PIECES / 2] * PROBE_PIECES as u64
    }

    /// Walks over the buffer so many times.
    #[inline(never)]
    fn walk(&mut self, rounds: u32) {
        let mut chains = black_box(CHAINS);
        for round in 0..rounds as usize {
            for words in self.words.chunks_exact_mut(CHAINS.len()) {
                for ((chain, added), word) in chains.iter_mut().zip(CHAINS).zip(&*words) {
                    *chain = (*chain ^ *word).rotate_left(7).wrapping_add(added);
                }
                words[round % CHAINS.len()] = chains[0];
            }
        }
        black_box(chains);
    }
}

/// CPU time of this thread.
fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_done_and_takes_time() {
        let mut work = Work::new();
        let before = work.words.clone();
        assert!(work.time() > 0);
        assert_ne!(work.words, before);
    }

    #[test]
    fn the_work_is_always_the_same() {
        let [mut one, mut other] = [Work::new(), Work::new()];
        one.walk(3);
        other.walk(3);
        assert_eq!(one.words, other.words);
    }
}
