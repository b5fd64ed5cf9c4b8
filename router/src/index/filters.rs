//! All filters with a subscriber on this shard, exact and wildcard, by text.
//!
//! A topic is looked up here like a filter: no topic has a wildcard, so it can only meet an exact one.

use ringmq_codec::TopicFilter;

use super::fingerprint::table_hash;
use super::subscribers::Subscribers;
use super::{FilterIndex, Subscriber};
use crate::ids::SessionIndex;
use crate::link::Fingerprint;
use crate::slab::Slab;
use crate::split_table::SplitTable;

#[derive(Debug, Default)]
pub(super) struct Filters {
    filters: Slab<Filter>,
    /// Names of filters by fingerprint.
    table: SplitTable<u32>,
    /// Memory of texts and subscriber lists, bytes.
    heap_bytes: u64,
    subscriptions: u64,
}

#[derive(Debug)]
pub(super) struct Filter {
    pub(super) text: Box<str>,
    pub(super) fingerprint: Fingerprint,
    pub(super) subscribers: Subscribers,
}

impl Filters {
    pub(super) fn find(&self, text: &str, fingerprint: Fingerprint) -> Option<FilterIndex> {
        let found = self.table.find(table_hash(fingerprint), |&index| {
            let filter = &self.filters[index];
            filter.fingerprint == fingerprint && *filter.text == *text
        });
        found.copied().map(FilterIndex)
    }

    /// Whether an exact filter has this fingerprint.
    pub(super) fn has_exact(&self, fingerprint: Fingerprint) -> bool {
        self.table.iter_hash(table_hash(fingerprint)).any(|&index| {
            let filter = &self.filters[index];
            filter.fingerprint == fingerprint
                && !TopicFilter::new(&filter.text).is_some_and(TopicFilter::has_wildcard)
        })
    }

    pub(super) fn get(&self, filter: FilterIndex) -> Option<&Filter> {
        self.filters.get(filter.0)
    }

    pub(super) fn subscribers(&self, filter: FilterIndex) -> &[Subscriber] {
        self.filters[filter.0].subscribers.as_slice()
    }

    /// Puts in a filter that is not held, with its first subscriber.
    pub(super) fn insert(
        &mut self,
        text: &str,
        fingerprint: Fingerprint,
        first: Subscriber,
    ) -> FilterIndex {
        let subscribers = Subscribers::One(first);
        let index = self.filters.insert(Filter {
            text: text.into(),
            fingerprint,
            subscribers,
        });
        let Filters { filters, table, .. } = self;
        table.insert_unique(table_hash(fingerprint), index, |&other| {
            table_hash(filters[other].fingerprint)
        });
        self.heap_bytes += text.len() as u64;
        self.subscriptions += 1;
        FilterIndex(index)
    }

    /// Adds a subscriber to a filter that is held; true when the session had a subscription.
    pub(super) fn subscribe(&mut self, filter: FilterIndex, subscriber: Subscriber) -> bool {
        let subscribers = &mut self.filters[filter.0].subscribers;
        self.heap_bytes -= subscribers.heap_bytes();
        let existed = subscribers.insert(subscriber);
        self.heap_bytes += subscribers.heap_bytes();
        self.subscriptions += u64::from(!existed);
        existed
    }

    /// Removes the session from the filter; gives the filter back when that leaves nobody.
    pub(super) fn unsubscribe(
        &mut self,
        filter: FilterIndex,
        session: SessionIndex,
    ) -> Option<Filter> {
        self.subscriptions -= 1;
        let subscribers = &mut self.filters[filter.0].subscribers;
        if subscribers.as_slice().len() > 1 {
            self.heap_bytes -= subscribers.heap_bytes();
            subscribers.remove(session);
            self.heap_bytes += subscribers.heap_bytes();
            return None;
        }
        let removed = self.filters.remove(filter.0);
        let hash = table_hash(removed.fingerprint);
        let Filters { filters, table, .. } = self;
        let rehash = |&other: &u32| table_hash(filters[other].fingerprint);
        table.remove(hash, |&other| other == filter.0, rehash);
        self.heap_bytes -= removed.text.len() as u64;
        Some(removed)
    }

    pub(super) fn subscriptions(&self) -> u64 {
        self.subscriptions
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.filters.bytes() + self.table.bytes() + self.heap_bytes
    }
}
