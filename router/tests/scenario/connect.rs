//! CONNECT: who is let in, under which terms, and who is not.

use ringmq_codec::{Packet, ReasonCode, frame};
use ringmq_router::{AuthenticationMode, Settings};

use crate::broker::Broker;
use crate::packets;
use crate::script::{check, check_with};

/// [v3.1.1 MQTT-3.1.4-4] [v3.1.1 MQTT-3.12.4-1]
#[test]
fn v3_gets_a_bare_connack() {
    check(
        "a: connect v311 clean
         a< connack 0x00
         b: connect v31 clean at=1
         b< connack 0x00
         a: ping
         a< pingresp",
    );
}

/// [v5 MQTT-3.1.4-5] [v5 MQTT-3.2.2-9] [v5 MQTT-4.12.0-6]
#[test]
fn v5_is_told_the_terms() {
    let settings = Settings {
        sys_interval_secs: 0,
        ..Settings::default()
    };
    let mut broker = Broker::new(1, settings);
    broker.open("a", 0);
    let (version, bytes) = packets::connect("a", &["v5", "clean"]);
    broker.receive("a", &bytes);
    broker.settle();
    let sent = &broker.transports["a"].sent;
    let raw = frame::split(sent, frame::PACKET_SIZE_MAX).unwrap().unwrap();
    let Ok(Packet::ConnAck(connack)) = Packet::decode(raw, version) else {
        panic!("no CONNACK: {sent:02x?}");
    };
    assert_eq!(connack.reason, ReasonCode::Success);
    assert!(!connack.session_present);
    let terms: Vec<_> = connack.properties.iter().collect();
    assert_eq!(terms, packets::USUAL_TERMS);
}

#[test]
fn a_session_expiry_over_the_bound_is_cut_and_told() {
    let settings = Settings {
        session_expiry_secs_max: 100,
        keep_alive_secs_max: 60,
        receive_max: u16::MAX,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "a: connect v5 clean expiry=1000 keepalive=61
         a< connack 0x00 expiry=100 keepalive=60",
    );
}

/// [v3.1.1 MQTT-3.1.3-8] [v3.1.1 MQTT-3.1.3-9] [v3.1.1 MQTT-3.2.2-5] [v5 MQTT-3.1.3-6]
/// [v5 MQTT-3.1.3-8]
#[test]
fn an_empty_client_identifier_is_assigned_where_the_version_has_that() {
    check(
        "a: connect v5 clean id=
         a< connack 0x00 assigned
         b: connect v311 clean id=
         b< connack 0x00
         c: connect v311 id=
         c< connack 0x85
         c< closed
         d: connect v31 clean id=
         d< connack 0x85
         d< closed",
    );
}

/// [v5 MQTT-4.12.0-1]
#[test]
fn an_authentication_method_is_refused() {
    check(
        "a: connect v5 clean method=x
         a< connack 0x8c
         a< closed",
    );
}

/// [v3.1.1 MQTT-3.1.0-1] [v5 MQTT-3.1.0-1]
#[test]
fn what_is_no_connect_closes() {
    for bytes in ["c0 00", "10 02 00 04", "f0 00", "90 03 00 01 00"] {
        check(&format!("a! open\na: raw {bytes}\na< closed"));
    }
}

/// [v3.1.1 MQTT-3.1.2-2] [v5 MQTT-3.1.2-2]
#[test]
fn an_unknown_protocol_level_is_told_in_the_form_of_v3() {
    check(
        "a! open
         a: raw 10 0d 00 04 4d 51 54 54 09 02 00 00 00 01 61
         a< connack 0x84
         a< closed",
    );
}

/// [v5 MQTT-3.1.0-2] [v5 MQTT-3.2.0-2]
#[test]
fn a_second_connect_is_a_protocol_error() {
    check(
        "a: connected v5 clean
         a: raw 10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00
         a< disconnect 0x82
         a< closed",
    );
}

/// [v5 MQTT-4.13.1-1] [v5 MQTT-4.13.2-1]
#[test]
fn malformed_bytes_close_with_their_reason() {
    check(
        "a: connected v5 clean
         a: raw 30 03 00 01 23
         a< disconnect 0x90
         a< closed
         b: connected v5 clean
         b: raw c0 ff ff ff ff 01
         b< disconnect 0x81
         b< closed
         c: connected v311 clean
         c: raw 36 00
         c< closed",
    );
}

#[test]
fn no_connect_in_time_closes() {
    let settings = Settings {
        connect_timeout_secs: 3,
        authentication: AuthenticationMode::External,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "a: connect v311 clean
         event authenticate -
         pass 2
         a< -
         behind 10
         a< -
         pass 1
         a< closed",
    );
}

/// [v3.1.1 MQTT-3.2.0-1] [v5 MQTT-3.1.4-2] [v5 MQTT-3.2.0-1]
#[test]
fn an_outside_judgement_is_waited_for() {
    let settings = Settings {
        authentication: AuthenticationMode::External,
        ..Settings::default()
    };
    for shards in [1, 3] {
        check_with(
            shards,
            settings.clone(),
            "a: connect v311 clean user=anna
             event authenticate anna
             a: ping
             a< -
             a! paused
             allow a
             a! read
             a< connack 0x00
             a< pingresp
             b: connect v5 clean user=bert at=2
             event authenticate bert
             deny b
             b< connack 0x87
             b< closed",
        );
    }
}

/// [v3.1.1 MQTT-3.1.2-24] [v5 MQTT-3.1.2-22] [v5 MQTT-3.2.2-22] [v5 MQTT-3.12.4-1]
/// [v5 MQTT-3.14.4-2]
#[test]
fn silence_over_the_keep_alive_closes() {
    check(
        "a: connected v5 clean keepalive=4
         pass 5
         a: ping
         a< pingresp
         pass 5
         a< -
         pass 1
         a< disconnect 0x8d
         a< closed
         b: connected v311 clean keepalive=4
         pass 5
         b: ping
         b< pingresp
         pass 6
         b< closed",
    );
}

/// Whoever is not read is not silent: the PINGREQ may be there. [v3.1.1 MQTT-3.1.2-24] [v5 MQTT-3.1.2-22]
#[test]
fn silence_counts_as_far_as_the_shard_has_read() {
    check(
        "a: connected v5 clean keepalive=4
         b: connected v5 clean keepalive=4
         pass 5
         behind 20
         a< -
         b< -
         a: ping
         a< pingresp
         behind 10
         a< -
         b< disconnect 0x8d
         b< closed
         pass 1
         a< disconnect 0x8d
         a< closed",
    );
}

#[test]
fn a_client_lives_on_its_own_shard_wherever_it_comes_in() {
    let stats = check_with(
        5,
        Settings::default(),
        "a: connected v311 clean at=0
         a: disconnect
         a: connected v311 clean at=1
         a: disconnect
         a: connected v311 clean at=2
         a: disconnect
         a: connected v311 clean at=3
         a: disconnect
         a: connected v311 clean at=4",
    );
    assert_eq!((stats.handed_over_total, stats.sessions), (4, 1));
}

/// [v3.1.1 MQTT-4.8.0-2] [v5 MQTT-3.1.4-2] [v5 MQTT-3.2.2-7] [v5 MQTT-4.13.2-1]
#[test]
fn a_full_shard_refuses() {
    let settings = Settings {
        sessions_max: 1,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "a: connected v5 clean
         b: connect v5 clean
         b< connack 0x97
         b< closed
         c: connect v311 clean
         c< connack 0x88
         c< closed
         a: disconnect
         b: connected v5 clean",
    );
}
