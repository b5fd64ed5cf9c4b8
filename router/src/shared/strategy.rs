//! How a shared subscription's member is chosen for a message.
//!
//! The publisher's shard chooses, from the counts of members per shard that every shard keeps. A choice is
//! where the asking begins: a member that cannot take the message is passed over. Nothing here knows a
//! session or a message.

use crate::link::Fingerprint;
use crate::{Millis, ShardId};

use super::members::ShardMembers;

/// How the members of a shared subscription share its messages.
///
/// What a strategy promises holds over all shards unless it says otherwise, while the members stay the
/// same and can take what they are given. One that cannot is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SharedStrategy {
    /// Each in turn. Every shard counts the messages of its own publishers, from a random start: one
    /// publisher's messages go round exactly, those of several shards evenly in the mean.
    #[default]
    RoundRobin,
    /// Each with the same chance.
    Random,
    /// The same one as long as it can take messages, then another. All shards begin with the same member;
    /// after it had to be passed over, publishers of different shards may stay with different ones.
    Sticky,
    /// In turn those on the publisher's shard, where a message needs no crossing; others only while none
    /// of these can take it.
    LocalFirst,
    /// The one with the fewest messages in flight and waiting. Exact among the members of one shard. What
    /// other shards have is known from their last answer, counted as halved with each second since, and
    /// from what was sent there and not answered.
    LeastInFlight,
    /// By the publisher's client identifier: one publisher's messages go to one member.
    HashClientId,
    /// By the topic: one topic's messages go to one member, whoever publishes them.
    HashTopic,
}

impl SharedStrategy {
    /// All strategies.
    pub const ALL: [SharedStrategy; 7] = [
        SharedStrategy::RoundRobin,
        SharedStrategy::Random,
        SharedStrategy::Sticky,
        SharedStrategy::LocalFirst,
        SharedStrategy::LeastInFlight,
        SharedStrategy::HashClientId,
        SharedStrategy::HashTopic,
    ];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            SharedStrategy::RoundRobin => "round_robin",
            SharedStrategy::Random => "random",
            SharedStrategy::Sticky => "sticky",
            SharedStrategy::LocalFirst => "local_first",
            SharedStrategy::LeastInFlight => "least_in_flight",
            SharedStrategy::HashClientId => "hash_client_id",
            SharedStrategy::HashTopic => "hash_topic",
        }
    }
}

/// A member, by its shard and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) shard: ShardId,
    /// Counted over the members that are connected; the shard takes it modulo their number.
    pub(crate) position: u32,
}

/// What a choice depends on beside the members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// The shard that chooses.
    pub(crate) own: ShardId,
    pub(crate) now: Millis,
    /// For the strategies that draw or hash: the random number or the hash.
    pub(crate) draw: u64,
    /// The smallest load among the members of the own shard, for the strategy that looks at it.
    pub(crate) own_load: u32,
}

/// A group's strategy and what it remembers from one message to the next.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) strategy: SharedStrategy,
    /// None before the first message.
    turn: Option<u32>,
    /// Where the last message was taken.
    pub(crate) last_taker: Option<ShardId>,
}

impl Choice {
    pub(crate) fn new(strategy: SharedStrategy) -> Choice {
        Choice {
            strategy,
            turn: None,
            last_taker: None,
        }
    }

    /// Sets the first turn to a random one, so that shards do not go round in step.
    pub(crate) fn begin_at(&mut self, random: impl FnOnce() -> u64) {
        if self.turn.is_none() {
            self.turn = Some(random() as u32);
        }
    }

    /// The member to be asked first; `None` when there is no member anywhere.
    #[inline(always)]
    pub(crate) fn choose(
        &mut self,
        group: Fingerprint,
        shards: &[ShardMembers],
        circumstances: Circumstances,
    ) -> Option<Place> {
        let [only] = shards else {
            return self.choose_among(group, shards, circumstances);
        };
        let total = match only.connected {
            0 => only.away,
            connected => connected,
        };
        if total == 0 {
            return None;
        }
        let turn = self.next_turn();
        let position = match self.strategy {
            SharedStrategy::RoundRobin
            | SharedStrategy::LocalFirst
            | SharedStrategy::LeastInFlight => turn % total,
            SharedStrategy::Random | SharedStrategy::HashClientId | SharedStrategy::HashTopic => {
                spread(circumstances.draw, total)
            }
            SharedStrategy::Sticky => 0,
        };
        let shard = only.shard;
        Some(Place { shard, position })
    }

    /// Goes on as if so many more messages had been chosen for.
    pub(crate) fn skip_turns(&mut self, messages: u32) {
        self.turn = self.turn.map(|turn| turn.wrapping_add(messages));
    }

    fn next_turn(&mut self) -> u32 {
        let turn = self.turn.map_or(0, |turn| turn.wrapping_add(1));
        self.turn = Some(turn);
        turn
    }

    /// The same with members on several shards.
    fn choose_among(
        &mut self,
        group: Fingerprint,
        shards: &[ShardMembers],
        circumstances: Circumstances,
    ) -> Option<Place> {
        let any_connected = shards.iter().any(|it| it.connected > 0);
        let weight = |it: &ShardMembers| {
            if any_connected { it.connected } else { it.away }
        };
        let total: u32 = shards.iter().map(weight).sum();
        if total == 0 {
            return None;
        }
        let turn = self.next_turn();
        let Circumstances { own, draw, .. } = circumstances;
        let place = match self.strategy {
            SharedStrategy::RoundRobin => nth(shards, weight, turn % total),
            SharedStrategy::Random | SharedStrategy::HashClientId | SharedStrategy::HashTopic => {
                nth(shards, weight, spread(draw, total))
            }
            SharedStrategy::Sticky => Place {
                shard: self.stays_at(group, shards, weight),
                position: 0,
            },
            SharedStrategy::LocalFirst => {
                let here = shards.iter().find(|it| it.shard == own);
                match here.map_or(0, weight) {
                    0 => nth(shards, weight, turn % total),
                    here => Place {
                        shard: own,
                        position: turn % here,
                    },
                }
            }
            SharedStrategy::LeastInFlight => {
                let start = nth(shards, weight, turn % total);
                least_loaded(shards, weight, start, circumstances)
            }
        };
        Some(place)
    }

    /// The shard that took the last message, or the one that all shards begin with.
    fn stays_at(
        &self,
        group: Fingerprint,
        shards: &[ShardMembers],
        weight: impl Fn(&ShardMembers) -> u32,
    ) -> ShardId {
        let has_members =
            |shard: ShardId| shards.iter().any(|it| it.shard == shard && weight(it) > 0);
        if let Some(last) = self.last_taker
            && has_members(last)
        {
            return last;
        }
        let total = shards.iter().map(&weight).sum();
        nth(shards, weight, spread(group.0, total)).shard
    }
}

/// The member with a number, counted through the shards in order; the number is below their sum.
fn nth(shards: &[ShardMembers], weight: impl Fn(&ShardMembers) -> u32, number: u32) -> Place {
    let mut position = number;
    for it in shards {
        let here = weight(it);
        if position < here {
            let shard = it.shard;
            return Place { shard, position };
        }
        position -= here;
    }
    unreachable!("the number is below the sum of the weights")
}

/// A number below `total`, each equally often.
fn spread(draw: u64, total: u32) -> u32 {
    let mixed = (draw ^ draw >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((u128::from(mixed) * u128::from(total)) >> 64) as u32
}

/// The shard with the smallest load; of several the first from `start` on.
fn least_loaded(
    shards: &[ShardMembers],
    weight: impl Fn(&ShardMembers) -> u32,
    start: Place,
    circumstances: Circumstances,
) -> Place {
    let load = |it: &ShardMembers| {
        if it.shard == circumstances.own {
            circumstances.own_load
        } else {
            it.load(circumstances.now)
        }
    };
    let begin = shards
        .iter()
        .position(|it| it.shard == start.shard)
        .unwrap_or(0);
    let in_order = shards[begin..].iter().chain(&shards[..begin]);
    let least = in_order
        .filter(|it| weight(it) > 0)
        .min_by_key(|it| load(it));
    Place {
        shard: least.map_or(start.shard, |it| it.shard),
        position: start.position,
    }
}

#[cfg(test)]
mod tests;
