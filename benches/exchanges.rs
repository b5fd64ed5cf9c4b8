//! The windows of sessions: the exchange of one publisher and one of 1,000 subscribers at QoS 0, 1 and 2, and
//! of a subscriber with many messages in flight.
//!
//! `cargo bench -p ringmq-benches --bench exchanges`; no sockets. Each packet that is answered is a tick.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringmq_benches::packets::{self, Acknowledgement, acknowledgement};
use ringmq_benches::shards::{Client, Shards};
use ringmq_benches::topics::topic_text;
use ringmq_codec::{PacketId, Qos};
use ringmq_router::ShardId;

const SHARD: ShardId = ShardId(0);
const PAIRS: u32 = 1_000;

/// A publisher and its subscribers, each with a topic of its own.
struct Pairs {
    shards: Shards,
    publisher: Client,
    subscribers: Vec<Client>,
    publishes: Vec<Vec<u8>>,
    turn: usize,
}

impl Pairs {
    fn new(qos: Qos) -> Pairs {
        let mut shards = Shards::new(1);
        let publisher = shards.connect(SHARD);
        let topics = (0..PAIRS).map(topic_text);
        let subscribers = topics.clone().map(|topic| {
            let one = shards.subscribers(SHARD, 1, (&topic, qos));
            one[0]
        });
        let subscribers = subscribers.collect();
        Pairs {
            shards,
            publisher,
            subscribers,
            publishes: topics.map(|topic| packets::publish(&topic, qos)).collect(),
            turn: 0,
        }
    }

    /// The next pair's publish; the subscriber and, above QoS 0, the packet identifier it gets.
    fn publish(&mut self) -> (Client, Option<PacketId>) {
        self.turn = (self.turn + 1) % self.subscribers.len();
        self.shards.tick(self.publisher, &self.publishes[self.turn]);
        let delivered = self.shards.deliveries().first().map(|it| it.1);
        (self.subscribers[self.turn], delivered)
    }

    fn answer(&mut self, client: Client, (kind, id): (Acknowledgement, PacketId)) {
        self.shards.tick(client, &acknowledgement(kind, id));
    }
}

fn bench_pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pair");
    let mut pairs = Pairs::new(Qos::AtMostOnce);
    group.bench_function("qos0", |bencher| bencher.iter(|| pairs.publish()));
    let mut pairs = Pairs::new(Qos::AtLeastOnce);
    group.bench_function("qos1", |bencher| {
        bencher.iter(|| {
            let (subscriber, id) = pairs.publish();
            let id = id.expect("the subscriber gets its message");
            pairs.answer(subscriber, (Acknowledgement::PubAck, id));
        });
    });
    let mut pairs = Pairs::new(Qos::ExactlyOnce);
    group.bench_function("qos2", |bencher| {
        bencher.iter(|| {
            let (subscriber, id) = pairs.publish();
            let id = id.expect("the subscriber gets its message");
            pairs.answer(subscriber, (Acknowledgement::PubRec, id));
            pairs.answer(subscriber, (Acknowledgement::PubComp, id));
            let publisher = pairs.publisher;
            pairs.answer(publisher, (Acknowledgement::PubRel, PacketId::FIRST));
        });
    });
    group.finish();
}

/// One subscriber lets so many messages gather and acknowledges them in one receive.
fn bench_windows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("window-qos1");
    for outstanding in [1, 8, 32, 100] {
        let mut shards = Shards::new(1);
        let publisher = shards.connect(SHARD);
        let topic = topic_text(7);
        let subscriber = shards.subscribers(SHARD, 1, (&topic, Qos::AtLeastOnce))[0];
        let publishes = packets::publish(&topic, Qos::AtLeastOnce).repeat(outstanding);
        group.throughput(Throughput::Elements(outstanding as u64));
        group.bench_function(outstanding.to_string(), |bencher| {
            bencher.iter(|| {
                shards.tick(publisher, &publishes);
                let deliveries = shards.deliveries();
                assert_eq!(deliveries.len(), outstanding);
                let pubacks: Vec<u8> = deliveries
                    .into_iter()
                    .flat_map(|(_, id)| acknowledgement(Acknowledgement::PubAck, id))
                    .collect();
                shards.tick(subscriber, &pubacks)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench_pairs, bench_windows);
criterion_main!(benches);
