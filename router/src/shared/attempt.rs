//! The search for a member that takes one message of one group: which shard is asked next.
//!
//! First every shard with a connected member, for one that can take the message at once; then for one that
//! may queue it, a connected member before one that is away. The last shard that is left may queue it
//! straight away. Whoever began the search keeps this; nothing here touches a member.

use ringmq_codec::Qos;

use crate::link::{GroupName, Refusal};
use crate::placement::bit;
use crate::sessions::SessionId;
use crate::subscription_identifier::HeldIdentifiers;
use crate::{DropReason, ShardId, gate::Ticket};

use super::members::ShardMembers;
use super::strategy::Place;

/// A search under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// The member that was chosen; others are asked in order from there.
    start: Place,
    /// Shards that were asked, and those that were asked to queue, as bit sets.
    asked: u64,
    asked_to_queue: u64,
    /// Shards with a connected member, and with one that is away, that may queue it.
    busy: u64,
    away: u64,
    /// The most telling answer so far.
    refusal: Refusal,
    /// Who has published it and waits for the answer.
    pub(crate) waiter: Option<(SessionId, Ticket)>,
    /// Who gives the message on and takes it back if nobody else does.
    pub(crate) origin: Option<Origin>,
    /// For one that was given on: why it is dropped when nobody takes it.
    pub(crate) reason: Option<DropReason>,
}

/// The session that has held a message, and the terms on which.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) session: SessionId,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    /// None or one: a delivery through a group stands for itself, so there is nothing to release.
    pub(crate) identifiers: HeldIdentifiers,
}

/// One shard to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) shard: ShardId,
    /// The member to begin with.
    pub(crate) position: u32,
    pub(crate) may_queue: bool,
}

/// What must be remembered until another shard has answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// This shard's name of the group.
    pub(crate) group: GroupName,
    /// The message's place in the batch data.
    pub(crate) item: u32,
    pub(crate) ask: Ask,
    pub(crate) attempt: Attempt,
}

impl Attempt {
    pub(crate) fn new(start: Place) -> Attempt {
        Attempt {
            start,
            asked: 0,
            asked_to_queue: 0,
            busy: 0,
            away: 0,
            refusal: Refusal::NoMember,
            waiter: None,
            origin: None,
            reason: None,
        }
    }

    /// Notes that a shard's members did not take it.
    pub(crate) fn refused(&mut self, ask: Ask, refusal: Refusal) {
        let shard = bit(ask.shard);
        self.asked |= shard;
        if ask.may_queue {
            self.asked_to_queue |= shard;
        }
        match refusal {
            Refusal::Busy => self.busy |= shard,
            Refusal::Away => self.away |= shard,
            _ => {}
        }
        self.refusal = self.refusal.max(refusal);
    }

    /// The next shard to be asked; `None` when all have refused.
    pub(crate) fn next(&self, shards: &[ShardMembers]) -> Option<Ask> {
        let begin = shards.partition_point(|it| it.shard < self.start.shard);
        let in_order = || shards[begin..].iter().chain(&shards[..begin]);
        let ask = |it: &ShardMembers, may_queue| Ask {
            shard: it.shard,
            position: self.start.position,
            may_queue,
        };
        let is_unasked = |it: &&ShardMembers| it.connected > 0 && self.asked & bit(it.shard) == 0;
        let mut unasked = in_order().filter(is_unasked);
        if let Some(next) = unasked.next() {
            let is_last = self.busy == 0 && unasked.next().is_none();
            return Some(ask(next, is_last));
        }
        let may_be_asked_to_queue = |it: &&ShardMembers| self.asked_to_queue & bit(it.shard) == 0;
        let is_busy = |it: &&ShardMembers| self.busy & bit(it.shard) != 0;
        let has_away = |it: &&ShardMembers| it.away > 0 || self.away & bit(it.shard) != 0;
        let busy = in_order().filter(may_be_asked_to_queue).find(is_busy);
        let next = busy.or_else(|| in_order().filter(may_be_asked_to_queue).find(has_away));
        next.map(|it| ask(it, true))
    }

    /// Why the message is dropped when all have refused; `None` when there was nobody to take it.
    pub(crate) fn drop_reason(&self) -> Option<DropReason> {
        if self.reason.is_some() {
            return self.reason;
        }
        match self.refusal {
            Refusal::NoMember => None,
            Refusal::Offline => Some(DropReason::OfflineQos0),
            Refusal::TooLarge => Some(DropReason::PacketTooLarge),
            Refusal::QueueBytes => Some(DropReason::QueueBytes),
            Refusal::QueueMessages | Refusal::Away | Refusal::Busy => {
                Some(DropReason::QueueMessages)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ask, Attempt};
    use crate::link::{GroupName, Refusal};
    use crate::shared::ShardMembers;
    use crate::shared::strategy::Place;
    use crate::{DropReason, ShardId};

    fn shards(members: &[(u32, u32)]) -> Vec<ShardMembers> {
        let name = GroupName {
            index: 0,
            generation: 1,
        };
        (0..)
            .zip(members)
            .map(|(shard, &(connected, away))| {
                let mut members = ShardMembers::new(ShardId(shard), name);
                members.connected = connected;
                members.away = away;
                members
            })
            .collect()
    }

    /// Searches from shard 1 on; each answer is for the shard asked. Returns the shards asked, with a `q`
    /// behind those that were asked to queue.
    fn search(members: &[(u32, u32)], answers: &[Refusal]) -> (String, Attempt) {
        let shards = shards(members);
        let mut attempt = Attempt::new(Place {
            shard: ShardId(1),
            position: 7,
        });
        let mut asked = String::new();
        let mut answers = answers.iter();
        while let Some(ask) = attempt.next(&shards) {
            assert_eq!(ask.position, 7);
            let Ask {
                shard, may_queue, ..
            } = ask;
            asked += &format!("{}{} ", shard.0, if may_queue { "q" } else { "" });
            let Some(answer) = answers.next() else { break };
            attempt.refused(ask, *answer);
        }
        assert!(answers.next().is_none(), "{asked}");
        (asked, attempt)
    }

    #[test]
    fn every_shard_is_asked_before_one_must_queue() {
        use Refusal::{Busy, QueueMessages};
        assert_eq!(search(&[(1, 0)], &[]).0, "0q ");
        assert_eq!(search(&[(1, 0), (1, 0), (1, 0)], &[Busy]).0, "1 2 ");
        let all_busy = search(&[(1, 0), (1, 0), (1, 0)], &[Busy, Busy, Busy]);
        assert_eq!(all_busy.0, "1 2 0 1q ");
        let answers = [Busy, QueueMessages, Busy, QueueMessages, QueueMessages];
        let (asked, attempt) = search(&[(1, 0), (1, 0), (1, 0)], &answers);
        assert_eq!(asked, "1 2 0 1q 0q ");
        assert_eq!(attempt.drop_reason(), Some(DropReason::QueueMessages));
    }

    #[test]
    fn members_that_are_away_come_last() {
        use Refusal::{Away, Busy, QueueBytes};
        // Shard 0 has only one that is away; shard 2 is the last with a connected one.
        assert_eq!(search(&[(0, 1), (1, 1), (1, 0)], &[Away]).0, "1 2q ");
        let answers = [Busy, QueueBytes, QueueBytes];
        let asked = search(&[(0, 1), (1, 1), (1, 0)], &answers).0;
        assert_eq!(asked, "1 2 1q 0q ");
        assert_eq!(search(&[(0, 1), (0, 2)], &[]).0, "1q ");
    }

    #[test]
    fn nobody_is_no_drop() {
        let (asked, attempt) = search(&[(0, 1)], &[Refusal::NoMember]);
        assert_eq!((asked.as_str(), attempt.drop_reason()), ("0q ", None));
        let (_, attempt) = search(&[(0, 1)], &[Refusal::Offline]);
        assert_eq!(attempt.drop_reason(), Some(DropReason::OfflineQos0));
    }
}
