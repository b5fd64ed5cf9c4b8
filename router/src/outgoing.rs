//! What waits for one client: messages in flight towards it, and the queue behind them.
//!
//! A session has this only once it was needed. Delivery fills it, acknowledgements empty it. The order of
//! both lists is the order in which the client gets the messages and must never change.

use std::collections::VecDeque;

use ringmq_codec::{PacketId, Qos};

use crate::message::MessageIndex;
use crate::subscription_identifier::HeldIdentifiers;

/// A message sent, or to be sent again, and not acknowledged to the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    pub(crate) packet_id: PacketId,
    pub(crate) stage: Stage,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) identifiers: HeldIdentifiers,
    /// Whether the present connection has got it; false after a resume until it was sent again.
    pub(crate) sent: bool,
}

/// How far a message in flight has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// PUBLISH sent; PUBACK or PUBREC awaited.
    Published(MessageIndex),
    /// PUBREL sent; PUBCOMP awaited.
    Released,
}

/// A message that waits for room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queued {
    pub(crate) message: MessageIndex,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) identifiers: HeldIdentifiers,
}

/// Room that an empty list may keep, entries: an ordinary window needs no more.
const LIST_KEPT: usize = 32;

/// Window and queue of one session.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    in_flight: VecDeque<InFlight>,
    /// Messages in flight that the present connection has not got yet.
    unsent: u32,
    /// Identifiers, from the next one to be given on, that are known to be free.
    free_ids: u16,
    pub(crate) queue: VecDeque<Queued>,
    /// Bytes of the messages in the queue.
    pub(crate) queue_bytes: u64,
}

impl Outgoing {
    /// Messages the present connection has got and not acknowledged.
    pub(crate) fn outstanding(&self) -> usize {
        self.in_flight.len() - self.unsent as usize
    }

    /// Whether messages must be sent again before anything new.
    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent > 0
    }

    pub(crate) fn in_flight_len(&self) -> usize {
        self.in_flight.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.in_flight.is_empty() && self.queue.is_empty()
    }

    /// Gives out an identifier that no message in flight has: the first from `next` on, which moves on.
    /// [v5 MQTT-2.2.1-4]
    #[inline]
    pub(crate) fn take_packet_id(&mut self, next: &mut PacketId) -> PacketId {
        let id = if self.free_ids == 0 {
            self.search_free_id(*next)
        } else {
            self.free_ids -= 1;
            *next
        };
        *next = id.next();
        id
    }

    /// Looks at the window, and how far the identifiers are free, so that the next look is far off.
    fn search_free_id(&mut self, mut id: PacketId) -> PacketId {
        loop {
            let in_flight = self.in_flight.iter();
            let steps = in_flight.map(|it| id.steps_to(it.packet_id)).min();
            match steps {
                Some(0) => id = id.next(),
                steps => {
                    self.free_ids = steps.unwrap_or(u16::MAX) - 1;
                    return id;
                }
            }
        }
    }

    /// Adds a message that is being sent.
    pub(crate) fn push_in_flight(&mut self, in_flight: InFlight) {
        self.in_flight.push_back(in_flight);
    }

    /// Where the message in flight with this identifier is. Clients mostly answer in order.
    #[inline]
    pub(crate) fn position(&self, id: PacketId) -> Option<usize> {
        let oldest = self.in_flight.front()?.packet_id;
        if oldest == id {
            return Some(0);
        }
        let likely = usize::from(oldest.steps_to(id));
        match self.in_flight.get(likely) {
            Some(it) if it.packet_id == id => Some(likely),
            _ => self.in_flight.iter().position(|it| it.packet_id == id),
        }
    }

    /// The message in flight at a position.
    #[inline]
    pub(crate) fn at(&mut self, position: usize) -> &mut InFlight {
        &mut self.in_flight[position]
    }

    /// Takes the message at a position out of flight.
    #[inline]
    pub(crate) fn remove_at(&mut self, position: usize) {
        let removed = match position {
            0 => self.in_flight.pop_front(),
            _ => self.in_flight.remove(position),
        };
        if removed.is_some_and(|it| !it.sent) {
            self.unsent -= 1;
        }
    }

    /// Takes out of flight the QoS 1 messages that wait for their PUBACK and that `which` names, in order.
    pub(crate) fn take_in_flight(
        &mut self,
        mut which: impl FnMut(MessageIndex) -> bool,
    ) -> Vec<Queued> {
        let mut taken = Vec::new();
        let Outgoing {
            in_flight, unsent, ..
        } = self;
        in_flight.retain(|it| match it.stage {
            Stage::Published(message) if it.qos == Qos::AtLeastOnce && which(message) => {
                *unsent -= u32::from(!it.sent);
                taken.push(Queued {
                    message,
                    qos: it.qos,
                    retain: it.retain,
                    identifiers: it.identifiers,
                });
                false
            }
            _ => true,
        });
        taken
    }

    /// Takes out of the queue what `which` names, in order; the caller knows the messages' bytes.
    pub(crate) fn take_queued(
        &mut self,
        mut which: impl FnMut(MessageIndex) -> bool,
    ) -> Vec<Queued> {
        let mut taken = Vec::new();
        self.queue.retain(|queued| {
            let goes = which(queued.message);
            if goes {
                taken.push(*queued);
            }
            !goes
        });
        taken
    }

    /// The connection is gone: what is in flight must be sent again.
    pub(crate) fn mark_unsent(&mut self) {
        for in_flight in &mut self.in_flight {
            in_flight.sent = false;
        }
        self.unsent = self.in_flight.len() as u32;
    }

    /// The next message to be sent again. It counts as sent.
    pub(crate) fn next_unsent(&mut self) -> Option<InFlight> {
        if self.unsent == 0 {
            return None;
        }
        let next = self.in_flight.iter_mut().find(|it| !it.sent)?;
        next.sent = true;
        self.unsent -= 1;
        Some(*next)
    }

    /// All in flight, oldest first.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.in_flight.iter()
    }

    /// Gives back what a burst has left behind, once nothing waits.
    pub(crate) fn trim(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > LIST_KEPT {
            self.queue = VecDeque::new();
        }
        if self.in_flight.capacity() > LIST_KEPT && self.in_flight.len() <= LIST_KEPT / 2 {
            self.in_flight.shrink_to(LIST_KEPT);
        }
    }

    /// Memory without the messages, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let lists = self.in_flight.capacity() * size_of::<InFlight>()
            + self.queue.capacity() * size_of::<Queued>();
        (size_of::<Outgoing>() + lists) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, Outgoing, Stage};
    use crate::subscription_identifier::HeldIdentifiers;
    use ringmq_codec::{PacketId, Qos};

    fn id(number: u16) -> PacketId {
        PacketId::new(number).expect("not zero")
    }

    fn put_in_flight(outgoing: &mut Outgoing, packet_id: PacketId) {
        outgoing.push_in_flight(InFlight {
            packet_id,
            stage: Stage::Released,
            qos: Qos::ExactlyOnce,
            retain: false,
            identifiers: HeldIdentifiers::NONE,
            sent: true,
        });
    }

    fn with_in_flight(ids: std::ops::RangeInclusive<u16>) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for number in ids {
            put_in_flight(&mut outgoing, id(number));
        }
        outgoing
    }

    fn remove(outgoing: &mut Outgoing, number: u16) {
        let position = outgoing.position(id(number)).expect("in flight");
        assert_eq!(outgoing.at(position).packet_id, id(number));
        outgoing.remove_at(position);
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_in_its_order() {
        let mut outgoing = with_in_flight(1..=4);
        remove(&mut outgoing, 2);
        outgoing.mark_unsent();
        assert_eq!((outgoing.outstanding(), outgoing.has_unsent()), (0, true));
        assert_eq!(outgoing.next_unsent().map(|it| it.packet_id), Some(id(1)));
        assert_eq!(outgoing.outstanding(), 1);
        // Acknowledged by its identifier before it was sent again.
        remove(&mut outgoing, 3);
        assert_eq!(outgoing.next_unsent().map(|it| it.packet_id), Some(id(4)));
        assert!(outgoing.next_unsent().is_none());
        assert_eq!((outgoing.outstanding(), outgoing.in_flight_len()), (2, 2));
    }

    #[test]
    fn a_burst_leaves_no_memory_behind() {
        let mut outgoing = with_in_flight(1..=1_000);
        let burst = outgoing.bytes();
        for number in 1..=1_000 {
            remove(&mut outgoing, number);
        }
        outgoing.trim();
        assert!(outgoing.bytes() < burst / 10);
    }

    #[test]
    fn an_unknown_identifier_is_nowhere() {
        let outgoing = with_in_flight(1..=2);
        assert_eq!(outgoing.position(id(9)), None);
        assert_eq!(outgoing.position(id(2)), Some(1));
    }

    /// Identifiers go round while some messages stay in flight; none is given twice.
    #[test]
    fn an_identifier_in_flight_is_passed_over() {
        let mut outgoing = Outgoing::default();
        let mut next = PacketId::FIRST;
        let stay = [1, 2, 700, 65_535];
        for number in 0..200_000_u32 {
            let id = outgoing.take_packet_id(&mut next);
            assert_eq!(outgoing.position(id), None, "identifier {number}");
            put_in_flight(&mut outgoing, id);
            let oldest = outgoing.in_flight().map(|it| it.packet_id.get());
            let answered = oldest.into_iter().find(|it| !stay.contains(it));
            if outgoing.in_flight_len() > 8 + stay.len() {
                remove(&mut outgoing, answered.expect("more than those that stay"));
            }
        }
        assert!(stay.iter().all(|it| outgoing.position(id(*it)).is_some()));
    }
}
