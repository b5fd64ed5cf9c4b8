//! The groups of shared subscriptions, of all shards: by the text of `$share/group/filter`, with their
//! members.
//!
//! Groups with the same filter form a chain: the index finds its head by the filter and gives the whole
//! chain to whoever asks for a topic. A group is held while any shard has a member.

use std::sync::Arc;

use hashbrown::HashTable;
use ringmq_codec::TopicFilter;

use super::fingerprint::table_hash;
use crate::SharedStrategy;
use crate::ids::SessionIndex;
use crate::link::{Fingerprint, GroupName};
use crate::shared::{Choice, Members, ShardMembers};
use crate::slab::{NONE, Slab};

/// Names a group of this shard's index; valid until no shard has a member any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupIndex(pub(crate) u32);

/// One group.
#[derive(Debug)]
pub(crate) struct Group {
    /// The whole `$share/group/filter`.
    pub(crate) text: Arc<str>,
    /// Fingerprints of the text and of the filter in it.
    pub(crate) fingerprint: Fingerprint,
    filter_fingerprint: Fingerprint,
    generation: u32,
    /// The next group with the same filter, or [`NONE`].
    next: u32,
    /// This shard's members.
    pub(crate) members: Members,
    /// The shards with members, this one included, in ascending order.
    pub(crate) shards: Vec<ShardMembers>,
    pub(crate) choice: Choice,
    /// The member of this shard that took the last message, for the strategy that stays with it.
    pub(crate) last_member: Option<SessionIndex>,
}

impl Group {
    /// Share name and filter.
    pub(super) fn parts(&self) -> (&str, TopicFilter<'_>) {
        let filter = TopicFilter::new(&self.text);
        let parts = filter.and_then(TopicFilter::share);
        parts.expect("only shared filters name a group")
    }

    /// What is known of a shard's members, if it has any.
    pub(crate) fn at(&mut self, shard: crate::ShardId) -> Option<&mut ShardMembers> {
        self.shards.iter_mut().find(|it| it.shard == shard)
    }

    /// Whether all members are of this shard.
    pub(crate) fn is_only_at(&self, own: crate::ShardId) -> bool {
        matches!(&*self.shards, [only] if only.shard == own)
    }

    /// Whether any shard has a member with a connection; for the own shard, as its members are now.
    pub(crate) fn has_connected(&self, own: crate::ShardId) -> bool {
        let mut others = self.shards.iter().filter(|it| it.shard != own);
        !self.members.connected().is_empty() || others.any(|it| it.connected > 0)
    }
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Slab<Group>,
    by_text: HashTable<u32>,
    /// Heads of the chains of filters without wildcards, by fingerprint of the filter.
    by_exact_filter: HashTable<u32>,
    last_generation: u32,
}

impl Groups {
    /// Whether a filter without wildcards has a group.
    pub(super) fn has_exact(&self) -> bool {
        !self.by_exact_filter.is_empty()
    }

    pub(super) fn find(&self, text: &str, fingerprint: Fingerprint) -> Option<GroupIndex> {
        let found = self.by_text.find(table_hash(fingerprint), |&index| {
            let group = &self.groups[index];
            group.fingerprint == fingerprint && *group.text == *text
        });
        found.copied().map(GroupIndex)
    }

    pub(super) fn get(&self, index: GroupIndex) -> Option<&Group> {
        self.groups.get(index.0)
    }

    pub(super) fn get_mut(&mut self, index: GroupIndex) -> Option<&mut Group> {
        self.groups.get_mut(index.0)
    }

    /// The group's name for other shards.
    pub(super) fn name(&self, index: GroupIndex) -> GroupName {
        GroupName {
            index: index.0,
            generation: self.groups[index.0].generation,
        }
    }

    /// The group of a name that was given, unless it is gone.
    pub(super) fn resolve(&self, name: GroupName) -> Option<GroupIndex> {
        let group = self.groups.get(name.index)?;
        (group.generation == name.generation).then_some(GroupIndex(name.index))
    }

    /// Takes in a group that is not held; its place in the chain of its filter is the caller's to set.
    pub(super) fn insert(
        &mut self,
        text: Arc<str>,
        fingerprint: Fingerprint,
        filter_fingerprint: Fingerprint,
        strategy: SharedStrategy,
    ) -> GroupIndex {
        self.last_generation = self.last_generation.wrapping_add(1);
        let index = self.groups.insert(Group {
            text,
            fingerprint,
            filter_fingerprint,
            generation: self.last_generation,
            next: NONE,
            members: Members::default(),
            shards: Vec::new(),
            choice: Choice::new(strategy),
            last_member: None,
        });
        let Groups {
            groups, by_text, ..
        } = self;
        by_text.insert_unique(table_hash(fingerprint), index, |&other| {
            table_hash(groups[other].fingerprint)
        });
        GroupIndex(index)
    }

    /// Forgets a group that is in no chain.
    pub(super) fn remove(&mut self, index: GroupIndex) {
        let group = self.groups.remove(index.0);
        let hash = table_hash(group.fingerprint);
        if let Ok(found) = self.by_text.find_entry(hash, |&other| other == index.0) {
            found.remove();
        }
    }

    /// The chain of a filter without wildcards; [`NONE`] when it has no group.
    pub(super) fn exact_head(&self, filter: &str, fingerprint: Fingerprint) -> u32 {
        let found = self.by_exact_filter.find(table_hash(fingerprint), |&head| {
            self.groups[head].parts().1.as_str() == filter
        });
        found.copied().unwrap_or(NONE)
    }

    /// Replaces the head of such a chain.
    pub(super) fn set_exact_head(&mut self, before: u32, after: u32, fingerprint: Fingerprint) {
        let hash = table_hash(fingerprint);
        if let Ok(found) = self
            .by_exact_filter
            .find_entry(hash, |&head| head == before)
        {
            found.remove();
        }
        if after != NONE {
            let Groups {
                groups,
                by_exact_filter,
                ..
            } = self;
            by_exact_filter.insert_unique(hash, after, |&other| {
                table_hash(groups[other].filter_fingerprint)
            });
        }
    }

    /// Puts the group in front of a chain; returns the new head.
    pub(super) fn link(&mut self, index: GroupIndex, head: u32) -> u32 {
        self.groups[index.0].next = head;
        index.0
    }

    /// Takes the group out of a chain; returns the head that is left.
    pub(super) fn unlink(&mut self, index: GroupIndex, head: u32) -> u32 {
        let next = self.groups[index.0].next;
        if head == index.0 {
            return next;
        }
        let mut before = head;
        while self.groups[before].next != index.0 {
            before = self.groups[before].next;
        }
        self.groups[before].next = next;
        head
    }

    /// The groups of a chain.
    pub(super) fn chain(&self, head: u32) -> impl Iterator<Item = GroupIndex> {
        let mut at = head;
        std::iter::from_fn(move || {
            let group = self.groups.get(at)?;
            let index = GroupIndex(at);
            at = group.next;
            Some(index)
        })
    }

    /// Gives each group the strategy of its share name.
    pub(super) fn set_strategies(&mut self, strategy_of: impl Fn(&str) -> SharedStrategy) {
        for place in 0..self.groups.places() {
            if let Some(group) = self.groups.get_mut(place) {
                let strategy = strategy_of(group.parts().0);
                group.choice.strategy = strategy;
            }
        }
    }

    /// Memberships of this shard's sessions.
    pub(super) fn memberships(&self) -> u64 {
        let held = (0..self.groups.places()).filter_map(|place| self.groups.get(place));
        held.map(|group| group.members.len() as u64).sum()
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        let tables = self.by_text.allocation_size() + self.by_exact_filter.allocation_size();
        let held = (0..self.groups.places()).filter_map(|place| self.groups.get(place));
        let heap = held.map(|group| {
            let shards = group.shards.capacity() * size_of::<ShardMembers>();
            group.text.len() as u64 + group.members.heap_bytes() + shards as u64
        });
        self.groups.bytes() + tables as u64 + heap.sum::<u64>()
    }
}
