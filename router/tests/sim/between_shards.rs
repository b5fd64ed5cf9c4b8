//! Messages between shards: into the ring of their link, and out of it at the receiver's tick. What the
//! oracle and the coverage want to know of them is read here.

use ringmq_router::link::{LinkMessage, PublishBatch};
use ringmq_router::{Input, ShardId};

use crate::link::Pushed;
use crate::node::Pending;
use crate::oracle::{Rule, parse};
use crate::world::{Event, World};

impl World {
    /// A shard sends a message to another.
    pub(crate) fn push(&mut self, from: ShardId, to: ShardId, message: LinkMessage) {
        if from == to || to.0 >= self.plan.shards {
            self.fail(
                Rule::Contract,
                format!("shard {} sends to shard {}", from.0, to.0),
            );
            return;
        }
        match &message {
            LinkMessage::RetainedQuery(query) => {
                self.note_query(from, query.query, Some(&query.filter));
            }
            LinkMessage::Publishes(batch) => self.note_hits(batch),
            LinkMessage::Interest(update) if update.barrier.is_some() => {
                self.coverage.hit("SUBACK waiting for other shards");
            }
            _ => {}
        }
        let delay = 1 + self.network.around(self.plan.link_delay);
        let at = self.now.plus(delay);
        match self.link(from, to).push(message, at) {
            Pushed::Ring(visible) => self.schedule(visible, Event::LinkVisible(from, to)),
            Pushed::Full => {
                let node = &mut self.nodes[usize::from(from.0)];
                node.urgent.push_back(Pending::LinkFull(to));
                self.wake(from);
            }
            Pushed::Kept => {}
        }
    }

    /// Counts retained publishes that hit a topic whose replay is under way.
    fn note_hits(&mut self, batch: &PublishBatch) {
        for item in &batch.items {
            let item = &batch.data.items[*item as usize];
            if !item.retain {
                continue;
            }
            let topic =
                &batch.data.bytes[item.topic_start as usize..item.properties_start as usize];
            let topic = std::str::from_utf8(topic)
                .ok()
                .and_then(ringmq_codec::TopicName::new);
            let hit = topic.is_some_and(|topic| {
                self.queries.values().any(|filter| {
                    ringmq_codec::TopicFilter::new(filter)
                        .is_some_and(|filter| filter.matches(topic))
                })
            });
            if hit {
                self.coverage
                    .hit("retained replay under way when a publish hits its topic");
            }
        }
    }

    /// A message can be seen at the end of a link.
    pub(crate) fn link_visible(&mut self, from: ShardId, to: ShardId) {
        self.give(to, Pending::Link(from));
    }

    /// A shard takes the oldest message of a link.
    pub(crate) fn handle_link(&mut self, shard: ShardId, from: ShardId) {
        let delay = 1 + self.network.around(self.plan.link_delay);
        let at = self.now.plus(delay);
        let Some(popped) = self.link(from, shard).pop(at) else {
            return;
        };
        if let Some(visible) = popped.refilled {
            self.schedule(visible, Event::LinkVisible(from, shard));
        }
        if popped.ready {
            self.give(from, Pending::LinkReady(shard));
        }
        match &popped.message {
            LinkMessage::Publishes(batch) => self.note_batch(shard, batch),
            LinkMessage::RetainedReply(reply) => {
                self.note_query(shard, reply.query, None);
            }
            _ => {}
        }
        let message = popped.message;
        self.handle_counted(shard, Input::Link { from, message });
    }

    fn note_batch(&mut self, shard: ShardId, batch: &PublishBatch) {
        for item in &batch.items {
            let item = &batch.data.items[*item as usize];
            let payload = &batch.data.bytes[item.payload_start as usize..item.end as usize];
            if let Some(message) = parse(payload) {
                self.oracle.crossed(message, shard);
            }
        }
    }
}
