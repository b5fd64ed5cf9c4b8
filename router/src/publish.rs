//! PUBLISH from a client: where the message goes.
//!
//! QoS 0 leaves no trace here. A QoS 2 message is routed when its identifier is first seen, and never
//! again before PUBREL. What the publisher is told stands in `puback`.

use ringmq_codec::packet::{Publish, PublishRun};
use ringmq_codec::{
    PropertiesBuffer, Qos, RawPacket, ReasonCode, TopicName, TopicNameBuffer, Version,
};

use crate::forwarded::{self, BrokerProperties};
use crate::gate::Taken;
use crate::ids::SessionIndex;
use crate::limits::KNOWN_TOPIC_BYTES_MAX;
use crate::link::Fingerprint;
use crate::placement::bit;
use crate::puback::{Owed, Publisher};
use crate::publish_frame::Message;
use crate::run::Run;
use crate::shared::Carried;
use crate::{CloseReason, ConnectionId, LogPosition, Millis, Outputs, Shard};

/// Where a message went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Routed {
    /// Other shards, as a bit set.
    pub(crate) shards: u64,
    /// Answers of other shards that are awaited; one may owe several.
    pub(crate) waiting: u32,
    /// What this shard's sessions made of it.
    pub(crate) taken: Taken,
    /// Its record in the durable log; 0 without one.
    pub(crate) log: LogPosition,
}

/// What one publish leaves for the next.
#[derive(Debug, Default)]
pub(crate) struct PublishScratch {
    last: KnownTopic,
    room: Room,
}

/// Memory that each publish uses anew.
#[derive(Debug, Default)]
struct Room {
    /// Forwarded properties, when some are left out.
    properties: PropertiesBuffer,
    /// The topic an alias stands for.
    aliased: String,
    /// The topic, if it is not that of the publish before.
    new: KnownTopic,
}

/// A topic that was validated and found to have no more levels than allowed. Publishers mostly say several
/// messages of one topic in a row.
#[derive(Debug, Default)]
struct KnownTopic {
    name: TopicNameBuffer,
    fingerprint: Fingerprint,
}

impl KnownTopic {
    /// Whether a topic that was decoded with this one in mind is it.
    fn is(&self, topic: TopicName<'_>) -> bool {
        let known = self.name.topic();
        known.is_some_and(|known| std::ptr::eq(known.as_str(), topic.as_str()))
    }
}

/// A PUBLISH as it came.
struct Came<'a> {
    publish: &'a Publish<'a>,
    raw: &'a RawPacket<'a>,
    /// All bytes there are from its start on.
    bytes: &'a [u8],
    version: Version,
    /// The topic of the publish before.
    last: &'a KnownTopic,
}

impl<'a> Came<'a> {
    /// The run that begins with it, of which those properties are forwarded.
    fn run(&self, properties: &[u8], packet_size_max: u32) -> Option<Run<'a>> {
        let packets = PublishRun::at(self.bytes, self.raw, self.publish, packet_size_max)?;
        // What is forwarded is never more than what came.
        let is_forwarded_whole = properties.len() == self.publish.properties.as_bytes().len();
        Some(Run {
            packets,
            verbatim: is_forwarded_whole.then_some(self.version),
        })
    }
}

impl Shard {
    /// A PUBLISH of a client, with all bytes from its start on. Returns how many bytes behind it are done with
    /// too, as they are of its run.
    pub(crate) fn on_publish(
        &mut self,
        publisher: Publisher,
        (raw, bytes): (RawPacket<'_>, &[u8]),
        version: Version,
        outputs: &mut Outputs,
    ) -> Result<usize, CloseReason> {
        // Boxed, so that it is out of the way for the price of a word.
        let mut scratch = self.publish_scratch.take().unwrap_or_default();
        let PublishScratch { last, room } = &mut *scratch;
        let handled = match Publish::decode(raw, version, last.name.topic()) {
            Ok(publish) => {
                let came = Came {
                    publish: &publish,
                    raw: &raw,
                    bytes,
                    version,
                    last,
                };
                self.take_publish(publisher, &came, room, outputs)
            }
            Err(error) => Err(CloseReason::Malformed(error)),
        };
        if room.new.name.topic().is_some() {
            std::mem::swap(last, &mut room.new);
            room.new.name.clear();
        }
        self.publish_scratch = Some(scratch);
        handled
    }

    /// Routes a message that was not taken before, and answers for it; and the run that begins with it.
    fn take_publish(
        &mut self,
        publisher: Publisher,
        came: &Came<'_>,
        room: &mut Room,
        outputs: &mut Outputs,
    ) -> Result<usize, CloseReason> {
        let publish = came.publish;
        self.stats.publishes_received_total += 1;
        self.stats.publish_bytes_received_total += publish.payload.len() as u64;
        let (broker, properties) = forwarded::split(publish.properties, &mut room.properties);
        if broker.has_subscription_identifier {
            return Err(CloseReason::Refused(ReasonCode::ProtocolError));
        }
        // Before all else: what a repeated message says of its alias holds too.
        let connection = publisher.connection;
        let topic = self.topic_of(connection, publish, broker.topic_alias, &mut room.aliased)?;
        if let Some(packet_id) = publish.packet_id {
            self.count_receiving(connection)?;
            if publish.qos == Qos::ExactlyOnce && self.is_repeated(publisher, packet_id, outputs) {
                return Ok(0);
            }
        }
        let topic_hash = if came.last.is(topic) {
            came.last.fingerprint
        } else {
            self.know(topic, &mut room.new)?
        };
        if let Err(reason) = self.check_publish(topic, publish, broker) {
            self.refuse_publish(publisher, publish, reason, outputs)?;
            return Ok(0);
        }
        let message = Message {
            topic,
            topic_hash,
            properties,
            payload: publish.payload,
            qos: publish.qos,
            retain: publish.retain,
            expires: broker
                .message_expiry_secs
                .map(|secs| Millis(self.now.0 + u64::from(secs) * 1_000)),
            publisher: Some(publisher.session),
        };
        let is_checked_alone = broker.payload_is_text && self.settings.validate_payload_format;
        if !is_checked_alone && let Some(run) = came.run(properties, self.settings.packet_size_max)
        {
            let done = self.route_run(connection, &message, &run, outputs);
            return Ok(done - came.raw.length);
        }
        let owed = publish.packet_id.map(|_| publisher.session);
        let mut routed = self.route(&message, owed, outputs);
        if let Some(packet_id) = publish.packet_id {
            routed.log = self.append(&message, outputs);
            let qos = publish.qos;
            self.answer_publish(publisher, Owed { packet_id, qos }, routed, outputs);
        }
        self.pause_for_links(connection, routed.shards, outputs);
        Ok(0)
    }

    /// Takes in a topic that is not the last one: its fingerprint.
    fn know(
        &self,
        topic: TopicName<'_>,
        known: &mut KnownTopic,
    ) -> Result<Fingerprint, CloseReason> {
        let text = topic.as_str();
        let levels_max = usize::from(self.settings.topic_levels_max);
        // A level takes a separator at least.
        if text.len() >= levels_max && levels(text) > levels_max {
            return Err(CloseReason::Refused(ReasonCode::TopicNameInvalid));
        }
        let fingerprint = self.index.fingerprint(text);
        if text.len() <= KNOWN_TOPIC_BYTES_MAX {
            known.name.set(topic);
            known.fingerprint = fingerprint;
        }
        Ok(fingerprint)
    }

    /// The topic of a publish: its own, which its alias, if it has one, stands for from now on, or else that
    /// of its alias.
    fn topic_of<'t>(
        &mut self,
        id: ConnectionId,
        publish: &Publish<'t>,
        alias: Option<u16>,
        aliased: &'t mut String,
    ) -> Result<TopicName<'t>, CloseReason> {
        let unknown = CloseReason::Refused(ReasonCode::ProtocolError);
        let Some(alias) = alias else {
            return publish.topic.ok_or(unknown);
        };
        let connection = self.connections.get_mut(id).expect("parse has looked");
        if alias > connection.topic_aliases_max {
            // [v5 MQTT-3.3.2-9]
            return Err(CloseReason::Refused(ReasonCode::TopicAliasInvalid));
        }
        let aliases = connection.received_aliases();
        if let Some(topic) = publish.topic {
            aliases.set(alias, topic.as_str());
            return Ok(topic);
        }
        aliased.clear();
        aliased.push_str(aliases.get(alias).ok_or(unknown)?);
        Ok(TopicName::new(aliased).expect("it was the topic of a PUBLISH"))
    }

    /// What a publish may be refused for without an end of the connection.
    fn check_publish(
        &self,
        topic: TopicName<'_>,
        publish: &Publish<'_>,
        broker: BrokerProperties,
    ) -> Result<(), ReasonCode> {
        if topic.as_str().starts_with("$SYS/") {
            // The broker's alone. [v5 3.4.2.1]
            return Err(ReasonCode::NotAuthorized);
        }
        let is_checked = broker.payload_is_text && self.settings.validate_payload_format;
        if is_checked && std::str::from_utf8(publish.payload).is_err() {
            // [v5 3.3.2.3.2]
            return Err(ReasonCode::PayloadFormatInvalid);
        }
        Ok(())
    }

    /// Gives the message to this shard's subscribers and appends it to the batches of other shards that
    /// want it, and of its home when it is retained; and to one member of each shared subscription. The session
    /// that is owed an acknowledgement is the one whose gate waits for what they answer.
    pub(crate) fn route(
        &mut self,
        message: &Message<'_>,
        owed: Option<SessionIndex>,
        outputs: &mut Outputs,
    ) -> Routed {
        let own = bit(self.id);
        let (index, mut delivery) = self.index_and_delivery(outputs);
        let matches = index.find(message.topic, message.topic_hash);
        let live = matches.shards | own;
        let has_groups = !matches.groups.is_empty();
        for &group in matches.groups.iter().rev() {
            delivery.scratch.groups.push(group);
        }
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
        let mut waiter = None;
        if shards != 0 || has_groups {
            waiter = owed.map(|session| self.next_ticket(session));
        }
        let mut item = None;
        let mut waiting = 0;
        if shards != 0 {
            let appended = self.links.append((message, retain_seq, live));
            waiting = shards.count_ones();
            self.stats.crossings_total += u64::from(waiting);
            self.links.send(appended, shards, waiter);
            item = Some(appended);
        }
        let mut routed = Routed {
            shards,
            waiting,
            taken,
            log: LogPosition(0),
        };
        if has_groups {
            let mut carried = Carried {
                message,
                order: (retain_seq, live),
                item,
            };
            self.route_to_groups(&mut carried, waiter, &mut routed, outputs);
        }
        routed
    }
}

/// Levels of a topic.
pub(crate) fn levels(topic: &str) -> usize {
    memchr::memchr_iter(b'/', topic.as_bytes()).count() + 1
}
