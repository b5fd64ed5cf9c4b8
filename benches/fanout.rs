//! One PUBLISH through a shard to many subscribers: at QoS 0 and 1, with and without others that use topic
//! aliases, and to one of them among as many topics.
//!
//! `cargo bench -p ringmq-benches --bench fanout`; no sockets, so this is what the router adds to them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringmq_benches::packets::{self, Acknowledgement, acknowledgement};
use ringmq_benches::shards::Shards;
use ringmq_codec::{Qos, Version};
use ringmq_router::ShardId;

const SHARD: ShardId = ShardId(0);
const SUBSCRIBERS: u32 = 1_000;

fn bench_fan_out(criterion: &mut Criterion) {
    let topic = "home/kitchen/temp";
    let bytes = packets::publish(topic, Qos::AtMostOnce);
    let mut group = criterion.benchmark_group("fan-out");
    for subscribers in [1, 10, 100, SUBSCRIBERS] {
        let mut shards = Shards::new(1);
        let publisher = shards.connect(SHARD);
        shards.subscribers(SHARD, subscribers, (topic, Qos::AtMostOnce));
        assert_eq!(shards.tick(publisher, &bytes), subscribers as usize);
        group.throughput(Throughput::Elements(u64::from(subscribers)));
        group.bench_function(format!("1-to-{subscribers}/qos0"), |bencher| {
            bencher.iter(|| shards.tick(publisher, &bytes))
        });
    }
    group.throughput(Throughput::Elements(u64::from(SUBSCRIBERS)));
    group.bench_function("1-to-1000/qos1-and-pubacks", |bencher| {
        let mut shards = Shards::new(1);
        let publisher = shards.connect(SHARD);
        shards.subscribers(SHARD, SUBSCRIBERS, (topic, Qos::AtLeastOnce));
        let bytes = packets::publish(topic, Qos::AtLeastOnce);
        bencher.iter(|| {
            assert_eq!(shards.tick(publisher, &bytes), SUBSCRIBERS as usize + 1);
            let deliveries = shards.deliveries();
            shards.outputs.clear();
            for (client, id) in deliveries {
                let puback = acknowledgement(Acknowledgement::PubAck, id);
                shards.receive(client, &puback);
            }
            shards.end_of_tick(SHARD);
        });
    });
    group.finish();
}

/// A topic of 64 bytes, worth an alias.
const LONG_TOPIC: &str = "site/north/building/0017/floor/03/room/12/sensor/0042/temperatur";

/// Subscribers at QoS 0 that take so many topic aliases.
fn subscribe_all(
    shards: &mut Shards,
    count: u32,
    (filter, (version, aliases)): (&str, (Version, u16)),
) {
    let bytes = packets::subscribe(version, filter, Qos::AtMostOnce);
    for _ in 0..count {
        let client = shards.connect_as(SHARD, (version, aliases));
        shards.tick(client, &bytes);
    }
}

/// The same 1,000 subscribers without aliases: alone, while others that have them take other topics, while
/// ten of those take theirs, and 1,000 with aliases.
fn bench_aliases(criterion: &mut Criterion) {
    assert_eq!(LONG_TOPIC.len(), 64);
    let plain = (Version::V5, 0);
    let aliased = (Version::V5, 16);
    let mut group = criterion.benchmark_group("fan-out-aliases");
    for (name, others, among, count) in [
        ("1000-without", 0, 0, SUBSCRIBERS),
        (
            "1000-without-beside-1000-elsewhere",
            SUBSCRIBERS,
            0,
            SUBSCRIBERS,
        ),
        ("1000-without-and-10-with", 0, 10, SUBSCRIBERS),
        ("1000-with", 0, SUBSCRIBERS, 0),
    ] {
        let mut shards = Shards::new(1);
        let publisher = shards.connect(SHARD);
        subscribe_all(&mut shards, count, (LONG_TOPIC, plain));
        subscribe_all(&mut shards, among, (LONG_TOPIC, aliased));
        subscribe_all(
            &mut shards,
            others,
            ("elsewhere/there/are/aliases", aliased),
        );
        let elsewhere = packets::publish("elsewhere/there/are/aliases", Qos::AtMostOnce);
        let bytes = packets::publish(LONG_TOPIC, Qos::AtMostOnce);
        for _ in 0..4 {
            shards.tick(publisher, &elsewhere);
            assert_eq!(shards.tick(publisher, &bytes), (count + among) as usize);
        }
        group.throughput(Throughput::Elements(u64::from(count + among)));
        group.bench_function(name, |bencher| {
            bencher.iter(|| shards.tick(publisher, &bytes))
        });
    }
    group.finish();
}

criterion_group!(benches, bench_fan_out, bench_aliases);
criterion_main!(benches);
