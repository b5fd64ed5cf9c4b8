//! Shared subscriptions: each message for one member of each group. [v5 4.8.2]
//!
//! At QoS 0 and 2 no more than one member gets it, at QoS 1 another one again when the first goes away; and
//! some member gets it as long as one is there for certain.

use ringmq_codec::{Qos, ReasonCode};
use ringmq_router::ShardId;

use super::message::Fate;
use super::session::EpochId;
use super::subscription::Record;
use super::{Oracle, Rule};
use crate::oracle::MessageIndex;
use crate::time::Time;
use crate::topics::FilterId;

impl Oracle {
    /// Whether the session can have got the message as a member of a group only.
    pub(crate) fn is_for_member(&self, epoch: EpochId, message: MessageIndex) -> bool {
        let topic = self.messages[message.0 as usize].topic;
        self.topics.is_for_groups(topic) && self.watcher != Some(epoch)
    }

    /// All subscriptions of members, with their sessions.
    fn memberships(&self) -> impl Iterator<Item = (EpochId, &Record)> {
        (0..)
            .map(EpochId)
            .zip(&self.epochs)
            .flat_map(move |(epoch, held)| {
                let records = held.records.iter();
                records
                    .map(move |it| (epoch, &self.records[it.0 as usize]))
                    .filter(|(_, record)| record.is_group)
            })
    }

    /// The groups that a message is for.
    fn groups_of(&self, message: MessageIndex) -> impl Iterator<Item = FilterId> {
        let topic = self.messages[message.0 as usize].topic;
        let filters = self.topics.group_filters();
        filters.filter(move |filter| self.topics.matches(*filter, topic))
    }

    /// Who may have been a member of the group since the message was published.
    fn members(
        &self,
        group: FilterId,
        message: MessageIndex,
    ) -> impl Iterator<Item = (EpochId, &Record)> {
        let from = self.messages[message.0 as usize].first_sent;
        let over_before = move |ended: Option<Time>| ended.is_some_and(|ended| ended < from);
        self.memberships().filter(move |(epoch, record)| {
            let ended = self.epochs[epoch.0 as usize].ended;
            record.filter == group && !record.over(from) && !over_before(ended)
        })
    }

    /// A session that has been a member since before the publish for certain.
    fn certain_member(&self, group: FilterId, message: MessageIndex) -> Option<EpochId> {
        let from = self.messages[message.0 as usize].first_sent;
        let mut members = self.members(group, message);
        let member = members.find(|(epoch, record)| {
            let held = &self.epochs[epoch.0 as usize];
            let connection = &self.attempts[held.attempt.0 as usize];
            let lives = connection.ended.is_none() || connection.expiry_secs > 60;
            lives && held.ended.is_none() && record.holds(from, self.now)
        })?;
        Some(member.0)
    }

    /// A member got a copy.
    pub(crate) fn check_copies(&mut self, index: MessageIndex, dup: bool) {
        self.met.hit("copy at a member of a group");
        let message = &mut self.messages[index.0 as usize];
        message.group_copies += u32::from(!dup);
        let (copies, transmissions, qos) =
            (message.group_copies, message.transmissions, message.qos);
        if dup || copies <= 1 {
            return;
        }
        let mut groups = 0;
        let mut repeats = false;
        for group in self.groups_of(index) {
            let mut members = self.members(group, index).peekable();
            groups += u32::from(members.peek().is_some());
            // Sent again to another member when the first has gone.
            repeats |= members.any(|(_, record)| record.options.qos.min(qos) == Qos::AtLeastOnce);
        }
        if repeats {
            if copies > groups * transmissions {
                self.met.hit("copy at another member again");
            }
            return;
        }
        if copies > groups * transmissions {
            let detail = format!("{copies} members got {index:?}, which {groups} groups wanted");
            self.fail(Rule::Group, detail);
        }
    }

    /// PUBACK and PUBREC wait for the shard of the member that takes the message.
    pub(crate) fn check_taken_by_groups(
        &mut self,
        here: Option<ShardId>,
        message: MessageIndex,
        reason: ReasonCode,
    ) {
        let this = &self.messages[message.0 as usize];
        if !self.topics.is_for_groups(this.topic) {
            return;
        }
        let crossed = |shard: ShardId| this.crossed_to & (1 << shard.0) != 0;
        let untaken = self.groups_of(message).find(|group| {
            let mut members = self.members(*group, message);
            self.certain_member(*group, message).is_some()
                && (reason == ReasonCode::NoMatchingSubscribers
                    || !members.any(|(epoch, _)| {
                        let shard = self.epochs[epoch.0 as usize].shard;
                        here == Some(shard) || crossed(shard)
                    }))
        });
        if let Some(group) = untaken {
            let name = self.topics.filter(group);
            let detail = format!("{message:?} was answered {reason:?} before {name:?} had it");
            self.fail(Rule::Gate, detail);
        }
    }

    /// Messages that no member got although one was there all the time, when all is quiet.
    pub(crate) fn check_groups(
        &self,
        index: MessageIndex,
        missing: &mut Vec<(EpochId, MessageIndex)>,
    ) {
        let message = &self.messages[index.0 as usize];
        if !self.topics.is_for_groups(message.topic) || self.may_have_expired(index) {
            return;
        }
        let answered = match message.fate {
            Fate::Acknowledged(_, reason) => {
                !reason.is_error() || reason == ReasonCode::QuotaExceeded
            }
            Fate::Abandoned | Fate::Sent => false,
        };
        if !answered || message.qos == Qos::AtMostOnce {
            return;
        }
        let mut wanted = Vec::new();
        for group in self.groups_of(index) {
            let loses = |(epoch, record): (EpochId, &Record)| self.may_lose(epoch, record, index);
            if let Some(member) = self.certain_member(group, index)
                && !self.members(group, index).any(loses)
            {
                wanted.push(member);
            }
        }
        let came: u32 = (0..)
            .map(EpochId)
            .zip(&self.epochs)
            .filter(|(epoch, _)| self.watcher != Some(*epoch))
            .filter_map(|(_, held)| held.delivered.get(&index))
            .map(|delivered| delivered.live)
            .sum();
        if let Some(member) = wanted.get(came as usize) {
            missing.push((*member, index));
        }
    }

    /// Whether a message may rightly be lost when this member is chosen.
    fn may_lose(&self, epoch: EpochId, record: &Record, index: MessageIndex) -> bool {
        let qos = record.options.qos.min(self.messages[index.0 as usize].qos);
        let ended = self.epochs[epoch.0 as usize].ended.is_some();
        // What was sent at QoS 2 ends with its session, and what was in flight when the member left; and what
        // nobody has room for when its session ends is dropped as ended with it.
        qos == Qos::AtMostOnce
            || self.too_large(epoch, index)
            || (ended
                && (self.bounded || qos == Qos::ExactlyOnce || record.unsubscribe_sent.is_some()))
    }
}
