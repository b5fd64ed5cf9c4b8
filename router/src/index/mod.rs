//! The subscription index of one shard: who wants a topic's messages here, and which other shards do.
//!
//! The state machine tells it of subscriptions and of the other shards' interest, and asks it once per
//! publish ([`SubscriptionIndex::find`]). It knows sessions by number only, never sees a connection or a
//! message, and what it holds depends on nothing but the calls made and the seed.

mod subscriber;

use ringmq_codec::{TopicFilter, TopicName};

use crate::ShardId;
use crate::ids::SessionIndex;
use crate::link::{Fingerprint, InterestChange};

#[allow(unused_imports, reason = "until the shard calls it")]
pub(crate) use subscriber::{PackedOptions, Subscriber};

/// Names a filter that has a subscriber; valid until its last subscriber leaves. Four bytes instead of the
/// text for whoever must remember a session's subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FilterIndex(pub(crate) u32);

/// What [`SubscriptionIndex::subscribe`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribed {
    /// The filter's name.
    pub(crate) filter: FilterIndex,
    /// The session had the subscription; its options were replaced.
    pub(crate) existed: bool,
    /// To be told to all other shards: this is the shard's first interest of its kind.
    pub(crate) interest: Option<InterestChange>,
}

/// What [`SubscriptionIndex::unsubscribe`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsubscribed {
    /// The filter's name; it means nothing any more if the last subscriber left.
    pub(crate) filter: FilterIndex,
    /// To be told to all other shards: the shard has no interest of its kind any more.
    pub(crate) interest: Option<InterestChange>,
}

/// Who wants a topic's messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matches<'a> {
    /// This shard's sessions, each once, in no particular but a reproducible order.
    pub(crate) subscribers: &'a [Subscriber],
    /// The other shards with interest, as a bit set; may hold one without (fingerprints can collide).
    pub(crate) shards: u64,
}

/// The index.
#[derive(Debug)]
pub(crate) struct SubscriptionIndex {}

impl SubscriptionIndex {
    /// An empty index. The seed keys the fingerprints: the same for all shards of the broker.
    pub(crate) fn new(hash_seed: u64) -> SubscriptionIndex {
        let _ = hash_seed;
        SubscriptionIndex {}
    }

    /// The keyed hash of a topic or filter.
    pub(crate) fn fingerprint(&self, text: &str) -> Fingerprint {
        let _ = text;
        todo!()
    }

    /// Adds the subscription, or replaces its options if the session has it.
    pub(crate) fn subscribe(
        &mut self,
        filter: TopicFilter<'_>,
        subscriber: Subscriber,
    ) -> Subscribed {
        let _ = (filter, subscriber);
        todo!()
    }

    /// Removes the subscription; `None` when the session has none to this filter.
    pub(crate) fn unsubscribe(
        &mut self,
        filter: TopicFilter<'_>,
        session: SessionIndex,
    ) -> Option<Unsubscribed> {
        let _ = (filter, session);
        todo!()
    }

    /// Removes the subscription that [`Subscribed::filter`] named.
    pub(crate) fn unsubscribe_at(
        &mut self,
        filter: FilterIndex,
        session: SessionIndex,
    ) -> Option<Unsubscribed> {
        let _ = (filter, session);
        todo!()
    }

    /// The text of a filter.
    pub(crate) fn filter_text(&self, filter: FilterIndex) -> &str {
        let _ = filter;
        todo!()
    }

    /// Takes in what another shard said of its interest.
    pub(crate) fn apply_remote(&mut self, from: ShardId, change: &InterestChange) {
        let _ = (from, change);
        todo!()
    }

    /// Who wants the messages of `topic`, whose fingerprint the caller has at hand.
    pub(crate) fn find(&mut self, topic: TopicName<'_>, fingerprint: Fingerprint) -> Matches<'_> {
        let _ = (topic, fingerprint);
        todo!()
    }

    /// Subscriptions of this shard's sessions.
    pub(crate) fn subscriptions(&self) -> u64 {
        todo!()
    }

    /// Memory of the index and its cache, bytes.
    pub(crate) fn index_bytes(&self) -> u64 {
        todo!()
    }

    /// Memory of what is known of the other shards' interest, bytes.
    pub(crate) fn interest_bytes(&self) -> u64 {
        todo!()
    }
}
