//! What a client writes once it has a connection: PUBLISH, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, its
//! acknowledgements, and everything unacknowledged once more when its session is resumed.

use ringmq_codec::packet::{self, Disconnect, Publish};
use ringmq_codec::{
    Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode, SubscriptionOptions,
    TopicFilter, TopicName,
};

use crate::client::{Awaits, Client, Context, Outgoing, PublishOrder, Reply, Request};
use crate::oracle::{Fate, Message, MessageIndex, payload};
use crate::time::Time;
use crate::topics::FilterId;

impl Client {
    /// Publishes a new message.
    pub(crate) fn publish(
        &mut self,
        context: &mut Context<'_>,
        order: PublishOrder,
    ) -> MessageIndex {
        let v5 = self.version().is_v5();
        let mut properties = PropertiesBuffer::new();
        if v5 && order.adorned {
            adorn(&mut properties);
        }
        let expiry = order.expiry_secs.filter(|_| v5);
        let attempt = self
            .attempt
            .expect("a client that publishes has a connection");
        let message = context.oracle.publish(Message {
            attempt,
            stream: order.stream,
            topic: order.topic,
            qos: order.qos,
            retain: order.retain,
            clears: order.clears,
            is_will: false,
            payload_len: order.payload_len.max(12),
            first_sent: context.now,
            transmissions: 0,
            fate: Fate::Sent,
            expires: expiry.map(|secs| context.now.plus_secs(secs)),
            takings: Vec::new(),
            group_copies: 0,
            crossed_to: 0,
            durable: false,
            properties: properties.as_properties().as_bytes().to_vec(),
        });
        let packet_id = (order.qos > Qos::AtMostOnce).then(|| {
            let packet_id = self.packet_id();
            let awaits = match order.qos {
                Qos::ExactlyOnce => Awaits::Rec,
                _ => Awaits::Ack,
            };
            self.outgoing.push_back(Outgoing {
                packet_id,
                message,
                awaits,
                sent: true,
            });
            packet_id
        });
        if let Some(secs) = expiry {
            properties.push(Property::MessageExpirySecs(secs));
        }
        self.write_publish(context, message, packet_id, properties);
        message
    }

    fn write_publish(
        &mut self,
        context: &mut Context<'_>,
        index: MessageIndex,
        packet_id: Option<PacketId>,
        mut properties: PropertiesBuffer,
    ) {
        let topics = std::rc::Rc::clone(&context.oracle.topics);
        let name = context.oracle.messages[index.0 as usize].topic;
        let in_full = self.name_topic(context, name, &mut properties);
        let properties = properties.as_properties();
        let message = &mut context.oracle.messages[index.0 as usize];
        message.transmissions += 1;
        let body = match message.clears {
            true => Vec::new(),
            false => payload(index, message.payload_len),
        };
        let publish = Publish {
            dup: message.transmissions > 1,
            qos: message.qos,
            retain: message.retain,
            topic: in_full.then(|| topic(topics.name(name))),
            packet_id,
            properties,
            payload: &body,
        };
        Packet::Publish(publish).encode(self.version(), &mut self.out);
        for property in properties.iter() {
            if let Property::MessageExpirySecs(secs) = property {
                self.expiring.push((self.out.len(), index, secs));
            }
        }
    }

    /// Sends everything unacknowledged again, in its order, as far as the broker takes it now.
    /// [v3.1.1 MQTT-4.4.0-1] [v5 MQTT-4.4.0-1]
    pub(crate) fn resume(&mut self, context: &mut Context<'_>) {
        for outgoing in &mut self.outgoing {
            outgoing.sent = false;
        }
        self.resend(context);
    }

    /// Sends what must be sent again and has room.
    pub(super) fn resend(&mut self, context: &mut Context<'_>) {
        for at in 0..self.outgoing.len() {
            let Outgoing {
                packet_id,
                message,
                awaits,
                sent,
            } = self.outgoing[at];
            if sent {
                continue;
            }
            let is_out = |it: &&Outgoing| it.sent;
            if self.outgoing.iter().filter(is_out).count() >= self.outgoing_max {
                return;
            }
            self.outgoing[at].sent = true;
            if awaits == Awaits::Comp {
                Packet::PubRel(Client::ack(packet_id)).encode(self.version(), &mut self.out);
                continue;
            }
            context.coverage.hit("publisher sends again with DUP");
            let this = &context.oracle.messages[message.0 as usize];
            let mut properties = PropertiesBuffer::new();
            if !this.properties.is_empty() {
                adorn(&mut properties);
            }
            if let Some(expires) = this.expires {
                let secs = expires.since(context.now).div_ceil(1_000_000).max(1);
                properties.push(Property::MessageExpirySecs(secs as u32));
            }
            self.write_publish(context, message, Some(packet_id), properties);
        }
    }

    /// Subscribes to filters.
    pub(crate) fn subscribe(
        &mut self,
        context: &mut Context<'_>,
        wanted: &[(FilterId, SubscriptionOptions)],
        identifier: Option<u32>,
    ) {
        let attempt = self
            .attempt
            .expect("a client that subscribes has a connection");
        let packet_id = self.packet_id();
        let topics = std::rc::Rc::clone(&context.oracle.topics);
        let filters: Vec<_> = wanted
            .iter()
            .map(|(filter, options)| (topic_filter(topics.filter(*filter)), *options))
            .collect();
        let mut properties = PropertiesBuffer::new();
        if let Some(identifier) = identifier {
            properties.push(Property::SubscriptionIdentifier(identifier));
        }
        packet::encode_subscribe(
            self.version(),
            packet_id,
            properties.as_properties(),
            &filters,
            &mut self.out,
        );
        let records = wanted
            .iter()
            .map(|(filter, options)| {
                let record =
                    context
                        .oracle
                        .subscribe_sent(attempt, *filter, (*options, identifier));
                (record, options.qos)
            })
            .collect();
        self.requests.insert(packet_id, Request::Subscribe(records));
    }

    /// Gives filters up.
    pub(crate) fn unsubscribe(&mut self, context: &mut Context<'_>, wanted: &[FilterId]) {
        let attempt = self
            .attempt
            .expect("a client that unsubscribes has a connection");
        let packet_id = self.packet_id();
        let topics = std::rc::Rc::clone(&context.oracle.topics);
        let filters: Vec<_> = wanted
            .iter()
            .map(|filter| topic_filter(topics.filter(*filter)))
            .collect();
        packet::encode_unsubscribe(
            self.version(),
            packet_id,
            Properties::EMPTY,
            &filters,
            &mut self.out,
        );
        for filter in wanted {
            context.oracle.unsubscribe_sent(attempt, *filter);
        }
        let request = Request::Unsubscribe(wanted.to_vec(), context.now);
        self.requests.insert(packet_id, request);
    }

    /// Says DISCONNECT; `will` asks for the will all the same (v5).
    pub(crate) fn say_goodbye(
        &mut self,
        context: &mut Context<'_>,
        will: bool,
        expiry_secs: Option<u32>,
        expiry_secs_max: u32,
    ) {
        let will = will && self.version().is_v5();
        let mut properties = PropertiesBuffer::new();
        let attempt = self
            .attempt
            .expect("a client that disconnects has a connection");
        let this = &mut context.oracle.attempts[attempt.0 as usize];
        this.said_goodbye = !will;
        if let Some(secs) = expiry_secs.filter(|_| this.version.is_v5() && this.expiry_secs > 0) {
            properties.push(Property::SessionExpirySecs(secs));
            this.goodbye_expiry_secs = Some(secs.min(expiry_secs_max));
            context.coverage.hit("session expiry changed at DISCONNECT");
        }
        let reason = match will {
            true => ReasonCode::DisconnectWithWill,
            false => ReasonCode::Success,
        };
        let disconnect = Disconnect {
            reason,
            properties: properties.as_properties(),
        };
        Packet::Disconnect(disconnect).encode(self.version(), &mut self.out);
    }

    /// Asks for a sign of life.
    pub(crate) fn ping(&mut self, now: Time) {
        self.pings += 1;
        self.pinged = now;
        Packet::PingReq.encode(self.version(), &mut self.out);
    }

    /// Writes the acknowledgements that are due; the time of the next one.
    pub(crate) fn write_replies(&mut self, now: Time) -> Option<Time> {
        while let Some((due, reply)) = self.replies.front().copied() {
            if due > now {
                return Some(due);
            }
            self.replies.pop_front();
            let packet = match reply {
                Reply::Ack(id) => {
                    self.in_use.remove(&id);
                    Packet::PubAck(Client::ack(id))
                }
                Reply::Rec(id) => Packet::PubRec(Client::ack(id)),
                Reply::Comp(id) => {
                    self.in_use.remove(&id);
                    Packet::PubComp(Client::ack(id))
                }
            };
            packet.encode(self.version(), &mut self.out);
        }
        None
    }
}

/// A topic of the table.
pub(crate) fn topic(name: &str) -> TopicName<'_> {
    TopicName::new(name).expect("the table of topics holds topic names")
}

fn topic_filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).expect("the table of filters holds filters")
}

/// Properties that must reach subscribers as they are.
fn adorn(properties: &mut PropertiesBuffer) {
    properties.push(Property::PayloadFormatIndicator(false));
    properties.push(Property::ContentType("application/sim"));
    properties.push(Property::UserProperty("from", "simulation"));
    properties.push(Property::UserProperty("from", "again"));
}
