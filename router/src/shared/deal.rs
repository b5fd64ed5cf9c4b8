//! A run for a group: its messages are dealt to the members like cards, and each member's go out as one.
//!
//! That holds only while each member that has a turn takes its messages at once and as they came. Otherwise
//! nobody is dealt anything, and the messages go one by one to those whose turn it is
//! ([`GroupDelivery::give_at`]). All members are of this shard, so no choice depends on what became of the
//! message before.

use ringmq_codec::packet::PublishRun;
use ringmq_codec::{Qos, Version};

use crate::deliver::is_plain;
use crate::index::{Group, Subscriber};
use crate::publish_frame::Message;
use crate::run::Run;
use crate::send::Sent;
use crate::sessions::Sessions;
use crate::{ConnectionId, Outputs, SharedStrategy};

use super::group_delivery::GroupDelivery;
use super::pick::{from, start_of};
use super::strategy::Place;

/// Whose turn each message of a run is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turns {
    /// The member of the first message.
    first: Place,
    /// Members that are connected, and how many of them take turns, from the first on.
    connected: u32,
    takers: u32,
}

impl Turns {
    /// The member of the message with this number, counted from 0.
    pub(crate) fn place(&self, number: usize) -> Place {
        let behind_first = number as u32 % self.takers;
        Place {
            position: (self.first.position + behind_first) % self.connected,
            ..self.first
        }
    }

    /// The members whose turns the first so many messages are, each once.
    fn takers<'a>(
        &self,
        group: &'a Group,
        messages: usize,
    ) -> impl Iterator<Item = &'a Subscriber> {
        let start = start_of(group, self.first.position);
        let takers = messages.min(self.takers as usize);
        from(group.members.connected(), start).take(takers)
    }
}

impl GroupDelivery<'_> {
    /// Deals the messages of a run, all or none. When none, the error says whose turns they are, if that is
    /// decided. `ends` is scratch.
    pub(crate) fn deal(
        &mut self,
        message: &Message<'_>,
        run: &Run<'_>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Option<Turns>> {
        let packets = &run.packets;
        let version = run.verbatim.ok_or(None)?;
        let messages = packets.packets();
        let turns = self.turns(message, messages).ok_or(None)?;
        let sessions = &*self.delivery.sessions;
        let all_take = turns
            .takers(self.group, messages)
            .all(|it| takes_hand(*it, sessions, packets, version));
        if !all_take {
            return Err(Some(turns));
        }
        ends.clear();
        ends.extend(packets.ends());
        let start = self.delivery.outputs.bytes.len();
        let mut last = None;
        for (first, member) in turns.takers(self.group, messages).enumerate() {
            let to = self.delivery.sessions.hot(member.session).connection;
            let hand = (first, turns.takers as usize);
            send_hand(packets, ends, hand, to, self.delivery.outputs);
            last = Some(member.session);
        }
        self.group.last_member = last;
        self.group.choice.last_taker = Some(self.own);
        let sent = Sent {
            packets: messages as u64,
            payload_bytes: packets.payload_bytes() as u64,
            receivers: 1,
        };
        self.delivery.count_publishes(start, sent);
        Ok(())
    }

    /// Decides whose turn each of so many messages is, if the strategy tells that from the first one's.
    fn turns(&mut self, message: &Message<'_>, messages: usize) -> Option<Turns> {
        let connected = self.group.members.connected().len() as u32;
        let takers = match self.group.choice.strategy {
            SharedStrategy::RoundRobin | SharedStrategy::LocalFirst => connected,
            SharedStrategy::Sticky | SharedStrategy::HashClientId | SharedStrategy::HashTopic => {
                connected.min(1)
            }
            SharedStrategy::Random | SharedStrategy::LeastInFlight => 0,
        };
        if takers == 0 {
            return None;
        }
        let first = self.choose(message)?;
        debug_assert!(first.position < connected, "no member beyond the last");
        self.group.choice.skip_turns(messages as u32 - 1);
        Some(Turns {
            first,
            connected,
            takers,
        })
    }
}

/// Whether the member takes all its messages at once and as they came.
fn takes_hand(
    member: Subscriber,
    sessions: &Sessions,
    packets: &PublishRun<'_>,
    version: Version,
) -> bool {
    let hot = sessions.hot(member.session);
    is_plain(Qos::AtMostOnce, hot, member)
        && hot.version.is_v5() == version.is_v5()
        && packets.longest_len() <= hot.packet_size_max as usize
}

/// Sends every `step`th message from number `first` on to one member. The messages end at `ends`.
fn send_hand(
    packets: &PublishRun<'_>,
    ends: &[usize],
    (first, step): (usize, usize),
    to: ConnectionId,
    outputs: &mut Outputs,
) {
    let start = outputs.bytes.len();
    let mut number = first;
    while let Some(&packet_end) = ends.get(number) {
        let packet_start = number.checked_sub(1).map_or(0, |before| ends[before]);
        let packet = &packets.as_bytes()[packet_start..packet_end];
        outputs.bytes.extend_from_slice(packet);
        number += step;
    }
    outputs.send_to(start, to);
}
