//! What must hold when faults are off and everyone has drained: everything that was due has arrived, or
//! was dropped at a bound and counted.

use ringmq_codec::{Qos, ReasonCode};
use ringmq_router::{DropReason, Stats};

use super::message::Fate;
use super::session::EpochId;
use super::will::WillState;
use super::{Oracle, Rule};
use crate::oracle::MessageIndex;

impl Oracle {
    /// Judges all messages published since the last call.
    pub(crate) fn check_quiet(&mut self, stats: &Stats) {
        let mut missing: Vec<(EpochId, MessageIndex)> = Vec::new();
        let live: Vec<EpochId> = (0..self.epochs.len() as u32)
            .map(EpochId)
            .filter(|epoch| self.epochs[epoch.0 as usize].ended.is_none())
            .collect();
        for index in self.judged..self.messages.len() {
            let index = MessageIndex(index as u32);
            for epoch in &live {
                if self.is_missing(*epoch, index) {
                    missing.push((*epoch, index));
                }
            }
            self.check_groups(index, &mut missing);
        }
        self.excused += self.excused_drops();
        self.judged = self.messages.len();
        self.judged_at = self.now;
        self.check_wills(&mut missing);
        // A full store keeps old values and refuses new ones: nobody can say which.
        if stats.drops.get(DropReason::RetainedFull) == 0 {
            let values = self.retained_candidates();
            for epoch in &live {
                self.check_retained(*epoch, &values, &mut missing);
                if self.is_late(*epoch) {
                    self.check_late(*epoch, &values);
                }
            }
        }
        missing.sort_unstable();
        missing.dedup();
        missing.retain(|pair| self.missed.insert(*pair));
        self.check_ledger(&missing, stats);
    }

    fn is_late(&self, epoch: EpochId) -> bool {
        let client = self.epochs[epoch.0 as usize].client;
        self.late_clients.contains(&client)
    }

    /// Whether a message is larger than the session's client takes, or nearly so.
    pub(crate) fn too_large(&self, epoch: EpochId, message: MessageIndex) -> bool {
        let message = &self.messages[message.0 as usize];
        let attempt = self.epochs[epoch.0 as usize].attempt;
        let topic = self.topics.name(message.topic).len();
        let size = message.payload_len + topic + message.properties.len() + 40;
        size > self.attempts[attempt.0 as usize].packet_max as usize
    }

    /// Whether the session's client should have got the message and did not.
    fn is_missing(&self, epoch: EpochId, index: MessageIndex) -> bool {
        let message = &self.messages[index.0 as usize];
        if message.clears || message.is_will {
            return false;
        }
        let until = match message.fate {
            Fate::Acknowledged(at, reason) => {
                if reason.is_error() && reason != ReasonCode::QuotaExceeded {
                    return false;
                }
                at
            }
            Fate::Abandoned => return false,
            Fate::Sent if message.qos > Qos::AtMostOnce => return false,
            Fate::Sent if self.certainly_handled(index) => self.now,
            Fate::Sent => return false,
        };
        let granted = self.granted(epoch, index, until);
        if !granted.certain || self.epochs[epoch.0 as usize].delivered.contains_key(&index) {
            return false;
        }
        let expired = self.may_have_expired(index);
        let lossy = message.qos.min(granted.qos_low) == Qos::AtMostOnce;
        !expired
            && !self.too_large(epoch, index)
            && (!lossy || self.connected_since(epoch, message.first_sent))
    }

    /// How many drops at queue bounds this round's messages can account for at most.
    fn excused_drops(&self) -> u64 {
        let recent: Vec<EpochId> = (0..self.epochs.len() as u32)
            .map(EpochId)
            .filter(|epoch| {
                let ended = self.epochs[epoch.0 as usize].ended;
                ended.is_none_or(|ended| ended >= self.judged_at)
            })
            .collect();
        let published = (self.judged..self.messages.len())
            .map(|index| MessageIndex(index as u32))
            .filter(|index| !self.messages[index.0 as usize].is_will);
        let left = self.attempts.iter().filter_map(|attempt| {
            let (ended, _) = attempt.ended?;
            let will = attempt.will.as_ref()?;
            (ended >= self.judged_at).then_some(will.message)
        });
        let mut excused = 0;
        for index in published.chain(left) {
            let message = &self.messages[index.0 as usize];
            for epoch in &recent {
                let delivered = self.epochs[epoch.0 as usize].delivered.get(&index);
                let came = delivered.map_or(0, |delivered| delivered.live + delivered.replays);
                let sent = u64::from(message.transmissions);
                if u64::from(came) < sent && self.granted(*epoch, index, self.now).possible {
                    excused += sent - u64::from(came);
                }
            }
        }
        excused
    }

    fn check_wills(&mut self, missing: &mut Vec<(EpochId, MessageIndex)>) {
        let Some(watcher) = self.watcher else {
            return;
        };
        for index in 0..self.attempts.len() {
            let attempt = &self.attempts[index];
            let Some(will) = &attempt.will else {
                continue;
            };
            let WillState::Due(at) = will.state else {
                continue;
            };
            let heard = &self.epochs[watcher.0 as usize].delivered;
            let known = self.missed.contains(&(watcher, will.message));
            if at.plus(super::session::TIMER_SLACK) < self.now
                && !known
                && !heard.contains_key(&will.message)
            {
                missing.push((watcher, will.message));
            }
        }
    }

    /// Every message missed must be one the ledger counts as dropped at a queue's bound.
    fn check_ledger(&mut self, missing: &[(EpochId, MessageIndex)], stats: &Stats) {
        let dropped =
            stats.drops.get(DropReason::QueueMessages) + stats.drops.get(DropReason::QueueBytes);
        if dropped > self.excused {
            let excused = self.excused;
            let detail =
                format!("{dropped} drops at queue bounds are counted, {excused} can have been");
            self.fail(Rule::Ledger, detail);
        }
        let missed = self.missed.len() as u64;
        if missed <= dropped {
            return;
        }
        let Some((epoch, message)) = missing.first().copied() else {
            return;
        };
        let held = &self.epochs[epoch.0 as usize];
        let this = &self.messages[message.0 as usize];
        let rule = match (this.is_will, dropped) {
            (true, _) => Rule::Will,
            (false, 0) => Rule::Lost,
            (false, _) => Rule::Ledger,
        };
        let client = &self.attempts[held.attempt.0 as usize].client_id;
        let topic = self.topics.name(this.topic);
        let values = held.retained.get(&this.topic);
        let detail = format!(
            "{missed} messages are missing, {dropped} drops at queue bounds are counted; the first of {} this time: \
             {message:?} of {topic:?} sent at {} never came to {client:?} on shard {} ({epoch:?}, last value {values:?}): {this:?}, subscribed {:?}",
            missing.len(),
            this.first_sent,
            held.shard.0,
            self.records_for(epoch, message),
        );
        self.fail(rule, detail);
    }
}
