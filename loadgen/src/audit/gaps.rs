//! Sequence numbers of one stream that an audience has not seen, as ranges in ascending order.
//!
//! The audit makes one where something is missing and drops it when nothing is. Bounded: a stream that
//! loses more than fits forgets its oldest losses.

use std::collections::VecDeque;

/// A range of sequence numbers not seen yet: `start..end`.
#[derive(Clone, Copy, Debug)]
struct Gap {
    start: u64,
    end: u64,
}

/// The ranges.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    ranges: VecDeque<Gap>,
}

impl Gaps {
    /// Notes that `start..end` is missing; it lies behind everything noted before. At most `gaps_max`
    /// ranges are kept.
    pub(super) fn open(&mut self, start: u64, end: u64, gaps_max: usize) {
        if self.ranges.len() == gaps_max {
            self.ranges.pop_front();
        }
        self.ranges.push_back(Gap { start, end });
    }

    /// Takes a sequence number out of the gap it lies in; false when it lies in none.
    pub(super) fn fill(&mut self, sequence: u64) -> bool {
        let at = self.ranges.partition_point(|gap| gap.end <= sequence);
        let Some(&gap) = self.ranges.get(at).filter(|gap| gap.start <= sequence) else {
            return false;
        };
        self.ranges.remove(at);
        // The later part first: it ends up behind the earlier one.
        if sequence + 1 < gap.end {
            let start = sequence + 1;
            self.ranges.insert(at, Gap { start, ..gap });
        }
        if gap.start < sequence {
            let end = sequence;
            self.ranges.insert(at, Gap { end, ..gap });
        }
        true
    }

    /// Whether nothing is missing.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}
