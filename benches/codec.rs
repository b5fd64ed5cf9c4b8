//! The codec alone: one packet decoded or encoded, the bytes already in the cache.
//!
//! `cargo bench --package ringmq-benches --bench codec` prints nanoseconds per packet. The broker
//! decodes a PUBLISH once per message and encodes it once per frame, not once per subscriber.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringmq_benches::packets::{encoded, publish_of, subscribe, unsubscribe};
use ringmq_codec::packet::{Ack, ConnAck, Connect, Publish, ReasonCodes, SubAck, Will};
use ringmq_codec::{
    PACKET_SIZE_MAX, Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode,
    TopicName, Version, frame,
};

const TOPIC: &str = "site/7/line/3/sensor/1234/temperature";

fn connect(version: Version, properties: Properties<'_>) -> Packet<'_> {
    Packet::Connect(Connect {
        version,
        clean_start: false,
        keep_alive_secs: 60,
        client_id: "sensor-1234",
        will: Some(Will {
            topic: TopicName::new("status/sensor-1234").expect("a topic name"),
            payload: b"offline",
            qos: Qos::AtLeastOnce,
            retain: true,
            properties: Properties::EMPTY,
        }),
        user_name: Some("sensor"),
        password: Some(b"secret"),
        properties,
    })
}

fn ack(reason: ReasonCode) -> Ack<'static> {
    Ack {
        packet_id: PacketId::FIRST,
        reason,
        properties: Properties::EMPTY,
    }
}

/// Decodes and encodes one packet.
fn bench_packet(criterion: &mut Criterion, name: &str, packet: &Packet<'_>, version: Version) {
    let bytes = encoded(packet, version);
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let raw = frame::split(black_box(&bytes), PACKET_SIZE_MAX).expect("legal");
            Packet::decode(raw.expect("whole"), version)
                .map(|packet| black_box(packet).packet_type())
        });
    });
    group.bench_function("encode", |bencher| {
        let mut out = Vec::with_capacity(bytes.len());
        bencher.iter(|| {
            out.clear();
            black_box(packet).encode(version, &mut out);
            black_box(out.len())
        });
    });
    group.finish();
}

fn publishes(criterion: &mut Criterion) {
    for size in [16, 64, 1_024, 65_536] {
        let payload = vec![b'x'; size];
        for (name, qos, version) in [
            ("v3_qos0", Qos::AtMostOnce, Version::V311),
            ("v3_qos1", Qos::AtLeastOnce, Version::V311),
            ("v5_qos0", Qos::AtMostOnce, Version::V5),
        ] {
            let packet = publish_of(TOPIC, qos, &payload);
            let name = format!("publish_{size}_{name}");
            bench_packet(criterion, &name, &packet, version);
        }
    }
    let mut two = PropertiesBuffer::new();
    two.push(Property::MessageExpirySecs(60));
    two.push(Property::UserProperty("unit", "celsius"));
    let packet = Packet::Publish(Publish {
        dup: false,
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: TopicName::new(TOPIC),
        packet_id: Some(PacketId::FIRST),
        properties: two.as_properties(),
        payload: &[b'x'; 64],
    });
    bench_packet(criterion, "publish_64_v5_properties", &packet, Version::V5);
}

fn others(criterion: &mut Criterion) {
    let mut session = PropertiesBuffer::new();
    session.push(Property::SessionExpirySecs(3600));
    session.push(Property::ReceiveMaximum(20));
    let connack = ConnAck {
        session_present: false,
        reason: ReasonCode::Success,
        properties: session.as_properties(),
    };
    let suback = SubAck {
        packet_id: PacketId::FIRST,
        properties: Properties::EMPTY,
        reasons: ReasonCodes::List(&[ReasonCode::GrantedQos1]),
    };
    let v3 = Version::V311;
    let none = Properties::EMPTY;
    let cases = [
        ("connect_v3", connect(v3, none), v3),
        (
            "connect_v5",
            connect(Version::V5, session.as_properties()),
            Version::V5,
        ),
        ("connack_v5", Packet::ConnAck(connack), Version::V5),
        ("suback_v3", Packet::SubAck(suback), v3),
        ("puback_v3", Packet::PubAck(ack(ReasonCode::Success)), v3),
        (
            "puback_v5_reason",
            Packet::PubAck(ack(ReasonCode::NoMatchingSubscribers)),
            Version::V5,
        ),
        ("pubrel_v3", Packet::PubRel(ack(ReasonCode::Success)), v3),
        ("pingreq", Packet::PingReq, v3),
    ];
    for (name, packet, version) in &cases {
        bench_packet(criterion, name, packet, *version);
    }
    for (name, bytes) in [
        (
            "subscribe_v3",
            subscribe(v3, "site/+/line/#", Qos::AtLeastOnce),
        ),
        ("unsubscribe_v3", unsubscribe(v3, "site/+/line/#")),
    ] {
        let raw = frame::split(&bytes, PACKET_SIZE_MAX).expect("legal");
        let packet = Packet::decode(raw.expect("whole"), v3).expect("legal");
        bench_packet(criterion, name, &packet, v3);
    }
}

criterion_group!(benches, publishes, others);
criterion_main!(benches);
