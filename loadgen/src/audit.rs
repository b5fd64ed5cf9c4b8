//! The audit: which messages were lost, duplicated, reordered, unexpected or corrupt.
//!
//! The run reports every delivery here. For each stream and audience (a subscriber, or all members of a
//! shared subscription together) it keeps the next sequence number and, only where something is missing, a
//! bounded list of gaps: constant memory however long the run. It allocates only when something goes
//! wrong, and it must never judge by time.

mod gaps;

use std::collections::HashMap;

use crate::audit::gaps::Gaps;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;
use crate::limits::{GAPS_MAX, GAPS_OF_SHARE_MAX, ORDER_PAIRS_MAX};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct AuditCounts {
    /// Different messages delivered, each counted once per audience.
    pub(crate) delivered: u64,
    /// Deliveries of a message its audience already had.
    pub(crate) duplicated: u64,
    /// Messages that came after a later one of the same stream, on the same connection.
    pub(crate) reordered: u64,
    /// Messages that are not of this run, or not for that subscriber.
    pub(crate) unexpected: u64,
    /// Messages whose checksum does not fit.
    pub(crate) corrupt: u64,
}

impl AuditCounts {
    /// Adds those of another loop.
    pub(crate) fn add(&mut self, other: &AuditCounts) {
        self.delivered += other.delivered;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.unexpected += other.unexpected;
        self.corrupt += other.corrupt;
    }
}

/// Where an audience's part of the table lies.
#[derive(Clone, Copy, Debug)]
struct Heard {
    first: u32,
    count: u32,
    base: usize,
}

/// The books of one run.
#[derive(Debug)]
pub(crate) struct Audit {
    layout: Layout,
    heard: Vec<Heard>,
    next: Vec<u64>,
    gaps: HashMap<usize, Gaps>,
    /// Shared subscriptions: the number behind the last one of each stream that each member got, by
    /// member, then stream. Empty otherwise, and where that would be too large a table.
    member_next: Vec<u32>,
    counts: AuditCounts,
}

impl Audit {
    /// Books for every stream that every audience is to hear.
    pub(crate) fn new(layout: &Layout) -> Audit {
        let mut base = 0;
        let heard = (0..layout.audiences())
            .map(|audience| {
                let streams = layout.heard_by(SubscriberId(audience));
                let heard = Heard {
                    first: streams.start,
                    count: streams.end - streams.start,
                    base,
                };
                base += streams.len();
                heard
            })
            .collect();
        let member_pairs = match Audit::judges_order(layout) && layout.shares > 0 {
            true => layout.subscribers as usize * layout.streams as usize,
            false => 0,
        };
        Audit {
            layout: *layout,
            heard,
            next: vec![0; base],
            gaps: HashMap::new(),
            member_next: vec![0; member_pairs],
            counts: AuditCounts::default(),
        }
    }

    /// Whether the order of messages is looked at. Members of a shared subscription each need a table of
    /// all streams for it, which a large run has no room for.
    pub(crate) fn judges_order(layout: &Layout) -> bool {
        let pairs = layout.subscribers as usize * layout.streams as usize;
        layout.shares == 0 || pairs <= ORDER_PAIRS_MAX
    }

    /// Books one delivery.
    #[inline]
    pub(crate) fn on_delivery(
        &mut self,
        subscriber: SubscriberId,
        stream: StreamId,
        sequence: u64,
    ) -> Verdict {
        let heard = self.heard[self.layout.audience_of(subscriber) as usize];
        let offset = stream.0.wrapping_sub(heard.first);
        if offset >= heard.count {
            self.counts.unexpected += 1;
            return Verdict::Unexpected;
        }
        let pair = heard.base + offset as usize;
        let next = &mut self.next[pair];
        let verdict = if sequence == *next {
            *next += 1;
            self.counts.delivered += 1;
            Verdict::New
        } else {
            self.on_disorder(pair, sequence)
        };
        if !self.member_next.is_empty() && verdict != Verdict::Duplicate {
            self.order_of_member(subscriber, stream, sequence);
        }
        verdict
    }

    /// Each member of a shared subscription gets its part of a stream in order.
    fn order_of_member(&mut self, member: SubscriberId, stream: StreamId, sequence: u64) {
        let at = member.at() * self.layout.streams as usize + stream.at();
        let next = &mut self.member_next[at];
        if sequence < u64::from(*next) {
            self.counts.reordered += 1;
        } else {
            *next = u32::try_from(sequence + 1).unwrap_or(u32::MAX);
        }
    }

    /// Something is missing before this message, or it comes late, or again.
    #[cold]
    fn on_disorder(&mut self, pair: usize, sequence: u64) -> Verdict {
        let is_shared = self.layout.shares > 0;
        let next = self.next[pair];
        if sequence > next {
            let gaps_max = if is_shared {
                GAPS_OF_SHARE_MAX
            } else {
                GAPS_MAX
            };
            let gaps = self.gaps.entry(pair).or_default();
            gaps.open(next, sequence, gaps_max);
            self.next[pair] = sequence + 1;
            self.counts.delivered += 1;
            return Verdict::New;
        }
        if !self.fill(pair, sequence) {
            self.counts.duplicated += 1;
            return Verdict::Duplicate;
        }
        self.counts.delivered += 1;
        if is_shared {
            // One member may be ahead of another.
            return Verdict::New;
        }
        self.counts.reordered += 1;
        Verdict::Late
    }

    /// Takes a sequence number out of what is missing; false when it is not missing.
    fn fill(&mut self, pair: usize, sequence: u64) -> bool {
        let Some(gaps) = self.gaps.get_mut(&pair) else {
            return false;
        };
        let was_missing = gaps.fill(sequence);
        if gaps.is_empty() {
            self.gaps.remove(&pair);
        }
        was_missing
    }

    /// Books a message that is not loadgen's, or of another run.
    pub(crate) fn on_foreign(&mut self) {
        self.counts.unexpected += 1;
    }

    /// Books a message whose checksum does not fit.
    pub(crate) fn on_corrupt(&mut self) {
        self.counts.corrupt += 1;
    }

    /// Bytes that are kept while nothing is missing.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.next.capacity() * size_of::<u64>() + self.member_next.capacity() * size_of::<u32>()
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> AuditCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
