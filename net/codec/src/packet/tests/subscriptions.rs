//! SUBSCRIBE and UNSUBSCRIBE: lists of topic filters, read and written.

use super::{V3, V5, V31, bytes, decode};
use crate::packet::{encode_subscribe, encode_unsubscribe};
use crate::{
    Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, RetainHandling,
    SubscriptionOptions, TopicFilter, Version,
};

const ID: PacketId = PacketId::FIRST;

fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).unwrap()
}

/// The bytes mean these filters, both ways of writing give the bytes.
#[track_caller]
fn check_subscribe(
    versions: &[Version],
    notation: &str,
    properties: Properties<'_>,
    filters: &[(&str, SubscriptionOptions)],
) {
    let bytes = bytes(notation);
    let filters: Vec<_> = filters
        .iter()
        .map(|&(text, options)| (filter(text), options))
        .collect();
    for &version in versions {
        let packet = decode(&bytes, version).unwrap();
        let Packet::Subscribe(subscribe) = packet else {
            panic!("{packet:?}")
        };
        assert_eq!(subscribe.packet_id, ID);
        assert_eq!(subscribe.properties, properties);
        assert!(
            subscribe.filters.iter().eq(filters.iter().copied()),
            "{notation}"
        );
        let mut out = Vec::new();
        packet.encode(version, &mut out);
        assert_eq!(out, bytes);
        out.clear();
        encode_subscribe(version, ID, properties, &filters, &mut out);
        assert_eq!(out, bytes);
    }
}

#[track_caller]
fn check_unsubscribe(versions: &[Version], notation: &str, filters: &[&str]) {
    let bytes = bytes(notation);
    let filters: Vec<_> = filters.iter().map(|text| filter(text)).collect();
    for &version in versions {
        let packet = decode(&bytes, version).unwrap();
        let Packet::Unsubscribe(unsubscribe) = packet else {
            panic!("{packet:?}")
        };
        assert_eq!(unsubscribe.packet_id, ID);
        assert!(
            unsubscribe.filters.iter().eq(filters.iter().copied()),
            "{notation}"
        );
        let mut out = Vec::new();
        packet.encode(version, &mut out);
        assert_eq!(out, bytes);
        out.clear();
        encode_unsubscribe(version, ID, Properties::EMPTY, &filters, &mut out);
        assert_eq!(out, bytes);
    }
}

#[test]
fn subscribe_of_v3() {
    let [qos0, qos1, qos2] =
        [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce].map(SubscriptionOptions::v3);
    let none = Properties::EMPTY;
    check_subscribe(V3, "82 [0001 <a/b> 00]", none, &[("a/b", qos0)]);
    let list = [("+/#", qos1), ("$SYS/#", qos2), ("/", qos0), ("/", qos0)];
    check_subscribe(
        V3,
        "82 [0001 <+/#> 01 <$SYS/#> 02 </> 00 </> 00]",
        none,
        &list,
    );
    // `$share` means nothing before v5.
    let list = [
        ("$share/g", qos1),
        ("$share//x", qos1),
        ("$share/g/x", qos1),
    ];
    let notation = "82 [0001 <$share/g> 01 <$share//x> 01 <$share/g/x> 01]";
    check_subscribe(V3, notation, none, &list);
}

#[test]
fn dup_of_v31_is_accepted() {
    let subscribe = bytes("8A [0001 <a> 00]");
    let unsubscribe = bytes("AA [0001 <a>]");
    for &version in V31 {
        assert!(matches!(
            decode(&subscribe, version),
            Ok(Packet::Subscribe(_))
        ));
        assert!(matches!(
            decode(&unsubscribe, version),
            Ok(Packet::Unsubscribe(_))
        ));
    }
}

#[test]
fn subscribe_v5() {
    let plain = SubscriptionOptions::v3(Qos::AtLeastOnce);
    let no_local = SubscriptionOptions {
        no_local: true,
        ..plain
    };
    let all = SubscriptionOptions {
        qos: Qos::ExactlyOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    let new = SubscriptionOptions {
        retain_handling: RetainHandling::SendIfNew,
        ..plain
    };
    let list = [
        ("a", plain),
        ("b", no_local),
        ("#", all),
        ("$share/g/+/c", new),
    ];
    let notation = "82 [0001 [] <a> 01 <b> 05 <#> 2E <$share/g/+/c> 11]";
    check_subscribe(V5, notation, Properties::EMPTY, &list);
    // Without a second slash, or without the first, it is no shared filter.
    let list = [("$share", no_local), ("$shared/g/x", no_local)];
    check_subscribe(
        V5,
        "82 [0001 [] <$share> 05 <$shared/g/x> 05]",
        Properties::EMPTY,
        &list,
    );
    let mut properties = PropertiesBuffer::new();
    properties.push(Property::SubscriptionIdentifier(128));
    properties.push(Property::UserProperty("k", "v"));
    let notation = "82 [0001 [0B 8001 26 <k> <v>] <a> 01]";
    check_subscribe(V5, notation, properties.as_properties(), &[("a", plain)]);
}

/// [v3.1.1 MQTT-3.10.3-1]
#[test]
fn unsubscribe() {
    check_unsubscribe(V3, "A2 [0001 <a/b>]", &["a/b"]);
    check_unsubscribe(V3, "A2 [0001 <#> <+> <$share/g>]", &["#", "+", "$share/g"]);
    check_unsubscribe(V5, "A2 [0001 [] <#> <$share/g/x>]", &["#", "$share/g/x"]);
    let packet = bytes("A2 [0001 [26 <k> <v>] <a>]");
    let Ok(Packet::Unsubscribe(unsubscribe)) = decode(&packet, Version::V5) else {
        panic!()
    };
    assert!(
        unsubscribe
            .properties
            .iter()
            .eq([Property::UserProperty("k", "v")])
    );
}

#[test]
fn a_subscribe_changes_its_version() {
    let packet = bytes("82 [0001 [0B 01] <a> 2E]");
    let mut out = Vec::new();
    decode(&packet, Version::V5)
        .unwrap()
        .encode(Version::V311, &mut out);
    assert_eq!(out, bytes("82 [0001 <a> 02]"));
}
