//! One PUBLISH through a shard: to 1,000 subscribers at QoS 0, with and without others that use topic
//! aliases, to one of them among as many topics, and the whole exchange of a pair at QoS 1.
//!
//! `cargo bench -p ringmq-benches --bench fanout`; no sockets, so this is what the router adds to them.

use std::net::SocketAddr;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringmq_codec::packet::{Ack, Connect, Publish, encode_subscribe};
use ringmq_codec::{
    PACKET_SIZE_MAX, Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode,
    SubscriptionOptions, TopicFilter, TopicName, Version, frame,
};
use ringmq_router::{
    ConnectionId, Input, ListenerId, Millis, Output, Outputs, Settings, Shard, ShardConfig,
    ShardCount, ShardId,
};

const SUBSCRIBERS: u32 = 1_000;
const VERSION: Version = Version::V311;
const PAYLOAD: [u8; 64] = [0x55; 64];

/// A shard alone, and what it put out last.
struct Bench {
    shard: Shard,
    outputs: Outputs,
    connections: u32,
}

impl Bench {
    fn new() -> Bench {
        let shard = Shard::new(ShardConfig {
            id: ShardId(0),
            shards: ShardCount(1),
            hash_seed: 1,
            random_seed: 1,
            settings: Arc::new(Settings::default()),
        });
        Bench {
            shard,
            outputs: Outputs::new(),
            connections: 0,
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.shard.handle(Millis(1_000), input, &mut self.outputs);
    }

    fn connect(&mut self) -> ConnectionId {
        self.connect_as(VERSION, 0)
    }

    /// A client that takes so many topic aliases.
    fn connect_as(&mut self, version: Version, aliases: u16) -> ConnectionId {
        let connection = ConnectionId {
            index: self.connections,
            generation: 1,
        };
        self.connections += 1;
        let peer = SocketAddr::from(([127, 0, 0, 1], 1_883));
        self.input(Input::Opened {
            connection,
            listener: ListenerId(0),
            peer,
        });
        let client_id = format!("client-{}", connection.index);
        let mut properties = PropertiesBuffer::new();
        properties.push(Property::TopicAliasMaximum(aliases));
        let connect = Packet::Connect(Connect {
            version,
            clean_start: true,
            keep_alive_secs: 0,
            client_id: &client_id,
            will: None,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        });
        let mut bytes = Vec::new();
        connect.encode(version, &mut bytes);
        self.receive(connection, &bytes);
        connection
    }

    /// Subscribers at QoS 0 of one topic.
    fn subscribers(&mut self, count: u32, filter: &str, (version, aliases): (Version, u16)) {
        let filters = [(
            TopicFilter::new(filter).expect("a filter"),
            SubscriptionOptions::v3(Qos::AtMostOnce),
        )];
        let mut bytes = Vec::new();
        let (id, none) = (PacketId::FIRST, Properties::EMPTY);
        encode_subscribe(version, id, none, &filters, &mut bytes);
        for _ in 0..count {
            let connection = self.connect_as(version, aliases);
            self.receive(connection, &bytes);
        }
        self.outputs.clear();
    }

    fn subscribe(&mut self, connection: ConnectionId, filter: &str, qos: Qos) {
        let filters = [(
            TopicFilter::new(filter).expect("a filter"),
            SubscriptionOptions::v3(qos),
        )];
        let mut bytes = Vec::new();
        encode_subscribe(
            VERSION,
            PacketId::FIRST,
            Properties::EMPTY,
            &filters,
            &mut bytes,
        );
        self.receive(connection, &bytes);
        self.outputs.clear();
    }

    fn receive(&mut self, connection: ConnectionId, bytes: &[u8]) {
        self.input(Input::Received { connection, bytes });
    }

    /// One tick in which these bytes came; the number of frames to send.
    fn tick(&mut self, connection: ConnectionId, bytes: &[u8]) -> usize {
        self.outputs.clear();
        self.receive(connection, bytes);
        self.input(Input::EndOfTick);
        self.outputs.targets.len()
    }

    /// The packet identifier of the PUBLISH that was put out.
    fn delivered_id(&self) -> PacketId {
        let frames = self.outputs.list.iter().filter_map(|output| match output {
            Output::Send { frame, .. } => Some(self.outputs.frame(*frame)),
            _ => None,
        });
        let mut ids = frames.filter_map(|bytes| {
            let raw = frame::split(bytes, PACKET_SIZE_MAX).ok()??;
            match Packet::decode(raw, VERSION) {
                Ok(Packet::Publish(publish)) => publish.packet_id,
                _ => None,
            }
        });
        ids.next_back().expect("the subscriber gets its message")
    }
}

fn encoded(packet: &Packet<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.encode(VERSION, &mut bytes);
    bytes
}

fn publish(topic: &str, qos: Qos) -> Vec<u8> {
    encoded(&Packet::Publish(Publish {
        dup: false,
        qos,
        retain: false,
        topic: TopicName::new(topic),
        packet_id: (qos > Qos::AtMostOnce).then_some(PacketId::FIRST),
        properties: Properties::EMPTY,
        payload: &PAYLOAD,
    }))
}

fn bench_fan_out(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    let publisher = bench.connect();
    for _ in 0..SUBSCRIBERS {
        let subscriber = bench.connect();
        bench.subscribe(subscriber, "home/kitchen/temp", Qos::AtMostOnce);
    }
    let bytes = publish("home/kitchen/temp", Qos::AtMostOnce);
    assert_eq!(bench.tick(publisher, &bytes), SUBSCRIBERS as usize);
    let mut group = criterion.benchmark_group("fan-out");
    group.throughput(Throughput::Elements(u64::from(SUBSCRIBERS)));
    group.bench_function("1-to-1000/qos0", |bencher| {
        bencher.iter(|| bench.tick(publisher, &bytes))
    });
    group.finish();
}

/// A topic of 64 bytes, worth an alias.
const LONG_TOPIC: &str = "site/north/building/0017/floor/03/room/12/sensor/0042/temperatur";

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
        let mut bench = Bench::new();
        let publisher = bench.connect();
        bench.subscribers(count, LONG_TOPIC, plain);
        bench.subscribers(among, LONG_TOPIC, aliased);
        bench.subscribers(others, "elsewhere/there/are/aliases", aliased);
        let elsewhere = publish("elsewhere/there/are/aliases", Qos::AtMostOnce);
        let bytes = publish(LONG_TOPIC, Qos::AtMostOnce);
        for _ in 0..4 {
            bench.tick(publisher, &elsewhere);
            assert_eq!(bench.tick(publisher, &bytes), (count + among) as usize);
        }
        group.throughput(Throughput::Elements(u64::from(count + among)));
        group.bench_function(name, |bencher| {
            bencher.iter(|| bench.tick(publisher, &bytes))
        });
    }
    group.finish();
}

fn bench_pairs(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    let publisher = bench.connect();
    let mut subscribers = Vec::new();
    for number in 0..SUBSCRIBERS {
        let subscriber = bench.connect();
        bench.subscribe(subscriber, &format!("home/{number}/temp"), Qos::AtLeastOnce);
        subscribers.push(subscriber);
    }
    let topics: Vec<String> = (0..SUBSCRIBERS)
        .map(|number| format!("home/{number}/temp"))
        .collect();
    let mut turn = 0;
    let qos0: Vec<_> = topics
        .iter()
        .map(|topic| publish(topic, Qos::AtMostOnce))
        .collect();
    criterion.bench_function("pair/qos0", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % qos0.len();
            bench.tick(publisher, &qos0[turn])
        });
    });
    let qos1: Vec<_> = topics
        .iter()
        .map(|topic| publish(topic, Qos::AtLeastOnce))
        .collect();
    criterion.bench_function("pair/qos1", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % qos1.len();
            // The message and PUBACK go out; the subscriber's own PUBACK comes in.
            assert_eq!(bench.tick(publisher, &qos1[turn]), 2);
            let packet_id = bench.delivered_id();
            let reason = ReasonCode::Success;
            let ack = Ack {
                packet_id,
                reason,
                properties: Properties::EMPTY,
            };
            bench.tick(subscribers[turn], &encoded(&Packet::PubAck(ack)))
        });
    });
}

criterion_group!(benches, bench_fan_out, bench_aliases, bench_pairs);
criterion_main!(benches);
