//! Refused properties: unknown, in the wrong packet, repeated, out of range, cut short.

use super::{V5, bytes, check_refused, decode};
use crate::DecodeError as E;
use crate::Field as F;
use crate::ReasonCode::{MalformedPacket, ProtocolError, TopicAliasInvalid, TopicNameInvalid};
use crate::{Packet, Version};

/// One value of every property, with its identifier.
const PROPERTIES: [(u8, &str); 27] = [
    (0x01, "01 00"),
    (0x02, "02 00000001"),
    (0x03, "03 <t>"),
    (0x08, "08 <t>"),
    (0x09, "09 <t>"),
    (0x0B, "0B 01"),
    (0x11, "11 00000001"),
    (0x12, "12 <t>"),
    (0x13, "13 0001"),
    (0x15, "15 <t>"),
    (0x16, "16 <t>"),
    (0x17, "17 01"),
    (0x18, "18 00000001"),
    (0x19, "19 01"),
    (0x1A, "1A <t>"),
    (0x1C, "1C <t>"),
    (0x1F, "1F <t>"),
    (0x21, "21 0001"),
    (0x22, "22 0001"),
    (0x23, "23 0001"),
    (0x24, "24 01"),
    (0x25, "25 01"),
    (0x26, "26 <t> <t>"),
    (0x27, "27 00000001"),
    (0x28, "28 01"),
    (0x29, "29 01"),
    (0x2A, "2A 01"),
];

/// Every place for properties, in the order of the specification's table 2-4, with the
/// identifiers that may stand there. `%` is where they go.
const PLACES: [(&str, &[u8]); 14] = [
    (
        "10 [<MQTT> 05 02 003C [%] <ab>]",
        &[0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27],
    ),
    (
        "10 [<MQTT> 05 06 003C [] <ab> [%] <w> <x>]",
        &[0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26],
    ),
    (
        "20 [00 00 [%]]",
        &[
            0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27,
            0x28, 0x29, 0x2A,
        ],
    ),
    (
        "30 [<a> [%]]",
        &[0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26],
    ),
    ("40 [0001 00 [%]]", &[0x1F, 0x26]),
    ("50 [0001 00 [%]]", &[0x1F, 0x26]),
    ("62 [0001 00 [%]]", &[0x1F, 0x26]),
    ("70 [0001 00 [%]]", &[0x1F, 0x26]),
    ("82 [0001 [%] <a> 00]", &[0x0B, 0x26]),
    ("90 [0001 [%] 00]", &[0x1F, 0x26]),
    ("A2 [0001 [%] <a>]", &[0x26]),
    ("B0 [0001 [%] 00]", &[0x1F, 0x26]),
    ("E0 [00 [%]]", &[0x11, 0x1C, 0x1F, 0x26]),
    ("F0 [18 [15 <m> %]]", &[0x16, 0x1F, 0x26]),
];

fn decode_at(place: &str, properties: &str) -> Result<(), E> {
    let packet = bytes(&place.replace('%', properties));
    decode(&packet, Version::V5).map(drop)
}

#[test]
fn each_stands_only_where_the_table_has_it() {
    for (place, legal) in PLACES {
        for (id, notation) in PROPERTIES {
            // Data needs its method, which the place of AUTH has already.
            let is_data = id == 0x16 && !place.starts_with("F0");
            let notation = if is_data { "15 <t> 16 <t>" } else { notation };
            let expected = if legal.contains(&id) {
                Ok(())
            } else if id == 0x15 && place.starts_with("F0") {
                Err(E::PropertyRepeated(id))
            } else if is_data {
                Err(E::PropertyNotAllowed(0x15))
            } else {
                Err(E::PropertyNotAllowed(id))
            };
            assert_eq!(
                decode_at(place, notation),
                expected,
                "{notation} in {place}"
            );
        }
        for id in (0..=255).filter(|id| PROPERTIES.iter().all(|(known, _)| known != id)) {
            let expected = Err(E::PropertyUnknown(id));
            assert_eq!(
                decode_at(place, &format!("{id:02X} 00")),
                expected,
                "{place}"
            );
        }
    }
}

#[test]
fn only_some_may_repeat() {
    for (place, legal) in PLACES {
        for (id, notation) in PROPERTIES.into_iter().filter(|(id, _)| legal.contains(id)) {
            if id == 0x16 {
                continue;
            }
            let repeats = id == 0x26 || (id == 0x0B && place.starts_with("30"));
            let expected = if repeats {
                Ok(())
            } else {
                Err(E::PropertyRepeated(id))
            };
            let twice = format!("{notation} {notation}");
            assert_eq!(decode_at(place, &twice), expected, "{twice} in {place}");
        }
    }
    let data = decode_at("20 [00 00 [%]]", "15 <m> 16 <a> 16 <b>");
    assert_eq!(data, Err(E::PropertyRepeated(0x16)));
    assert_eq!(E::PropertyRepeated(0x16).reason(), ProtocolError);
}

#[test]
fn each_cut_short_is_refused() {
    for (place, legal) in PLACES {
        for (id, notation) in PROPERTIES.into_iter().filter(|(id, _)| legal.contains(id)) {
            let whole = bytes(notation);
            for length in 1..whole.len() {
                let cut: String = whole[..length]
                    .iter()
                    .map(|byte| format!("{byte:02X}"))
                    .collect();
                let error = decode_at(place, &cut);
                assert_eq!(
                    error,
                    Err(E::Truncated(F::Property(id))),
                    "{cut} in {place}"
                );
            }
        }
    }
}

/// [v5 MQTT-1.5.5-1] [v5 MQTT-1.5.7-1] [v5 MQTT-3.3.2-8] [v5 MQTT-3.3.2-14] [v5 MQTT-3.3.2-19]
#[test]
#[rustfmt::skip]
fn values() {
    let value = E::PropertyValue;
    let integer = E::VariableByteInteger;
    let subscription_identifier = F::Property(0x0B);
    check_refused(&[
        (V5, "30 [<a> [01 02]]", value(0x01), ProtocolError),
        (V5, "10 [<MQTT> 05 02 003C [17 02] <ab>]", value(0x17), ProtocolError),
        (V5, "10 [<MQTT> 05 02 003C [19 FF] <ab>]", value(0x19), ProtocolError),
        (V5, "10 [<MQTT> 05 02 003C [21 0000] <ab>]", value(0x21), ProtocolError),
        (V5, "10 [<MQTT> 05 02 003C [27 00000000] <ab>]", value(0x27), ProtocolError),
        (V5, "20 [00 00 [24 02]]", value(0x24), ProtocolError),
        (V5, "20 [00 00 [25 02]]", value(0x25), ProtocolError),
        (V5, "20 [00 00 [28 02]]", value(0x28), ProtocolError),
        (V5, "20 [00 00 [29 02]]", value(0x29), ProtocolError),
        (V5, "20 [00 00 [2A 80]]", value(0x2A), ProtocolError),
        (V5, "20 [00 00 [21 0000]]", value(0x21), ProtocolError),
        (V5, "20 [00 00 [27 00000000]]", value(0x27), ProtocolError),
        (V5, "82 [0001 [0B 00] <a> 00]", value(0x0B), ProtocolError),
        (V5, "30 [<a> [0B 00]]", value(0x0B), ProtocolError),
        (V5, "30 [<a> [23 0000]]", E::TopicAliasZero, TopicAliasInvalid),
        (V5, "30 [<> [23 0000]]", E::TopicAliasZero, TopicAliasInvalid),
        (V5, "30 [<a> [08 <a/#>]]", E::TopicName(F::Property(0x08)), TopicNameInvalid),
        (V5, "30 [<a> [08 <>]]", E::TopicName(F::Property(0x08)), TopicNameInvalid),
        (V5, "30 [<a> [03 0001 FF]]", E::NotUtf8(F::Property(0x03)), MalformedPacket),
        (V5, "30 [<a> [03 0001 00]]", E::NulInText(F::Property(0x03)), MalformedPacket),
        (V5, "30 [<a> [26 <k> 0001 00]]", E::NulInText(F::Property(0x26)), MalformedPacket),
        (V5, "30 [<a> [26 0001 80 <v>]]", E::NotUtf8(F::Property(0x26)), MalformedPacket),
        (V5, "82 [0001 [0B 8000] <a> 00]", integer(subscription_identifier), MalformedPacket),
        (V5, "82 [0001 [0B 8180808001] <a> 00]", integer(subscription_identifier), MalformedPacket),
        (V5, "30 [<a> 8000]", integer(F::Properties), MalformedPacket),
        (V5, "30 [<a> 8080808000]", integer(F::Properties), MalformedPacket),
        (V5, "30 [<a> 80]", E::Truncated(F::Properties), MalformedPacket),
        (V5, "30 [<a> FFFFFF7F]", E::Truncated(F::Properties), MalformedPacket),
        (V5, "30 [<a> [7F]]", E::PropertyUnknown(0x7F), MalformedPacket),
        (V5, "30 [<a> [11 00000000]]", E::PropertyNotAllowed(0x11), MalformedPacket),
        (V5, "10 [<MQTT> 05 02 003C [16 <d>] <ab>]", E::AuthenticationDataWithoutMethod, ProtocolError),
        (V5, "20 [00 00 [16 <d>]]", E::AuthenticationDataWithoutMethod, ProtocolError),
    ]);
}

#[test]
fn messages_name_the_thing() {
    let cases = [
        (
            "30 [<a> [11 00000000]]",
            "the property Session Expiry Interval may not stand here",
        ),
        ("30 [<a> [7F]]", "property identifier 0x7f does not exist"),
        (
            "30 [<a> [03 0001 FF]]",
            "the property Content Type is not well-formed UTF-8",
        ),
        ("40 [0001 92]", "reason code 0x92 does not exist for PUBACK"),
        ("10 [<MQTT> 06]", "protocol level 6 is not supported"),
        ("82 [0001 []]", "SUBSCRIBE without a topic filter"),
    ];
    for (notation, expected) in cases {
        let packet = bytes(notation);
        let error: Result<Packet<'_>, E> = decode(&packet, Version::V5);
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
