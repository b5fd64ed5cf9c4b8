//! PUBLISH from a client: where the message goes.
//!
//! QoS 0 leaves no trace here. A QoS 2 message is routed when its identifier is first seen, and never
//! again before PUBREL. What the publisher is told stands in `puback`.

use ringmq_codec::{PropertiesBuffer, Qos, ReasonCode, packet::Publish};

use crate::gate::{Taken, Ticket};
use crate::placement::bit;
use crate::puback::{Owed, Publisher};
use crate::publish_frame::Message;
use crate::session::SessionId;
use crate::{CloseReason, LogPosition, Millis, Outputs, Shard, forwarded};

/// Where a message went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Routed {
    /// Other shards, as a bit set.
    pub(crate) shards: u64,
    /// What this shard's sessions made of it.
    pub(crate) taken: Taken,
    /// Its record in the durable log; 0 without one.
    pub(crate) log: LogPosition,
}

impl Shard {
    /// A message of a client.
    pub(crate) fn on_publish(
        &mut self,
        publisher: Publisher,
        publish: Publish<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        self.stats.publishes_received_total += 1;
        self.stats.publish_bytes_received_total += publish.payload.len() as u64;
        if let Some(packet_id) = publish.packet_id {
            self.count_receiving(publisher.connection)?;
            if publish.qos == Qos::ExactlyOnce && self.is_repeated(publisher, packet_id, outputs) {
                return Ok(());
            }
        }
        let mut buffer = std::mem::take(&mut self.properties_buffer);
        let handled = self.take_publish(publisher, &publish, &mut buffer, outputs);
        self.properties_buffer = buffer;
        handled
    }

    /// Routes a message that was not taken before, and answers for it.
    fn take_publish(
        &mut self,
        publisher: Publisher,
        publish: &Publish<'_>,
        buffer: &mut PropertiesBuffer,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let (broker, properties) = forwarded::split(publish.properties, buffer);
        // This broker's Topic Alias Maximum is 0. [v5 MQTT-3.3.2-9]
        let (Some(topic), false) = (publish.topic, broker.has_topic_alias) else {
            return Err(CloseReason::Refused(ReasonCode::TopicAliasInvalid));
        };
        if broker.has_subscription_identifier {
            return Err(CloseReason::Refused(ReasonCode::ProtocolError));
        }
        if levels(topic.as_str()) > usize::from(self.settings.topic_levels_max) {
            return Err(CloseReason::Refused(ReasonCode::TopicNameInvalid));
        }
        if topic.as_str().starts_with("$SYS/") {
            self.refuse_publish(publisher, publish, outputs);
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
            publisher: Some(publisher.session),
        };
        let waiter = publish
            .packet_id
            .map(|_| self.next_ticket(publisher.session));
        let mut routed = self.route(&message, waiter, outputs);
        if let Some(packet_id) = publish.packet_id {
            routed.log = self.append(&message, outputs);
            let qos = publish.qos;
            self.answer_publish(publisher, Owed { packet_id, qos }, routed, outputs);
        }
        self.pause_for_links(publisher.connection, routed.shards, outputs);
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
        let (index, mut delivery) = self.index_and_delivery(outputs);
        let matches = index.find(message.topic, message.topic_hash);
        let live = matches.shards | own;
        let mut taken = Taken::default();
        if !matches.subscribers.is_empty() {
            taken = delivery.fan_out(message, &matches);
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
        Routed {
            shards,
            taken,
            log: LogPosition(0),
        }
    }
}

fn levels(topic: &str) -> usize {
    memchr::memchr_iter(b'/', topic.as_bytes()).count() + 1
}
