//! The gate: what must be true when a publisher sees PUBACK or PUBREC.

use ringmq_codec::{Qos, ReasonCode};

use super::message::Fate;
use super::session::EpochId;
use super::{Oracle, Rule};
use crate::oracle::MessageIndex;

impl Oracle {
    /// PUBACK or PUBREC for a message came at its publisher.
    pub(crate) fn acknowledged(&mut self, message: MessageIndex, reason: ReasonCode) {
        let now = self.now;
        let this = &mut self.messages[message.0 as usize];
        if let Fate::Acknowledged(..) = this.fate {
            return;
        }
        this.fate = Fate::Acknowledged(now, reason);
        if this.is_will || this.clears {
            return;
        }
        match reason {
            ReasonCode::Success | ReasonCode::QuotaExceeded | ReasonCode::NoMatchingSubscribers => {
            }
            other => {
                self.fail(
                    Rule::Acknowledgement,
                    format!("{message:?} was answered {other:?}"),
                );
                return;
            }
        }
        if self.logs && !self.messages[message.0 as usize].durable {
            let detail = format!("{message:?} was acknowledged before its record was durable");
            self.fail(Rule::Gate, detail);
            return;
        }
        let publisher = self.messages[message.0 as usize].attempt;
        let publisher = self.attempts[publisher.0 as usize].epoch;
        for epoch in 0..self.epochs.len() as u32 {
            self.check_taken(EpochId(epoch), publisher, message, reason);
        }
        let here = publisher.map(|publisher| self.epochs[publisher.0 as usize].shard);
        self.check_taken_by_groups(here, message, reason);
    }

    fn check_taken(
        &mut self,
        epoch: EpochId,
        publisher: Option<EpochId>,
        message: MessageIndex,
        reason: ReasonCode,
    ) {
        let held = &self.epochs[epoch.0 as usize];
        let connection = &self.attempts[held.attempt.0 as usize];
        // A session that may have ended meanwhile proves nothing.
        let alive =
            held.ended.is_none() && (connection.ended.is_none() || connection.expiry_secs > 60);
        if !alive || !self.granted(epoch, message, self.now).certain {
            return;
        }
        let here = publisher.map(|publisher| self.epochs[publisher.0 as usize].shard);
        let shard = held.shard;
        let this = &self.messages[message.0 as usize];
        let taken = here == Some(shard) || this.crossed_to & (1 << shard.0) != 0;
        let topic = self.topics.name(this.topic);
        let subscriber = &connection.client_id;
        if !taken {
            let detail = format!(
                "{message:?} of {topic:?} was acknowledged before shard {} of its subscriber {subscriber:?} had it",
                shard.0
            );
            self.fail(Rule::Gate, detail);
        } else if reason == ReasonCode::NoMatchingSubscribers {
            let detail = format!(
                "{message:?} of {topic:?} matched nobody, but {subscriber:?} is subscribed"
            );
            self.fail(Rule::Gate, detail);
        }
    }

    /// The publisher's session ended before the answer.
    pub(crate) fn abandoned(&mut self, message: MessageIndex) {
        let this = &mut self.messages[message.0 as usize];
        if this.fate == Fate::Sent && this.qos > Qos::AtMostOnce {
            this.fate = Fate::Abandoned;
        }
    }

    /// A shard was given a batch with this message.
    pub(crate) fn crossed(&mut self, message: MessageIndex, shard: ringmq_router::ShardId) {
        if let Some(this) = self.messages.get_mut(message.0 as usize) {
            this.crossed_to |= 1 << shard.0;
        }
    }
}
