//! A group's messages given at once: the member is chosen, is of this shard and can take the message now.
//!
//! That is what nearly all messages of a group meet, so nothing is remembered of a search here. Whoever has
//! messages for a group asks this first ([`Shard::group_delivery`]), for several of them without looking the
//! group up again, and searches ([`super::Attempt`]) from the member that was chosen when this cannot give
//! one. A member is chosen once for each message, by one way or the other.

use ringmq_codec::Qos;

use crate::deliver::{Delivery, Shared, is_plain};
use crate::ids::SessionIndex;
use crate::index::{Group, GroupIndex, Subscriber, TopicHash};
use crate::link::Fingerprint;
use crate::publish_frame::{Envelope, Message};
use crate::random::Random;
use crate::sessions::Sessions;
use crate::{Outputs, Shard, ShardId, SharedStrategy};

use super::pick::{Look, least_load, terms};
use super::strategy::{Circumstances, Place};

/// One group, and what giving messages to its members takes.
pub(crate) struct GroupDelivery<'a> {
    pub(super) group: &'a mut Group,
    /// This shard.
    pub(super) own: ShardId,
    random: &'a mut Random,
    hash: &'a TopicHash,
    pub(super) delivery: Delivery<'a>,
}

/// What became of a message for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// A member has it.
    Taken,
    /// No shard has a member.
    NoMember,
    /// This member is to be sent it ([`Shard::send_to_member`]); it can take it, but not as it is.
    Ready(Subscriber),
    /// A search must begin with this member.
    Search(Place),
}

impl Shard {
    /// The group, to be given messages; `None` when it is gone.
    #[inline]
    pub(crate) fn group_delivery<'a>(
        &'a mut self,
        index: GroupIndex,
        outputs: &'a mut Outputs,
    ) -> Option<GroupDelivery<'a>> {
        let own = self.id;
        let (groups, random, delivery) = self.delivery_parts(outputs);
        let (group, hash) = groups.group_and_hash(index)?;
        Some(GroupDelivery {
            group,
            own,
            random,
            hash,
            delivery,
        })
    }

    /// Gives a message of a group to the member that was picked, as to any session.
    pub(crate) fn send_to_member(
        &mut self,
        (index, member): (GroupIndex, Subscriber),
        message: &Message<'_>,
        outputs: &mut Outputs,
    ) {
        let terms = terms(message, member.options);
        let mut shared = Shared::for_group(message, index);
        let taken = self
            .delivery(outputs)
            .offer(member.session, terms, &mut shared);
        debug_assert!(taken.taken, "the member was picked as it can take it");
    }
}

impl GroupDelivery<'_> {
    /// Gives the message to the member that the group's strategy has the search begin with, or to the next
    /// one of this shard, if one of them can take it now.
    #[inline]
    pub(crate) fn give(&mut self, message: &Message<'_>) -> Given {
        match self.choose(message) {
            Some(place) => self.give_at(place, message),
            None => Given::NoMember,
        }
    }

    /// The same when the member was chosen before.
    #[inline(always)]
    pub(crate) fn give_at(&mut self, place: Place, message: &Message<'_>) -> Given {
        if place.shard != self.own {
            return Given::Search(place);
        }
        let look = Look {
            sessions: self.delivery.sessions,
            settings: self.delivery.settings,
            message,
        };
        let Some(member) = look.pick_ready(self.group, place.position) else {
            return Given::Search(place);
        };
        self.group.last_member = Some(member.session);
        self.group.choice.last_taker = Some(self.own);
        let hot = self.delivery.sessions.hot(member.session);
        let qos = message.qos.min(member.options.qos());
        if message.retain || !is_plain(qos, hot, member) {
            return Given::Ready(member);
        }
        let envelope = Envelope::plain(hot.version, Qos::AtMostOnce, false);
        let to = hot.connection;
        self.delivery
            .send_publish(to, &message.content(), &envelope);
        Given::Taken
    }

    /// The member that the group's strategy has the search begin with.
    #[inline(always)]
    pub(super) fn choose(&mut self, message: &Message<'_>) -> Option<Place> {
        let mut circumstances = Circumstances {
            own: self.own,
            now: self.delivery.now,
            draw: 0,
            own_load: 0,
        };
        let sessions = &*self.delivery.sessions;
        match self.group.choice.strategy {
            SharedStrategy::RoundRobin | SharedStrategy::Sticky | SharedStrategy::LocalFirst => {}
            SharedStrategy::Random => circumstances.draw = self.random.next(),
            SharedStrategy::HashTopic => circumstances.draw = message.topic_hash.0,
            SharedStrategy::HashClientId => {
                circumstances.draw = client_hash(sessions, message.publisher, self.hash).0;
            }
            SharedStrategy::LeastInFlight => {
                circumstances.own_load = least_load(&self.group.members, sessions);
            }
        }
        let Group {
            choice,
            fingerprint,
            shards,
            ..
        } = &mut *self.group;
        choice.begin_at(|| self.random.next());
        choice.choose(*fingerprint, shards, circumstances)
    }
}

/// The publisher's hash, by its client identifier; the same for all whose sessions live elsewhere.
fn client_hash(
    sessions: &Sessions,
    publisher: Option<SessionIndex>,
    hash: &TopicHash,
) -> Fingerprint {
    let publisher = publisher.and_then(|it| sessions.at(it.0));
    hash.fingerprint(publisher.map_or("", |session| &*session.client_id))
}

#[cfg(test)]
mod tests;
