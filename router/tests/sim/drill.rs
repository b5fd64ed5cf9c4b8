//! A drill of one session's queue at its bound, when all is quiet: everything that happens is certain, so
//! every message must be in the queue or in the ledger, under the right reason, to the last one.
//!
//! A keeper subscribes and goes away; a feeder publishes more than its queue holds; then the keeper comes
//! back, perhaps with a small window or taking small packets only, or its session ends.

use ringmq_codec::packet::Publish;
use ringmq_codec::{
    Packet, PacketId, PropertiesBuffer, Property, Qos, ReasonCode, SubscriptionOptions,
};
use ringmq_router::{DropReason, ShardId};

use crate::client::{ClientIndex, Phase, PublishOrder, Role};
use crate::client_connect::ConnectOrder;
use crate::client_send::topic;
use crate::network::Loss;
use crate::oracle::{EpochId, Fate, MessageIndex, Rule, TIMER_SLACK, payload};
use crate::time::SECOND;
use crate::topics::DRILL_FILTER;
use crate::workload::qos;
use crate::world::World;

/// Messages beyond the bound at most, or altogether when the bound is far.
const MESSAGES: u64 = 12;

/// A bound of this many messages is reached.
const BOUND_NEAR: u32 = 70;

/// Life that the keeper's session asks for, seconds.
const LIFE_SECS: u32 = 3_600;

/// With shorter-lived sessions there is no drill.
const LIFE_SECS_LEAST: u32 = 30;

/// Longest that anything may take in the drill, seconds.
const PATIENCE_SECS: u32 = 600;

/// Reasons whose counts the drill foretells.
const REASONS: [DropReason; 6] = [
    DropReason::QueueMessages,
    DropReason::QueueBytes,
    DropReason::OfflineQos0,
    DropReason::Expired,
    DropReason::PacketTooLarge,
    DropReason::SessionEnded,
];

/// What the ledger must have gained, by place in [`REASONS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dropped([u64; REASONS.len()]);

impl Dropped {
    fn add(&mut self, reason: DropReason) {
        let place = REASONS.iter().position(|known| *known == reason);
        self.0[place.expect("a reason of the drill")] += 1;
    }
}

/// The queue as it must be.
#[derive(Debug, Default)]
struct Queue {
    messages: Vec<(MessageIndex, Qos, Option<u32>)>,
    bytes: usize,
    dropped: Dropped,
    /// Those of QoS 1 and 2 that it could not take.
    refused: Vec<MessageIndex>,
}

impl World {
    fn dropped(&self) -> Dropped {
        let drops = self.stats().drops;
        Dropped(REASONS.map(|reason| drops.get(reason)))
    }

    fn check_dropped(&mut self, before: Dropped, expected: Dropped, when: &str) {
        let mut gained = self.dropped();
        for (now, before) in gained.0.iter_mut().zip(before.0) {
            *now -= before;
        }
        if gained != expected {
            let detail =
                format!("{when}: the ledger gained {gained:?}, not {expected:?} of {REASONS:?}");
            self.fail(Rule::Ledger, detail);
        }
    }

    /// The drill, once per round.
    pub(crate) fn drill(&mut self) {
        let [keeper, feeder] = self.of_role(Role::Drill)[..] else {
            return;
        };
        let life_secs = self.plan.settings.session_expiry_secs_max;
        if life_secs < LIFE_SECS_LEAST {
            return;
        }
        let Some((epoch, shard, granted)) = self.keeper_leaves(keeper) else {
            return;
        };
        let (before, left) = (self.dropped(), self.now);
        let queue = self.feed(feeder, shard, granted);
        if self.now.since(left) < u64::from(life_secs - 5) * SECOND {
            self.check_told(&queue);
            self.check_dropped(before, queue.dropped, "at the bound");
        } else {
            // A slow broker: the session may be over.
            self.connect_keeper(keeper, true);
            return;
        }
        if self.oracle.violation.is_some() {
            return;
        }
        self.coverage.hit("drill of a queue at its bound");
        let before = self.dropped();
        if life_secs < LIFE_SECS {
            self.run_for(u64::from(life_secs) * SECOND + TIMER_SLACK + SECOND);
            self.oracle.end_epoch(epoch);
            let mut expected = Dropped::default();
            for _ in &queue.messages {
                expected.add(DropReason::SessionEnded);
            }
            self.coverage.hit("drill: session ended");
            self.check_dropped(before, expected, "at the session's end");
        } else {
            // Longer than the short expiry, and the slowest way of a message.
            self.run_for(3 * SECOND);
            self.keeper_returns(keeper, epoch, &queue, before);
            self.connect_keeper(keeper, true);
        }
        self.dismiss(keeper);
        self.dismiss(feeder);
        self.run_for(SECOND);
    }

    fn connect_keeper(&mut self, keeper: ClientIndex, clean: bool) {
        let index = usize::from(keeper.0);
        if self.clients[index].phase == Phase::Online {
            self.lose(keeper, Loss::Fin);
            self.run_for(SECOND);
        }
        let order = ConnectOrder {
            clean,
            expiry_secs: if clean { 0 } else { LIFE_SECS },
            will: None,
        };
        self.connect(keeper, &order);
        let until = self.now.plus(10 * SECOND);
        self.run_until(until, |world| world.clients[index].phase == Phase::Online);
        if self.clients[index].phase != Phase::Online {
            self.fail(Rule::Stuck, String::from("the keeper gets no CONNACK"));
        }
    }

    /// A session with one subscription and nobody connected, its shard, and the QoS it has.
    fn keeper_leaves(&mut self, keeper: ClientIndex) -> Option<(EpochId, ShardId, Qos)> {
        let index = usize::from(keeper.0);
        let held = &mut self.clients[index];
        held.client_id = format!("keeper-{}", self.oracle.attempts.len());
        held.must_clean = false;
        held.plan.receive_max = None;
        held.plan.packet_max = None;
        self.connect_keeper(keeper, false);
        if self.oracle.violation.is_some() {
            return None;
        }
        let granted = qos(1 + self.workload.below(2));
        let filter = self.oracle.topics.find_filter(DRILL_FILTER);
        let options = SubscriptionOptions::v3(granted);
        self.with_client(keeper, |client, context| {
            client.subscribe(context, &[(filter, options)], None);
        });
        self.run_until_drained();
        let attempt = self.clients[index].attempt?;
        let epoch = self.oracle.attempts[attempt.0 as usize].epoch?;
        self.lose(keeper, Loss::Fin);
        self.run_for(SECOND);
        Some((epoch, self.oracle.epochs[epoch.0 as usize].shard, granted))
    }

    fn run_until_drained(&mut self) {
        let until = self.now.plus_secs(PATIENCE_SECS);
        self.run_until(until, |world| world.drained_but_queued());
        if !self.drained_but_queued() {
            self.fail(Rule::Stuck, format!("in the drill: {:?}", self.drained()));
        }
    }

    /// Publishes what the keeper's queue holds and more; the queue as it must be then.
    fn feed(&mut self, feeder: ClientIndex, shard: ShardId, granted: Qos) -> Queue {
        self.clients[usize::from(feeder.0)].must_clean = true;
        self.connect_keeper(feeder, true);
        let bounds = &self.nodes[usize::from(shard.0)].settings;
        let messages_max = bounds.queue_messages_max;
        let bytes_max = bounds.queue_bytes_max as usize;
        let mut count = self.workload.within(1..=MESSAGES);
        if messages_max <= BOUND_NEAR {
            count += u64::from(messages_max);
        }
        let mut queue = Queue::default();
        for _ in 0..count {
            let (order, message) = self.feed_one(feeder);
            let Some(message) = message else {
                return queue;
            };
            let qos = order.qos.min(granted);
            let bytes = self.oracle.topics.name(order.topic).len() + order.payload_len;
            let reason = if qos == Qos::AtMostOnce {
                Some(DropReason::OfflineQos0)
            } else if queue.messages.len() >= messages_max as usize {
                Some(DropReason::QueueMessages)
            } else if queue.bytes + bytes > bytes_max {
                Some(DropReason::QueueBytes)
            } else {
                None
            };
            match reason {
                Some(reason) => {
                    queue.dropped.add(reason);
                    if qos > Qos::AtMostOnce {
                        queue.refused.push(message);
                    }
                }
                None => {
                    queue.bytes += bytes;
                    queue.messages.push((message, qos, order.expiry_secs));
                }
            }
        }
        self.run_until_drained();
        // The last ones of QoS 0 are not answered.
        self.run_for(2 * SECOND);
        queue
    }

    fn feed_one(&mut self, feeder: ClientIndex) -> (PublishOrder, Option<MessageIndex>) {
        let order = PublishOrder {
            topic: self.oracle.topics.drill(self.workload.below(2)),
            qos: qos(self.workload.below(3)),
            retain: false,
            clears: false,
            payload_len: self.workload.within(12..=200) as usize,
            expiry_secs: *self.workload.pick(&[None, None, Some(1), Some(LIFE_SECS)]),
            adorned: false,
            stream: self.clients[usize::from(feeder.0)].stream,
        };
        let index = usize::from(feeder.0);
        let until = self.now.plus_secs(PATIENCE_SECS);
        self.run_until(until, |world| world.clients[index].may_publish());
        let mut message = None;
        if self.clients[index].may_publish() && self.oracle.violation.is_none() {
            self.with_client(feeder, |client, context| {
                message = Some(client.publish(context, order));
            });
        }
        (order, message)
    }

    /// The feeder is told what was dropped.
    fn check_told(&mut self, queue: &Queue) {
        let kept = queue.messages.iter().map(|(message, ..)| *message);
        let expected = kept.map(|message| (message, ReasonCode::Success)).chain(
            queue
                .refused
                .iter()
                .map(|it| (*it, ReasonCode::QuotaExceeded)),
        );
        for (message, reason) in expected {
            let fate = self.oracle.messages[message.0 as usize].fate;
            if !matches!(fate, Fate::Acknowledged(_, told) if told == reason) {
                let detail = format!("{message:?} of the drill: {fate:?}, not {reason:?}");
                self.oracle.fail(Rule::Acknowledgement, detail);
                return;
            }
        }
    }

    /// The keeper comes back and gets exactly what is due.
    fn keeper_returns(
        &mut self,
        keeper: ClientIndex,
        epoch: EpochId,
        queue: &Queue,
        before: Dropped,
    ) {
        let index = usize::from(keeper.0);
        let version = self.clients[index].version();
        if version.is_v5() {
            self.clients[index].plan.receive_max = *self.workload.pick(&[None, Some(1), Some(2)]);
            self.clients[index].plan.packet_max = *self.workload.pick(&[None, None, Some(120)]);
        }
        let packet_max = self.clients[index].plan.packet_max.unwrap_or(u32::MAX) as usize;
        self.connect_keeper(keeper, false);
        for _ in 0..PATIENCE_SECS {
            self.run_for(SECOND);
            if self.drained().is_ok() {
                break;
            }
        }
        let mut expected = Dropped::default();
        for (message, qos, expiry_secs) in &queue.messages {
            let reason = if *expiry_secs == Some(1) {
                Some(DropReason::Expired)
            } else if self.packet_len(*message, *qos, *expiry_secs) > packet_max {
                Some(DropReason::PacketTooLarge)
            } else {
                None
            };
            let delivered = &self.oracle.epochs[epoch.0 as usize].delivered;
            let came = delivered.contains_key(message);
            if came == reason.is_some() {
                let detail = format!("{message:?} of the drill came {came}, expected {reason:?}");
                self.fail(Rule::Lost, detail);
                return;
            }
            if let Some(reason) = reason {
                expected.add(reason);
            }
        }
        self.check_dropped(before, expected, "when the keeper is back");
    }

    /// Length of the PUBLISH to a v5 keeper.
    fn packet_len(&self, message: MessageIndex, qos: Qos, expiry_secs: Option<u32>) -> usize {
        let this = &self.oracle.messages[message.0 as usize];
        let mut properties = PropertiesBuffer::new();
        if let Some(secs) = expiry_secs {
            properties.push(Property::MessageExpirySecs(secs));
        }
        let mut bytes = Vec::new();
        let publish = Publish {
            dup: false,
            qos,
            retain: false,
            topic: Some(topic(self.oracle.topics.name(this.topic))),
            packet_id: (qos > Qos::AtMostOnce).then_some(PacketId::FIRST),
            properties: properties.as_properties(),
            payload: &payload(message, this.payload_len),
        };
        Packet::Publish(publish).encode(ringmq_codec::Version::V5, &mut bytes);
        bytes.len()
    }
}
