//! What it costs that the subscriber lives on another shard: the batch on the publisher's side, on the
//! subscriber's, its acceptance, and the link between them. The difference between batches of 1 and of 33 is
//! what 32 messages cost.

use ringmq_benches::links::LinkPair;
use ringmq_benches::packets::{Acknowledgement, acknowledgement, publishes_in_turn};
use ringmq_benches::shards::{Carried, Client, Shards};
use ringmq_benches::topics::topic_text;
use ringmq_codec::Qos;
use ringmq_router::ShardId;

use crate::counter::{Case, Counter};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "crossing/send-1",
        unit: "PUBLISH of QoS 0 that only another shard wants, one tick",
        run: |counter| crossing(counter, (Qos::AtMostOnce, 1), Step::Send),
    },
    Case {
        name: "crossing/send-33",
        unit: "33 PUBLISHes of QoS 0 in one receive that only another shard wants, one tick",
        run: |counter| crossing(counter, (Qos::AtMostOnce, 33), Step::Send),
    },
    Case {
        name: "crossing/send-run-33",
        unit: "33 PUBLISHes of QoS 0 of one topic in one receive that only another shard wants, one tick",
        run: |counter| run(counter, 33, Step::Send),
    },
    Case {
        name: "crossing/receive-1",
        unit: "batch of one message of QoS 0 to one subscriber, one tick",
        run: |counter| crossing(counter, (Qos::AtMostOnce, 1), Step::Receive),
    },
    Case {
        name: "crossing/receive-33",
        unit: "batch of 33 messages of QoS 0 to one subscriber, one tick",
        run: |counter| crossing(counter, (Qos::AtMostOnce, 33), Step::Receive),
    },
    Case {
        name: "crossing/receive-run-33",
        unit: "batch of a run of 33 messages of QoS 0 to one subscriber, one tick",
        run: |counter| run(counter, 33, Step::Receive),
    },
    Case {
        name: "crossing/send-qos1-1",
        unit: "PUBLISH of QoS 1 that only another shard wants, one tick",
        run: |counter| crossing(counter, (Qos::AtLeastOnce, 1), Step::Send),
    },
    Case {
        name: "crossing/send-qos1-33",
        unit: "33 PUBLISHes of QoS 1 in one receive that only another shard wants, one tick",
        run: |counter| crossing(counter, (Qos::AtLeastOnce, 33), Step::Send),
    },
    Case {
        name: "crossing/receive-qos1-1",
        unit: "batch of one message of QoS 1 to one subscriber and its acceptance, one tick",
        run: |counter| crossing(counter, (Qos::AtLeastOnce, 1), Step::Receive),
    },
    Case {
        name: "crossing/receive-qos1-33",
        unit: "batch of 33 messages of QoS 1 to one subscriber and its acceptance, one tick",
        run: |counter| crossing(counter, (Qos::AtLeastOnce, 33), Step::Receive),
    },
    Case {
        name: "crossing/accepted-1",
        unit: "acceptance of a batch of one message of QoS 1 and the publisher's PUBACK, one tick",
        run: |counter| crossing(counter, (Qos::AtLeastOnce, 1), Step::Accepted),
    },
    Case {
        name: "crossing/accepted-33",
        unit: "acceptance of a batch of 33 messages of QoS 1 and the publisher's PUBACKs, one tick",
        run: |counter| crossing(counter, (Qos::AtLeastOnce, 33), Step::Accepted),
    },
    Case {
        name: "link/turn-1",
        unit: "item sent over a link and received, and the turns of both shards",
        run: |counter| link(counter, 1),
    },
    Case {
        name: "link/turn-61",
        unit: "61 items sent over a link and received, and the turns of both shards",
        run: |counter| link(counter, 61),
    },
];

const PUBLISHER: ShardId = ShardId(0);
const SUBSCRIBER: ShardId = ShardId(1);
const ROUNDS: u32 = 54;
const NOT_COUNTED: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Send,
    Receive,
    Accepted,
}

/// `messages` per tick of two topics in turn, from a publisher on one shard to a subscriber on another, who
/// acknowledges them before the next come.
fn crossing(counter: &mut Counter, (qos, messages): (Qos, usize), counted: Step) {
    let topics = [topic_text(7), topic_text(8)];
    exchange(counter, (&topics, qos, messages), counted);
}

/// `messages` per tick of one topic.
fn run(counter: &mut Counter, messages: usize, counted: Step) {
    exchange(
        counter,
        (&[topic_text(7)], Qos::AtMostOnce, messages),
        counted,
    );
}

fn exchange(
    counter: &mut Counter,
    (topics, qos, messages): (&[String], Qos, usize),
    counted: Step,
) {
    let mut shards = Shards::new(2);
    let publisher = shards.connect(PUBLISHER);
    let subscriber = shards.connect(SUBSCRIBER);
    for topic in topics {
        shards.subscribe(subscriber, topic, qos);
    }
    let bytes = publishes_in_turn(topics, qos, messages);
    for round in 0..ROUNDS {
        let is_counted = |step| round >= NOT_COUNTED && step == counted;
        counter.count_if(is_counted(Step::Send), 1, || shards.tick(publisher, &bytes));
        let mut batch = Some(only_link(&mut shards));
        let frames = counter.count_if(is_counted(Step::Receive), 1, || {
            shards.link_tick(batch.take().expect("the work is done once"))
        });
        assert_eq!(frames, 1, "joined, as they go to one connection");
        if qos == Qos::AtMostOnce {
            continue;
        }
        let answers = answers(&shards);
        assert_eq!(answers.len(), messages);
        let mut accepted = Some(only_link(&mut shards));
        let frames = counter.count_if(is_counted(Step::Accepted), 1, || {
            shards.link_tick(accepted.take().expect("the work is done once"))
        });
        assert_eq!(frames, 1, "joined, as they go to one connection");
        for (client, bytes) in answers {
            shards.tick(client, &bytes);
        }
    }
}

/// The one message that the last tick has for another shard.
fn only_link(shards: &mut Shards) -> Carried {
    let mut links = shards.take_links();
    assert_eq!(links.len(), 1);
    links.remove(0)
}

/// A PUBACK for each message that was put out.
fn answers(shards: &Shards) -> Vec<(Client, Vec<u8>)> {
    let deliveries = shards.deliveries().into_iter();
    deliveries
        .map(|(client, id)| (client, acknowledgement(Acknowledgement::PubAck, id)))
        .collect()
}

fn link(counter: &mut Counter, items: u32) {
    const TURNS: u64 = 1_000;
    let mut link = LinkPair::default();
    for _ in 0..TURNS {
        assert_eq!(link.exchange(items), items);
    }
    counter.count(TURNS, || {
        for _ in 0..TURNS {
            link.exchange(items);
        }
    });
}
