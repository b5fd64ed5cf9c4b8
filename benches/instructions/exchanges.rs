//! The exchanges of one publisher and one subscriber at QoS 1 and 2, step by step, on one shard. Each step is
//! a tick: a receive of one packet, and its end.

use ringmq_benches::packets::{self, Acknowledgement, acknowledgement};
use ringmq_benches::shards::{Client, Shards};
use ringmq_benches::topics::topic_text;
use ringmq_codec::{PacketId, Qos};
use ringmq_router::ShardId;

use crate::counter::{Case, Counter};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "qos1/publish",
        unit: "PUBLISH of QoS 1 to one subscriber and its PUBACK, one tick",
        run: |counter| qos1(counter, Step::Publish),
    },
    Case {
        name: "qos1/puback",
        unit: "PUBACK of the subscriber, one tick",
        run: |counter| qos1(counter, Step::PubAck),
    },
    Case {
        name: "qos2/publish",
        unit: "PUBLISH of QoS 2 to one subscriber and its PUBREC, one tick",
        run: |counter| qos2(counter, Step::Publish),
    },
    Case {
        name: "qos2/pubrec",
        unit: "PUBREC of the subscriber and its PUBREL, one tick",
        run: |counter| qos2(counter, Step::PubRec),
    },
    Case {
        name: "qos2/pubcomp",
        unit: "PUBCOMP of the subscriber, one tick",
        run: |counter| qos2(counter, Step::PubComp),
    },
    Case {
        name: "qos2/pubrel",
        unit: "PUBREL of the publisher and its PUBCOMP, one tick",
        run: |counter| qos2(counter, Step::PubRel),
    },
];

const SHARD: ShardId = ShardId(0);
const ROUNDS: u32 = 104;
const NOT_COUNTED: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Publish,
    PubAck,
    PubRec,
    PubComp,
    PubRel,
}

/// A pair, and which of its steps is counted.
struct Pair<'a> {
    shards: Shards,
    publisher: Client,
    subscriber: Client,
    counter: &'a mut Counter,
    counted: Step,
    round: u32,
}

impl Pair<'_> {
    fn new(counter: &mut Counter, qos: Qos, counted: Step) -> Pair<'_> {
        let mut shards = Shards::new(1);
        let publisher = shards.connect(SHARD);
        let topic = topic_text(7);
        let subscriber = shards.subscribers(SHARD, 1, (&topic, qos))[0];
        Pair {
            shards,
            publisher,
            subscriber,
            counter,
            counted,
            round: 0,
        }
    }

    /// One tick; it must send so many frames.
    fn step(&mut self, step: Step, (from, bytes): (Client, &[u8]), frames_expected: usize) {
        let is_counted = step == self.counted && self.round >= NOT_COUNTED;
        let shards = &mut self.shards;
        let frames = self
            .counter
            .count_if(is_counted, 1, || shards.tick(from, bytes));
        assert_eq!(frames, frames_expected);
    }

    /// The packet identifier of the message that was put out.
    fn delivered(&self) -> PacketId {
        let deliveries = self.shards.deliveries();
        assert_eq!(deliveries.len(), 1);
        deliveries[0].1
    }
}

fn qos1(counter: &mut Counter, counted: Step) {
    let mut pair = Pair::new(counter, Qos::AtLeastOnce, counted);
    let (publisher, subscriber) = (pair.publisher, pair.subscriber);
    let publish = packets::publish(&topic_text(7), Qos::AtLeastOnce);
    for round in 0..ROUNDS {
        pair.round = round;
        pair.step(Step::Publish, (publisher, &publish), 2);
        let puback = acknowledgement(Acknowledgement::PubAck, pair.delivered());
        pair.step(Step::PubAck, (subscriber, &puback), 0);
    }
}

fn qos2(counter: &mut Counter, counted: Step) {
    let mut pair = Pair::new(counter, Qos::ExactlyOnce, counted);
    let (publisher, subscriber) = (pair.publisher, pair.subscriber);
    let publish = packets::publish(&topic_text(7), Qos::ExactlyOnce);
    let pubrel = acknowledgement(Acknowledgement::PubRel, PacketId::FIRST);
    for round in 0..ROUNDS {
        pair.round = round;
        pair.step(Step::Publish, (publisher, &publish), 2);
        let delivered = pair.delivered();
        let pubrec = acknowledgement(Acknowledgement::PubRec, delivered);
        pair.step(Step::PubRec, (subscriber, &pubrec), 1);
        let pubcomp = acknowledgement(Acknowledgement::PubComp, delivered);
        pair.step(Step::PubComp, (subscriber, &pubcomp), 0);
        pair.step(Step::PubRel, (publisher, &pubrel), 1);
    }
}
