//! A run for a group: its messages are dealt to the members like cards, and each member's go out as one.
//!
//! That holds only while each member that has a turn takes its messages at once and as they came. Otherwise
//! nobody is dealt anything, and the messages go one by one to those whose turn it is
//! ([`GroupDelivery::give_at`]). All members are of this shard, so no choice depends on what became of the
//! message before.

use ringmq_codec::packet::PublishRun;
use ringmq_codec::{Qos, Version};

use crate::deliver::is_plain;
use crate::index::Subscriber;
use crate::publish_frame::Message;
use crate::run::Run;
use crate::send::Sent;
use crate::{Outputs, ShardId, SharedStrategy};

use super::group_delivery::GroupDelivery;
use super::pick::start_of;
use super::strategy::Place;

/// A message of a run, and the member whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Card {
    /// Of the member, as in [`Place`].
    position: u32,
    /// Its packet within the run, bytes.
    start: u32,
    end: u32,
}

impl Card {
    /// By member, and each member's as they came.
    fn order(&self) -> u64 {
        u64::from(self.position) << 32 | u64::from(self.start)
    }

    /// Where the search for a member begins; the member is one of this shard.
    pub(crate) fn place(self, own: ShardId) -> Place {
        Place {
            shard: own,
            position: self.position,
        }
    }
}

impl GroupDelivery<'_> {
    /// Deals the messages of a run, all or none. When none, `cards` says whose turn each message is, unless
    /// nobody was chosen yet: then they are empty.
    pub(crate) fn deal(
        &mut self,
        message: &Message<'_>,
        run: &Run<'_>,
        cards: &mut Vec<Card>,
    ) -> bool {
        cards.clear();
        let Some(version) = run.verbatim else {
            return false;
        };
        let connected = self.group.members.connected().len() as u32;
        if connected == 0 || self.group.choice.strategy == SharedStrategy::LeastInFlight {
            return false;
        }
        let mut start = 0;
        for (_, packet) in run.packets.payloads() {
            let Some(Place { position, .. }) = self.choose(message) else {
                return false;
            };
            // Each member has one position, or what it gets would not stand together in order.
            debug_assert!(
                position < connected,
                "a shard knows at once how many members it has"
            );
            let end = start + packet.len() as u32;
            cards.push(Card {
                position,
                start,
                end,
            });
            start = end;
        }
        cards.sort_unstable_by_key(Card::order);
        let hands = |cards| <[Card]>::chunk_by(cards, |one, next| one.position == next.position);
        if !hands(cards).all(|hand| self.takes_hand(hand, version)) {
            cards.sort_unstable_by_key(|card| card.start);
            return false;
        }
        let start = self.delivery.outputs.bytes.len();
        for hand in hands(cards) {
            self.send_hand(hand, &run.packets);
        }
        self.group.choice.last_taker = Some(self.own);
        let sent = Sent {
            packets: run.packets.packets() as u64,
            payload_bytes: run.packets.payload_bytes() as u64,
            receivers: 1,
        };
        self.delivery.count_publishes(start, sent);
        true
    }

    /// Whether the member whose messages these are takes all of them at once and as they came.
    fn takes_hand(&self, hand: &[Card], version: Version) -> bool {
        let Some(member) = self.member_of(hand) else {
            return false;
        };
        let hot = self.delivery.sessions.hot(member.session);
        let size_max = hot.packet_size_max;
        is_plain(Qos::AtMostOnce, hot, member)
            && hot.version.is_v5() == version.is_v5()
            && (size_max == u32::MAX || hand.iter().all(|card| card.end - card.start <= size_max))
    }

    fn send_hand(&mut self, hand: &[Card], run: &PublishRun<'_>) {
        let Some(member) = self.member_of(hand) else {
            return;
        };
        self.group.last_member = Some(member.session);
        let to = self.delivery.sessions.hot(member.session).connection;
        let Outputs { bytes, .. } = &mut *self.delivery.outputs;
        let start = bytes.len();
        for card in hand {
            bytes.extend_from_slice(&run.as_bytes()[card.start as usize..card.end as usize]);
        }
        self.delivery.outputs.send_to(start, to);
    }

    /// The member that these messages go to.
    fn member_of(&self, hand: &[Card]) -> Option<Subscriber> {
        let connected = self.group.members.connected();
        let start = start_of(self.group, hand.first()?.position);
        connected.get(start % connected.len().max(1)).copied()
    }
}
