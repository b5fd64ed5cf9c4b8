//! Packets from bytes and to bytes.

use std::hint::black_box;

use ringmq_benches::packets::{
    Acknowledgement, acknowledgement, connect, encoded, publish_of, subscribe,
};
use ringmq_benches::topics::topic_text;
use ringmq_codec::packet::{Ack, ConnAck, Publish, ReasonCodes, SubAck};
use ringmq_codec::{
    PACKET_SIZE_MAX, Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode,
    Version, frame,
};

use crate::counter::{Case, Counter};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "decode/publish-qos0",
        unit: "PUBLISH of v3.1.1, topic 24 B, payload 64 B",
        run: |counter| decode_publish(counter, (Qos::AtMostOnce, 64)),
    },
    Case {
        name: "decode/publish-qos0-4k",
        unit: "PUBLISH of v3.1.1, topic 24 B, payload 4 KiB",
        run: |counter| decode_publish(counter, (Qos::AtMostOnce, 4_096)),
    },
    Case {
        name: "decode/publish-qos1",
        unit: "PUBLISH of v3.1.1, QoS 1, topic 24 B, payload 64 B",
        run: |counter| decode_publish(counter, (Qos::AtLeastOnce, 64)),
    },
    Case {
        name: "decode/publish-v5-properties",
        unit: "PUBLISH of v5, QoS 1, two properties",
        run: |counter| {
            with_properties(|packet| decode(counter, &encoded(packet, Version::V5), Version::V5));
        },
    },
    Case {
        name: "decode/puback",
        unit: "PUBACK of v3.1.1",
        run: |counter| {
            let bytes = acknowledgement(Acknowledgement::PubAck, PacketId::FIRST);
            decode(counter, &bytes, Version::V311);
        },
    },
    Case {
        name: "decode/subscribe",
        unit: "SUBSCRIBE of v3.1.1 with one filter",
        run: |counter| {
            let bytes = subscribe(Version::V311, "site/+/sensor/00000001", Qos::AtLeastOnce);
            decode(counter, &bytes, Version::V311);
        },
    },
    Case {
        name: "decode/connect",
        unit: "CONNECT of v3.1.1",
        run: |counter| {
            let bytes = connect(Version::V311, "client-0000001", 0);
            decode(counter, &bytes, Version::V311);
        },
    },
    Case {
        name: "decode/connect-v5",
        unit: "CONNECT of v5, one property",
        run: |counter| {
            let bytes = connect(Version::V5, "client-0000001", 16);
            decode(counter, &bytes, Version::V5);
        },
    },
    Case {
        name: "encode/publish-qos0",
        unit: "PUBLISH of v3.1.1, topic 24 B, payload 64 B",
        run: |counter| {
            let topic = topic_text(7);
            let packet = publish_of(&topic, Qos::AtMostOnce, &[b'x'; 64]);
            encode(counter, &packet, Version::V311);
        },
    },
    Case {
        name: "encode/publish-qos0-4k",
        unit: "PUBLISH of v3.1.1, topic 24 B, payload 4 KiB",
        run: |counter| {
            let topic = topic_text(7);
            let packet = publish_of(&topic, Qos::AtMostOnce, &[b'x'; 4_096]);
            encode(counter, &packet, Version::V311);
        },
    },
    Case {
        name: "encode/publish-v5-properties",
        unit: "PUBLISH of v5, QoS 1, two properties",
        run: |counter| with_properties(|packet| encode(counter, packet, Version::V5)),
    },
    Case {
        name: "encode/puback",
        unit: "PUBACK of v3.1.1",
        run: |counter| {
            let packet = Packet::PubAck(Ack {
                packet_id: PacketId::FIRST,
                reason: ReasonCode::Success,
                properties: Properties::EMPTY,
            });
            encode(counter, &packet, Version::V311);
        },
    },
    Case {
        name: "encode/suback",
        unit: "SUBACK of v3.1.1 for one filter",
        run: |counter| {
            let packet = Packet::SubAck(SubAck {
                packet_id: PacketId::FIRST,
                properties: Properties::EMPTY,
                reasons: ReasonCodes::List(&[ReasonCode::GrantedQos1]),
            });
            encode(counter, &packet, Version::V311);
        },
    },
    Case {
        name: "encode/connack",
        unit: "CONNACK of v3.1.1",
        run: |counter| {
            let packet = Packet::ConnAck(ConnAck {
                session_present: false,
                reason: ReasonCode::Success,
                properties: Properties::EMPTY,
            });
            encode(counter, &packet, Version::V311);
        },
    },
];

/// Packets per case.
const PACKETS: u64 = 1_000;

fn decode_publish(counter: &mut Counter, (qos, payload_bytes): (Qos, usize)) {
    let topic = topic_text(7);
    let payload = vec![b'x'; payload_bytes];
    let bytes = encoded(&publish_of(&topic, qos, &payload), Version::V311);
    decode(counter, &bytes, Version::V311);
}

/// The framing and the packet, as the router asks for them.
fn decode(counter: &mut Counter, bytes: &[u8], version: Version) {
    counter.count(PACKETS, || {
        for _ in 0..PACKETS {
            let raw = frame::split(black_box(bytes), PACKET_SIZE_MAX).expect("a legal packet");
            let packet = Packet::decode(raw.expect("a whole packet"), version);
            assert!(black_box(&packet).is_ok());
        }
    });
}

fn encode(counter: &mut Counter, packet: &Packet<'_>, version: Version) {
    let mut out = Vec::with_capacity(8_192);
    counter.count(PACKETS, || {
        for _ in 0..PACKETS {
            out.clear();
            black_box(packet).encode(version, &mut out);
            black_box(&out);
        }
    });
}

fn with_properties(measure: impl FnOnce(&Packet<'_>)) {
    let topic = topic_text(7);
    let mut two = PropertiesBuffer::new();
    two.push(Property::MessageExpirySecs(60));
    two.push(Property::UserProperty("unit", "celsius"));
    let Packet::Publish(publish) = publish_of(&topic, Qos::AtLeastOnce, &[b'x'; 64]) else {
        unreachable!("a PUBLISH was asked for");
    };
    let properties = two.as_properties();
    measure(&Packet::Publish(Publish {
        properties,
        ..publish
    }));
}
