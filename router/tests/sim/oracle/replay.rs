//! Copies of retained messages: a replay comes only to a SUBSCRIBE that asks for it, once, and not beside a
//! live copy for the same subscription.

use super::delivery::Received;
use super::session::EpochId;
use super::subscription::Record;
use super::{Oracle, Rule};
use crate::oracle::MessageIndex;

impl Oracle {
    /// The session's subscriptions that match the message's topic.
    fn matching(&self, epoch: EpochId, message: MessageIndex) -> impl Iterator<Item = &Record> {
        let topic = self.messages[message.0 as usize].topic;
        let records = self.epochs[epoch.0 as usize].records.iter();
        records
            .map(|record| &self.records[record.0 as usize])
            .filter(move |record| self.topics.matches(record.filter, topic))
    }

    /// Whether some SUBSCRIBE asked for the retained message; a queued replay may come after its
    /// subscription was given up.
    pub(crate) fn replay_asked(&self, epoch: EpochId, message: MessageIndex) -> bool {
        self.matching(epoch, message).any(Record::may_replay)
    }

    /// Counts the copies of a retained message that came for the first time each.
    pub(crate) fn check_replays(&mut self, epoch: EpochId, index: MessageIndex, got: Received<'_>) {
        let message = &self.messages[index.0 as usize];
        if !message.retain || got.dup || message.is_will {
            return;
        }
        let (from, transmissions) = (message.first_sent, message.transmissions);
        let granted = self.granted(epoch, index, self.now);
        let replay = got.retain && !granted.retain_as_published;
        if got.retain && !replay {
            self.met.hit("retained message as published");
        }
        let delivered = self.epochs[epoch.0 as usize].delivered.entry(index);
        let delivered = delivered.or_default();
        delivered.fresh_replays += u32::from(replay);
        let delivered = *delivered;
        // A subscription that held before the publish has got it live, so its replay leaves it out.
        let replays = |record: &&Record| {
            record.may_replay() && record.confirmed.is_none_or(|confirmed| confirmed >= from)
        };
        let asked = self.matching(epoch, index).filter(replays).count() as u32;
        // Live copies for several subscriptions are one.
        let wanted = self
            .matching(epoch, index)
            .filter(|record| !record.over(from) || replays(record))
            .count() as u32;
        if self
            .matching(epoch, index)
            .any(|record| !record.may_replay())
        {
            self.met.hit("retained message not asked for");
        }
        if delivered.fresh_replays > asked * transmissions {
            let records = self.records_for(epoch, index);
            let detail = format!(
                "{index:?} was replayed {} times to {epoch:?}, {asked} can have been: {records:?}",
                delivered.fresh_replays
            );
            self.fail(Rule::Repeated, detail);
        } else if delivered.fresh > wanted * transmissions {
            let records = self.records_for(epoch, index);
            let detail = format!(
                "{index:?} came {} times to {epoch:?}, {wanted} can have been: {records:?}",
                delivered.fresh
            );
            self.fail(Rule::Repeated, detail);
        }
    }
}
