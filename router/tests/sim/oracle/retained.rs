//! Retained messages: which values a topic may end with, and that everyone who asked ends there.

use std::collections::BTreeMap;

use ringmq_codec::{Qos, ReasonCode};

use super::message::Fate;
use super::session::EpochId;
use super::{Oracle, Rule};
use crate::oracle::MessageIndex;
use crate::topics::TopicId;

/// Values a retained topic may have; `None` is no value.
pub(crate) type Candidates = Vec<Option<MessageIndex>>;

impl Oracle {
    /// Whether the broker has certainly handled a publish of QoS 0: its connection lives, or said
    /// DISCONNECT after it.
    pub(crate) fn certainly_handled(&self, message: MessageIndex) -> bool {
        use super::session::Ended;
        use ringmq_router::CloseReason;
        let attempt = &self.attempts[self.messages[message.0 as usize].attempt.0 as usize];
        match attempt.ended {
            None => attempt.established.is_some(),
            Some((_, how)) => how == Ended::ByBroker(CloseReason::ClientDisconnected),
        }
    }

    /// What each retained topic may hold when all is quiet.
    pub(crate) fn retained_candidates(&self) -> BTreeMap<TopicId, Candidates> {
        let mut values: BTreeMap<TopicId, Candidates> = self
            .topics
            .all_retained()
            .map(|topic| (topic, vec![None]))
            .collect();
        for (index, message) in self.messages.iter().enumerate() {
            if !message.retain || message.is_will || !self.topics.is_retained(message.topic) {
                continue;
            }
            let index = MessageIndex(index as u32);
            let certain = match message.fate {
                Fate::Acknowledged(_, reason) => {
                    !reason.is_error() || reason == ReasonCode::QuotaExceeded
                }
                Fate::Abandoned => false,
                Fate::Sent => message.qos == Qos::AtMostOnce && self.certainly_handled(index),
            };
            let candidates = values
                .get_mut(&message.topic)
                .expect("all topics were filled in");
            if certain {
                candidates.clear();
            }
            candidates.push((!message.clears).then_some(index));
            if self.may_have_expired(index) {
                candidates.push(None);
            }
        }
        values
    }

    /// Checks what a session was told of the retained topics it asked for; every message it misses is
    /// reported to `missing`.
    pub(crate) fn check_retained(
        &self,
        epoch: EpochId,
        values: &BTreeMap<TopicId, Candidates>,
        missing: &mut Vec<(EpochId, MessageIndex)>,
    ) {
        for (topic, candidates) in values {
            let last = self.epochs[epoch.0 as usize]
                .retained
                .get(topic)
                .copied()
                .flatten();
            if candidates.contains(&last) || !self.retained_due(epoch, candidates) {
                continue;
            }
            let Some(wanted) = candidates.first().copied().flatten() else {
                continue;
            };
            if last.is_some_and(|last| self.came_late(last)) {
                continue;
            }
            // Which copy came last cannot be told when its publisher has sent it again.
            let came = self.epochs[epoch.0 as usize]
                .delivered
                .contains_key(&wanted);
            if came && self.came_late(wanted) {
                continue;
            }
            missing.push((epoch, wanted));
        }
    }

    /// Whether the session asked for the topic's value and nothing excuses that it is not there.
    fn retained_due(&self, epoch: EpochId, candidates: &Candidates) -> bool {
        let Some(message) = candidates.first().copied().flatten() else {
            return false;
        };
        let this = &self.messages[message.0 as usize];
        let held = &self.epochs[epoch.0 as usize];
        let client = &self.attempts[held.attempt.0 as usize];
        let mut possible = candidates.iter().flatten();
        if candidates.contains(&None) || possible.any(|message| self.too_large(epoch, *message)) {
            return false;
        }
        let publisher = &self.attempts[this.attempt.0 as usize];
        held.records.iter().any(|record| {
            let record = &self.records[record.0 as usize];
            let lossy = record.options.qos.min(this.qos) == Qos::AtMostOnce;
            self.topics.matches(record.filter, this.topic)
                && record.holds(self.now, self.now)
                && record.superseded_sent.is_none()
                && record.wants_replay()
                && !(record.options.no_local && publisher.client_id == client.client_id)
                && (!lossy || self.connected_since(epoch, record.sent))
        })
    }

    /// Whether the message may have reached the broker after later ones of its topic: its publisher sent
    /// it again, and the broker took that for a new message. It does so at QoS 1, and at QoS 2 when the
    /// answer to the first was an error that was lost on the way.
    fn came_late(&self, message: MessageIndex) -> bool {
        self.messages[message.0 as usize].transmissions > 1
    }

    /// Late subscribers: nothing may come that the topic no longer holds.
    pub(crate) fn check_late(&mut self, epoch: EpochId, values: &BTreeMap<TopicId, Candidates>) {
        for (topic, candidates) in values {
            let last = self.epochs[epoch.0 as usize]
                .retained
                .get(topic)
                .copied()
                .flatten();
            let late = last.is_none_or(|last| self.came_late(last));
            if !late && !candidates.contains(&last) {
                let name = self.topics.name(*topic);
                let detail =
                    format!("a late subscriber got {last:?} of {name:?}, not {candidates:?}");
                self.fail(Rule::StaleRetained, detail);
                return;
            }
        }
    }
}
