//! The form of all packets but CONNECT: a wrong one closes, in 5.0 with the reason.

use ringmq_router::Settings;

use crate::script::{check, check_with};

/// A packet that ends the connection of a client of 3.1.1.
#[track_caller]
fn check_closes_v3(packet: &str) {
    check(&format!(
        "a: connected v311 clean
         a: raw {packet}
         a< closed
         a< -"
    ));
}

/// A packet that ends the connection of a client of 5.0, which is told the reason.
#[track_caller]
fn check_closes_v5(reason: &str, packet: &str) {
    check(&format!(
        "a: connected v5 clean
         a: raw {packet}
         a< disconnect {reason} ...
         a< closed
         a< -"
    ));
}

/// `{}` is where 5.0 has properties.
#[track_caller]
fn check_closes(reason: &str, packet: &str) {
    check_closes_v3(&packet.replace("{}", ""));
    check_closes_v5(reason, &packet.replace("{}", "[]"));
}

/// [v3.1.1 MQTT-2.2.2-1] [v3.1.1 MQTT-2.2.2-2] [v3.1.1 MQTT-3.6.1-1] [v3.1.1 MQTT-3.8.1-1]
/// [v3.1.1 MQTT-3.10.1-1] [v3.1.1 MQTT-3.14.1-1] [v5 MQTT-2.1.3-1] [v5 MQTT-3.6.1-1]
/// [v5 MQTT-3.8.1-1] [v5 MQTT-3.10.1-1] [v5 MQTT-3.14.1-1] [v5 MQTT-3.15.1-1] [v5 MQTT-4.13.1-1]
#[test]
fn reserved_flags_of_the_fixed_header_close() {
    for packet in [
        "41 [0001]",
        "52 [0001]",
        "60 [0001]",
        "61 [0001]",
        "66 [0001]",
        "6a [0001]",
        "74 [0001]",
        "80 [0001 {} <a> 00]",
        "83 [0001 {} <a> 00]",
        "8a [0001 {} <a> 00]",
        "a0 [0001 {} <a>]",
        "a6 [0001 {} <a>]",
        "c1 00",
        "e1 00",
        "e8 00",
        "f1 [18 [15 <m>]]",
        "00 00",
    ] {
        check_closes("0x81", packet);
    }
}

/// [v3.1.1 MQTT-3.3.1-4] [v5 MQTT-3.3.1-4]
#[test]
fn a_publish_of_qos_3_closes() {
    check_closes("0x81", "36 [<a> 0001 {} 'x']");
    check_closes("0x81", "3e [<a> 0001 {} 'x']");
}

/// [v3.1.1 MQTT-2.3.1-1]
#[test]
fn a_packet_identifier_of_zero_closes() {
    for packet in [
        "32 [<a> 0000 {} 'x']",
        "34 [<a> 0000 {} 'x']",
        "82 [0000 {} <a> 00]",
        "a2 [0000 {} <a>]",
    ] {
        check_closes("0x82", packet);
    }
}

/// What stands where the identifier would be is payload.
/// [v3.1.1 MQTT-2.3.1-5] [v5 MQTT-2.2.1-2]
#[test]
fn a_publish_of_qos_0_has_no_packet_identifier() {
    for (version, none) in [("v311", ""), ("v5", "[]")] {
        check(&format!(
            "a: connected {version} clean
             a: subscribe 1 t:2
             a< suback 1 0x02
             a: raw 30 [<t> {none} '07']
             a< publish t 07"
        ));
    }
}

/// [v5 MQTT-1.5.5-1]
#[test]
fn lengths_with_needless_bytes_close() {
    check_closes_v5("0x81", "c0 80 00");
    check_closes_v5("0x81", "30 [<a> 8000 'x']");
    check_closes("0x81", "c0 80 80 80 80 00");
}

/// [v5 MQTT-2.2.2-1]
#[test]
fn a_missing_property_length_closes() {
    check_closes_v5("0x81", "30 [<a>]");
    check_closes_v5("0x81", "82 [0001]");
    check(
        "a: connected v5 clean
         a: raw 82 [0001 [] <a> 00]
         a< suback 1 0x00
         a: raw 30 [<a> []]
         a< publish a -",
    );
}

/// [v5 MQTT-3.3.4-6]
#[test]
fn a_subscription_identifier_from_a_client_closes() {
    check_closes_v5("0x82", "30 [<a> [0b 01] 'x']");
}

/// [v3.1.1 MQTT-3.8.3-3] [v3.1.1 MQTT-3.10.3-2] [v5 MQTT-3.8.3-2] [v5 MQTT-3.10.3-2]
#[test]
fn a_list_without_a_filter_closes() {
    check_closes("0x82", "82 [0001 {}]");
    check_closes("0x82", "a2 [0001 {}]");
}

/// [v3.1.1 MQTT-3.8.3-4] [v5 MQTT-3.8.3-5]
#[test]
fn reserved_subscription_options_close() {
    check_closes_v3("82 [0001 <a> 03]");
    check_closes_v3("82 [0001 <a> 04]");
    check_closes_v3("82 [0001 <a> 40]");
    check_closes_v3("82 [0001 <a> 00 <b> 80]");
    check_closes_v5("0x82", "82 [0001 [] <a> 03]");
    check_closes_v5("0x81", "82 [0001 [] <a> 40]");
    check_closes_v5("0x81", "82 [0001 [] <a> 00 <b> 80]");
    check_closes_v5("0x82", "82 [0001 [] <a> 30]");
}

/// [v5 MQTT-3.8.3-4]
#[test]
fn no_local_on_a_shared_subscription_closes() {
    check_closes_v5("0x82", "82 [0001 [] <$share/g/a> 04]");
}

/// [v5 MQTT-4.8.2-1] [v5 MQTT-4.8.2-2]
#[test]
fn shared_filters_of_a_wrong_form_close() {
    for filter in [
        "$share/",
        "$share//a",
        "$share/g",
        "$share/g/",
        "$share/+/a",
        "$share/g+/a",
        "$share/#",
        "$share/g#/a",
    ] {
        check_closes_v5("0x8f", &format!("82 [0001 [] <{filter}> 00]"));
    }
}

/// [v3.1.1 MQTT-4.8.0-1] [v5 MQTT-4.12.0-7]
#[test]
fn what_only_a_server_may_send_closes() {
    for packet in ["20 [00 00 {}]", "90 [0001 {} 00]", "d0 00"] {
        check_closes("0x82", packet);
    }
    check_closes_v3("b0 [0001]");
    check_closes_v5("0x82", "b0 [0001 [] 00]");
    check_closes_v3("f0 00");
    check_closes_v5("0x82", "f0 [18 [15 <m>]]");
    check_closes_v5("0x82", "f0 [19 [15 <m>]]");
}

#[test]
fn a_neighbour_goes_on_undisturbed() {
    check_with(
        1,
        Settings::default(),
        "n: connected v311 clean
         n: subscribe 1 t:1
         n< suback 1 0x01
         a: connected v5 clean
         a: raw 30 [<t> [] 'x'] 36 00
         n< publish t x
         a< disconnect 0x81 ...
         a< closed
         n: ping
         n< pingresp",
    );
}
