//! Fan-out: one message to the sessions of this shard that want it.
//!
//! Called for every publish, local or from another shard, and for retained replays. A QoS 0 message to a
//! session that can take it at once touches 16 bytes of the session and allocates nothing; everything
//! else goes through [`Delivery::offer`]. Order per session is kept: once a message waits, all later ones
//! wait behind it.

use ringmq_codec::{Packet, PacketId, Qos, Version};

use crate::gate::Taken;
use crate::ids::SessionIndex;
use crate::index::Subscriber;
use crate::live_topics::LiveTopics;
use crate::message::{MessageIndex, MessageStore};
use crate::outgoing::{InFlight, Queued, Stage};
use crate::publish_frame::{self, Content, Envelope, Message};
use crate::session::{Flag, SessionId, Sessions};
use crate::{ConnectionId, DropReason, Millis, Outputs, Settings, Stats};

/// Receivers of one encoded form of a message, gathered during a fan-out and reused.
#[derive(Debug, Default)]
pub(crate) struct FanOutScratch {
    /// By [`variant_of`].
    receivers: [Vec<ConnectionId>; 4],
    /// The parts of a message that is being stored.
    pub(crate) joined: Vec<u8>,
    /// Encoded frames by [`form_of`], of the message whose [`Shared`] says which are there.
    templates: [Template; 8],
}

fn variant_of(version: Version, retain: bool) -> usize {
    usize::from(version.is_v5()) | usize::from(retain) << 1
}

/// Which template fits: by version, retain flag and QoS 1 or 2.
fn form_of(version: Version, retain: bool, qos: Qos) -> usize {
    variant_of(version, retain) | usize::from(qos == Qos::ExactlyOnce) << 2
}

/// The parts of a shard that take messages towards clients.
pub(crate) struct Delivery<'a> {
    pub(crate) now: Millis,
    pub(crate) settings: &'a Settings,
    pub(crate) sessions: &'a mut Sessions,
    pub(crate) messages: &'a mut MessageStore,
    /// Topics that replays must not repeat, as they went live meanwhile.
    pub(crate) live_topics: &'a mut LiveTopics,
    /// Sessions whose queues are drained on in the next tick.
    pub(crate) draining: &'a mut Vec<SessionId>,
    pub(crate) scratch: &'a mut FanOutScratch,
    pub(crate) stats: &'a mut Stats,
    pub(crate) outputs: &'a mut Outputs,
}

/// A message during one fan-out: stored, and encoded per form, only when a session asks for it.
pub(crate) struct Shared<'a> {
    content: Content<'a>,
    source: Source<'a>,
    /// Which of the templates are this message's, by [`form_of`].
    encoded: u8,
}

enum Source<'a> {
    Live(&'a Message<'a>),
    Stored(MessageIndex),
}

/// An encoded frame to be copied.
#[derive(Clone, Copy, Debug, Default)]
struct Template {
    /// In the bytes of the outputs.
    start: usize,
    end: usize,
    /// Place of the packet identifier within the frame.
    packet_id_at: usize,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(message: &'a Message<'a>) -> Shared<'a> {
        Shared {
            content: message.content(),
            source: Source::Live(message),
            encoded: 0,
        }
    }

    /// A reference to the stored message for one more session.
    fn store(&mut self, messages: &mut MessageStore, joined: &mut Vec<u8>) -> MessageIndex {
        match self.source {
            Source::Stored(index) => {
                messages.retain(index);
                index
            }
            Source::Live(message) => {
                let index = messages.add(message.to_stored(joined));
                self.source = Source::Stored(index);
                index
            }
        }
    }

    fn bytes(&self) -> u64 {
        let content = &self.content;
        (content.topic.len() + content.properties.len() + content.payload.len()) as u64
    }
}

impl Delivery<'_> {
    /// Gives the message to each subscriber. [v5 MQTT-3.3.4-2]
    pub(crate) fn fan_out(&mut self, message: &Message<'_>, subscribers: &[Subscriber]) -> Taken {
        let mut taken = Taken::default();
        let mut shared = Shared::new(message);
        let frame_lens = [Version::V311, Version::V5]
            .map(|version| publish_frame::frame_len(&shared.content, version, Qos::AtMostOnce));
        for subscriber in subscribers {
            let (session, options) = (subscriber.session, subscriber.options);
            if options.no_local() && message.publisher == Some(session) {
                continue;
            }
            let qos = message.qos.min(options.qos());
            let retain = message.retain && options.retain_as_published();
            let hot = self.sessions.hot(session);
            if message.retain && hot.is(Flag::Replaying) {
                self.live_topics.insert(session, message.topic_hash);
            }
            let len = frame_lens[usize::from(hot.version.is_v5())];
            if qos == Qos::AtMostOnce && hot.is_direct() && len <= hot.packet_size_max as usize {
                self.scratch.receivers[variant_of(hot.version, retain)].push(hot.connection);
                taken.taken = true;
            } else {
                taken.merge(self.offer(session, qos, retain, &mut shared));
            }
        }
        self.send_to_gathered(&shared.content);
        taken
    }

    /// Sends each encoded form once, to all receivers gathered for it.
    fn send_to_gathered(&mut self, content: &Content<'_>) {
        for version in [Version::V311, Version::V5] {
            for retain in [false, true] {
                let receivers = &mut self.scratch.receivers[variant_of(version, retain)];
                if receivers.is_empty() {
                    continue;
                }
                let envelope = Envelope {
                    version,
                    qos: Qos::AtMostOnce,
                    retain,
                    dup: false,
                    packet_id: PacketId::FIRST,
                };
                let start = self.outputs.bytes.len();
                publish_frame::encode(content, envelope, self.now, &mut self.outputs.bytes);
                let len = (self.outputs.bytes.len() - start) as u64;
                let count = receivers.len() as u64;
                self.outputs.send_to_all(start, receivers);
                receivers.clear();
                self.stats.packets_sent_total += count;
                self.stats.publishes_sent_total += count;
                self.stats.publish_bytes_sent_total += content.payload.len() as u64 * count;
                self.stats.bytes_sent_total += len * count;
            }
        }
    }

    /// Gives the message to one session: now if it can take it, later if it has room, or not at all.
    pub(crate) fn offer(
        &mut self,
        index: SessionIndex,
        qos: Qos,
        retain: bool,
        shared: &mut Shared<'_>,
    ) -> Taken {
        let hot = *self.sessions.hot(index);
        if !hot.is(Flag::Connected) {
            if qos == Qos::AtMostOnce {
                self.stats.drops.add(DropReason::OfflineQos0, 1);
                return Taken::YES;
            }
        } else if publish_frame::frame_len(&shared.content, hot.version, qos)
            > hot.packet_size_max as usize
        {
            // As if it had been delivered. [v5 MQTT-3.1.2-25]
            self.stats.drops.add(DropReason::PacketTooLarge, 1);
            return Taken::YES;
        } else if hot.is_direct() && (qos == Qos::AtMostOnce || self.sessions.get(index).has_room())
        {
            self.send_shared(index, qos, retain, shared);
            return Taken::YES;
        }
        self.enqueue(index, qos, retain, shared)
    }

    /// Puts the message behind what waits already, within the bounds of the queue.
    fn enqueue(
        &mut self,
        index: SessionIndex,
        qos: Qos,
        retain: bool,
        shared: &mut Shared<'_>,
    ) -> Taken {
        let outgoing = self
            .sessions
            .get_mut(index)
            .outgoing
            .get_or_insert_default();
        if outgoing.queue.len() >= self.settings.queue_messages_max as usize {
            self.stats.drops.add(DropReason::QueueMessages, 1);
            return Taken::DROPPED;
        }
        if outgoing.queue_bytes + shared.bytes() > u64::from(self.settings.queue_bytes_max) {
            self.stats.drops.add(DropReason::QueueBytes, 1);
            return Taken::DROPPED;
        }
        outgoing.queue_bytes += shared.bytes();
        outgoing.queue.push_back(Queued {
            message: shared.store(self.messages, &mut self.scratch.joined),
            qos,
            retain,
        });
        self.stats.queued_messages += 1;
        self.sessions.hot_mut(index).set(Flag::Queued, true);
        Taken::YES
    }

    fn send_shared(
        &mut self,
        index: SessionIndex,
        qos: Qos,
        retain: bool,
        shared: &mut Shared<'_>,
    ) {
        let hot = *self.sessions.hot(index);
        let mut envelope = Envelope {
            version: hot.version,
            qos,
            retain,
            dup: false,
            packet_id: PacketId::FIRST,
        };
        if qos == Qos::AtMostOnce {
            self.send_publish(hot.connection, &shared.content, envelope);
            return;
        }
        let message = shared.store(self.messages, &mut self.scratch.joined);
        envelope.packet_id = self.put_in_flight(index, message, qos, retain);
        let form = form_of(hot.version, retain, qos);
        let start = self.outputs.bytes.len();
        if shared.encoded & 1 << form == 0 {
            let out = &mut self.outputs.bytes;
            let at = publish_frame::encode(&shared.content, envelope, self.now, out);
            self.scratch.templates[form] = Template {
                start,
                end: out.len(),
                packet_id_at: at - start,
            };
            shared.encoded |= 1 << form;
        } else {
            let template = self.scratch.templates[form];
            let out = &mut self.outputs.bytes;
            out.extend_from_within(template.start..template.end);
            let at = start + template.packet_id_at;
            out[at..at + 2].copy_from_slice(&envelope.packet_id.get().to_be_bytes());
        }
        self.count_publish(start, shared.content.payload);
        self.outputs.send_to(start, hot.connection);
    }

    /// Adds a message that is about to be sent to the session's window.
    pub(crate) fn put_in_flight(
        &mut self,
        index: SessionIndex,
        message: MessageIndex,
        qos: Qos,
        retain: bool,
    ) -> PacketId {
        let session = self.sessions.get_mut(index);
        let packet_id = session.take_packet_id();
        let outgoing = session.outgoing.get_or_insert_default();
        outgoing.push_in_flight(InFlight {
            packet_id,
            stage: Stage::Published(message),
            qos,
            retain,
            sent: true,
        });
        self.stats.inflight_messages += 1;
        packet_id
    }

    /// Encodes a PUBLISH for one connection.
    pub(crate) fn send_publish(
        &mut self,
        to: ConnectionId,
        content: &Content<'_>,
        envelope: Envelope,
    ) {
        let start = self.outputs.bytes.len();
        publish_frame::encode(content, envelope, self.now, &mut self.outputs.bytes);
        self.count_publish(start, content.payload);
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
        self.outputs.send_to(start, to);
        len as u32
    }

    fn count_publish(&mut self, start: usize, payload: &[u8]) {
        self.stats.publish_bytes_sent_total += payload.len() as u64;
        self.stats.packets_sent_total += 1;
        self.stats.publishes_sent_total += 1;
        self.stats.bytes_sent_total += (self.outputs.bytes.len() - start) as u64;
    }
}
