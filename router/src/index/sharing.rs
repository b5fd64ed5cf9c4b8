//! Shared subscriptions in the index: members come and go, shards tell how many they have, and a topic
//! finds the groups whose filters match it.
//!
//! A change of members changes a group in place; only the first and the last member of a group anywhere
//! change what topics match.

use std::sync::Arc;

use ringmq_codec::TopicFilter;

use super::groups::{Group, GroupIndex};
use super::{FilterIndex, Subscriber, SubscriptionIndex, TopicHash};
use crate::ids::SessionIndex;
use crate::link::{Fingerprint, GroupMembers, GroupName, InterestChange};
use crate::shared::ShardMembers;
use crate::{Settings, ShardId};

/// Set in a [`FilterIndex`] that names a group; no table of filters grows so far.
const IS_GROUP: u32 = 1 << 31;

impl FilterIndex {
    pub(crate) fn of_group(group: GroupIndex) -> FilterIndex {
        FilterIndex(group.0 | IS_GROUP)
    }

    /// The group, if it names one and no filter.
    pub(crate) fn group(self) -> Option<GroupIndex> {
        (self.0 & IS_GROUP != 0).then_some(GroupIndex(self.0 & !IS_GROUP))
    }
}

impl SubscriptionIndex {
    /// Makes a connected session a member of the group that the shared filter names, or replaces its
    /// options; true when it was a member.
    pub(crate) fn join(
        &mut self,
        filter: TopicFilter<'_>,
        subscriber: Subscriber,
    ) -> (GroupIndex, bool) {
        let index = self.group_or_new(filter.as_str().into());
        let group = self.groups.get_mut(index).expect("just found or made");
        (index, group.members.insert(subscriber))
    }

    /// Ends a membership; false when there was none. The group stays until the numbers are applied.
    pub(crate) fn leave(&mut self, index: GroupIndex, session: SessionIndex) -> bool {
        let group = self.groups.get_mut(index);
        group.is_some_and(|group| group.members.remove(session))
    }

    /// The group of a shared filter.
    pub(crate) fn find_group(&self, filter: TopicFilter<'_>) -> Option<GroupIndex> {
        let text = filter.as_str();
        self.groups.find(text, self.fingerprint(text))
    }

    pub(crate) fn group(&self, index: GroupIndex) -> Option<&Group> {
        self.groups.get(index)
    }

    pub(crate) fn group_mut(&mut self, index: GroupIndex) -> Option<&mut Group> {
        self.groups.get_mut(index)
    }

    /// The group, to be changed, beside the keyed hash of topics and client identifiers.
    pub(crate) fn group_and_hash(&mut self, index: GroupIndex) -> Option<(&mut Group, &TopicHash)> {
        let group = self.groups.get_mut(index)?;
        Some((group, &self.hash))
    }

    /// The name of a group for other shards and for later.
    pub(crate) fn name_of_group(&self, index: GroupIndex) -> GroupName {
        self.groups.name(index)
    }

    /// The group of such a name, unless it is gone.
    pub(crate) fn resolve_group(&self, name: GroupName) -> Option<GroupIndex> {
        self.groups.resolve(name)
    }

    /// How many members this shard has, to be applied here and told to all others.
    pub(crate) fn count_members(&self, index: GroupIndex) -> InterestChange {
        let group = self.groups.get(index).expect("held until it is applied");
        InterestChange::Members(GroupMembers {
            filter: group.text.clone(),
            name: self.groups.name(index),
            connected: group.members.connected().len() as u32,
            away: group.members.away().len() as u32,
        })
    }

    /// Takes in how many members a shard has, this one or another.
    pub(super) fn apply_members(&mut self, from: ShardId, told: &GroupMembers) {
        let index = self.group_or_new(told.filter.clone());
        let group = self.groups.get_mut(index).expect("just found or made");
        let place = group.shards.partition_point(|it| it.shard < from);
        let is_known = group.shards.get(place).is_some_and(|it| it.shard == from);
        if told.connected == 0 && told.away == 0 {
            if is_known {
                group.shards.remove(place);
            }
            if group.shards.is_empty() && group.members.len() == 0 {
                self.drop_group(index);
            }
            return;
        }
        if !is_known {
            let members = ShardMembers::new(from, told.name);
            group.shards.insert(place, members);
        }
        let members = &mut group.shards[place];
        members.name = told.name;
        members.connected = told.connected;
        members.away = told.away;
    }

    /// Gives each group the strategy that the settings have for it, now and when it is made later.
    pub(crate) fn set_strategies(&mut self, settings: &Arc<Settings>) {
        self.settings = settings.clone();
        self.groups
            .set_strategies(|share_name| settings.strategy_of(share_name));
    }

    /// Memberships of this shard's sessions.
    pub(crate) fn memberships(&self) -> u64 {
        self.groups.memberships()
    }

    /// Adds the groups of an exact filter that is the topic to those that match.
    pub(super) fn collect_exact_groups(&mut self, topic: &str, fingerprint: Fingerprint) {
        if self.groups.has_exact() {
            let head = self.groups.exact_head(topic, fingerprint);
            self.matching_groups.extend(self.groups.chain(head));
        }
    }

    fn group_or_new(&mut self, text: Arc<str>) -> GroupIndex {
        let fingerprint = self.fingerprint(&text);
        if let Some(held) = self.groups.find(&text, fingerprint) {
            return held;
        }
        let shared = TopicFilter::new(&text).and_then(TopicFilter::share);
        let (share_name, filter) = shared.expect("the subscriber's shard has looked");
        let filter_fingerprint = self.fingerprint(filter.as_str());
        let strategy = self.settings.strategy_of(share_name);
        let index = self
            .groups
            .insert(text.clone(), fingerprint, filter_fingerprint, strategy);
        if filter.has_wildcard() {
            let head = self.wildcard(filter.as_str()).groups;
            let head = self.groups.link(index, head);
            self.wildcard(filter.as_str()).groups = head;
            self.on_wildcards_changed();
        } else {
            let before = self.groups.exact_head(filter.as_str(), filter_fingerprint);
            let after = self.groups.link(index, before);
            self.groups
                .set_exact_head(before, after, filter_fingerprint);
            self.cache.forget(filter_fingerprint);
        }
        index
    }

    /// Forgets a group without members.
    fn drop_group(&mut self, index: GroupIndex) {
        let group = self.groups.get(index).expect("the caller has it");
        let text = group.text.clone();
        let shared = TopicFilter::new(&text).and_then(TopicFilter::share);
        let (_, filter) = shared.expect("only shared filters name a group");
        let text = filter.as_str();
        if filter.has_wildcard() {
            let head = self.wildcard(text).groups;
            let head = self.groups.unlink(index, head);
            self.wildcard(text).groups = head;
            self.drop_unwanted(text);
            self.on_wildcards_changed();
        } else {
            let fingerprint = self.fingerprint(text);
            let before = self.groups.exact_head(text, fingerprint);
            let after = self.groups.unlink(index, before);
            if after != before {
                self.groups.set_exact_head(before, after, fingerprint);
            }
            self.cache.forget(fingerprint);
        }
        self.groups.remove(index);
    }
}

#[cfg(test)]
mod tests;
