//! This shard's interest as the other shards know it, and the barrier that SUBACKs wait behind.
//!
//! Changes of a tick leave together at its end. A SUBACK waits until every shard has applied the interest
//! of all its filters, whoever subscribed to them first, so that no publish sent after it can be missed.
//! Since links keep their order, a barrier that was answered answers for all before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringmq_codec::{
    Packet, PacketId, Properties, ReasonCode,
    packet::{ReasonCodes, SubAck},
};

use crate::link::{
    BarrierId, Fingerprint, InterestApplied, InterestChange, InterestUpdate, LinkMessage,
};
use crate::reason_string::reason_to_tell;
use crate::replay::Replay;
use crate::sessions::SessionId;
use crate::{ConnectionId, Output, Outputs, Shard, ShardCount, ShardId};

/// Filters under way that room is always kept for: a tick's worth.
const UNAPPLIED_KEPT: usize = 256;

/// A SUBACK, and what follows it.
#[derive(Debug)]
pub(crate) struct PendingSubAck {
    pub(crate) session: SessionId,
    pub(crate) connection: ConnectionId,
    pub(crate) packet_id: PacketId,
    pub(crate) reasons: Vec<ReasonCode>,
    pub(crate) replays: Vec<Replay>,
}

/// Interest on its way to the other shards.
#[derive(Debug)]
pub(crate) struct Barriers {
    own: ShardId,
    /// The changes of this tick.
    changes: Vec<InterestChange>,
    /// Whether some of them are new interest.
    has_additions: bool,
    /// The barrier of this tick's changes.
    next: BarrierId,
    /// The last barrier that each shard has answered.
    answered: Vec<BarrierId>,
    /// The last barrier that all have answered.
    applied: BarrierId,
    /// Filters whose interest is not applied everywhere, by fingerprint, with their barrier.
    unapplied: hashbrown::HashMap<Fingerprint, BarrierId, foldhash::fast::FixedState>,
    /// By barrier, then by arrival.
    waiting: BTreeMap<(BarrierId, u64), PendingSubAck>,
    arrivals: u64,
}

impl Barriers {
    pub(crate) fn new(own: ShardId, shards: ShardCount, hash_seed: u64) -> Barriers {
        let hasher = foldhash::fast::FixedState::with_seed(hash_seed);
        Barriers {
            own,
            changes: Vec::new(),
            has_additions: false,
            next: BarrierId(1),
            answered: vec![BarrierId(0); usize::from(shards.0)],
            applied: BarrierId(0),
            unapplied: hashbrown::HashMap::with_hasher(hasher),
            waiting: BTreeMap::new(),
            arrivals: 0,
        }
    }

    fn is_alone(&self) -> bool {
        self.answered.len() == 1
    }

    /// Notes what a subscription changed; returns the barrier it must wait behind, if any.
    pub(crate) fn note_addition(
        &mut self,
        filter: Fingerprint,
        change: Option<InterestChange>,
    ) -> Option<BarrierId> {
        if self.is_alone() {
            return None;
        }
        let Some(change) = change else {
            return self.unapplied.get(&filter).copied();
        };
        self.changes.push(change);
        self.has_additions = true;
        self.unapplied.insert(filter, self.next);
        Some(self.next)
    }

    /// Notes a change that no SUBACK waits for.
    pub(crate) fn note_removal(&mut self, change: Option<InterestChange>) {
        if !self.is_alone() {
            self.changes.extend(change);
        }
    }

    /// This tick's changes, if there are any.
    fn take_update(&mut self) -> Option<(Option<BarrierId>, Arc<[InterestChange]>)> {
        if self.changes.is_empty() {
            return None;
        }
        let changes: Arc<[InterestChange]> = std::mem::take(&mut self.changes).into();
        let barrier = std::mem::take(&mut self.has_additions).then_some(self.next);
        if barrier.is_some() {
            self.next = BarrierId(self.next.0 + 1);
        }
        Some((barrier, changes))
    }

    fn wait(&mut self, barrier: BarrierId, suback: PendingSubAck) {
        self.waiting.insert((barrier, self.arrivals), suback);
        self.arrivals += 1;
    }

    /// Takes in a shard's answer; returns the SUBACKs that wait for nothing more.
    fn answer(&mut self, from: ShardId, barrier: BarrierId) -> Vec<PendingSubAck> {
        self.answered[usize::from(from.0)] = barrier;
        let others = (0..).zip(&self.answered);
        let applied = others
            .filter(|(shard, _)| ShardId(*shard) != self.own)
            .map(|(_, barrier)| *barrier)
            .min()
            .expect("a shard that is not alone");
        let mut released = Vec::new();
        if applied == self.applied {
            return released;
        }
        self.applied = applied;
        self.forget_applied();
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= applied
        {
            released.push(first.remove());
        }
        released
    }

    /// Forgets the filters whose interest is applied everywhere. This looks at the whole table, so a table
    /// that a burst of subscriptions has left behind is given back.
    fn forget_applied(&mut self) {
        let applied = self.applied;
        self.unapplied.retain(|_, barrier| *barrier > applied);
        let room = self.unapplied.capacity();
        if room > UNAPPLIED_KEPT && self.unapplied.len() < room / 8 {
            self.unapplied.shrink_to(self.unapplied.len() * 2);
        }
    }
}

impl Shard {
    /// Tells all other shards what changed in this tick.
    pub(crate) fn send_interest(&mut self, outputs: &mut Outputs) {
        let Some((barrier, changes)) = self.barriers.take_update() else {
            return;
        };
        for to in self.shards.iter().filter(|shard| *shard != self.id) {
            let update = InterestUpdate {
                barrier,
                changes: changes.clone(),
            };
            let message = LinkMessage::Interest(update);
            outputs.list.push(Output::Link { to, message });
        }
    }

    /// Another shard's interest has changed. From here on its messages go there.
    pub(crate) fn on_interest(
        &mut self,
        from: ShardId,
        update: &InterestUpdate,
        outputs: &mut Outputs,
    ) {
        for change in update.changes.iter() {
            self.index.apply_remote(from, change);
        }
        if let Some(barrier) = update.barrier {
            let applied = InterestApplied {
                barrier,
                retain_sent: self.matrix.own_row().into(),
            };
            let message = LinkMessage::InterestApplied(applied);
            outputs.list.push(Output::Link { to: from, message });
        }
    }

    /// Another shard has applied our interest.
    pub(crate) fn on_interest_applied(
        &mut self,
        from: ShardId,
        applied: &InterestApplied,
        outputs: &mut Outputs,
    ) {
        self.matrix.require(from, &applied.retain_sent);
        for mut suback in self.barriers.answer(from, applied.barrier) {
            // What the client gave up while it waited is not replayed. [v5 MQTT-3.10.4-2]
            if let Some(session) = self.sessions.resolve(suback.session) {
                let index = &self.index;
                suback
                    .replays
                    .retain(|replay| index.has_subscription(replay.filter(), session));
            }
            self.finish_subscribe(suback, outputs);
        }
    }

    /// Sends the SUBACK once nothing is left to wait for.
    pub(crate) fn answer_subscribe(
        &mut self,
        barrier: Option<BarrierId>,
        suback: PendingSubAck,
        outputs: &mut Outputs,
    ) {
        match barrier {
            Some(barrier) => self.barriers.wait(barrier, suback),
            None => self.finish_subscribe(suback, outputs),
        }
    }

    /// SUBACK, then the replay of retained messages. Nobody is owed them when the connection is gone.
    fn finish_subscribe(&mut self, suback: PendingSubAck, outputs: &mut Outputs) {
        let Some(index) = self.sessions.resolve(suback.session) else {
            return;
        };
        if self.sessions.hot(index).live_connection() != Some(suback.connection) {
            return;
        }
        let packet = Packet::SubAck(SubAck {
            packet_id: suback.packet_id,
            properties: Properties::EMPTY,
            reasons: ReasonCodes::List(&suback.reasons),
        });
        let reason = reason_to_tell(&suback.reasons);
        self.send_with_reason(suback.connection, &packet, reason, outputs);
        self.start_replays(index, suback.replays, outputs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a burst of subscriptions leaves behind would cost every later one a walk through it.
    #[test]
    fn a_burst_leaves_no_table_behind() {
        let mut barriers = Barriers::new(ShardId(0), ShardCount(3), 1);
        for filter in 0..100_000 {
            let filter = Fingerprint(filter);
            let change = InterestChange::AddExact(filter);
            assert!(barriers.note_addition(filter, Some(change)).is_some());
        }
        let (barrier, _) = barriers.take_update().unwrap();
        let barrier = barrier.unwrap();
        barriers.answer(ShardId(1), barrier);
        assert_eq!(
            barriers.note_addition(Fingerprint(7), None),
            Some(barrier),
            "shard 2 has not answered"
        );
        barriers.answer(ShardId(2), barrier);
        assert_eq!(barriers.note_addition(Fingerprint(7), None), None);
        assert!(barriers.unapplied.capacity() <= UNAPPLIED_KEPT);
    }
}
