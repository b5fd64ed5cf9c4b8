//! Sessions as a client sees them: which one it gets, what CONNACK says of it, and how it is left.

use ringmq_codec::{Packet, Property, ReasonCode, Version, frame};
use ringmq_router::Settings;

use crate::broker::Broker;
use crate::notation::bytes;
use crate::script::{check, check_with};

/// [v3.1.1 MQTT-3.1.3-2] [v5 MQTT-3.1.3-2]
#[test]
fn the_client_identifier_names_the_session() {
    for version in ["v311", "v5 expiry=100"] {
        check(&format!(
            "a: connected {version} id=anna
             a: subscribe 1 a:1
             a< suback 1 0x01
             b: connected {version} id=Anna
             b: subscribe 1 b:1
             b< suback 1 0x01
             a! drop
             b! drop
             p: connected v311 clean
             p: publish a 1 q=1 id=1
             p< puback 1
             p: publish b 2 q=1 id=2
             p< puback 2
             c: connect {version} id=Anna at=1
             c< connack 0x00 present ...
             c< publish b 2 q=1 id=1
             d: connect {version} id=anna at=2
             d< connack 0x00 present ...
             d< publish a 1 q=1 id=1"
        ));
    }
}

/// [v3.1.1 MQTT-3.2.2-1] [v3.1.1 MQTT-3.2.2-2] [v3.1.1 MQTT-3.2.2-3] [v5 MQTT-3.2.2-2]
/// [v5 MQTT-3.2.2-3]
#[test]
fn session_present_tells_the_truth() {
    for (keeping, clean) in [("v311", "v311 clean"), ("v5 expiry=9", "v5 clean expiry=9")] {
        check(&format!(
            "s: connect {keeping}
             s< connack 0x00
             s! drop
             s: connect {keeping}
             s< connack 0x00 present ...
             s! drop
             s: connect {clean}
             s< connack 0x00
             s! drop
             s: connect {clean}
             s< connack 0x00"
        ));
    }
}

/// [v3.1.1 MQTT-3.2.2-4] [v3.1.1 MQTT-3.2.2-5] [v5 MQTT-3.2.2-6] [v5 MQTT-3.2.2-7]
#[test]
fn a_refusal_says_nothing_of_the_session() {
    for (level, connect) in [
        ("v311", "10 [<MQTT> 04 00 003c <>]"),
        ("v5", "10 [<MQTT> 05 00 003c [15 <none>] <s>]"),
    ] {
        let refused = if level == "v5" { "0x8c" } else { "0x85" };
        check(&format!(
            "s: connected {level} expiry=100
             s! drop
             a! open {level}
             a: raw {connect}
             a< connack {refused} ...
             a< closed
             s: connect {level} expiry=100
             s< connack 0x00 present ..."
        ));
    }
}

/// [v3.1.1 MQTT-3.2.0-1] [v5 MQTT-3.2.0-1]
#[test]
fn connack_comes_before_what_waited() {
    for version in ["v311", "v5 expiry=100"] {
        check(&format!(
            "s: connected {version}
             s: subscribe 1 t:1
             s< suback 1 0x01
             s! drop
             p: connected v311 clean
             p: publish t 1 q=1 id=1
             p< puback 1
             s: connect {version} at=1
             s< connack 0x00 present ...
             s< publish t 1 q=1 id=1"
        ));
    }
}

/// Not even the shortest expiry ends it while the client is there.
/// [v3.1.1 MQTT-4.1.0-2] [v5 MQTT-4.1.0-1]
#[test]
fn a_session_lasts_as_long_as_its_connection() {
    for version in ["v311 clean", "v5 clean", "v5 expiry=1"] {
        check(&format!(
            "s: connected {version}
             s: subscribe 1 t:1
             s< suback 1 0x01
             pass 1000
             p: connected v311 clean
             p: publish t 1 q=1 id=1
             p< puback 1
             s< publish t 1 q=1 id=1"
        ));
    }
}

/// [v5 MQTT-3.1.2-4] [v5 MQTT-3.1.4-4]
#[test]
fn a_clean_start_forgets() {
    check(
        "s: connected v5 expiry=100
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v5 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         s< publish t 1 q=1 id=1
         s! drop
         s: connected v5 clean expiry=100
         s< -
         p: publish t 2 q=1 id=1
         p< puback 1 0x10
         s< -",
    );
}

/// [v5 MQTT-3.1.2-6]
#[test]
fn without_a_session_a_new_one_is_made() {
    check(
        "s: connected v5 expiry=100
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! drop
         p: connected v5 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         s: connect v5 expiry=100
         s< connack 0x00 present ...
         s< publish t 1 q=1 id=1",
    );
}

/// Although the session has one: the DISCONNECT of a takeover.
/// [v5 MQTT-3.14.2-2]
#[test]
fn the_disconnect_of_the_server_has_no_expiry() {
    let mut broker = Broker::new(1, Settings::default());
    for client in ["a", "b"] {
        broker.open(client, 0);
        broker.receive(client, &bytes("10 [<MQTT> 05 02 003c [11 00000064] <x>]"));
        broker.settle();
    }
    let sent = &broker.transports["a"].sent;
    let connack = frame::split(sent, frame::PACKET_SIZE_MAX).unwrap().unwrap();
    let rest = &sent[connack.length..];
    let raw = frame::split(rest, frame::PACKET_SIZE_MAX).unwrap().unwrap();
    let Ok(Packet::Disconnect(disconnect)) = Packet::decode(raw, Version::V5) else {
        panic!("no DISCONNECT: {rest:02x?}");
    };
    assert_eq!(disconnect.reason, ReasonCode::SessionTakenOver);
    let is_expiry = |it| matches!(it, Property::SessionExpirySecs(_));
    assert!(!disconnect.properties.iter().any(is_expiry));
}

/// [v5 MQTT-3.14.4-1] [v5 MQTT-3.14.4-2]
#[test]
fn nothing_follows_the_disconnect_of_the_server() {
    check_with(
        1,
        Settings::default(),
        "s: connected v5 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         s: raw c0 00 e1 00 c0 00 30 [<t> [] 'x']
         s< pingresp
         s< disconnect 0x81 ...
         s< closed
         p: connected v311 clean
         p: publish t x
         s< -",
    );
}
