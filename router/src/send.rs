//! Packets put out for one connection: the last step of a delivery, and of every answer.
//!
//! What is put out here goes out, so an alias counts as known and a message as in flight from here on.

use std::hash::BuildHasher;

use ringmq_codec::{Packet, PacketId, PacketType, Version};

use crate::deliver::Delivery;
use crate::ids::SessionIndex;
use crate::outgoing::Queued;
use crate::publish_frame::{self, Content, Envelope, TopicForm};
use crate::session::Flag;
use crate::{ConnectionId, Wait};

/// How long a packet of this type may wait for company.
pub(crate) fn wait_of(packet_type: PacketType) -> Wait {
    match packet_type {
        PacketType::PubAck | PacketType::PubRec | PacketType::PubComp => Wait::WhileBusy,
        PacketType::PubRel => Wait::Moment,
        _ => Wait::No,
    }
}

/// What was put out of one encoded form of one or more messages, for the counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) packets: u64,
    /// All payloads together, bytes.
    pub(crate) payload_bytes: u64,
    pub(crate) receivers: u64,
}

impl Sent {
    /// One packet, to so many.
    pub(crate) fn one(content: &Content<'_>, receivers: u64) -> Sent {
        Sent {
            packets: 1,
            payload_bytes: content.payload.len() as u64,
            receivers,
        }
    }
}

impl Delivery<'_> {
    /// Adds a message that is about to be sent to the session's window.
    pub(crate) fn put_in_flight(&mut self, index: SessionIndex, message: Queued) -> PacketId {
        self.stats.inflight_messages += 1;
        self.sessions.get_mut(index).put_in_flight(message)
    }

    /// Names the topic by an alias where the connection knows one or is to learn one. The packet must be put
    /// out then.
    pub(crate) fn name_topic(
        &mut self,
        index: SessionIndex,
        content: &Content<'_>,
        envelope: &mut Envelope<'_>,
    ) {
        let hot = self.sessions.hot(index);
        if !hot.is(Flag::Aliases) {
            return;
        }
        envelope.topic = TopicForm::SetsAlias(1);
        let len = publish_frame::frame_len(content, envelope);
        let has_room = len <= hot.packet_size_max as usize;
        envelope.topic = TopicForm::Full;
        if let Some(aliases) = self.sessions.get_mut(index).sent_aliases() {
            let hash = self.scratch.hasher.hash_one(content.topic);
            envelope.topic = aliases.name(content.topic, hash, has_room);
        }
    }

    /// Encodes a PUBLISH for one connection.
    pub(crate) fn send_publish(
        &mut self,
        to: ConnectionId,
        content: &Content<'_>,
        envelope: &Envelope<'_>,
    ) {
        let start = self.outputs.bytes.len();
        publish_frame::encode(content, envelope, self.now, &mut self.outputs.bytes);
        self.count_publishes(start, Sent::one(content, 1));
        self.outputs.send_to(start, to);
    }

    /// Encodes another packet for one connection; returns its length.
    pub(crate) fn send_packet(
        &mut self,
        to: ConnectionId,
        version: Version,
        packet: &Packet<'_>,
    ) -> u32 {
        let start = self.outputs.bytes.len();
        packet.encode(version, &mut self.outputs.bytes);
        let len = self.outputs.bytes.len() - start;
        self.stats.packets_sent_total += 1;
        self.stats.bytes_sent_total += len as u64;
        self.outputs
            .send_in_time(start, to, wait_of(packet.packet_type()));
        len as u32
    }

    /// Counts the packets from `start` to the end.
    pub(crate) fn count_publishes(&mut self, start: usize, sent: Sent) {
        let Sent {
            packets,
            payload_bytes,
            receivers,
        } = sent;
        self.stats.packets_sent_total += packets * receivers;
        self.stats.publishes_sent_total += packets * receivers;
        self.stats.publish_bytes_sent_total += payload_bytes * receivers;
        self.stats.bytes_sent_total += (self.outputs.bytes.len() - start) as u64 * receivers;
    }
}
