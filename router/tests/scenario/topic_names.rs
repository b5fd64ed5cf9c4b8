//! Text, topic names and filters: which are taken, and that they are compared as they are.

use crate::script::check;

/// A packet of both versions, `{}` being where 5.0 has properties, that closes; 5.0 is told the reason.
#[track_caller]
fn check_closes(reason: &str, packet: &str) {
    let (v311, v5) = (packet.replace("{}", ""), packet.replace("{}", "[]"));
    check(&format!(
        "a: connected v311 clean
         a: raw {v311}
         a< closed
         b: connected v5 clean
         b: raw {v5}
         b< disconnect {reason} ...
         b< closed"
    ));
}

/// The same in the properties of a PUBLISH and a SUBSCRIBE of 5.0.
#[track_caller]
fn check_property_closes(reason: &str, property: &str) {
    check(&format!(
        "a: connected v5 clean
         a: raw 30 [<t> [{property}] 'x']
         a< disconnect {reason} ...
         a< closed"
    ));
}

/// [v3.1.1 MQTT-1.5.3-1] [v3.1.1 MQTT-3.3.2-1] [v3.1.1 MQTT-3.8.3-1] [v3.1.1 MQTT-3.10.3-1]
/// [v5 MQTT-1.5.4-1] [v5 MQTT-3.3.2-1] [v5 MQTT-3.3.2-13] [v5 MQTT-3.3.2-19] [v5 MQTT-3.8.3-1]
/// [v5 MQTT-3.10.3-1]
#[test]
fn text_that_is_no_utf8_closes() {
    // Alone, cut short, overlong, a surrogate, beyond the last code point.
    for bad in [
        "0001 ff",
        "0002 e697",
        "0002 c080",
        "0003 eda080",
        "0004 f4908080",
    ] {
        check_closes("0x81", &format!("30 [{bad} {{}} 'x']"));
        check_closes("0x81", &format!("82 [0001 {{}} {bad} 00]"));
        check_closes("0x81", &format!("a2 [0001 {{}} {bad}]"));
        check_property_closes("0x81", &format!("03 {bad}"));
        check_property_closes("0x81", &format!("08 {bad}"));
        check_property_closes("0x81", &format!("26 <key> {bad}"));
    }
}

/// [v3.1.1 MQTT-1.5.3-2] [v3.1.1 MQTT-4.7.3-2] [v5 MQTT-1.5.4-2] [v5 MQTT-1.5.7-1]
/// [v5 MQTT-4.7.3-2]
#[test]
fn text_with_a_null_closes() {
    for bad in ["0001 00", "0003 'a' 00 'b'"] {
        check_closes("0x81", &format!("30 [{bad} {{}} 'x']"));
        check_closes("0x81", &format!("82 [0001 {{}} {bad} 00]"));
        check_closes("0x81", &format!("a2 [0001 {{}} {bad}]"));
        check_property_closes("0x81", &format!("03 {bad}"));
        check_property_closes("0x81", &format!("26 {bad} <value>"));
        check_property_closes("0x81", &format!("26 <key> {bad}"));
    }
}

/// As a character it makes another topic, and comes out as it went in.
/// [v3.1.1 MQTT-1.5.3-3] [v5 MQTT-1.5.4-3]
#[test]
fn a_byte_order_mark_is_a_character() {
    check(
        "s: connected v311 clean
         s: subscribe 1 \u{FEFF}t:0
         s< suback 1 0x00
         o: connected v5 clean
         o: subscribe 1 t:0
         o< suback 1 0x00
         p: connected v5 clean
         p: raw 30 [0004 efbbbf 't' [] 'x']
         s< publish \u{FEFF}t x
         o< -
         p: publish t y
         o< publish t y",
    );
}

/// [v3.1.1 MQTT-3.3.2-2] [v3.1.1 MQTT-4.7.1-1] [v5 MQTT-3.3.2-2] [v5 MQTT-3.3.2-14]
/// [v5 MQTT-4.7.0-1]
#[test]
fn wildcards_in_a_topic_name_close() {
    for name in ["#", "+", "a/#", "a/+/b", "a+", "a#b"] {
        check_closes("0x90", &format!("30 [<{name}> {{}} 'x']"));
        check_property_closes("0x90", &format!("08 <{name}>"));
    }
}

/// [v3.1.1 MQTT-4.7.1-2] [v3.1.1 MQTT-4.7.1-3] [v5 MQTT-4.7.1-1] [v5 MQTT-4.7.1-2]
#[test]
fn wildcards_stand_where_they_may() {
    for filter in [
        "#a", "a#", "a/#/b", "#/a", "a/b#", "a+", "+a", "a/b+/c", "++",
    ] {
        check_closes("0x8f", &format!("82 [0001 {{}} <{filter}> 00]"));
    }
    check(
        "a: connected v311 clean
         a: subscribe 1 #:0 +:0 a/#:0 a/+/b:0 +/+/#:0 /#:0
         a< suback 1 0x00 0x00 0x00 0x00 0x00 0x00
         a: unsubscribe 2 # + a/# a/+/b /#
         a< unsuback 2
         a: publish x 1
         a: publish x/y 1
         a< publish x/y 1
         a: publish x/y/z 1
         a< publish x/y/z 1",
    );
}

/// [v3.1.1 MQTT-4.7.2-1] [v5 MQTT-4.7.2-1]
#[test]
fn a_leading_wildcard_does_not_match_a_dollar() {
    check(
        "s: connected v311 clean
         s: subscribe 1 #:0 +/x:0 +/#:0
         s< suback 1 0x00 0x00 0x00
         o: connected v5 clean at=1
         o: subscribe 1 $own/#:0
         o< suback 1 0x00
         p: connected v5 clean at=2
         p: publish $own/x 1
         o< publish $own/x 1
         s< -
         p: publish a/$x 2
         s< publish a/$x 2",
    );
}

/// [v3.1.1 MQTT-4.7.3-1] [v5 MQTT-4.7.3-1]
#[test]
fn empty_names_and_filters_close() {
    check(
        "a: connected v311 clean
         a: raw 30 [<> 'x']
         a< closed
         b: connected v5 clean
         b: raw 30 [<> [] 'x']
         b< disconnect 0x82 ...
         b< closed",
    );
    check_closes("0x8f", "82 [0001 {} <> 00]");
    check_closes("0x8f", "a2 [0001 {} <>]");
}

/// [v3.1.1 MQTT-4.7.3-3] [v5 MQTT-4.7.3-3]
#[test]
fn the_longest_names_are_taken() {
    let longest = "x".repeat(65_535);
    check(&format!(
        "a: connected v5 clean
         a: subscribe 1 {longest}:0
         a< suback 1 0x00
         a: publish {longest} 1
         a< publish {longest} 1"
    ));
}

/// Case, slashes, spaces and the two ways to write an accent all make different topics.
/// [v3.1.1 MQTT-4.7.3-4] [v5 MQTT-4.7.3-4]
#[test]
fn names_are_compared_as_they_are() {
    for version in ["v311", "v5"] {
        let script = "s: connected v311 clean
         s: subscribe 1 caf\u{E9}:0 a/b:0 T:0 /:0
         s< suback 1 0x00 0x00 0x00 0x00
         p: connected v311 clean
         p: publish cafe\u{301} 1
         p: publish a//b 1
         p: publish /a/b 1
         p: publish a/b/ 1
         p: publish A/b 1
         p: publish t 1
         p: publish // 1
         s< -
         p: publish caf\u{E9} 2
         s< publish caf\u{E9} 2
         p: publish / 2
         s< publish / 2";
        check(&script.replace("v311", version));
    }
}
