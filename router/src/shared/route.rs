//! Messages on their way to members of groups: asked here or on another shard, and asked on when refused.
//!
//! The shard that begins a search keeps the message with the batch it was sent in until that batch is
//! accepted, so a refusal costs one more copy and nothing is lost in between. A search never waits for
//! anything but the answer of the shard that was asked.

use std::sync::Arc;

use crate::gate::{Taken, Ticket};
use crate::index::GroupIndex;
use crate::link::{Accepted, BatchData, BatchItem, Refusal, SharedDelivery};
use crate::link_in::message_of;
use crate::link_out::Destination;
use crate::placement::bit;
use crate::publish::Routed;
use crate::publish_frame::Message;
use crate::sessions::SessionId;
use crate::{DropReason, Outputs, Shard, ShardId, SharedStrategy};

use super::pick::least_load;
use super::strategy::Place;
use super::{Ask, Asked, Attempt, Given};

/// A message that members are searched for.
pub(crate) struct Carried<'a> {
    pub(crate) message: &'a Message<'a>,
    /// Its number in the retained order and the shards it goes to live.
    pub(crate) order: (u64, u64),
    /// Its place in this tick's batch data, once it has one.
    pub(crate) item: Option<u32>,
}

/// How a search stands.
pub(crate) enum Progress {
    Over(Taken),
    /// That shard was asked.
    Asked(ShardId),
}

impl Shard {
    /// Gives a published message to one member of each group that `route` has gathered.
    pub(crate) fn route_to_groups(
        &mut self,
        carried: &mut Carried<'_>,
        waiter: Option<(SessionId, Ticket)>,
        routed: &mut Routed,
        outputs: &mut Outputs,
    ) {
        while let Some(index) = self.scratch.groups.pop() {
            self.route_to_group(index, carried, waiter, (routed, outputs));
        }
    }

    /// Gives a published message to one member of a group.
    pub(crate) fn route_to_group(
        &mut self,
        index: GroupIndex,
        carried: &mut Carried<'_>,
        waiter: Option<(SessionId, Ticket)>,
        (routed, outputs): (&mut Routed, &mut Outputs),
    ) {
        let group = self.group_delivery(index, outputs);
        let given = group.map_or(Given::NoMember, |mut it| it.give(carried.message));
        self.end_giving(index, given, carried, waiter, (routed, outputs));
    }

    /// Gives a message of QoS 0 to one member of a group, which nobody else wants; to begin with the one whose
    /// turn it is, if that is known.
    pub(crate) fn route_to_only_group(
        &mut self,
        index: GroupIndex,
        turn: Option<Place>,
        message: &Message<'_>,
        outputs: &mut Outputs,
    ) -> Routed {
        let mut routed = Routed::default();
        let mut carried = Carried {
            message,
            order: (0, bit(self.id)),
            item: None,
        };
        let group = self.group_delivery(index, outputs);
        let given = group.map_or(Given::NoMember, |mut it| match turn {
            Some(place) => it.give_at(place, message),
            None => it.give(message),
        });
        self.end_giving(index, given, &mut carried, None, (&mut routed, outputs));
        routed
    }

    /// Does what is left to do for a message that a group was given, or could not be given at once.
    #[inline]
    fn end_giving(
        &mut self,
        index: GroupIndex,
        given: Given,
        carried: &mut Carried<'_>,
        waiter: Option<(SessionId, Ticket)>,
        (routed, outputs): (&mut Routed, &mut Outputs),
    ) {
        match given {
            Given::Taken => routed.taken.merge(Taken::YES),
            Given::Ready(member) => {
                self.send_to_member((index, member), carried.message, outputs);
                routed.taken.merge(Taken::YES);
            }
            Given::NoMember => {}
            Given::Search(start) => {
                let mut attempt = Attempt::new(start);
                attempt.waiter = waiter;
                match self.advance(index, attempt, carried, outputs) {
                    Progress::Over(taken) => routed.taken.merge(taken),
                    Progress::Asked(shard) => {
                        routed.waiting += 1;
                        routed.shards |= bit(shard);
                    }
                }
            }
        }
    }

    /// The member that the group's strategy has the search begin with.
    pub(crate) fn choose_member(
        &mut self,
        index: GroupIndex,
        message: &Message<'_>,
        outputs: &mut Outputs,
    ) -> Option<Place> {
        self.group_delivery(index, outputs)?.choose(message)
    }

    /// Asks shard after shard until one that is not this one must answer, or the search is over.
    pub(crate) fn advance(
        &mut self,
        group: GroupIndex,
        mut attempt: Attempt,
        carried: &mut Carried<'_>,
        outputs: &mut Outputs,
    ) -> Progress {
        loop {
            let next = self
                .index
                .group(group)
                .and_then(|it| attempt.next(&it.shards));
            let Some(ask) = next else {
                let end = self.end_search(Some(group), &attempt, carried.message, outputs);
                return Progress::Over(end);
            };
            if ask.shard != self.id {
                self.ask_shard(group, ask, attempt, carried);
                return Progress::Asked(ask.shard);
            }
            match self.give_to_member(group, ask, carried.message, outputs) {
                Ok(()) => {
                    self.note_taker(group, ask.shard);
                    return Progress::Over(Taken::YES);
                }
                Err(refusal) => attempt.refused(ask, refusal),
            }
        }
    }

    fn ask_shard(
        &mut self,
        group: GroupIndex,
        ask: Ask,
        attempt: Attempt,
        carried: &mut Carried<'_>,
    ) {
        let item = match carried.item {
            Some(item) => item,
            None => {
                let (retain_seq, live) = carried.order;
                let item = self.links.append((carried.message, retain_seq, live));
                *carried.item.insert(item)
            }
        };
        let name = self.index.name_of_group(group);
        let there = self
            .index
            .group_mut(group)
            .and_then(|group| group.at(ask.shard))
            .expect("a shard with members was chosen");
        there.note_asked();
        let delivery = SharedDelivery {
            position: 0,
            group: there.name,
            member: ask.position,
            may_queue: ask.may_queue,
        };
        let asked = Asked {
            group: name,
            item,
            ask,
            attempt,
        };
        self.stats.crossings_total += 1;
        let to = Destination {
            shard: ask.shard,
            item,
        };
        self.links.ask(to, delivery, asked);
    }

    /// Nobody else takes the message: back to the session that gave it on, or dropped.
    fn end_search(
        &mut self,
        group: Option<GroupIndex>,
        attempt: &Attempt,
        message: &Message<'_>,
        outputs: &mut Outputs,
    ) -> Taken {
        if let Some(origin) = attempt.origin
            && let Some(index) = self.sessions.resolve(origin.session)
        {
            self.take_back((index, origin), message, group, outputs);
            return Taken::YES;
        }
        match attempt.drop_reason() {
            None => Taken::default(),
            Some(reason) => {
                self.stats.drops.add(reason, 1);
                Taken::DROPPED
            }
        }
    }

    fn note_taker(&mut self, group: GroupIndex, shard: ShardId) {
        if let Some(group) = self.index.group_mut(group) {
            group.choice.last_taker = Some(shard);
        }
    }

    /// A shard that was asked gives the message to one of its members, or says why not; with the load that
    /// is left, if the group's strategy wants to know.
    pub(crate) fn on_shared_delivery(
        &mut self,
        (data, item): (&BatchData, &BatchItem),
        delivery: &SharedDelivery,
        outputs: &mut Outputs,
    ) -> Result<Option<u32>, Refusal> {
        let group = self.index.resolve_group(delivery.group);
        let group = group.ok_or(Refusal::NoMember)?;
        let ask = Ask {
            shard: self.id,
            position: delivery.member,
            may_queue: delivery.may_queue,
        };
        let message = message_of(data, item);
        if message.content().is_expired(self.now) {
            self.stats.drops.add(DropReason::Expired, 1);
            return Ok(None);
        }
        self.give_to_member(group, ask, &message, outputs)?;
        let group = self.index.group(group);
        let wants_load = group.filter(|it| it.choice.strategy == SharedStrategy::LeastInFlight);
        Ok(wants_load.map(|it| least_load(&it.members, &self.sessions)))
    }

    /// What was asked with a batch is answered: publishers learn of what was taken, what was refused is
    /// asked of the next shard.
    pub(crate) fn on_shared_answers(
        &mut self,
        asked: Vec<Asked>,
        data: &Arc<BatchData>,
        accepted: &Accepted,
        outputs: &mut Outputs,
    ) {
        let mut refusals = accepted.refusals.iter().peekable();
        let mut loads = accepted.loads.iter().peekable();
        for (position, asked) in (0..).zip(asked) {
            let refusal = refusals.next_if(|it| it.0 == position).map(|it| it.1);
            let load = loads.next_if(|it| it.0 == position).map(|it| it.1);
            let now = self.now;
            let group = self.index.resolve_group(asked.group);
            if let Some(group) = group.and_then(|it| self.index.group_mut(it)) {
                if let Some(there) = group.at(asked.ask.shard) {
                    there.note_answer(load, now);
                }
                if refusal.is_none() {
                    group.choice.last_taker = Some(asked.ask.shard);
                }
            }
            let progress = match refusal {
                None => Progress::Over(Taken::YES),
                Some(refusal) => self.ask_on(group, asked, refusal, (data, outputs)),
            };
            if let Progress::Over(taken) = progress
                && let Some((session, ticket)) = asked.attempt.waiter
            {
                self.answer_publisher(session, ticket, taken, outputs);
            }
        }
    }

    fn ask_on(
        &mut self,
        group: Option<GroupIndex>,
        asked: Asked,
        refusal: Refusal,
        (data, outputs): (&BatchData, &mut Outputs),
    ) -> Progress {
        let mut attempt = asked.attempt;
        attempt.refused(asked.ask, refusal);
        let message = message_of(data, &data.items[asked.item as usize]);
        self.search_again(group, attempt, &message, outputs)
    }

    /// Goes on with a search whose message is not in this tick's batches.
    pub(crate) fn search_again(
        &mut self,
        group: Option<GroupIndex>,
        attempt: Attempt,
        message: &Message<'_>,
        outputs: &mut Outputs,
    ) -> Progress {
        if message.expires.is_some_and(|expires| expires <= self.now) {
            self.stats.drops.add(DropReason::Expired, 1);
            return Progress::Over(Taken::DROPPED);
        }
        let mut carried = Carried {
            message,
            order: (0, 0),
            item: None,
        };
        match group {
            Some(group) => self.advance(group, attempt, &mut carried, outputs),
            None => Progress::Over(self.end_search(None, &attempt, message, outputs)),
        }
    }
}
