//! The end of a connection for its session, and the end of a session.
//!
//! A session ends with its connection when its expiry is zero, when its expiry is over, and when its
//! client starts clean. [v5 MQTT-3.1.2-23] [v3.1.1 MQTT-3.1.2-6] What waited for it is counted as dropped,
//! but for what another member of a shared subscription can take.

use ringmq_codec::Qos;

use crate::ids::SessionIndex;
use crate::outgoing::{Outgoing, Stage};
use crate::session::Flag;
use crate::{DropReason, Outputs, Shard};

impl Shard {
    /// The session's connection is gone. What the client has not acknowledged waits for the next one; what
    /// was QoS 0 does not.
    pub(crate) fn part_session(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        self.sessions.detach(index, self.now);
        self.set_member_connected(index, false);
        if self.sessions.get(index).expiry_secs == 0 {
            self.end_session(index, outputs);
            return;
        }
        self.give_on_from(index, outputs);
        self.drop_queued_qos0(index);
        let session = self.sessions.get_mut(index);
        if let Some(outgoing) = &mut session.outgoing {
            outgoing.mark_unsent();
            let waits = !outgoing.is_empty();
            if !waits {
                session.outgoing = None;
            }
            self.sessions.hot_mut(index).set(Flag::Queued, waits);
        }
        let session = self.sessions.get_mut(index);
        if let Some(inbound) = &mut session.inbound {
            inbound.gate.detach();
            if inbound.is_empty() {
                session.inbound = None;
            }
        }
        self.schedule_will(index, outputs);
        self.watch_session(index);
    }

    fn drop_queued_qos0(&mut self, index: SessionIndex) {
        let Some(outgoing) = &mut self.sessions.get_mut(index).outgoing else {
            return;
        };
        let before = outgoing.queue.len();
        let Outgoing {
            queue, queue_bytes, ..
        } = &mut **outgoing;
        queue.retain(|queued| {
            let stays = queued.qos != Qos::AtMostOnce;
            if !stays {
                *queue_bytes -= self.messages.get(queued.message).bytes.len() as u64;
                self.messages.release(queued.message, queued.identifiers);
            }
            stays
        });
        let dropped = (before - queue.len()) as u64;
        self.stats.queued_messages -= dropped;
        self.stats.drops.add(DropReason::ConnectionEnded, dropped);
    }

    /// Ends a session that has no connection: its subscriptions, all that waits for it, and last its will.
    pub(crate) fn end_session(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        self.end_replays(index);
        let mut session = self.sessions.remove(index);
        let mut outgoing = session.outgoing.take();
        let held = outgoing
            .as_mut()
            .map_or(Vec::new(), |outgoing| self.take_from_ended(outgoing));
        for &filter in session.subscriptions.as_slice() {
            if let Some(group) = filter.group() {
                self.leave_group_at_end(index, group);
            } else if let Some(unsubscribed) = self.index.unsubscribe_at(filter, index) {
                self.barriers.note_removal(unsubscribed.interest);
            }
        }
        if let Some(outgoing) = outgoing {
            self.release_outgoing(&outgoing);
        }
        self.give_on(None, held, outputs);
        self.publish_will(index, session.replace_will(None), outputs);
    }

    fn release_outgoing(&mut self, outgoing: &Outgoing) {
        let mut dropped = outgoing.queue.len() as u64;
        for queued in &outgoing.queue {
            self.messages.release(queued.message, queued.identifiers);
        }
        for in_flight in outgoing.in_flight() {
            if let Stage::Published(message) = in_flight.stage {
                self.messages.release(message, in_flight.identifiers);
                dropped += 1;
            }
        }
        self.stats.queued_messages -= outgoing.queue.len() as u64;
        self.stats.inflight_messages -= outgoing.in_flight_len() as u64;
        self.stats.drops.add(DropReason::SessionEnded, dropped);
    }
}
