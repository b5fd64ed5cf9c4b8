//! What is published to the connections that are reached, and the topics.

use std::fmt::Write;

use ringmq_codec::packet::Publish;
use ringmq_codec::{Properties, Qos, TopicName};

use crate::ids::{ClientId, StreamId};
use crate::run::reach::ReachRun;
use crate::stamp::Stamp;

/// In the stamp of a message to all, where other messages name whom they are for.
pub(super) const ALL: StreamId = StreamId(u32::MAX);

/// Appends the topic that only this client hears.
pub(super) fn write_own_topic(prefix: &str, client: ClientId, out: &mut String) {
    write!(out, "{prefix}/reach/{:07}", client.0).expect("a String takes any text");
}

/// The topic that all hear.
pub(super) fn topic_of_all(prefix: &str) -> String {
    format!("{prefix}/reach/all")
}

impl ReachRun {
    /// Publishes the message that only `client` hears.
    pub(super) fn publish_to(&mut self, client: ClientId, due_ns: u64) {
        self.topic.clear();
        write_own_topic(&self.args.connect.topic_prefix, client, &mut self.topic);
        self.publish(StreamId(client.0), 0, due_ns);
        self.counters.chosen_sent += 1;
    }

    /// Publishes the next message that all hear.
    pub(super) fn publish_to_all(&mut self, due_ns: u64) {
        self.topic = topic_of_all(&self.args.connect.topic_prefix);
        let round = u64::from(self.counters.rounds_sent);
        self.publish(ALL, round, due_ns);
        self.counters.rounds_sent += 1;
    }

    fn publish(&mut self, stream: StreamId, sequence: u64, due_ns: u64) {
        let Some(connection) = self.clients.get(self.publisher()).connection else {
            return;
        };
        let stamp = Stamp {
            run: self.number,
            stream,
            sequence,
            due_ns,
        };
        stamp.write_raw(&mut self.payload);
        let publish = Publish {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
            topic: TopicName::new(&self.topic),
            packet_id: None,
            properties: Properties::EMPTY,
            payload: &self.payload,
        };
        let version = self.version;
        self.outbox
            .send(connection, |out| publish.encode(version, out));
    }
}
