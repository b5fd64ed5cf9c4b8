//! `$SYS`: the broker's counters as retained messages, with Mosquitto's names.
//!
//! Every shard sends its counters to shard 0, which adds them up and publishes them like any retained
//! message: they have homes, cross to other shards and are replayed.

use std::fmt::Display;

use ringmq_codec::{Qos, TopicName};

use crate::link::LinkMessage;
use crate::publish_frame::Message;
use crate::{DropReason, Millis, Output, Outputs, Shard, ShardCount, ShardId, Stats};

const COLLECTOR: ShardId = ShardId(0);

/// What shard 0 knows of all shards.
#[derive(Debug)]
pub(crate) struct Sys {
    latest: Vec<Stats>,
    /// When counters are sent or published next.
    next: Millis,
    connections_max: u64,
}

impl Sys {
    pub(crate) fn new(shards: ShardCount) -> Sys {
        Sys {
            latest: vec![Stats::default(); usize::from(shards.0)],
            next: Millis(0),
            connections_max: 0,
        }
    }

    /// Another shard's counters.
    pub(crate) fn note(&mut self, from: ShardId, stats: Stats) {
        self.latest[usize::from(from.0)] = stats;
    }
}

impl Shard {
    /// Sends or publishes the counters when it is time.
    pub(crate) fn publish_sys(&mut self, outputs: &mut Outputs) {
        let interval_secs = u64::from(self.settings.sys_interval_secs);
        if interval_secs == 0 || self.now < self.sys.next {
            return;
        }
        self.sys.next = Millis(self.now.0 + interval_secs * 1_000);
        let stats = self.stats();
        if self.id != COLLECTOR {
            outputs.list.push(Output::Link {
                to: COLLECTOR,
                message: LinkMessage::Stats(Box::new(stats)),
            });
            return;
        }
        self.sys.note(COLLECTOR, stats);
        let mut all = Stats::default();
        for stats in &self.sys.latest {
            all.merge(stats);
        }
        self.sys.connections_max = self.sys.connections_max.max(all.connections);
        self.publish_counters(&all, outputs);
        self.publish_drops_and_memory(&all, outputs);
    }

    fn publish_counters(&mut self, all: &Stats, outputs: &mut Outputs) {
        let version = concat!("ringmq ", env!("CARGO_PKG_VERSION"));
        let uptime = format!("{} seconds", self.now.0 / 1_000);
        self.publish_value("version", version, outputs);
        self.publish_value("uptime", uptime, outputs);
        let connections_max = self.sys.connections_max;
        let stored_bytes = all.memory.queues + all.memory.retained;
        let values: [(&str, u64); 28] = [
            ("clients/total", all.sessions),
            ("clients/connected", all.sessions - all.sessions_offline),
            ("clients/disconnected", all.sessions_offline),
            ("clients/active", all.sessions - all.sessions_offline),
            ("clients/inactive", all.sessions_offline),
            ("clients/maximum", connections_max),
            ("clients/expired", all.sessions_expired_total),
            ("messages/received", all.packets_received_total),
            ("messages/sent", all.packets_sent_total),
            (
                "messages/stored",
                all.queued_messages + all.retained_messages,
            ),
            ("messages/inflight", all.inflight_messages),
            (
                "store/messages/count",
                all.queued_messages + all.retained_messages,
            ),
            ("store/messages/bytes", stored_bytes),
            ("bytes/received", all.bytes_received_total),
            ("bytes/sent", all.bytes_sent_total),
            ("publish/messages/received", all.publishes_received_total),
            ("publish/messages/sent", all.publishes_sent_total),
            ("publish/messages/dropped", all.drops.total()),
            ("publish/bytes/received", all.publish_bytes_received_total),
            ("publish/bytes/sent", all.publish_bytes_sent_total),
            ("subscriptions/count", all.subscriptions),
            ("shared_subscriptions/count", all.shared_subscriptions),
            ("retained messages/count", all.retained_messages),
            ("connections/opened", all.connections_opened_total),
            ("authentications/denied", all.authentications_denied_total),
            (
                "authentications/overloaded",
                all.authentications_overloaded_total,
            ),
            ("takeovers", all.takeovers_total),
            ("crossings", all.crossings_total),
        ];
        for (name, value) in values {
            self.publish_value(name, value, outputs);
        }
    }

    fn publish_drops_and_memory(&mut self, all: &Stats, outputs: &mut Outputs) {
        for reason in DropReason::ALL {
            let name = format!("drops/{}", reason.name());
            self.publish_value(&name, all.drops.get(reason), outputs);
        }
        let memory = all.memory;
        let values = [
            ("memory/connections", memory.connections),
            ("memory/sessions", memory.sessions),
            ("memory/queues", memory.queues),
            ("memory/retained", memory.retained),
            ("memory/index", memory.index),
            ("memory/interest", memory.interest),
            ("memory/buffers", memory.buffers),
        ];
        for (name, value) in values {
            self.publish_value(name, value, outputs);
        }
    }

    fn publish_value(&mut self, name: &str, value: impl Display, outputs: &mut Outputs) {
        let topic = format!("$SYS/broker/{name}");
        let payload = value.to_string();
        let topic = TopicName::new(&topic).expect("the names hold no wildcards");
        let message = Message {
            topic,
            topic_hash: self.index.fingerprint(topic.as_str()),
            properties: &[],
            payload: payload.as_bytes(),
            qos: Qos::AtMostOnce,
            retain: true,
            expires: None,
            publisher: None,
        };
        self.route(&message, None, outputs);
    }
}
