//! One PUBLISH to many, on one shard. The difference between 10 and 1,010 subscribers is what 1,000 of them
//! cost.

use ringmq_benches::packets::{self, Acknowledgement};
use ringmq_benches::shards::{Client, Shards};
use ringmq_benches::topics::topic_text;
use ringmq_codec::Qos;
use ringmq_router::ShardId;

use crate::counter::{Case, Counter};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "publish/nobody",
        unit: "PUBLISH of QoS 0 that nobody wants, one tick",
        run: |counter| qos0(counter, (0, 1)),
    },
    Case {
        name: "publish/qos0",
        unit: "PUBLISH of QoS 0 to one subscriber, one tick",
        run: |counter| qos0(counter, (1, 1)),
    },
    Case {
        name: "publish/qos0-16",
        unit: "16 PUBLISHes of QoS 0 of two topics in turn in one receive to one subscriber, one tick",
        run: |counter| in_turn(counter, 16),
    },
    Case {
        name: "publish/run-16",
        unit: "16 PUBLISHes of QoS 0 of one topic in one receive to one subscriber, one tick",
        run: |counter| qos0(counter, (1, 16)),
    },
    Case {
        name: "fan-out/qos0-10",
        unit: "PUBLISH of QoS 0 to 10 subscribers, one tick",
        run: |counter| qos0(counter, (10, 1)),
    },
    Case {
        name: "fan-out/qos0-1010",
        unit: "PUBLISH of QoS 0 to 1,010 subscribers, one tick",
        run: |counter| qos0(counter, (1_010, 1)),
    },
    Case {
        name: "fan-out/qos1-10",
        unit: "PUBLISH of QoS 1 to 10 subscribers and its PUBACK, one tick",
        run: |counter| qos1(counter, 10, Counted::Publish),
    },
    Case {
        name: "fan-out/qos1-1010",
        unit: "PUBLISH of QoS 1 to 1,010 subscribers and its PUBACK, one tick",
        run: |counter| qos1(counter, 1_010, Counted::Publish),
    },
    Case {
        name: "fan-out/qos1-puback",
        unit: "PUBACK of a subscriber, 1,010 of them in one tick",
        run: |counter| qos1(counter, 1_010, Counted::PubAcks),
    },
    Case {
        name: "publish/shared",
        unit: "PUBLISH of QoS 0 to a shared subscription of 5, one tick",
        run: |counter| shared(counter, 1),
    },
    Case {
        name: "publish/shared-run-16",
        unit: "16 PUBLISHes of QoS 0 of one topic in one receive to a shared subscription of 5, one tick",
        run: |counter| shared(counter, 16),
    },
];

const SHARD: ShardId = ShardId(0);
const ROUNDS: u64 = 100;

/// `subscribers` of one topic, and `messages` of QoS 0 for them per tick.
fn qos0(counter: &mut Counter, (subscribers, messages): (u32, usize)) {
    let topic = topic_text(7);
    let mut shards = Shards::new(1);
    let publisher = shards.connect(SHARD);
    shards.subscribers(SHARD, subscribers, (&topic, Qos::AtMostOnce));
    let bytes = packets::publish(&topic, Qos::AtMostOnce).repeat(messages);
    count_ticks(counter, &mut shards, (publisher, &bytes));
    // Frames that go to one connection alone are joined.
    assert_eq!(shards.outputs.targets.len(), subscribers as usize);
}

/// `messages` of QoS 0 per tick, of which none has the topic of the one before, for one subscriber.
fn in_turn(counter: &mut Counter, messages: usize) {
    let topics = [topic_text(7), topic_text(8)];
    let mut shards = Shards::new(1);
    let publisher = shards.connect(SHARD);
    let subscriber = shards.connect(SHARD);
    for topic in &topics {
        shards.subscribe(subscriber, topic, Qos::AtMostOnce);
    }
    let bytes = packets::publishes_in_turn(&topics, Qos::AtMostOnce, messages);
    count_ticks(counter, &mut shards, (publisher, &bytes));
    assert_eq!(shards.outputs.targets.len(), 1, "joined");
}

fn shared(counter: &mut Counter, messages: usize) {
    let topic = topic_text(7);
    let mut shards = Shards::new(1);
    let publisher = shards.connect(SHARD);
    let filter = format!("$share/five/{topic}");
    shards.subscribers(SHARD, 5, (&filter, Qos::AtMostOnce));
    let bytes = packets::publish(&topic, Qos::AtMostOnce).repeat(messages);
    count_ticks(counter, &mut shards, (publisher, &bytes));
    assert_eq!(
        shards.outputs.targets.len(),
        messages.min(5),
        "each member once"
    );
}

/// Ticks with the same bytes, after a few that are not counted.
fn count_ticks(counter: &mut Counter, shards: &mut Shards, (client, bytes): (Client, &[u8])) {
    for _ in 0..4 {
        shards.tick(client, bytes);
    }
    counter.count(ROUNDS, || {
        for _ in 0..ROUNDS {
            shards.tick(client, bytes);
        }
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Publish,
    PubAcks,
}

/// A QoS 1 fan-out, in which every subscriber acknowledges each message before the next one comes.
fn qos1(counter: &mut Counter, subscribers: u32, counted: Counted) {
    const ROUNDS: u32 = 14;
    const NOT_COUNTED: u32 = 4;
    let topic = topic_text(7);
    let mut shards = Shards::new(1);
    let publisher = shards.connect(SHARD);
    shards.subscribers(SHARD, subscribers, (&topic, Qos::AtLeastOnce));
    let bytes = packets::publish(&topic, Qos::AtLeastOnce);
    for round in 0..ROUNDS {
        let is_counted = |step| round >= NOT_COUNTED && step == counted;
        let frames = counter.count_if(is_counted(Counted::Publish), 1, || {
            shards.tick(publisher, &bytes)
        });
        assert_eq!(frames, subscribers as usize + 1);
        let answers = answers(&shards);
        let units = answers.len() as u64;
        counter.count_if(is_counted(Counted::PubAcks), units, || {
            shards.outputs.clear();
            for (client, bytes) in &answers {
                shards.receive(*client, bytes);
            }
            shards.end_of_tick(SHARD);
        });
    }
}

/// A PUBACK for each message that was put out.
fn answers(shards: &Shards) -> Vec<(Client, Vec<u8>)> {
    let deliveries = shards.deliveries().into_iter();
    deliveries
        .map(|(client, id)| {
            (
                client,
                packets::acknowledgement(Acknowledgement::PubAck, id),
            )
        })
        .collect()
}
