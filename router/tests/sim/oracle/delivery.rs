//! What must hold of every single message a client receives: it is real, it was asked for, its flags are
//! right, it is not a repetition its QoS forbids, and it does not overtake another of its publisher.

use ringmq_codec::{Properties, Qos};

use super::session::{AttemptId, EpochId};
use super::{Oracle, Rule, message};
use crate::oracle::MessageIndex;
use crate::topics::TopicId;

/// A PUBLISH as a client's application gets it.
#[derive(Clone, Copy)]
pub(crate) struct Received<'a> {
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    pub(crate) properties: Properties<'a>,
    pub(crate) packet_len: usize,
}

impl std::fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = &self.payload[..self.payload.len().min(16)];
        write!(
            f,
            "{:?} {:?} retain {} dup {} payload of {} bytes {head:02x?}",
            self.topic,
            self.qos,
            self.retain,
            self.dup,
            self.payload.len(),
        )
    }
}

/// How often a session's client got a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) live: u32,
    pub(crate) replays: u32,
    /// Those without DUP.
    pub(crate) fresh: u32,
    /// Those of them that can only be replays.
    pub(crate) fresh_replays: u32,
}

impl Oracle {
    /// A client received a message that its side of the protocol does not take for a known duplicate.
    /// Returns which one it is, or `None` for a clearing message or a violation.
    pub(crate) fn received(
        &mut self,
        attempt: AttemptId,
        got: Received<'_>,
    ) -> Option<MessageIndex> {
        let epoch = self.attempts[attempt.0 as usize].epoch?;
        if got.packet_len > self.attempts[attempt.0 as usize].packet_max as usize {
            self.fail(Rule::PacketSize, format!("{} bytes came", got.packet_len));
            return None;
        }
        let Some(topic) = self.topics.find(got.topic) else {
            self.fail(
                Rule::NoMatch,
                format!("a message of topic {:?} came", got.topic),
            );
            return None;
        };
        if got.payload.is_empty() {
            self.received_clearing(attempt, epoch, topic, got.dup);
            return None;
        }
        let Some(index) = message::parse(got.payload)
            .filter(|index| (index.0 as usize) < self.messages.len())
            .filter(|index| self.messages[index.0 as usize].topic == topic)
        else {
            self.fail(Rule::Corrupt, format!("nobody published this: {got:?}"));
            return None;
        };
        self.received_message(attempt, epoch, index, got);
        Some(index)
    }

    fn received_clearing(&mut self, attempt: AttemptId, epoch: EpochId, topic: TopicId, dup: bool) {
        if !self.cleared.contains(&topic) {
            self.fail(
                Rule::Corrupt,
                format!("nobody cleared {:?}", self.topics.name(topic)),
            );
            return;
        }
        if dup {
            // Perhaps one that came before a newer value already.
            return;
        }
        self.attempts[attempt.0 as usize]
            .latest_retained
            .remove(&topic);
        self.epochs[epoch.0 as usize].retained.insert(topic, None);
    }

    fn received_message(
        &mut self,
        attempt: AttemptId,
        epoch: EpochId,
        index: MessageIndex,
        got: Received<'_>,
    ) {
        let Some(replay) = self.check_flags(epoch, index, got) else {
            return;
        };
        let message = &self.messages[index.0 as usize];
        if message.is_will {
            self.will_received(index);
        }
        let message = &self.messages[index.0 as usize];
        if message.payload_len != got.payload.len() {
            self.fail(
                Rule::Corrupt,
                format!("{index:?} came with {} bytes", got.payload.len()),
            );
            return;
        }
        self.check_properties(attempt, index, got);
        self.check_identifiers(epoch, index, got);
        let known = self.epochs[epoch.0 as usize].delivered.get(&index).copied();
        if self.is_for_member(epoch, index) {
            self.check_copies(index, got.dup);
        } else if !replay {
            self.check_repetition(attempt, index, got, known.unwrap_or_default());
            self.check_order(attempt, epoch, index, known.is_none());
        }
        self.note_retained(attempt, epoch, index, got.dup && known.is_some());
        let delivered = self.epochs[epoch.0 as usize]
            .delivered
            .entry(index)
            .or_default();
        if replay {
            delivered.replays += 1;
        } else {
            delivered.live += 1;
        }
        delivered.fresh += u32::from(!got.dup);
        self.check_replays(epoch, index, got);
        let here = &mut self.attempts[attempt.0 as usize].seen_here;
        *here.entry(index).or_default() += 1;
    }

    /// Whether it is a replay of a retained message; `None` when something is wrong.
    fn check_flags(
        &mut self,
        epoch: EpochId,
        index: MessageIndex,
        got: Received<'_>,
    ) -> Option<bool> {
        let granted = self.granted(epoch, index, self.now);
        let message = &self.messages[index.0 as usize];
        let may_replay = got.retain && message.retain;
        let asked = granted.possible || (may_replay && self.replay_asked(epoch, index));
        let detail = if !asked {
            "no subscription of the session matches it"
        } else if got.retain && !message.retain {
            "it carries a retain flag its publisher did not set"
        } else if got.qos > message.qos {
            "its QoS is above its publisher's"
        } else if !may_replay && got.qos > message.qos.min(granted.qos_high) {
            "its QoS is above the subscription's"
        } else if !got.retain && message.retain && !granted.retain_cleared {
            "it lacks the retain flag that all its subscriptions ask for"
        } else if !got.retain && granted.certain && got.qos < message.qos.min(granted.qos_low) {
            "its QoS is below both the publisher's and the subscription's"
        } else {
            return Some(may_replay);
        };
        let rule = if asked { Rule::Flags } else { Rule::NoMatch };
        let client = self.epochs[epoch.0 as usize].client;
        let topic = self.topics.name(message.topic);
        let detail = format!(
            "{client:?} got {index:?} of {topic:?}: {detail} ({got:?}, {granted:?}), subscribed {:?}",
            self.records_for(epoch, index)
        );
        self.fail(rule, detail);
        None
    }

    fn check_properties(&mut self, attempt: AttemptId, index: MessageIndex, got: Received<'_>) {
        if !self.attempts[attempt.0 as usize].version.is_v5() {
            return;
        }
        let mut kept = ringmq_codec::PropertiesBuffer::new();
        let mut expires = false;
        for property in got.properties.iter() {
            match property {
                ringmq_codec::Property::MessageExpirySecs(_) => expires = true,
                ringmq_codec::Property::SubscriptionIdentifier(_)
                | ringmq_codec::Property::TopicAlias(_) => {}
                other => kept.push(other),
            }
        }
        let message = &self.messages[index.0 as usize];
        let same = kept.as_properties().as_bytes() == message.properties;
        if !same || expires != message.expires.is_some() {
            let detail = format!("{index:?} came with other properties than it was published with");
            self.fail(Rule::Corrupt, detail);
        }
    }

    fn check_repetition(
        &mut self,
        attempt: AttemptId,
        index: MessageIndex,
        got: Received<'_>,
        known: Delivered,
    ) {
        let message = &self.messages[index.0 as usize];
        // A publisher that sends a QoS 1 message again makes two messages of it.
        let doubled = message.qos == Qos::AtLeastOnce && message.transmissions > 1;
        if known.live == 0 || doubled {
            return;
        }
        let here = self.attempts[attempt.0 as usize]
            .seen_here
            .contains_key(&index);
        let detail = match got.qos {
            Qos::AtMostOnce => "twice at QoS 0",
            Qos::ExactlyOnce => "twice at QoS 2",
            Qos::AtLeastOnce if here => "twice on one connection",
            Qos::AtLeastOnce if !got.dup => "again without DUP",
            Qos::AtLeastOnce => return,
        };
        let client = &self.attempts[attempt.0 as usize].client_id;
        let topic = self.topics.name(message.topic);
        let detail = format!("{client:?} got {index:?} of {topic:?} {detail}");
        self.fail(Rule::Repeated, detail);
    }

    fn check_order(
        &mut self,
        attempt: AttemptId,
        epoch: EpochId,
        index: MessageIndex,
        first: bool,
    ) {
        let message = &self.messages[index.0 as usize];
        if message.is_will || message.transmissions > 1 {
            return;
        }
        let key = (message.stream, message.topic);
        let here = self.attempts[attempt.0 as usize]
            .latest
            .entry(key)
            .or_insert(index);
        let swapped_here = *here > index;
        *here = index.max(*here);
        let latest = self.epochs[epoch.0 as usize]
            .latest
            .entry(key)
            .or_insert(index);
        let swapped = first && *latest > index;
        let newest = *latest.max(here);
        *latest = index.max(*latest);
        if swapped || swapped_here {
            let client = &self.attempts[attempt.0 as usize].client_id;
            let topic = self.topics.name(self.messages[index.0 as usize].topic);
            let detail = format!("{client:?} got {index:?} of {topic:?} after {newest:?}");
            self.fail(Rule::Order, detail);
        }
    }

    fn note_retained(
        &mut self,
        attempt: AttemptId,
        epoch: EpochId,
        index: MessageIndex,
        again: bool,
    ) {
        let message = &self.messages[index.0 as usize];
        let topic = message.topic;
        if !message.retain || !self.topics.is_retained(topic) || again {
            return;
        }
        let latest = self.attempts[attempt.0 as usize]
            .latest_retained
            .insert(topic, index);
        if message.transmissions == 1 && latest.is_some_and(|latest| latest > index) {
            let client = &self.attempts[attempt.0 as usize].client_id;
            let name = self.topics.name(topic);
            let detail = format!("{client:?} got {index:?} of {name:?} after the newer {latest:?}");
            self.fail(Rule::StaleRetained, detail);
        }
        self.epochs[epoch.0 as usize]
            .retained
            .insert(topic, Some(index));
    }
}
