//! The members of one group: those of this shard by name, those of all shards by number.
//!
//! The index keeps both with the group. Members that are connected stand before those that are away, so
//! that a message begins with one that can take it.

use crate::ids::SessionIndex;
use crate::index::Subscriber;
use crate::link::GroupName;
use crate::{Millis, ShardId};

/// This shard's members of a group, each session once.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// The connected ones, then the others.
    entries: Vec<Subscriber>,
    connected: usize,
}

impl Members {
    pub(crate) fn connected(&self) -> &[Subscriber] {
        &self.entries[..self.connected]
    }

    pub(crate) fn away(&self) -> &[Subscriber] {
        &self.entries[self.connected..]
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, session: SessionIndex) -> Option<Subscriber> {
        self.position(session)
            .map(|position| self.entries[position])
    }

    /// Adds a connected member, or replaces the options of one; true when the session was a member.
    pub(crate) fn insert(&mut self, subscriber: Subscriber) -> bool {
        if let Some(position) = self.position(subscriber.session) {
            self.entries[position] = subscriber;
            return true;
        }
        self.entries.push(subscriber);
        let last = self.entries.len() - 1;
        self.entries.swap(last, self.connected);
        self.connected += 1;
        false
    }

    /// Removes the session; false when it was no member.
    pub(crate) fn remove(&mut self, session: SessionIndex) -> bool {
        self.set_connected(session, false);
        let Some(position) = self.position(session) else {
            return false;
        };
        self.entries.swap_remove(position);
        if self.entries.is_empty() {
            self.entries = Vec::new();
        }
        true
    }

    /// Notes that a member has a connection, or has none any more; true when that is new.
    pub(crate) fn set_connected(&mut self, session: SessionIndex, connected: bool) -> bool {
        let Some(position) = self.position(session) else {
            return false;
        };
        if (position < self.connected) == connected {
            return false;
        }
        if connected {
            self.entries.swap(position, self.connected);
            self.connected += 1;
        } else {
            self.connected -= 1;
            self.entries.swap(position, self.connected);
        }
        true
    }

    pub(crate) fn position(&self, session: SessionIndex) -> Option<usize> {
        self.entries.iter().position(|it| it.session == session)
    }

    /// Memory beyond the value itself, bytes.
    pub(crate) fn heap_bytes(&self) -> u64 {
        (self.entries.capacity() * size_of::<Subscriber>()) as u64
    }
}

/// What is known of a group's members on one shard, this one included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardMembers {
    pub(crate) shard: ShardId,
    /// The group's name there.
    pub(crate) name: GroupName,
    pub(crate) connected: u32,
    /// Sessions that wait for their clients.
    pub(crate) away: u32,
    /// The smallest load of a member there, as the shard has said last, and when.
    told_load: u32,
    told_at: Millis,
    /// Messages sent there and not answered.
    unanswered: u32,
}

impl ShardMembers {
    pub(crate) fn new(shard: ShardId, name: GroupName) -> ShardMembers {
        ShardMembers {
            shard,
            name,
            connected: 0,
            away: 0,
            told_load: 0,
            told_at: Millis(0),
            unanswered: 0,
        }
    }

    /// A message is on its way there.
    pub(crate) fn note_asked(&mut self) {
        self.unanswered += 1;
    }

    /// A message was answered, maybe with the present load.
    pub(crate) fn note_answer(&mut self, load: Option<u32>, now: Millis) {
        self.unanswered = self.unanswered.saturating_sub(1);
        if let Some(load) = load {
            self.told_load = load;
            self.told_at = now;
        }
    }

    /// The load to reckon with: what was told, halved with each second since, so that a shard that was
    /// busy once is asked again; and what is on the way, over the members that share it.
    pub(crate) fn load(&self, now: Millis) -> u32 {
        let age_secs = now.0.saturating_sub(self.told_at.0) / 1_000;
        let told = self.told_load.checked_shr(age_secs.min(32) as u32);
        told.unwrap_or(0) + self.unanswered / self.connected.max(1)
    }
}

#[cfg(test)]
mod tests {
    use ringmq_codec::{Qos, SubscriptionOptions};

    use super::{Members, ShardMembers};
    use crate::ids::SessionIndex;
    use crate::index::{PackedOptions, Subscriber};
    use crate::link::GroupName;
    use crate::{Millis, ShardId};

    fn subscriber(session: u32) -> Subscriber {
        Subscriber {
            session: SessionIndex(session),
            options: PackedOptions::new(SubscriptionOptions::v3(Qos::AtLeastOnce)),
        }
    }

    fn sessions(members: &[Subscriber]) -> Vec<u32> {
        let mut sessions: Vec<u32> = members.iter().map(|it| it.session.0).collect();
        sessions.sort_unstable();
        sessions
    }

    #[test]
    fn the_connected_stand_first() {
        let mut members = Members::default();
        for session in 0..6 {
            assert!(!members.insert(subscriber(session)));
        }
        assert!(members.insert(subscriber(3)));
        for session in [0, 5, 2] {
            assert!(members.set_connected(SessionIndex(session), false));
            assert!(!members.set_connected(SessionIndex(session), false));
        }
        assert_eq!(sessions(members.connected()), [1, 3, 4]);
        assert_eq!(sessions(members.away()), [0, 2, 5]);
        members.insert(subscriber(6));
        assert!(members.set_connected(SessionIndex(2), true));
        assert_eq!(sessions(members.connected()), [1, 2, 3, 4, 6]);
        assert!(members.remove(SessionIndex(3)));
        assert!(members.remove(SessionIndex(5)));
        assert!(!members.remove(SessionIndex(5)));
        assert_eq!(sessions(members.connected()), [1, 2, 4, 6]);
        assert_eq!(sessions(members.away()), [0]);
        assert_eq!(members.get(SessionIndex(0)), Some(subscriber(0)));
        assert_eq!(members.get(SessionIndex(3)), None);
    }

    #[test]
    fn a_load_that_was_told_fades() {
        let name = GroupName {
            index: 0,
            generation: 1,
        };
        let mut there = ShardMembers::new(ShardId(1), name);
        there.connected = 2;
        (0..4).for_each(|_| there.note_asked());
        assert_eq!(there.load(Millis(10_000)), 2);
        there.note_answer(Some(8), Millis(10_000));
        assert_eq!(there.load(Millis(10_500)), 8 + 1);
        assert_eq!(there.load(Millis(12_000)), 2 + 1);
        assert_eq!(there.load(Millis(90_000)), 1);
    }
}
