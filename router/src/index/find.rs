//! Who wants the messages of a topic: asked once per publish, answered from the cache of topics where that has
//! it, else from the exact filters and the trie of wildcards.

use ringmq_codec::TopicName;

use crate::limits::TOPIC_CACHE_LIST_MAX;
use crate::link::Fingerprint;
use crate::subscription_identifier::IdentifierList;

use super::cache::{Cached, Local, Lookup};
use super::merge::IdentifierTable;
use super::subscriber::Subscriber;
use super::{FilterIndex, GroupIndex, SubscriptionIndex};

/// Who wants a topic's messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matches<'a> {
    /// This shard's sessions, each once, in no particular but a reproducible order.
    pub(crate) subscribers: &'a [Subscriber],
    /// Where the subscribers' identifiers are, when the list was merged and some have any.
    identifiers: Option<&'a IdentifierTable>,
    /// The other shards with interest, as a bit set; may hold one without (fingerprints can collide).
    pub(crate) shards: u64,
    /// The shared subscriptions that match, of all shards.
    pub(crate) groups: &'a [GroupIndex],
}

impl<'a> Matches<'a> {
    /// The identifiers of all subscriptions of one of the subscribers that match.
    pub(crate) fn identifiers(&self, subscriber: Subscriber) -> IdentifierList<'a> {
        let options = subscriber.options;
        self.identifiers.map_or(options.identifiers(), |table| {
            table.list(options.identifier())
        })
    }
}

impl SubscriptionIndex {
    /// Who wants the messages of `topic`, whose fingerprint the caller has at hand.
    pub(crate) fn find(&mut self, topic: TopicName<'_>, fingerprint: Fingerprint) -> Matches<'_> {
        let text = topic.as_str();
        if self.trie.is_empty() && !self.groups.has_exact() {
            // As fast as the cache.
            let filter = self.filters.find(text, fingerprint);
            return self.matches_of(filter, self.remote.shards(fingerprint), &[]);
        }
        let repeated = match self.cache.look_up(text, fingerprint, self.generations) {
            Lookup::Hit(index) => {
                let cached = self.cache.get(index);
                return match &cached.local {
                    Local::Filter(filter) => {
                        self.matches_of(*filter, cached.shards, &cached.groups)
                    }
                    Local::Merged(list, identifiers) => Matches {
                        subscribers: list,
                        identifiers: identifiers.as_deref(),
                        shards: cached.shards,
                        groups: &cached.groups,
                    },
                };
            }
            Lookup::Repeated => true,
            Lookup::Unknown => false,
        };
        let shards = self.collect(text, fingerprint);
        let filter = match self.matching[..] {
            [] => None,
            [filter] => Some(filter),
            _ => return self.find_merged(text, fingerprint, shards, repeated),
        };
        if repeated {
            self.remember(text, fingerprint, shards, Local::Filter(filter));
        }
        self.matches_of(filter, shards, &self.matching_groups)
    }

    /// The subscribers of all filters in `self.matching`, each once; `repeated` topics go to the cache.
    fn find_merged(
        &mut self,
        topic: &str,
        fingerprint: Fingerprint,
        shards: u64,
        repeated: bool,
    ) -> Matches<'_> {
        self.merge.begin();
        for &filter in &self.matching {
            self.merge.add(self.filters.subscribers(filter));
        }
        self.merge.finish();
        if repeated && self.merge.merged().len() <= TOPIC_CACHE_LIST_MAX {
            let identifiers = self.merge.identifiers().cloned().map(Box::new);
            let list = self.merge.merged().into();
            self.remember(topic, fingerprint, shards, Local::Merged(list, identifiers));
        }
        Matches {
            subscribers: self.merge.merged(),
            identifiers: self.merge.identifiers(),
            shards,
            groups: &self.matching_groups,
        }
    }

    /// Gathers the filters that match in `self.matching` and the groups in `self.matching_groups`; returns
    /// the other shards with interest.
    fn collect(&mut self, topic: &str, fingerprint: Fingerprint) -> u64 {
        self.matching_groups.clear();
        self.collect_exact_groups(topic, fingerprint);
        let SubscriptionIndex {
            matching,
            matching_groups,
            wildcards,
            groups,
            ..
        } = self;
        let mut shards = self.remote.shards(fingerprint);
        matching.clear();
        matching.extend(self.filters.find(topic, fingerprint));
        self.trie.visit(topic, &mut self.frontier, |place| {
            let wildcard = &wildcards[place];
            matching.extend(wildcard.local);
            shards |= wildcard.shards;
            matching_groups.extend(groups.chain(wildcard.groups));
        });
        shards
    }

    /// Puts what was found into the cache, with the groups in `self.matching_groups`.
    fn remember(&mut self, topic: &str, fingerprint: Fingerprint, shards: u64, local: Local) {
        let cached = Cached {
            local,
            shards,
            groups: self.matching_groups.as_slice().into(),
        };
        self.cache
            .insert(topic, fingerprint, self.generations, cached);
    }

    fn matches_of<'a>(
        &'a self,
        filter: Option<FilterIndex>,
        shards: u64,
        groups: &'a [GroupIndex],
    ) -> Matches<'a> {
        let subscribers = filter.map_or(&[][..], |filter| self.filters.subscribers(filter));
        Matches {
            subscribers,
            identifiers: None,
            shards,
            groups,
        }
    }
}
