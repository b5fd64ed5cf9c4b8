//! The acknowledgement gate: PUBACK and PUBREC of one session leave in the order of its publishes, each
//! when every shard the message went to has taken it and the log, if there is one, holds it.
//!
//! An entry whose connection is gone stays until it is answered, and is then let go in silence, as the
//! client will publish again.

use std::collections::VecDeque;

use ringmq_codec::{PacketId, Qos, ReasonCode};

use crate::LogPosition;
use crate::link::NotTaken;

/// Names an entry of one session's gate; grows by one per entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u32);

/// Whether any session took a message, over all shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) taken: bool,
    pub(crate) dropped: bool,
}

impl Taken {
    pub(crate) const YES: Taken = Taken {
        taken: true,
        dropped: false,
    };
    pub(crate) const DROPPED: Taken = Taken {
        taken: false,
        dropped: true,
    };

    pub(crate) fn merge(&mut self, other: Taken) {
        self.taken |= other.taken;
        self.dropped |= other.dropped;
    }

    /// What a v5 publisher is told.
    pub(crate) fn reason(self) -> ReasonCode {
        match self {
            Taken { taken: true, .. } => ReasonCode::Success,
            Taken { dropped: true, .. } => ReasonCode::QuotaExceeded,
            _ => ReasonCode::NoMatchingSubscribers,
        }
    }

    /// What the publisher's shard is told; `None` when the message was taken.
    pub(crate) fn exception(self) -> Option<NotTaken> {
        match self {
            Taken { taken: true, .. } => None,
            Taken { dropped: true, .. } => Some(NotTaken::Dropped),
            _ => Some(NotTaken::NoMatch),
        }
    }

    /// The other shard's answer.
    pub(crate) fn from_answer(answer: Option<NotTaken>) -> Taken {
        match answer {
            None => Taken::YES,
            Some(NotTaken::Dropped) => Taken::DROPPED,
            Some(NotTaken::NoMatch) => Taken::default(),
        }
    }
}

/// A publish that waits for its acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GateEntry {
    pub(crate) packet_id: PacketId,
    pub(crate) qos: Qos,
    /// The present connection sent it and is owed the answer.
    pub(crate) attached: bool,
    /// Answers of other shards that are awaited.
    pub(crate) waiting: u32,
    pub(crate) taken: Taken,
    /// The answer when it does not follow from `taken`.
    pub(crate) reason: Option<ReasonCode>,
    /// The record that must be durable first; 0 is always.
    pub(crate) log: LogPosition,
}

/// Room that an empty gate may keep, entries.
const ENTRIES_KEPT: usize = 32;

/// The gate of one session.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Ticket of the first entry.
    first: u32,
    entries: VecDeque<GateEntry>,
}

impl Gate {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The ticket the next entry will have.
    pub(crate) fn next_ticket(&self) -> Ticket {
        Ticket(self.first.wrapping_add(self.entries.len() as u32))
    }

    /// Appends an entry.
    pub(crate) fn push(&mut self, entry: GateEntry) {
        self.entries.push_back(entry);
    }

    /// A shard has answered for the entry.
    pub(crate) fn answer(&mut self, ticket: Ticket, taken: Taken) {
        let place = ticket.0.wrapping_sub(self.first) as usize;
        if let Some(entry) = self.entries.get_mut(place) {
            entry.waiting = entry.waiting.saturating_sub(1);
            entry.taken.merge(taken);
        }
    }

    /// The first entry, once nothing holds it back.
    pub(crate) fn pop_ready(&mut self, durable: LogPosition) -> Option<GateEntry> {
        let first = self.entries.front()?;
        if first.waiting > 0 || first.log > durable {
            return None;
        }
        self.first = self.first.wrapping_add(1);
        let entry = self.entries.pop_front();
        if self.entries.is_empty() && self.entries.capacity() > ENTRIES_KEPT {
            self.entries = VecDeque::new();
        }
        entry
    }

    /// The connection is gone: answers for its entries are not owed any more.
    pub(crate) fn detach(&mut self) {
        for entry in &mut self.entries {
            entry.attached = false;
        }
    }

    /// The client repeated a QoS 2 PUBLISH that was routed before: the present connection is owed the
    /// answer in its turn.
    pub(crate) fn repeat(&mut self, id: PacketId) {
        for entry in &mut self.entries {
            if entry.qos == Qos::ExactlyOnce && entry.packet_id == id {
                entry.attached = false;
            }
        }
        self.entries.push_back(GateEntry {
            packet_id: id,
            qos: Qos::ExactlyOnce,
            attached: true,
            waiting: 0,
            taken: Taken::default(),
            reason: Some(ReasonCode::Success),
            log: LogPosition(0),
        });
    }

    /// Gives the repetition of a message the answer that the message found; false when there is none.
    pub(crate) fn answer_repeated(&mut self, id: PacketId, reason: ReasonCode) -> bool {
        let repetition = self
            .entries
            .iter_mut()
            .find(|it| it.attached && it.qos == Qos::ExactlyOnce && it.packet_id == id);
        repetition
            .map(|entry| entry.reason = Some(reason))
            .is_some()
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        (self.entries.capacity() * size_of::<GateEntry>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, GateEntry, Taken, Ticket};
    use crate::LogPosition;
    use ringmq_codec::{PacketId, Qos, ReasonCode};

    fn push(gate: &mut Gate, id: u16, waiting: u32, log: u64) -> Ticket {
        let ticket = gate.next_ticket();
        gate.push(GateEntry {
            packet_id: PacketId::new(id).expect("not zero"),
            qos: Qos::AtLeastOnce,
            attached: true,
            waiting,
            taken: Taken::default(),
            reason: None,
            log: LogPosition(log),
        });
        ticket
    }

    fn ready(gate: &mut Gate, durable: u64) -> Vec<(u16, ReasonCode)> {
        let next = || gate.pop_ready(LogPosition(durable));
        std::iter::from_fn(next)
            .map(|entry| (entry.packet_id.get(), entry.taken.reason()))
            .collect()
    }

    #[test]
    fn entries_leave_in_order_when_all_have_answered() {
        let mut gate = Gate::default();
        let first = push(&mut gate, 1, 2, 0);
        let second = push(&mut gate, 2, 1, 0);
        push(&mut gate, 3, 0, 0);
        gate.answer(second, Taken::DROPPED);
        gate.answer(first, Taken::DROPPED);
        assert_eq!(ready(&mut gate, 0), []);
        gate.answer(first, Taken::YES);
        let expected = [
            (1, ReasonCode::Success),
            (2, ReasonCode::QuotaExceeded),
            (3, ReasonCode::NoMatchingSubscribers),
        ];
        assert_eq!(ready(&mut gate, 0), expected);
        assert!(gate.is_empty());
        // Tickets go on, and an answer for one that has left changes nothing.
        let fourth = push(&mut gate, 4, 1, 0);
        assert_eq!(fourth, Ticket(3));
        gate.answer(first, Taken::YES);
        assert_eq!(ready(&mut gate, 0), []);
    }

    #[test]
    fn the_log_holds_back_what_it_does_not_have() {
        let mut gate = Gate::default();
        push(&mut gate, 1, 0, 7);
        push(&mut gate, 2, 0, 8);
        assert_eq!(ready(&mut gate, 6), []);
        assert_eq!(ready(&mut gate, 7).len(), 1);
        assert_eq!(ready(&mut gate, 9).len(), 1);
    }

    #[test]
    fn tickets_outlive_the_overflow_of_their_number() {
        let mut gate = Gate {
            first: u32::MAX,
            ..Gate::default()
        };
        let last = push(&mut gate, 1, 1, 0);
        let wrapped = push(&mut gate, 2, 1, 0);
        assert_eq!((last, wrapped), (Ticket(u32::MAX), Ticket(0)));
        gate.answer(wrapped, Taken::YES);
        gate.answer(last, Taken::YES);
        assert_eq!(ready(&mut gate, 0).len(), 2);
    }
}
