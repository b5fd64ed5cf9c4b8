//! Membership in shared subscriptions: SUBSCRIBE and UNSUBSCRIBE with `$share/group/filter`, and the coming
//! and going of a member's connection.
//!
//! Each change of the number of members on this shard is told to all others at the end of the tick, as
//! interest is; the SUBACK of a new member waits until all have applied it.

use ringmq_codec::TopicFilter;

use crate::Shard;
use crate::ids::SessionIndex;
use crate::index::{FilterIndex, GroupIndex, PackedOptions, Subscriber};
use crate::limits::GROUP_MEMBERS_MAX;
use crate::link::{BarrierId, InterestChange};
use crate::session::Flag;

impl Shard {
    /// Makes the session a member, or changes its options; returns the barrier its SUBACK must wait behind.
    /// No retained messages follow, whatever the options say. [v5 4.8.2]
    pub(crate) fn join_group(
        &mut self,
        index: SessionIndex,
        filter: TopicFilter<'_>,
        options: PackedOptions,
    ) -> Option<BarrierId> {
        let subscriber = Subscriber {
            session: index,
            options,
        };
        let (group, existed) = self.index.join(filter, subscriber);
        let mut change = None;
        if !existed {
            let session = self.sessions.get_mut(index);
            session.subscriptions.insert(FilterIndex::of_group(group));
            self.sessions.hot_mut(index).set(Flag::Member, true);
            change = Some(self.count_members(group));
        }
        let fingerprint = self.index.fingerprint(filter.as_str());
        self.barriers.note_addition(fingerprint, change)
    }

    /// Whether the filter names a group that takes no more members on this shard.
    pub(crate) fn is_group_full(&self, index: SessionIndex, filter: TopicFilter<'_>) -> bool {
        let members = self
            .index
            .find_group(filter)
            .and_then(|group| self.index.group(group))
            .map(|group| &group.members);
        members.is_some_and(|members| {
            members.len() >= GROUP_MEMBERS_MAX as usize && members.get(index).is_none()
        })
    }

    /// Ends a membership by UNSUBSCRIBE; false when there was none. What waits for the session goes to
    /// another member; what was sent to it is completed with it. [v5 MQTT-3.10.4-3]
    pub(crate) fn leave_group(
        &mut self,
        index: SessionIndex,
        filter: TopicFilter<'_>,
        outputs: &mut crate::Outputs,
    ) -> bool {
        let Some(group) = self.index.find_group(filter) else {
            return false;
        };
        if !self.index.leave(group, index) {
            return false;
        }
        let session = self.sessions.get_mut(index);
        session.subscriptions.remove(FilterIndex::of_group(group));
        let is_member = session.subscriptions.groups().next().is_some();
        self.sessions.hot_mut(index).set(Flag::Member, is_member);
        let own = self.id;
        let others = self
            .index
            .group(group)
            .is_some_and(|it| it.has_connected(own));
        let held = if others {
            self.take_queued_of(index, group)
        } else {
            Vec::new()
        };
        self.forget_group_of(index, group);
        self.tell_members(group);
        self.give_on(Some(index), held, outputs);
        self.drain_session(index, outputs);
        true
    }

    /// Ends a membership with its session.
    pub(crate) fn leave_group_at_end(&mut self, index: SessionIndex, group: GroupIndex) {
        if self.index.leave(group, index) {
            self.tell_members(group);
        }
    }

    /// The session has a connection now, or has none any more.
    pub(crate) fn set_member_connected(&mut self, index: SessionIndex, connected: bool) {
        if !self.sessions.hot(index).is(Flag::Member) {
            return;
        }
        let groups: Vec<GroupIndex> = self.sessions.get(index).subscriptions.groups().collect();
        for group in groups {
            let members = self.index.group_mut(group).map(|group| &mut group.members);
            if members.is_some_and(|members| members.set_connected(index, connected)) {
                self.tell_members(group);
            }
        }
    }

    fn tell_members(&mut self, group: GroupIndex) {
        let change = self.count_members(group);
        self.barriers.note_removal(Some(change));
    }

    /// Applies here how many members there are now; returns what all other shards must be told. A group
    /// without members on any shard is gone after this.
    fn count_members(&mut self, group: GroupIndex) -> InterestChange {
        let change = self.index.count_members(group);
        self.index.apply_remote(self.id, &change);
        change
    }
}
