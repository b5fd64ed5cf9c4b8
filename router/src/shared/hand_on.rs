//! What a member of a shared subscription has not got, or not acknowledged, when it goes away: given on to
//! another member.
//!
//! QoS 1 messages in flight begin anew with another client. QoS 2 messages in flight wait for the client
//! they were sent to [v5 MQTT-4.8.2-4] and end with its session [v5 MQTT-4.8.2-5]; those that only waited
//! in its queue may go to another. What nobody else takes comes back to the session while it lives.

use ringmq_codec::Qos;

use crate::deliver::{Shared, Terms};
use crate::ids::SessionIndex;
use crate::index::{Group, GroupIndex};
use crate::link::{GroupName, StoredMessage};
use crate::message::MessageIndex;
use crate::outgoing::{Outgoing, Queued, Stage};
use crate::publish_frame::Message;
use crate::session::Flag;
use crate::{DropReason, Outputs, Shard};

use super::pick::terms;
use super::strategy::Place;
use super::{Attempt, Origin};

/// A message that a session holds no more.
pub(crate) struct HeldMessage {
    message: StoredMessage,
    group: GroupName,
    /// How it was held.
    queued: Queued,
}

impl Shard {
    /// A member's connection is gone and its session goes on: what others can take is theirs.
    pub(crate) fn give_on_from(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        if !self.sessions.hot(index).is(Flag::Member) {
            return;
        }
        let Some(mut outgoing) = self.sessions.get_mut(index).outgoing.take() else {
            return;
        };
        let own = self.id;
        let held = self.take_shared(&mut outgoing, |group| group.has_connected(own));
        self.sessions.get_mut(index).outgoing = Some(outgoing);
        self.give_on(Some(index), held, outputs);
    }

    /// Takes from a session that ends what another member may get; the rest ends with it.
    pub(crate) fn take_from_ended(&mut self, outgoing: &mut Outgoing) -> Vec<HeldMessage> {
        self.take_shared(outgoing, |_| true)
    }

    fn take_shared(
        &mut self,
        outgoing: &mut Outgoing,
        goes: impl Fn(&Group) -> bool,
    ) -> Vec<HeldMessage> {
        if self.stopping {
            return Vec::new();
        }
        let (messages, groups) = (&self.messages, &self.index);
        let which = |message: MessageIndex| {
            let group = messages.group(message);
            group.and_then(|it| groups.group(it)).is_some_and(&goes)
        };
        let in_flight = outgoing.take_in_flight(which);
        let queued = outgoing.take_queued(which);
        self.stats.inflight_messages -= in_flight.len() as u64;
        let in_flight = in_flight.into_iter().map(|it| self.hold(it));
        let mut held: Vec<HeldMessage> = in_flight.collect();
        held.extend(self.hold_queued(outgoing, queued));
        held
    }

    /// Takes from a session's queue what it got through a group that it has left.
    pub(crate) fn take_queued_of(
        &mut self,
        index: SessionIndex,
        group: GroupIndex,
    ) -> Vec<HeldMessage> {
        let Some(mut outgoing) = self.sessions.get_mut(index).outgoing.take() else {
            return Vec::new();
        };
        let messages = &self.messages;
        let queued = outgoing.take_queued(|message| messages.group(message) == Some(group));
        let held = self.hold_queued(&mut outgoing, queued);
        self.sessions.get_mut(index).outgoing = Some(outgoing);
        held
    }

    fn hold_queued(&mut self, outgoing: &mut Outgoing, queued: Vec<Queued>) -> Vec<HeldMessage> {
        self.stats.queued_messages -= queued.len() as u64;
        let hold = |queued: Queued| {
            outgoing.queue_bytes -= self.messages.get(queued.message).bytes.len() as u64;
            self.hold(queued)
        };
        queued.into_iter().map(hold).collect()
    }

    fn hold(&mut self, queued: Queued) -> HeldMessage {
        let group = self.messages.group(queued.message);
        let group = group.expect("only messages of groups are taken");
        let held = HeldMessage {
            message: self.messages.get(queued.message).clone(),
            group: self.index.name_of_group(group),
            queued,
        };
        self.messages.release(queued.message, queued.identifiers);
        held
    }

    /// What the session was sent through a group that it has left stays between the two, and what waits
    /// for it when there is nobody else.
    pub(crate) fn forget_group_of(&mut self, index: SessionIndex, group: GroupIndex) {
        let Some(outgoing) = &self.sessions.get(index).outgoing else {
            return;
        };
        let in_flight = outgoing.in_flight().filter_map(|it| match it.stage {
            Stage::Published(message) => Some(message),
            Stage::Released => None,
        });
        for message in in_flight.chain(outgoing.queue.iter().map(|it| it.message)) {
            if self.messages.group(message) == Some(group) {
                self.messages.forget_group(message);
            }
        }
    }

    /// Searches another member for each message. `from` is the session that has held them, if it lives.
    pub(crate) fn give_on(
        &mut self,
        from: Option<SessionIndex>,
        held: Vec<HeldMessage>,
        outputs: &mut Outputs,
    ) {
        let origin = from.map(|index| self.sessions.id(index));
        for HeldMessage {
            message,
            group,
            queued,
        } in held
        {
            let topic = message.topic();
            let topic_hash = self.index.fingerprint(topic.as_str());
            let message = Message::of(&message, topic, topic_hash);
            let group = self.index.resolve_group(group);
            let start = group.and_then(|group| self.choose_member(group, &message, outputs));
            let mut attempt = Attempt::new(start.unwrap_or(Place {
                shard: self.id,
                position: 0,
            }));
            // A session that is away keeps no QoS 0.
            let keeps =
                |from| queued.qos != Qos::AtMostOnce || self.sessions.hot(from).is(Flag::Connected);
            let keeper = origin.filter(|_| from.is_some_and(keeps));
            attempt.origin = keeper.map(|session| Origin {
                session,
                qos: queued.qos,
                retain: queued.retain,
                identifiers: queued.identifiers,
            });
            attempt.reason = Some(match (origin, attempt.origin) {
                (Some(_), None) => DropReason::ConnectionEnded,
                _ => DropReason::SessionEnded,
            });
            self.search_again(group, attempt, &message, outputs);
        }
    }

    /// A message comes back to the session that gave it on: behind what waits there, beyond its bounds if
    /// need be, as it was within them before. One that is a member no more gets it as it would have.
    pub(crate) fn take_back(
        &mut self,
        (index, origin): (SessionIndex, Origin),
        message: &Message<'_>,
        group: Option<GroupIndex>,
        outputs: &mut Outputs,
    ) {
        let members = group.and_then(|it| self.index.group(it));
        let member = members.and_then(|it| it.members.get(index));
        let options = member.map(|it| it.options);
        let identifiers = self.messages.identifiers.read(origin.identifiers);
        let without = Terms {
            qos: origin.qos,
            retain: origin.retain,
            identifiers: identifiers.as_list(),
        };
        let terms = options.map_or(without, |options| terms(message, options));
        let mut shared = match (group, options) {
            (Some(group), Some(_)) => Shared::for_group(message, group),
            _ => Shared::new(message),
        };
        let hot = self.sessions.hot(index);
        let goes_at_once = hot.is_direct() && self.sessions.get(index).has_room();
        let mut delivery = self.delivery(outputs);
        if goes_at_once {
            delivery.offer(index, terms, &mut shared);
        } else {
            delivery.push_queued(index, terms, &mut shared);
        }
    }
}
