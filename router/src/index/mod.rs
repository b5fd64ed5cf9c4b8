//! The subscription index of one shard: who wants a topic's messages here, and which other shards do.
//!
//! The state machine tells it of subscriptions and of the other shards' interest, and asks it once per
//! publish ([`SubscriptionIndex::find`]). It knows sessions by number only, never sees a connection or a
//! message, and what it holds depends on nothing but the calls made and the seed.

mod asked_once;
mod cache;
mod filters;
mod find;
mod fingerprint;
mod groups;
mod interest;
mod levels;
mod merge;
mod sharing;
mod subscriber;
mod subscribers;
mod trie;

use std::sync::Arc;

use ringmq_codec::TopicFilter;

use crate::ids::SessionIndex;
use crate::link::{Fingerprint, InterestChange};
use crate::slab::{NONE, Slab};
use crate::{Settings, ShardId};

use cache::{Generations, TopicCache};
use filters::Filters;
use groups::Groups;
use interest::RemoteExact;
use merge::Merge;
use trie::{Frontier, LevelTrie};

pub(crate) use find::Matches;
pub(crate) use fingerprint::TopicHash;
pub(crate) use groups::{Group, GroupIndex};
pub(crate) use subscriber::{PackedOptions, Subscriber};

/// Names a filter that has a subscriber, or a group that has a member; valid until the last of them leaves.
/// Four bytes instead of the text for whoever must remember a session's subscriptions.
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

/// The index.
#[derive(Debug)]
pub(crate) struct SubscriptionIndex {
    hash: TopicHash,
    filters: Filters,
    /// Wildcard filters by level; leads to `wildcards`.
    trie: LevelTrie,
    wildcards: Slab<Wildcard>,
    remote: RemoteExact,
    groups: Groups,
    /// Has the strategies of groups to come.
    settings: Arc<Settings>,
    cache: TopicCache,
    generations: Generations,
    /// Scratch of a match.
    frontier: Frontier,
    matching: Vec<FilterIndex>,
    matching_groups: Vec<GroupIndex>,
    merge: Merge,
}

/// A wildcard filter that someone wants.
#[derive(Debug)]
struct Wildcard {
    /// The filter, if this shard has subscribers.
    local: Option<FilterIndex>,
    /// The other shards that have.
    shards: u64,
    /// The chain of shared subscriptions to it, or [`NONE`].
    groups: u32,
}

impl SubscriptionIndex {
    /// An empty index. The seed keys the fingerprints: the same for all shards of the broker.
    pub(crate) fn new(hash_seed: u64) -> SubscriptionIndex {
        SubscriptionIndex::with_hash(TopicHash::new(hash_seed), hash_seed)
    }

    fn with_hash(hash: TopicHash, seed: u64) -> SubscriptionIndex {
        SubscriptionIndex {
            hash,
            filters: Filters::default(),
            trie: LevelTrie::new(seed),
            wildcards: Slab::default(),
            remote: RemoteExact::default(),
            groups: Groups::default(),
            settings: Arc::default(),
            cache: TopicCache::default(),
            generations: Generations::default(),
            frontier: Frontier::default(),
            matching: Vec::new(),
            matching_groups: Vec::new(),
            merge: Merge::default(),
        }
    }

    /// The keyed hash of a topic or filter.
    pub(crate) fn fingerprint(&self, text: &str) -> Fingerprint {
        self.hash.fingerprint(text)
    }

    /// Adds the subscription, or replaces its options if the session has it.
    pub(crate) fn subscribe(
        &mut self,
        filter: TopicFilter<'_>,
        subscriber: Subscriber,
    ) -> Subscribed {
        let text = filter.as_str();
        let fingerprint = self.fingerprint(text);
        let wildcard = filter.has_wildcard();
        if let Some(held) = self.filters.find(text, fingerprint) {
            let existed = self.filters.subscribe(held, subscriber);
            self.on_subscribers_changed(wildcard, fingerprint);
            return Subscribed {
                filter: held,
                existed,
                interest: None,
            };
        }
        let first = wildcard || !self.filters.has_exact(fingerprint);
        let filter = self.filters.insert(text, fingerprint, subscriber);
        let interest = if wildcard {
            self.wildcard(text).local = Some(filter);
            self.on_wildcards_changed();
            InterestChange::AddWildcard(text.into())
        } else {
            self.cache.forget(fingerprint);
            InterestChange::AddExact(fingerprint)
        };
        Subscribed {
            filter,
            existed: false,
            interest: first.then_some(interest),
        }
    }

    /// Whether the session has a subscription to this filter.
    pub(crate) fn has_subscription(&self, filter: &str, session: SessionIndex) -> bool {
        let held = self.filters.find(filter, self.fingerprint(filter));
        let held = held.and_then(|held| self.filters.get(held));
        held.is_some_and(|held| held.subscribers.contains(session))
    }

    /// Removes the subscription; `None` when the session has none to this filter.
    pub(crate) fn unsubscribe(
        &mut self,
        filter: TopicFilter<'_>,
        session: SessionIndex,
    ) -> Option<Unsubscribed> {
        let text = filter.as_str();
        let held = self.filters.find(text, self.fingerprint(text))?;
        self.unsubscribe_at(held, session)
    }

    /// Removes the subscription that [`Subscribed::filter`] named.
    pub(crate) fn unsubscribe_at(
        &mut self,
        filter: FilterIndex,
        session: SessionIndex,
    ) -> Option<Unsubscribed> {
        let held = self.filters.get(filter)?;
        if !held.subscribers.contains(session) {
            return None;
        }
        let fingerprint = held.fingerprint;
        let wildcard = TopicFilter::new(&held.text).is_some_and(TopicFilter::has_wildcard);
        let Some(removed) = self.filters.unsubscribe(filter, session) else {
            self.on_subscribers_changed(wildcard, fingerprint);
            return Some(Unsubscribed {
                filter,
                interest: None,
            });
        };
        if wildcard {
            self.wildcard(&removed.text).local = None;
            self.drop_unwanted(&removed.text);
            self.on_wildcards_changed();
            let interest = Some(InterestChange::RemoveWildcard(removed.text));
            return Some(Unsubscribed { filter, interest });
        }
        self.cache.forget(fingerprint);
        let last = !self.filters.has_exact(fingerprint);
        let interest = last.then_some(InterestChange::RemoveExact(fingerprint));
        Some(Unsubscribed { filter, interest })
    }

    /// The text of a filter.
    #[cfg(test)]
    pub(crate) fn filter_text(&self, filter: FilterIndex) -> &str {
        &self
            .filters
            .get(filter)
            .expect("a filter with a subscriber")
            .text
    }

    /// Takes in what another shard said of its interest.
    pub(crate) fn apply_remote(&mut self, from: ShardId, change: &InterestChange) {
        match change {
            InterestChange::AddExact(fingerprint) => {
                self.remote.add(from, *fingerprint);
                self.cache.forget(*fingerprint);
            }
            InterestChange::RemoveExact(fingerprint) => {
                self.remote.remove(from, *fingerprint);
                self.cache.forget(*fingerprint);
            }
            InterestChange::AddWildcard(text) => {
                self.wildcard(text).shards |= 1 << from.0;
                self.on_wildcards_changed();
            }
            InterestChange::RemoveWildcard(text) => {
                self.wildcard(text).shards &= !(1 << from.0);
                self.drop_unwanted(text);
                self.on_wildcards_changed();
            }
            InterestChange::Members(told) => self.apply_members(from, told),
        }
    }

    /// Subscriptions of this shard's sessions, shared ones included.
    pub(crate) fn subscriptions(&self) -> u64 {
        self.filters.subscriptions() + self.memberships()
    }

    /// Memory of the index and its cache, bytes.
    pub(crate) fn index_bytes(&self) -> u64 {
        let matching = self.matching.capacity() * size_of::<FilterIndex>();
        let scratch = self.frontier.bytes() + self.merge.bytes() + matching as u64;
        let wildcards = self.trie.bytes() + self.wildcards.bytes();
        self.filters.bytes() + wildcards + self.groups.bytes() + self.cache.bytes() + scratch
    }

    /// Memory of what is known of the other shards' interest in exact filters, bytes. Wildcard filters
    /// share the index's trie and are counted there.
    pub(crate) fn interest_bytes(&self) -> u64 {
        self.remote.bytes()
    }

    /// The wildcard filter's entry, made when nobody wanted it so far.
    fn wildcard(&mut self, text: &str) -> &mut Wildcard {
        let place = match self.trie.get(text) {
            Some(place) => place,
            None => {
                let place = self.wildcards.insert(Wildcard {
                    local: None,
                    shards: 0,
                    groups: NONE,
                });
                self.trie.insert(text, place);
                place
            }
        };
        &mut self.wildcards[place]
    }

    /// Removes a wildcard filter that nobody wants any more.
    fn drop_unwanted(&mut self, text: &str) {
        let Some(place) = self.trie.get(text) else {
            return;
        };
        let wildcard = &self.wildcards[place];
        if wildcard.local.is_none() && wildcard.shards == 0 && wildcard.groups == NONE {
            self.trie.remove(text);
            self.wildcards.remove(place);
        }
    }

    fn on_subscribers_changed(&mut self, wildcard: bool, fingerprint: Fingerprint) {
        if wildcard {
            self.generations.subscribers += 1;
        } else {
            self.cache.forget(fingerprint);
        }
    }

    fn on_wildcards_changed(&mut self) {
        self.generations.filters += 1;
        self.generations.subscribers += 1;
    }
}

#[cfg(test)]
mod tests;
