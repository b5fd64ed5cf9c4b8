//! The codec alone: one packet decoded or encoded, the bytes already in the cache.
//!
//! `cargo bench --package ringmq-benches --bench codec` prints nanoseconds per packet. The broker
//! decodes a PUBLISH once per message and encodes it once per frame, not once per subscriber.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringmq_codec::packet::{Connect, Publish, Will};
use ringmq_codec::{
    PACKET_SIZE_MAX, Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, TopicName,
    Version, frame,
};

const TOPIC: &str = "site/7/line/3/sensor/1234/temperature";

fn publish<'a>(qos: Qos, properties: Properties<'a>) -> Packet<'a> {
    Packet::Publish(Publish {
        dup: false,
        qos,
        retain: false,
        topic: TopicName::new(TOPIC),
        packet_id: (qos > Qos::AtMostOnce).then_some(PacketId::FIRST),
        properties,
        payload: &[b'x'; 64],
    })
}

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

fn bench_packet(criterion: &mut Criterion, name: &str, packet: Packet<'_>, version: Version) {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes);
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
        let mut out = Vec::with_capacity(4096);
        bencher.iter(|| {
            out.clear();
            black_box(&packet).encode(version, &mut out);
            black_box(out.len())
        });
    });
    group.finish();
}

fn packets(criterion: &mut Criterion) {
    let none = Properties::EMPTY;
    let mut two = PropertiesBuffer::new();
    two.push(Property::MessageExpirySecs(60));
    two.push(Property::UserProperty("unit", "celsius"));
    let two = two.as_properties();
    let mut session = PropertiesBuffer::new();
    session.push(Property::SessionExpirySecs(3600));
    session.push(Property::ReceiveMaximum(20));
    let session = session.as_properties();
    let cases = [
        (
            "publish_64_v3_qos0",
            publish(Qos::AtMostOnce, none),
            Version::V311,
        ),
        (
            "publish_64_v3_qos1",
            publish(Qos::AtLeastOnce, none),
            Version::V311,
        ),
        (
            "publish_64_v5_qos0",
            publish(Qos::AtMostOnce, none),
            Version::V5,
        ),
        (
            "publish_64_v5_properties",
            publish(Qos::AtLeastOnce, two),
            Version::V5,
        ),
        ("connect_v3", connect(Version::V311, none), Version::V311),
        ("connect_v5", connect(Version::V5, session), Version::V5),
    ];
    for (name, packet, version) in cases {
        bench_packet(criterion, name, packet, version);
    }
}

criterion_group!(benches, packets);
criterion_main!(benches);
