//! PUBLISH from a client: where the message goes, and when it is acknowledged.
//!
//! QoS 0 leaves no trace here. QoS 1 and 2 are acknowledged at once when no other shard and no log is
//! involved and nothing older waits; otherwise through the session's gate. A QoS 2 message is routed when
//! its identifier is first seen, and never again before PUBREL.

use ringmq_codec::{
    Packet, PacketId, Properties, PropertiesBuffer, Qos, ReasonCode, TopicName,
    packet::{Ack, Publish},
};

use crate::deliver::Delivery;
use crate::gate::{GateEntry, Taken, Ticket};
use crate::ids::SessionIndex;
use crate::placement::bit;
use crate::publish_frame::Message;
use crate::session::SessionId;
use crate::{CloseReason, ConnectionId, LogPosition, Millis, Outputs, Shard, forwarded};

/// Where a message went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Routed {
    /// Other shards, as a bit set.
    pub(crate) shards: u64,
    /// What this shard's sessions made of it.
    pub(crate) taken: Taken,
}

impl Shard {
    /// A message of a client.
    pub(crate) fn on_publish(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        publish: Publish<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        self.stats.publishes_received_total += 1;
        self.stats.publish_bytes_received_total += publish.payload.len() as u64;
        let Some(topic) = publish.topic else {
            return Err(CloseReason::Refused(ReasonCode::TopicAliasInvalid));
        };
        if let Some(packet_id) = publish.packet_id {
            self.count_receiving(id)?;
            if publish.qos == Qos::ExactlyOnce && self.is_repeated(id, index, packet_id, outputs) {
                return Ok(());
            }
        }
        let mut buffer = std::mem::take(&mut self.properties_buffer);
        let handled = self.take_publish(id, index, topic, &publish, &mut buffer, outputs);
        self.properties_buffer = buffer;
        handled
    }

    /// Routes a message that was not taken before, and answers for it.
    fn take_publish(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        topic: TopicName<'_>,
        publish: &Publish<'_>,
        buffer: &mut PropertiesBuffer,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let (broker, properties) = forwarded::split(publish.properties, buffer);
        // This broker's Topic Alias Maximum is 0. [v5 MQTT-3.3.2-9]
        if broker.has_topic_alias {
            return Err(CloseReason::Refused(ReasonCode::TopicAliasInvalid));
        }
        if broker.has_subscription_identifier {
            return Err(CloseReason::Refused(ReasonCode::ProtocolError));
        }
        if levels(topic.as_str()) > usize::from(self.settings.topic_levels_max) {
            return Err(CloseReason::Refused(ReasonCode::TopicNameInvalid));
        }
        if topic.as_str().starts_with("$SYS/") {
            self.refuse_publish(index, publish, outputs);
            return Ok(());
        }
        let message = Message {
            topic,
            topic_hash: self.index.fingerprint(topic.as_str()),
            properties,
            payload: publish.payload,
            qos: publish.qos,
            retain: publish.retain,
            expires: broker
                .message_expiry_secs
                .map(|secs| Millis(self.now.0 + u64::from(secs) * 1_000)),
            publisher: Some(index),
        };
        let waiter = publish.packet_id.map(|_| self.next_ticket(index));
        let routed = self.route(&message, waiter, outputs);
        if let Some(packet_id) = publish.packet_id {
            let log = self.append(&message, outputs);
            self.answer_publish(id, index, publish.qos, packet_id, (routed, log), outputs);
        }
        self.pause_for_links(id, routed.shards, outputs);
        Ok(())
    }

    /// Gives the message to this shard's subscribers and appends it to the batches of other shards that
    /// want it, and of its home when it is retained.
    pub(crate) fn route(
        &mut self,
        message: &Message<'_>,
        waiter: Option<(SessionId, Ticket)>,
        outputs: &mut Outputs,
    ) -> Routed {
        let own = bit(self.id);
        let matches = self.index.find(message.topic, message.topic_hash);
        let live = matches.shards | own;
        let mut taken = Taken::default();
        if !matches.subscribers.is_empty() {
            taken = Delivery {
                now: self.now,
                settings: &self.settings,
                sessions: &mut self.sessions,
                messages: &mut self.messages,
                live_topics: &mut self.live_topics,
                draining: &mut self.draining,
                scratch: &mut self.scratch,
                stats: &mut self.stats,
                outputs,
            }
            .fan_out(message, matches.subscribers);
        }
        let mut shards = live & !own;
        let mut retain_seq = 0;
        if message.retain {
            let home = self.placement.home_of_topic(message.topic_hash);
            retain_seq = self.matrix.publish(home);
            if home == self.id {
                taken.merge(self.keep_retained(message, self.id, retain_seq, live));
                self.answer_parked_queries(outputs);
            } else {
                shards |= bit(home);
            }
        }
        if shards != 0 {
            let item = (message, retain_seq, live);
            self.stats.crossings_total += u64::from(shards.count_ones());
            self.links.append(item, shards, waiter);
        }
        Routed { shards, taken }
    }

    /// The message for `$SYS` is the broker's alone: discarded, and v5 is told. [v5 3.4.2.1]
    fn refuse_publish(
        &mut self,
        index: SessionIndex,
        publish: &Publish<'_>,
        outputs: &mut Outputs,
    ) {
        let Some(packet_id) = publish.packet_id else {
            return;
        };
        let inbound = self.sessions.get_mut(index).inbound.get_or_insert_default();
        if publish.qos == Qos::ExactlyOnce {
            inbound.insert(packet_id);
        }
        let refused = GateEntry {
            packet_id,
            qos: publish.qos,
            attached: true,
            waiting: 0,
            reason: Some(ReasonCode::NotAuthorized),
            taken: Taken::default(),
            log: LogPosition(0),
        };
        inbound.gate.push(refused);
        self.open_gate(index, outputs);
    }

    /// Holds the client to the Receive Maximum of CONNACK. [v5 MQTT-3.3.4-9]
    fn count_receiving(&mut self, id: ConnectionId) -> Result<(), CloseReason> {
        let receive_max = self.settings.receive_max;
        let connection = self.connections.get_mut(id).expect("parse has looked");
        connection.receiving = connection.receiving.saturating_add(1);
        if connection.version.is_v5() && connection.receiving > receive_max {
            return Err(CloseReason::Refused(ReasonCode::ReceiveMaximumExceeded));
        }
        Ok(())
    }

    /// Whether a QoS 2 message with this identifier was taken before. It is then answered again, now or
    /// when its gate opens; if not, the identifier is noted.
    fn is_repeated(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        packet_id: PacketId,
        outputs: &mut Outputs,
    ) -> bool {
        let inbound = self.sessions.get_mut(index).inbound.get_or_insert_default();
        if !inbound.has_received(packet_id) {
            inbound.insert(packet_id);
            return false;
        }
        if inbound.gate.is_empty() {
            self.send_acknowledgement(
                id,
                Qos::ExactlyOnce,
                packet_id,
                ReasonCode::Success,
                outputs,
            );
        } else {
            // PUBRECs leave in the order of the PUBLISHes, repeated ones too. [v5 MQTT-4.6.0-3]
            inbound.gate.repeat(packet_id);
        }
        true
    }

    fn next_ticket(&self, index: SessionIndex) -> (SessionId, Ticket) {
        let inbound = self.sessions.get(index).inbound.as_ref();
        let ticket = inbound.map_or(Ticket(0), |inbound| inbound.gate.next_ticket());
        (self.sessions.id(index), ticket)
    }

    /// Acknowledges the publish, or has it wait for what it depends on.
    fn answer_publish(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        qos: Qos,
        packet_id: PacketId,
        (routed, log): (Routed, LogPosition),
        outputs: &mut Outputs,
    ) {
        let session = self.sessions.get_mut(index);
        let nothing_waits = session.inbound.as_ref().is_none_or(|it| it.gate.is_empty());
        if routed.shards == 0 && log <= self.log.durable() && nothing_waits {
            self.acknowledge(id, index, (qos, packet_id), routed.taken.reason(), outputs);
            return;
        }
        let gate = &mut session.inbound.get_or_insert_default().gate;
        gate.push(GateEntry {
            packet_id,
            qos,
            attached: true,
            waiting: routed.shards.count_ones() as u8,
            reason: None,
            taken: routed.taken,
            log,
        });
        let waiting = gate.len();
        if log > self.log.durable() {
            let session = self.sessions.id(index);
            self.log.wait(log, session);
        }
        self.pause_for_gate(id, waiting, outputs);
    }

    /// Lets out every acknowledgement of the session that nothing holds back.
    pub(crate) fn open_gate(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        let durable = self.log.durable();
        let connection = self.sessions.hot(index).live_connection();
        loop {
            let Some(inbound) = &mut self.sessions.get_mut(index).inbound else {
                return;
            };
            let Some(entry) = inbound.gate.pop_ready(durable) else {
                let waiting = inbound.gate.len();
                if let Some(id) = connection {
                    self.unpause_for_gate(id, waiting);
                }
                return;
            };
            let reason = entry.reason.unwrap_or(entry.taken.reason());
            if let Some(id) = connection
                && entry.attached
            {
                self.acknowledge(id, index, (entry.qos, entry.packet_id), reason, outputs);
            } else if reason.is_error()
                && entry.qos == Qos::ExactlyOnce
                && !inbound.gate.answer_repeated(entry.packet_id, reason)
            {
                // Nobody took it and nobody was told: the client's repetition is a new message.
                inbound.remove(entry.packet_id);
            }
        }
    }

    /// PUBACK or PUBREC. A PUBREC that reports a failure ends the QoS 2 exchange. [v5 MQTT-4.3.3-9]
    fn acknowledge(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        (qos, packet_id): (Qos, PacketId),
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let ends = qos == Qos::AtLeastOnce || (reason.is_error() && connection.version.is_v5());
        if ends {
            connection.receiving = connection.receiving.saturating_sub(1);
            if qos == Qos::ExactlyOnce
                && let Some(inbound) = &mut self.sessions.get_mut(index).inbound
            {
                inbound.remove(packet_id);
            }
        }
        self.send_acknowledgement(id, qos, packet_id, reason, outputs);
    }

    fn send_acknowledgement(
        &mut self,
        id: ConnectionId,
        qos: Qos,
        packet_id: PacketId,
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) {
        let ack = Ack {
            packet_id,
            reason,
            properties: Properties::EMPTY,
        };
        let packet = if qos == Qos::AtLeastOnce {
            Packet::PubAck(ack)
        } else {
            Packet::PubRec(ack)
        };
        self.send(id, &packet, outputs);
    }
}

fn levels(topic: &str) -> usize {
    memchr::memchr_iter(b'/', topic.as_bytes()).count() + 1
}
