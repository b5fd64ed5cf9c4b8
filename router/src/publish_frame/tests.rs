//! Frames compared with those of the codec.

use ringmq_codec::{
    Packet, PacketId, PropertiesBuffer, Property, Qos, TopicName, Version, packet::Publish,
};

use super::{Content, Envelope, TopicForm, encode, frame_len};
use crate::Millis;
use crate::subscription_identifier::{IDENTIFIER_MAX, IdentifierList};

/// Encodes here and with the codec, and compares.
fn check(envelope: Envelope<'_>, payload: &[u8], expiry_secs: Option<u32>) {
    let now = Millis(5_500);
    let topic = "a/b";
    let mut forwarded = PropertiesBuffer::new();
    forwarded.push(Property::ContentType("text"));
    let content = Content {
        topic: topic.as_bytes(),
        properties: forwarded.as_properties().as_bytes(),
        payload,
        expires: expiry_secs.map(|secs| Millis(now.0 + u64::from(secs) * 1_000)),
    };
    let mut out = vec![0xFF; 3];
    let packet_id_at = encode(&content, &envelope, now, &mut out);

    let mut properties = PropertiesBuffer::new();
    if let Some(secs) = expiry_secs {
        properties.push(Property::MessageExpirySecs(secs));
    }
    if let TopicForm::SetsAlias(alias) | TopicForm::Alias(alias) = envelope.topic {
        properties.push(Property::TopicAlias(alias));
    }
    for &identifier in envelope.identifiers.as_slice() {
        properties.push(Property::SubscriptionIdentifier(identifier));
    }
    properties.extend(forwarded.as_properties());
    let is_aliased = matches!(envelope.topic, TopicForm::Alias(_));
    let has_id = envelope.qos != Qos::AtMostOnce;
    let publish = Publish {
        dup: envelope.dup,
        qos: envelope.qos,
        retain: envelope.retain,
        topic: TopicName::new(topic).filter(|_| !is_aliased),
        packet_id: has_id.then_some(envelope.packet_id),
        properties: properties.as_properties(),
        payload,
    };
    let mut expected = Vec::new();
    Packet::Publish(publish).encode(envelope.version, &mut expected);
    assert_eq!(out[3..], expected);
    let len = frame_len(&content, &envelope);
    assert_eq!(len, expected.len());
    if has_id {
        let id = envelope.packet_id.get().to_be_bytes();
        assert_eq!(out[packet_id_at..packet_id_at + 2], id);
    }
}

#[test]
fn frames_are_those_of_the_codec() {
    let packet_id = PacketId::new(0x1234).expect("not zero");
    for version in [Version::V31, Version::V311, Version::V5] {
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            for (retain, dup) in [(false, false), (true, qos != Qos::AtMostOnce)] {
                let envelope = Envelope {
                    dup,
                    packet_id,
                    ..Envelope::plain(version, qos, retain)
                };
                // Around the lengths at which the remaining length takes another byte.
                for len in [0, 1, 110, 111, 130, 16_370, 16_384, 2_097_152] {
                    check(envelope, &vec![7; len], None);
                    check(envelope, &vec![7; len], Some(60));
                }
            }
        }
    }
}

#[test]
fn what_a_client_has_of_its_own_is_written() {
    let identifiers = [1, 127, 128, 1, IDENTIFIER_MAX];
    for list in [
        IdentifierList::None,
        IdentifierList::One(16_384),
        IdentifierList::Several(&identifiers),
    ] {
        for topic in [
            TopicForm::Full,
            TopicForm::SetsAlias(1),
            TopicForm::Alias(65_535),
        ] {
            for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
                let envelope = Envelope {
                    identifiers: list,
                    topic,
                    ..Envelope::plain(Version::V5, qos, false)
                };
                check(envelope, b"payload", None);
                check(envelope, &[7; 120], Some(60));
            }
        }
    }
}

#[test]
fn a_message_expires_at_its_time() {
    let mut content = Content {
        topic: b"t",
        properties: b"",
        payload: b"",
        expires: None,
    };
    assert!(!content.is_expired(Millis(u64::MAX)));
    content.expires = Some(Millis(10));
    assert!(!content.is_expired(Millis(9)));
    assert!(content.is_expired(Millis(10)));
}
