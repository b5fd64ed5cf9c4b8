//! The audit: which messages were lost, duplicated, reordered, unexpected or corrupt.
//!
//! The run reports every delivery here. For each stream and subscriber it keeps the next sequence number
//! and, only where something is missing, a bounded list of gaps: constant memory however long the run.
//! It allocates only when something goes wrong, and it must never judge by time.

use std::collections::{HashMap, VecDeque};

use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;
use crate::limits::GAPS_MAX;

/// What one delivery was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// New to this subscriber.
    New,
    /// New, but later than one that was published after it.
    Late,
    /// Delivered before.
    Duplicate,
    /// From a stream this subscriber did not ask for.
    Unexpected,
}

/// Counts of the audit so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditCounts {
    /// Different messages delivered, each counted once per subscriber.
    pub(crate) delivered: u64,
    /// Deliveries of a message its subscriber already had.
    pub(crate) duplicated: u64,
    /// Messages that came after a later one of the same stream.
    pub(crate) reordered: u64,
    /// Messages that are not of this run, or not for that subscriber.
    pub(crate) unexpected: u64,
    /// Messages whose checksum does not fit.
    pub(crate) corrupt: u64,
}

/// A range of sequence numbers not seen yet: `start..end`.
#[derive(Clone, Copy, Debug)]
struct Gap {
    start: u64,
    end: u64,
}

/// Where a subscriber's part of the table lies.
#[derive(Clone, Copy, Debug)]
struct Heard {
    first: u32,
    count: u32,
    base: usize,
}

/// The books of one run.
#[derive(Debug)]
pub(crate) struct Audit {
    heard: Vec<Heard>,
    next: Vec<u64>,
    gaps: HashMap<usize, VecDeque<Gap>>,
    counts: AuditCounts,
}

impl Audit {
    /// Books for every stream that every subscriber is to hear.
    pub(crate) fn new(layout: &Layout) -> Audit {
        let mut base = 0;
        let heard = (0..layout.subscribers)
            .map(|subscriber| {
                let streams = layout.heard_by(SubscriberId(subscriber));
                let heard = Heard {
                    first: streams.start,
                    count: streams.end - streams.start,
                    base,
                };
                base += streams.len();
                heard
            })
            .collect();
        Audit {
            heard,
            next: vec![0; base],
            gaps: HashMap::new(),
            counts: AuditCounts::default(),
        }
    }

    /// Books one delivery.
    #[inline]
    pub(crate) fn on_delivery(
        &mut self,
        subscriber: SubscriberId,
        stream: StreamId,
        sequence: u64,
    ) -> Verdict {
        let heard = self.heard[subscriber.at()];
        let offset = stream.0.wrapping_sub(heard.first);
        if offset >= heard.count {
            self.counts.unexpected += 1;
            return Verdict::Unexpected;
        }
        let pair = heard.base + offset as usize;
        let next = &mut self.next[pair];
        if sequence == *next {
            *next += 1;
            self.counts.delivered += 1;
            return Verdict::New;
        }
        self.on_disorder(pair, sequence)
    }

    /// Something is missing before this message, or it comes late, or again.
    #[cold]
    fn on_disorder(&mut self, pair: usize, sequence: u64) -> Verdict {
        let next = self.next[pair];
        if sequence > next {
            let gaps = self.gaps.entry(pair).or_default();
            if gaps.len() == GAPS_MAX {
                gaps.pop_front();
            }
            gaps.push_back(Gap {
                start: next,
                end: sequence,
            });
            self.next[pair] = sequence + 1;
            self.counts.delivered += 1;
            return Verdict::New;
        }
        if self.fill(pair, sequence) {
            self.counts.delivered += 1;
            self.counts.reordered += 1;
            Verdict::Late
        } else {
            self.counts.duplicated += 1;
            Verdict::Duplicate
        }
    }

    /// Takes a sequence number out of the gap it lies in; false when it lies in none.
    fn fill(&mut self, pair: usize, sequence: u64) -> bool {
        let Some(gaps) = self.gaps.get_mut(&pair) else {
            return false;
        };
        let Some(at) = gaps
            .iter()
            .position(|gap| (gap.start..gap.end).contains(&sequence))
        else {
            return false;
        };
        let gap = gaps[at];
        gaps.remove(at);
        // The later part first: it ends up behind the earlier one.
        if sequence + 1 < gap.end {
            gaps.insert(
                at,
                Gap {
                    start: sequence + 1,
                    end: gap.end,
                },
            );
        }
        if gap.start < sequence {
            gaps.insert(
                at,
                Gap {
                    start: gap.start,
                    end: sequence,
                },
            );
        }
        if gaps.is_empty() {
            self.gaps.remove(&pair);
        }
        true
    }

    /// Books a message that is not loadgen's, or of another run.
    pub(crate) fn on_foreign(&mut self) {
        self.counts.unexpected += 1;
    }

    /// Books a message whose checksum does not fit.
    pub(crate) fn on_corrupt(&mut self) {
        self.counts.corrupt += 1;
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> AuditCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
