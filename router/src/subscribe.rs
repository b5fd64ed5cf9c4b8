//! SUBSCRIBE: the subscription is in force at once; its SUBACK waits until every shard knows of it, and
//! the retained messages follow the SUBACK.

use ringmq_codec::{Property, Qos, ReasonCode, RetainHandling, TopicFilter, packet::Subscribe};

use crate::ids::SessionIndex;
use crate::index::{PackedOptions, Subscriber};
use crate::interest::PendingSubAck;
use crate::link::BarrierId;
use crate::replay::Replay;
use crate::{CloseReason, ConnectionId, Outputs, Shard};

impl Shard {
    /// A client wants messages.
    pub(crate) fn on_subscribe(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        subscribe: Subscribe<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let identifier = subscribe
            .properties
            .iter()
            .find_map(|property| match property {
                Property::SubscriptionIdentifier(identifier) => Some(identifier),
                _ => None,
            });
        self.check_answer_fits(index, subscribe.filters.len())?;
        let mut suback = PendingSubAck {
            session: self.sessions.id(index),
            connection: id,
            packet_id: subscribe.packet_id,
            reasons: Vec::with_capacity(subscribe.filters.len()),
            replays: Vec::new(),
        };
        let mut barrier = None;
        for (filter, options) in subscribe.filters.iter() {
            match self.check_filter(index, filter) {
                Err(reason) => suback.reasons.push(reason),
                Ok(()) => {
                    let packed =
                        PackedOptions::new(options).with_identifier(identifier.unwrap_or(0));
                    let subscription = (options.retain_handling, packed);
                    let wait = self.subscribe_one(index, filter, subscription, &mut suback.replays);
                    barrier = barrier.max(wait);
                    suback.reasons.push(granted(options.qos));
                }
            }
        }
        self.answer_subscribe(barrier, suback, outputs);
        Ok(())
    }

    /// Whether the client takes a SUBACK or UNSUBACK with so many reasons; if not, its request cannot be
    /// answered. [v5 MQTT-3.1.2-24]
    pub(crate) fn check_answer_fits(
        &self,
        index: SessionIndex,
        reasons: usize,
    ) -> Result<(), CloseReason> {
        let beside_reasons = 5 + 2 + 1;
        if beside_reasons + reasons > self.sessions.hot(index).packet_size_max as usize {
            return Err(CloseReason::Refused(ReasonCode::PacketTooLarge));
        }
        Ok(())
    }

    /// Whether the filter is within this broker's bounds.
    fn check_filter(&self, index: SessionIndex, filter: TopicFilter<'_>) -> Result<(), ReasonCode> {
        let topics = match filter.share() {
            Some(_) if self.is_group_full(index, filter) => {
                return Err(ReasonCode::QuotaExceeded);
            }
            Some((_, topics)) => topics,
            // No share name, or no filter behind it, from v3; of v5 the decoder has refused it.
            None if filter.as_str().starts_with(TopicFilter::SHARE_PREFIX) => {
                return Err(ReasonCode::TopicFilterInvalid);
            }
            None => filter,
        };
        let levels = memchr::memchr_iter(b'/', topics.as_str().as_bytes()).count() + 1;
        if levels > usize::from(self.settings.topic_levels_max) {
            return Err(ReasonCode::TopicFilterInvalid);
        }
        let held = self.sessions.get(index).subscriptions.as_slice().len();
        let is_full = held >= self.settings.subscriptions_per_session_max as usize;
        if is_full && !self.index.has_subscription(filter.as_str(), index) {
            return Err(ReasonCode::QuotaExceeded);
        }
        Ok(())
    }

    /// Makes or changes one subscription; returns the barrier its SUBACK must wait behind.
    fn subscribe_one(
        &mut self,
        index: SessionIndex,
        filter: TopicFilter<'_>,
        (retain_handling, options): (RetainHandling, PackedOptions),
        replays: &mut Vec<Replay>,
    ) -> Option<BarrierId> {
        if filter.share().is_some() {
            return self.join_group(index, filter, options);
        }
        let subscribed = self.index.subscribe(
            filter,
            Subscriber {
                session: index,
                options,
            },
        );
        if !subscribed.existed {
            let session = self.sessions.get_mut(index);
            session.subscriptions.insert(subscribed.filter);
        }
        let replay_is_wanted = match retain_handling {
            RetainHandling::Send => true,
            RetainHandling::SendIfNew => !subscribed.existed,
            RetainHandling::DoNotSend => false,
        };
        let fingerprint = self.index.fingerprint(filter.as_str());
        let wait = self
            .barriers
            .note_addition(fingerprint, subscribed.interest);
        // Retained messages are asked for as of now: later ones come live.
        if replay_is_wanted {
            if wait.is_none() && self.has_nothing_to_replay(filter, fingerprint) {
                self.stats.retained_replays_total += 1;
            } else {
                replays.push(self.new_replay(filter, options));
            }
        }
        wait
    }
}

fn granted(qos: Qos) -> ReasonCode {
    match qos {
        Qos::AtMostOnce => ReasonCode::Success,
        Qos::AtLeastOnce => ReasonCode::GrantedQos1,
        Qos::ExactlyOnce => ReasonCode::GrantedQos2,
    }
}
