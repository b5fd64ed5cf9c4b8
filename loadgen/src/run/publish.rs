//! Sending what is due.

use ringmq_codec::packet::Publish;
use ringmq_codec::{PropertiesBuffer, Property, Qos, TopicName};

use crate::ids::{ClientId, PublisherId, StreamId};
use crate::limits::{ARENA_BYTES_MAX, LATE_SEND_NS, SENDS_PER_TICK_MAX};
use crate::pacing::DueSend;
use crate::run::{Pacing, Run};
use crate::stamp::Stamp;

impl Run {
    /// Sends what is due now, as much as a tick may; true when there may be more.
    pub(super) fn publish_due(&mut self, now_ns: u64) -> bool {
        for _ in 0..SENDS_PER_TICK_MAX {
            if self.outbox.arena.len() >= ARENA_BYTES_MAX {
                return true;
            }
            let Some(due) = self.next_due(now_ns) else {
                return false;
            };
            self.publish(due, now_ns);
        }
        true
    }

    fn next_due(&mut self, now_ns: u64) -> Option<DueSend> {
        let Run {
            pacing,
            clients,
            in_flight,
            plan,
            ..
        } = self;
        let share = self.share;
        let is_open = |publisher: PublisherId| {
            share.owns_publisher(publisher)
                && clients.get(clients.of_publisher(publisher)).is_open()
                && in_flight.get(publisher.at()).is_none_or(|f| f.has_room())
        };
        match pacing {
            Pacing::Open(pacing) => pacing.poll(now_ns, is_open),
            Pacing::Fleet(pacing) => pacing.poll(now_ns, is_open),
            Pacing::Closed(pacing) => {
                let layout = plan.layout;
                let reading = layout.subscribers - plan.stalled;
                let has_room = |publisher: PublisherId, window| {
                    let unacknowledged = |f: &crate::client::InFlight| f.unacknowledged() < window;
                    is_open(publisher) && in_flight.get(publisher.at()).is_none_or(unacknowledged)
                };
                let fan_out =
                    |stream: StreamId| layout.hearers(layout.group_of_stream(stream), reading);
                pacing.poll(now_ns, has_room, fan_out)
            }
            Pacing::Silent => None,
        }
    }

    fn publish(&mut self, due: DueSend, now_ns: u64) {
        let client: ClientId = self.clients.of_publisher(due.publisher);
        let Some(connection) = self.clients.get(client).connection else {
            return;
        };
        let stamp = Stamp {
            run: self.number,
            stream: due.stream,
            sequence: due.sequence,
            due_ns: due.due_ns,
        };
        self.topic.clear();
        self.plan.topics.topic(due.stream, &mut self.topic);
        if self.plan.payload_bytes == 0 {
            self.payload.clear();
            self.plan.topics.payload(stamp, &mut self.payload);
        } else {
            stamp.write_raw(&mut self.payload);
        }
        let packet_id = match self.plan.qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce | Qos::ExactlyOnce => {
                Some(self.in_flight[due.publisher.at()].publish())
            }
        };
        let alias = self.alias_of(due);
        let is_named = alias.is_none() || due.sequence == 0;
        let mut with_alias = PropertiesBuffer::new();
        let properties = match alias {
            None => self.properties.as_properties(),
            Some(alias) => {
                with_alias.extend(self.properties.as_properties());
                with_alias.push(Property::TopicAlias(alias));
                with_alias.as_properties()
            }
        };
        let publish = Publish {
            dup: false,
            qos: self.plan.qos,
            retain: self.plan.retain,
            topic: TopicName::new(&self.topic).filter(|_| is_named),
            packet_id,
            properties,
            payload: &self.payload,
        };
        let version = self.version;
        self.outbox
            .send(connection, |out| publish.encode(version, out));
        self.counters.published += 1;
        let late_ns = now_ns.saturating_sub(due.due_ns);
        if late_ns > LATE_SEND_NS {
            self.counters.late_sends += 1;
            self.counters.late_max_ns = self.counters.late_max_ns.max(late_ns);
        }
    }

    /// The topic alias of a stream, if its publisher may use as many. [v5 3.3.2.3.4]
    fn alias_of(&self, due: DueSend) -> Option<u16> {
        let allowed = *self.aliases.get(due.publisher.at())?;
        let number = due.stream.0 - self.plan.layout.streams_of(due.publisher).start;
        (number < u32::from(allowed)).then_some(number as u16 + 1)
    }

    /// Messages sent of one stream.
    pub(super) fn published(&self, stream: StreamId) -> u64 {
        match &self.pacing {
            Pacing::Open(pacing) => pacing.published(stream),
            Pacing::Fleet(pacing) => pacing.published(stream),
            Pacing::Closed(pacing) => pacing.published(stream),
            Pacing::Silent => 0,
        }
    }

    /// Deliveries, anywhere, that the messages sent so far from here call for.
    pub(super) fn expected_now(&self) -> u64 {
        let layout = self.plan.layout;
        (0..layout.streams)
            .map(StreamId)
            .filter(|&stream| self.share.owns_publisher(layout.publisher_of(stream)))
            .map(|stream| {
                let hearers = layout.hearers(layout.group_of_stream(stream), layout.subscribers);
                self.published(stream) * u64::from(hearers)
            })
            .sum()
    }
}
