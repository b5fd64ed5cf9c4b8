//! Giving a session what waits for it: after a resume, when its peer takes bytes again, and when an
//! acknowledgement makes room.
//!
//! First what was in flight on an earlier connection, then the queue. One call puts out a bounded number
//! of bytes, so that one long queue cannot fill a tick; the session then waits for its next turn in
//! `draining`.

use ringmq_codec::{Packet, Properties, Qos, ReasonCode, packet::Ack};

use crate::deliver::Delivery;
use crate::ids::SessionIndex;
use crate::limits::{DRAIN_BYTES_MAX, TICK_DRAIN_BYTES_MAX};
use crate::message::MessageIndex;
use crate::outgoing::{InFlight, Stage};
use crate::publish_frame::{Content, Envelope, frame_len};
use crate::session::Flag;
use crate::{DropReason, Shard};

impl Delivery<'_> {
    /// Sends as much of what waits for the session as it may have now.
    pub(crate) fn drain(&mut self, index: SessionIndex) {
        let start = self.outputs.bytes.len();
        while self.sessions.hot(index).takes_bytes() {
            if self.outputs.bytes.len() - start >= DRAIN_BYTES_MAX as usize {
                self.drain_on_later(index);
                break;
            }
            if !self.resend_next(index) && !self.send_next_queued(index) {
                break;
            }
        }
        let mut waits = false;
        if let Some(outgoing) = &mut self.sessions.get_mut(index).outgoing {
            waits = outgoing.has_unsent() || !outgoing.queue.is_empty();
            if !waits {
                outgoing.trim();
            }
        }
        self.sessions.hot_mut(index).set(Flag::Queued, waits);
    }

    pub(crate) fn drain_on_later(&mut self, index: SessionIndex) {
        let id = self.sessions.id(index);
        let hot = self.sessions.hot_mut(index);
        if !hot.is(Flag::Draining) {
            hot.set(Flag::Draining, true);
            self.draining.push(id);
        }
    }

    /// Sends the oldest message in flight that this connection has not got. False when there is none, or
    /// no room for it.
    fn resend_next(&mut self, index: SessionIndex) -> bool {
        let session = self.sessions.get_mut(index);
        let has_room = session.has_room();
        let Some(outgoing) = &mut session.outgoing else {
            return false;
        };
        if !has_room {
            return false;
        }
        let Some(in_flight) = outgoing.next_unsent() else {
            return false;
        };
        self.resend(index, in_flight);
        true
    }

    /// PUBLISH again with DUP, or PUBREL again. [v5 MQTT-4.4.0-1]
    fn resend(&mut self, index: SessionIndex, in_flight: InFlight) {
        let hot = *self.sessions.hot(index);
        match in_flight.stage {
            Stage::Published(message) => {
                let stored = self.messages.get(message).clone();
                let content = Content::of(&stored);
                let identifiers = self.messages.identifiers.read(in_flight.identifiers);
                // The topic in full: this connection may know no alias of the one before.
                let envelope = Envelope {
                    dup: true,
                    packet_id: in_flight.packet_id,
                    identifiers: identifiers.as_list(),
                    ..Envelope::plain(hot.version, in_flight.qos, in_flight.retain)
                };
                if frame_len(&content, &envelope) > hot.packet_size_max as usize {
                    self.give_up(index, in_flight, message);
                    return;
                }
                self.send_publish(hot.connection, &content, &envelope);
            }
            Stage::Released => {
                let ack = Ack {
                    packet_id: in_flight.packet_id,
                    reason: ReasonCode::Success,
                    properties: Properties::EMPTY,
                };
                self.send_packet(hot.connection, hot.version, &Packet::PubRel(ack));
            }
        }
    }

    /// The client takes smaller packets than on its earlier connection: as if it had the message.
    /// [v5 MQTT-3.1.2-25]
    fn give_up(&mut self, index: SessionIndex, in_flight: InFlight, message: MessageIndex) {
        if let Some(outgoing) = &mut self.sessions.get_mut(index).outgoing
            && let Some(position) = outgoing.position(in_flight.packet_id)
        {
            outgoing.remove_at(position);
        }
        self.messages.release(message, in_flight.identifiers);
        self.stats.inflight_messages -= 1;
        self.stats.drops.add(DropReason::PacketTooLarge, 1);
    }

    /// Sends the first of the queue, or drops it if its time is over. False when the queue is empty or
    /// must wait for room in the window.
    fn send_next_queued(&mut self, index: SessionIndex) -> bool {
        let session = self.sessions.get_mut(index);
        let has_room = session.has_room();
        let Some(outgoing) = &mut session.outgoing else {
            return false;
        };
        let Some(next) = outgoing.queue.front().copied() else {
            return false;
        };
        if outgoing.has_unsent() || (next.qos != Qos::AtMostOnce && !has_room) {
            return false;
        }
        outgoing.queue.pop_front();
        let stored = self.messages.get(next.message).clone();
        outgoing.queue_bytes -= stored.bytes.len() as u64;
        self.stats.queued_messages -= 1;
        let hot = *self.sessions.hot(index);
        let content = Content::of(&stored);
        let identifiers = self.messages.identifiers.read(next.identifiers);
        let mut envelope = Envelope {
            identifiers: identifiers.as_list(),
            ..Envelope::plain(hot.version, next.qos, next.retain)
        };
        let len = frame_len(&content, &envelope);
        let refused = if content.is_expired(self.now) {
            Some(DropReason::Expired)
        } else if len > hot.packet_size_max as usize {
            Some(DropReason::PacketTooLarge)
        } else {
            None
        };
        if let Some(reason) = refused {
            self.stats.drops.add(reason, 1);
            self.messages.release(next.message, next.identifiers);
            return true;
        }
        if next.qos == Qos::AtMostOnce {
            self.messages.release(next.message, next.identifiers);
        } else {
            envelope.packet_id = self.put_in_flight(index, next);
        }
        self.name_topic(index, &content, &mut envelope);
        self.send_publish(hot.connection, &content, &envelope);
        true
    }
}

impl Shard {
    /// Gives the session what waits for it, then goes on with its replays if nothing waits any more.
    pub(crate) fn drain_session(&mut self, index: SessionIndex, outputs: &mut crate::Outputs) {
        if self.sessions.hot(index).is(Flag::Queued) {
            self.delivery(outputs).drain(index);
        }
        if self.sessions.hot(index).is(Flag::Replaying) {
            self.feed_replays(index, outputs);
        }
    }

    /// Goes on with the sessions whose turn was over in an earlier tick, until this tick has put out its
    /// share; the others are the first of the next.
    pub(crate) fn drain_on(&mut self, outputs: &mut crate::Outputs) {
        let start = outputs.bytes.len();
        let mut waiting = std::mem::take(&mut self.draining).into_iter();
        for id in waiting.by_ref() {
            if let Some(index) = self.sessions.resolve(id) {
                self.sessions.hot_mut(index).set(Flag::Draining, false);
                self.drain_session(index, outputs);
            }
            if outputs.bytes.len() - start >= TICK_DRAIN_BYTES_MAX as usize {
                break;
            }
        }
        self.draining.splice(0..0, waiting);
    }

    /// The peer does not take bytes now.
    pub(crate) fn on_send_blocked(&mut self, connection: crate::ConnectionId) {
        if let Some(session) = self.session_of(connection) {
            self.sessions.hot_mut(session).set(Flag::Blocked, true);
        }
    }

    /// The peer takes bytes again.
    pub(crate) fn on_send_ready(
        &mut self,
        connection: crate::ConnectionId,
        outputs: &mut crate::Outputs,
    ) {
        if let Some(session) = self.session_of(connection) {
            self.sessions.hot_mut(session).set(Flag::Blocked, false);
            self.unpause_for_replies(connection);
            self.drain_session(session, outputs);
        }
    }
}
