//! The subscription index on its own, for the benches, the fuzzer and the differential test; no part of
//! the router's interface.

use ringmq_codec::{Qos, SubscriptionOptions, TopicFilter, TopicName};

use crate::ShardId;
use crate::ids::SessionIndex;
use crate::index::{PackedOptions, Subscriber, SubscriptionIndex};
use crate::link::InterestChange;

/// An index whose sessions are plain numbers.
#[derive(Debug)]
pub struct BenchIndex(SubscriptionIndex);

impl BenchIndex {
    /// An empty index.
    pub fn new(seed: u64) -> BenchIndex {
        BenchIndex(SubscriptionIndex::new(seed))
    }

    /// Subscribes a session with QoS 1.
    pub fn subscribe(&mut self, filter: TopicFilter<'_>, session: u32) {
        let options = PackedOptions::new(SubscriptionOptions::v3(Qos::AtLeastOnce));
        self.0.subscribe(
            filter,
            Subscriber {
                session: SessionIndex(session),
                options,
            },
        );
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, filter: TopicFilter<'_>, session: u32) {
        self.0.unsubscribe(filter, SessionIndex(session));
    }

    /// Another shard has its first subscriber to the filter.
    pub fn other_shard_wants(&mut self, filter: TopicFilter<'_>, shard: ShardId) {
        let change = if filter.has_wildcard() {
            InterestChange::AddWildcard(filter.as_str().into())
        } else {
            InterestChange::AddExact(self.0.fingerprint(filter.as_str()))
        };
        self.0.apply_remote(shard, &change);
    }

    /// The number of subscribers of a topic, hashing included.
    pub fn find(&mut self, topic: TopicName<'_>) -> usize {
        let fingerprint = self.0.fingerprint(topic.as_str());
        self.0.find(topic, fingerprint).subscribers.len()
    }

    /// The sessions that want a topic, hashing included.
    pub fn sessions(&mut self, topic: TopicName<'_>, sessions: &mut Vec<u32>) {
        let fingerprint = self.0.fingerprint(topic.as_str());
        let matches = self.0.find(topic, fingerprint);
        sessions.extend(matches.subscribers.iter().map(|it| it.session.0));
    }

    /// Subscriptions that are there.
    pub fn subscriptions(&self) -> u64 {
        self.0.subscriptions()
    }

    /// Memory as the index accounts it, bytes.
    pub fn bytes(&self) -> u64 {
        self.0.index_bytes()
    }
}
