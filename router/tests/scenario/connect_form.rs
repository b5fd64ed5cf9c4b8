//! The form of CONNECT: a wrong one closes, in 3.1.1 without a CONNACK; a right one is understood.

use ringmq_router::{AuthenticationMode, Settings};

use crate::broker::Broker;
use crate::script::{check, check_with};

/// A CONNECT from its flags on, `{}` being where MQTT 5.0 has properties, refused in both versions: in
/// 3.1.1 silently, in 5.0 with the reason.
#[track_caller]
fn check_refused(reason: &str, flags_and_on: &str) {
    let v311 = flags_and_on.replace("{}", "");
    let v5 = flags_and_on.replace("{}", "[]");
    check(&format!(
        "a! open
         a: raw 10 [<MQTT> 04 {v311}]
         a< closed
         a< -
         b! open v5
         b: raw 10 [<MQTT> 05 {v5}]
         b< connack {reason} ...
         b< closed"
    ));
}

/// A CONNECT that is accepted in both versions.
#[track_caller]
fn check_accepted(flags_and_on: &str) {
    let v311 = flags_and_on.replace("{}", "");
    let v5 = flags_and_on.replace("{}", "[]");
    check(&format!(
        "a! open
         a: raw 10 [<MQTT> 04 {v311}]
         a< connack 0x00
         b! open v5
         b: raw 10 [<MQTT> 05 {v5}]
         a< closed
         b< connack 0x00 ..."
    ));
}

/// [v3.1.1 MQTT-3.1.0-2] [v3.1.1 MQTT-4.8.0-1]
#[test]
fn a_second_connect_closes() {
    check(
        "a: connected v311 clean
         a: raw 10 [<MQTT> 04 02 003c <a>]
         a< closed
         b: connected v31 clean
         b: raw 10 [<MQIsdp> 03 02 003c <b>]
         b< closed",
    );
}

/// [v3.1.1 MQTT-3.1.2-1] [v5 MQTT-3.1.2-1]
#[test]
fn another_protocol_name_closes() {
    for name in ["<HTTP>", "<mqtt>", "<MQTT >", "<>", "<MQIsdpMQTT>"] {
        for level in ["03", "04", "05 []"] {
            check(&format!(
                "a! open
                 a: raw 10 [{name} {level} 02 003c <ab>]
                 a< closed"
            ));
        }
    }
}

/// [v3.1.1 MQTT-3.1.2-3] [v5 MQTT-3.1.2-3]
#[test]
fn the_reserved_connect_flag_closes() {
    check_refused("0x81", "03 003c {} <ab>");
    check_refused("0x81", "01 003c {} <ab>");
}

/// [v3.1.1 MQTT-3.1.2-9] [v5 MQTT-3.1.2-9]
#[test]
fn a_will_is_there_when_its_flag_is_set() {
    check_refused("0x81", "06 003c {} <ab>");
    check_refused("0x81", "06 003c {} <ab> {} <w>");
    check_accepted("06 003c {} <ab> {} <w> <gone>");
}

/// [v3.1.1 MQTT-3.1.2-11] [v3.1.1 MQTT-3.1.2-13] [v3.1.1 MQTT-3.1.2-15] [v5 MQTT-3.1.2-11]
/// [v5 MQTT-3.1.2-13]
#[test]
fn flags_of_a_will_without_a_will_close() {
    for flags in ["0a", "12", "22"] {
        check_refused("0x81", &format!("{flags} 003c {{}} <ab>"));
    }
    // A will that no flag announces is too much.
    check_refused("0x81", "02 003c {} <ab> {} <w> <gone>");
}

/// [v3.1.1 MQTT-3.1.2-14] [v5 MQTT-3.1.2-12]
#[test]
fn a_will_of_qos_3_closes() {
    check_refused("0x81", "1e 003c {} <ab> {} <w> <gone>");
    check_accepted("16 003c {} <ab> {} <w> <gone>");
}

/// [v3.1.1 MQTT-3.1.2-18] [v3.1.1 MQTT-3.1.2-19] [v5 MQTT-3.1.2-16] [v5 MQTT-3.1.2-17]
#[test]
fn a_user_name_is_there_as_its_flag_says() {
    check_refused("0x81", "82 003c {} <ab>");
    check_refused("0x81", "02 003c {} <ab> <anna>");
    check_accepted("82 003c {} <ab> <anna>");
}

/// [v3.1.1 MQTT-3.1.2-20] [v3.1.1 MQTT-3.1.2-21] [v5 MQTT-3.1.2-18] [v5 MQTT-3.1.2-19]
#[test]
fn a_password_is_there_as_its_flag_says() {
    check_refused("0x81", "c2 003c {} <ab> <anna>");
    check_refused("0x81", "82 003c {} <ab> <anna> <secret>");
    check_accepted("c2 003c {} <ab> <anna> <secret>");
}

/// [v3.1.1 MQTT-3.1.2-22]
#[test]
fn a_password_without_a_user_name_closes_v3() {
    check(
        "a! open
         a: raw 10 [<MQTT> 04 42 003c <ab> <secret>]
         a< closed
         a< -
         b! open v5
         b: raw 10 [<MQTT> 05 42 003c [] <ab> <secret>]
         b< connack 0x00 ...",
    );
}

/// Each field holds what no other may be: were two exchanged, another name would be judged and another
/// will be published.
/// [v3.1.1 MQTT-3.1.3-1] [v3.1.1 MQTT-3.1.3-3] [v5 MQTT-3.1.3-1] [v5 MQTT-3.1.3-3]
#[test]
fn the_fields_stand_in_their_order() {
    let settings = Settings {
        authentication: AuthenticationMode::External,
        ..Settings::default()
    };
    for (version, level, none) in [("v311", "04", ""), ("v5", "05", "[]")] {
        check_with(
            3,
            settings.clone(),
            &format!(
                "s: connect v311 clean
                 event authenticate -
                 allow s
                 s< connack 0x00
                 s: subscribe 1 #:0
                 s< suback 1 0x00
                 a! open {version}
                 a: raw 10 [<MQTT> {level} c6 003c {none} <name> {none} <topic> <message> <user> <secret>]
                 event authenticate user
                 allow a
                 a< connack 0x00 ...
                 a! drop
                 s< publish topic message"
            ),
        );
    }
}

/// [v3.1.1 MQTT-3.1.3-4] [v3.1.1 MQTT-3.1.3-10] [v3.1.1 MQTT-3.1.3-11] [v5 MQTT-3.1.3-4]
/// [v5 MQTT-3.1.3-8] [v5 MQTT-3.1.3-11] [v5 MQTT-3.1.3-12]
#[test]
fn fields_that_are_no_utf8_close() {
    for bad in ["0001 ff", "0003 eda080", "0002 c080", "0001 00"] {
        check_refused("0x81", &format!("02 003c {{}} {bad}"));
        check_refused("0x81", &format!("06 003c {{}} <ab> {{}} {bad} <gone>"));
        check_refused("0x81", &format!("82 003c {{}} <ab> {bad}"));
    }
}

/// [v3.1.1 MQTT-3.1.3-5] [v5 MQTT-3.1.3-5]
#[test]
fn short_and_plain_client_identifiers_are_taken() {
    for id in ["0", "abcXYZ0189", "0123456789ABCDEFGHIJKLM"] {
        check_accepted(&format!("02 003c {{}} <{id}>"));
    }
}

/// [v3.1.1 MQTT-3.1.3-6] [v5 MQTT-3.1.3-6] [v5 MQTT-3.2.2-16]
#[test]
fn clients_without_a_name_are_told_apart() {
    for version in ["v311", "v5"] {
        check(&format!(
            "a: connected {version} clean id=
             b: connected {version} clean id= at=1
             a: subscribe 1 a:0
             a< suback 1 0x00
             b: subscribe 1 b:0
             b< suback 1 0x00
             a: publish b x
             b< publish b x
             b: publish a x
             a< publish a x"
        ));
    }
}

/// [v5 MQTT-3.1.3-7] [v5 MQTT-3.2.2-16]
#[test]
fn an_assigned_client_identifier_names_the_session() {
    let mut broker = Broker::new(3, Settings::default());
    let mut named = |client: &str| {
        broker.open(client, 0);
        let connect = crate::notation::bytes("10 [<MQTT> 05 02 003c [11 00000064] <>]");
        broker.receive(client, &connect);
        broker.settle();
        let sent = std::mem::take(&mut broker.transports.get_mut(client).unwrap().sent);
        let assigned = assigned_client_id(&sent);
        broker.drop_connection(client);
        assigned
    };
    let (first, second) = (named("a"), named("b"));
    assert_ne!(first, second);
    broker.open("c", 0);
    let connect = format!("10 [<MQTT> 05 00 003c [11 00000064] <{first}>]");
    broker.receive("c", &crate::notation::bytes(&connect));
    broker.settle();
    let sent = &broker.transports["c"].sent;
    assert_eq!(sent[0], 0x20);
    assert_eq!(sent[2..4], [1, 0], "the session is there");
}

fn assigned_client_id(connack: &[u8]) -> String {
    use ringmq_codec::{Packet, Property, Version, frame};
    let raw = frame::split(connack, frame::PACKET_SIZE_MAX).unwrap();
    let Ok(Packet::ConnAck(connack)) = Packet::decode(raw.unwrap(), Version::V5) else {
        panic!("no CONNACK");
    };
    let found = connack.properties.iter().find_map(|it| match it {
        Property::AssignedClientIdentifier(id) => Some(id.to_owned()),
        _ => None,
    });
    found.expect("an assigned client identifier")
}

/// [v3.1.1 MQTT-3.1.4-1] [v3.1.1 MQTT-3.2.2-6] [v5 MQTT-3.1.4-1]
#[test]
fn a_connect_of_a_wrong_form_is_not_answered() {
    check_refused("0x81", "02 003c {}");
    check_refused("0x81", "02 00");
    check_refused("0x81", "02 003c {} <ab> 00");
    check_refused("0x81", "02 003c {} 0003 'ab'");
}

/// [v3.1.1 MQTT-3.1.4-5] [v5 MQTT-3.1.4-6]
#[test]
fn nothing_behind_a_refused_connect_is_processed() {
    for (version, refused) in [
        ("v311", "10 [<MQTT> 04 00 003c <>]"),
        ("v5", "10 [<MQTT> 05 02 003c [15 <none>] <a>]"),
    ] {
        let publish = match version {
            "v5" => "30 [<t> [] 'x']",
            _ => "30 [<t> 'x']",
        };
        check(&format!(
            "s: connected v311 clean
             s: subscribe 1 #:0
             s< suback 1 0x00
             a! open {version}
             a: raw {refused} {publish} c0 00
             a< connack 0x8{} ...
             a< closed
             a< -
             s< -",
            if version == "v5" { "c" } else { "5" }
        ));
    }
}

/// [v5 MQTT-3.2.2-1]
#[test]
fn connack_to_the_byte() {
    let mut broker = Broker::new(1, Settings::default());
    for (client, connect, start) in [
        ("a", "10 [<MQTT> 04 02 003c <a>]", [0x20, 2, 0, 0]),
        ("b", "10 [<MQTT> 04 00 003c <b>]", [0x20, 2, 0, 0]),
    ] {
        broker.open(client, 0);
        broker.receive(client, &crate::notation::bytes(connect));
        broker.settle();
        assert_eq!(broker.transports[client].sent, start);
    }
    for (connect, flags) in [
        ("10 [<MQTT> 05 02 003c [11 00000064] <c>]", 0),
        ("10 [<MQTT> 05 00 003c [11 00000064] <c>]", 1),
    ] {
        broker.open("c", 0);
        broker.receive("c", &crate::notation::bytes(connect));
        broker.settle();
        let sent = &broker.transports["c"].sent;
        assert_eq!((sent[0], sent[2], sent[3]), (0x20, flags, 0), "{connect}");
        broker.drop_connection("c");
    }
}

/// [v5 MQTT-3.14.0-1]
#[test]
fn no_disconnect_before_connack() {
    for first in [
        "c0 00",
        "30 [<t> [] 'x']",
        "10 [<MQTT> 05 02 003c [15 <none>] <a>]",
        "10 [<MQTT> 05 03 003c [] <a>]",
        "10 [<MQTT> 05 02 003c [] 0001 ff]",
    ] {
        let mut broker = Broker::new(1, Settings::default());
        broker.open("a", 0);
        broker.receive("a", &crate::notation::bytes(first));
        broker.settle();
        let transport = &broker.transports["a"];
        assert!(transport.closed.is_some(), "{first}");
        // Nothing at all, or a CONNACK alone.
        let sent = &transport.sent;
        let is_connack = sent.first() == Some(&0x20) && sent.len() == usize::from(sent[1]) + 2;
        assert!(sent.is_empty() || is_connack, "{first}: {sent:x?}");
    }
}
