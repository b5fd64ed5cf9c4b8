//! Runs: publishes of one topic that came together go on together.
//!
//! One look at the index and one decision per subscriber do for the whole run, and to clients of the
//! publisher's version its packets are copied in one piece. That holds only while every subscriber takes
//! every message at once and as everyone does; otherwise the messages go one by one, as if each had come
//! alone. A run for one shared subscription is dealt among its members ([`crate::shared`]). Nobody must be able
//! to tell the difference but by the time it takes.

use ringmq_codec::packet::PublishRun;
use ringmq_codec::{Qos, Version};

use crate::deliver::{Delivery, variant_of};
use crate::gate::Taken;
use crate::index::{Group, GroupIndex, Matches};
use crate::placement::bit;
use crate::publish_frame::{self, Envelope, Message};
use crate::send::Sent;
use crate::{ConnectionId, Millis, Outputs, Shard};

/// A run, and to whom it may go as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) packets: PublishRun<'a>,
    /// The version of the publisher, unless the broker forwards other properties than came.
    pub(crate) verbatim: Option<Version>,
}

impl Run<'_> {
    /// Appends all packets for clients of this version.
    fn encode(&self, message: &Message<'_>, version: Version, now: Millis, out: &mut Vec<u8>) {
        let is_same = |publisher: Version| publisher.is_v5() == version.is_v5();
        if self.verbatim.is_some_and(is_same) {
            out.extend_from_slice(self.packets.as_bytes());
            return;
        }
        let envelope = Envelope::plain(version, Qos::AtMostOnce, false);
        for (payload, _) in self.packets.payloads() {
            let content = message.with_payload(payload).content();
            publish_frame::encode(&content, &envelope, now, out);
        }
    }
}

impl Shard {
    /// Routes a run whose first message is `message`, which is counted as received. Returns how many bytes of
    /// the run are done with: all, unless the publisher must wait or is gone before the end.
    pub(crate) fn route_run(
        &mut self,
        connection: ConnectionId,
        message: &Message<'_>,
        run: &Run<'_>,
        outputs: &mut Outputs,
    ) -> usize {
        let own = bit(self.id);
        let (index, mut delivery) = self.index_and_delivery(outputs);
        let matches = index.find(message.topic, message.topic_hash);
        let shards = matches.shards & !own;
        let live = matches.shards | own;
        let only_group = match matches.groups {
            &[group] if matches.subscribers.is_empty() => Some(group),
            _ => None,
        };
        let is_for_all = matches.groups.is_empty() && delivery.fan_out_run(message, run, &matches);
        let is_here = |it: &Group| it.is_only_at(self.id);
        let own_group = only_group.filter(|&it| self.index.group(it).is_some_and(is_here));
        if !is_for_all && own_group.is_none() {
            let only_group = only_group.filter(|_| shards == 0);
            return self.route_one_by_one(connection, message, run, (only_group, outputs));
        }
        let packets = run.packets.packets();
        let payload_bytes_behind = run.packets.payload_bytes() - message.payload.len();
        self.count_received(packets - 1, payload_bytes_behind);
        if shards != 0 {
            let item = self.links.append_run(message, run, live);
            self.stats.crossings_total += u64::from(shards.count_ones()) * packets as u64;
            self.links.send(item, shards, None);
            self.pause_for_links(connection, shards, outputs);
        }
        if let Some(group) = own_group {
            self.deal(group, message, run, outputs);
        }
        run.packets.as_bytes().len()
    }

    /// Gives a run to the members of a group, all of this shard.
    fn deal(
        &mut self,
        group: GroupIndex,
        message: &Message<'_>,
        run: &Run<'_>,
        outputs: &mut Outputs,
    ) {
        let mut ends = std::mem::take(&mut self.scratch.ends);
        let to_group = self.group_delivery(group, outputs);
        let dealt = to_group.map_or(Err(None), |mut it| it.deal(message, run, &mut ends));
        self.scratch.ends = ends;
        if let Err(turns) = dealt {
            for (number, (payload, _)) in run.packets.payloads().enumerate() {
                let turn = turns.map(|it| it.place(number));
                self.route_to_only_group(group, turn, &message.with_payload(payload), outputs);
            }
        }
    }

    /// Routes the messages of a run each by itself, maybe to a group that nobody beside wants, until the
    /// publisher must wait or is gone. Returns how many bytes of the run are done with.
    fn route_one_by_one(
        &mut self,
        connection: ConnectionId,
        message: &Message<'_>,
        run: &Run<'_>,
        (only_group, outputs): (Option<GroupIndex>, &mut Outputs),
    ) -> usize {
        let mut done = 0;
        for (payload, packet) in run.packets.payloads() {
            if done > 0 {
                self.count_received(1, payload.len());
            }
            done += packet.len();
            let message = message.with_payload(payload);
            let routed = match only_group {
                Some(group) => self.route_to_only_group(group, None, &message, outputs),
                None => self.route(&message, None, outputs),
            };
            self.pause_for_links(connection, routed.shards, outputs);
            let publisher = self.connections.get(connection);
            if publisher.is_none_or(|it| it.is_stopped()) {
                break;
            }
        }
        done
    }

    /// Counts what was received behind the first packet of a run.
    fn count_received(&mut self, packets: usize, payload_bytes: usize) {
        self.stats.packets_received_total += packets as u64;
        self.stats.publishes_received_total += packets as u64;
        self.stats.publish_bytes_received_total += payload_bytes as u64;
    }
}

impl Delivery<'_> {
    /// Gives a run of another shard to each subscriber.
    pub(crate) fn take_run(
        &mut self,
        message: &Message<'_>,
        run: &Run<'_>,
        matches: &Matches<'_>,
    ) -> Taken {
        if self.fan_out_run(message, run, matches) {
            return Taken::YES;
        }
        for (payload, _) in run.packets.payloads() {
            self.fan_out(&message.with_payload(payload), matches);
        }
        Taken::YES
    }

    /// Sends a run to all subscribers if each of them takes all its messages at once and as everyone does.
    /// Nothing is done otherwise.
    fn fan_out_run(&mut self, message: &Message<'_>, run: &Run<'_>, matches: &Matches<'_>) -> bool {
        let longest = run.packets.longest_payload_len();
        let frame_lens = publish_frame::plain_lens(&message.content(), longest);
        for subscriber in matches.subscribers {
            if message.is_kept_from(*subscriber) {
                continue;
            }
            if !self.gather_plain(message, *subscriber, &frame_lens) {
                self.scratch.receivers.iter_mut().for_each(Vec::clear);
                return false;
            }
        }
        for version in [Version::V311, Version::V5] {
            let receivers = &mut self.scratch.receivers[variant_of(version, false)];
            if receivers.is_empty() {
                continue;
            }
            let start = self.outputs.bytes.len();
            run.encode(message, version, self.now, &mut self.outputs.bytes);
            let sent = Sent {
                packets: run.packets.packets() as u64,
                payload_bytes: run.packets.payload_bytes() as u64,
                receivers: receivers.len() as u64,
            };
            self.outputs.send_to_all(start, receivers);
            receivers.clear();
            self.count_publishes(start, sent);
        }
        true
    }
}
