//! AUTH: exchanges before the CONNACK and on a live connection, in order and out of order.

use ringmq_codec::Version;
use ringmq_router::{AuthenticationMode, Input, Settings, Stats, Verdict};

use crate::broker::Broker;
use crate::packets;
use crate::script::check_with;

fn settings() -> Settings {
    Settings {
        authentication: AuthenticationMode::External,
        connect_timeout_secs: 5,
        ..Settings::default()
    }
}

/// On 1 and on 3 shards; returns what the 3 have counted.
fn check(script: &str) -> Stats {
    check_with(1, settings(), script);
    check_with(3, settings(), script)
}

/// `a` is in after two steps; the broker remembers `me`.
const LET_IN: &str = "a: connect v5 clean at=1 method=M data=hello
     event exchange M hello
     allow a bye me
     a< connack 0x00 method=M data=bye
     ";

/// [v5 MQTT-4.12.0-2] [v5 MQTT-4.12.0-3] [v5 MQTT-4.12.0-5]
#[test]
fn an_exchange_of_several_steps_ends_with_the_connack() {
    check(
        "a: connect v5 clean at=1 user=anna method=M data=one
         event exchange M one
         a! paused
         a< -
         continue a two first
         a! read
         a< auth 0x18 method=M data=two
         a: auth 24 method=M data=three
         event step three first
         a! paused
         continue a four second
         a< auth 0x18 method=M data=four
         a: auth 24 method=M
         event step - second
         allow a five
         a! read
         a< connack 0x00 method=M data=five
         a: ping
         a< pingresp",
    );
}

/// [v5 MQTT-4.12.0-4]
#[test]
fn a_refusal_at_any_step_is_told_in_the_connack() {
    let stats = check(
        "a: connect v5 clean method=unknown
         event exchange unknown -
         deny a 140
         a< connack 0x8c
         a< closed
         b: connect v5 clean method=M data=one
         event exchange M one
         continue b two
         b< auth 0x18 method=M data=two
         b: auth 24 method=M data=wrong
         event step wrong -
         deny b
         b< connack 0x87
         b< closed
         c: connect v5 clean user=carl password=x
         event authenticate carl
         deny c 134
         c< connack 0x86
         c< closed
         d: connect v311 clean user=dora password=x
         event authenticate dora
         deny d 134
         d< connack 0x86
         d< closed
         e: connect v311 clean user=emil
         event authenticate emil
         deny e 151
         e< connack 0x88
         e< closed",
    );
    assert_eq!(stats.authentications_denied_total, 4);
    assert_eq!(stats.authentications_overloaded_total, 1);
    assert_eq!((stats.connections, stats.sessions), (0, 0));
}

/// [v5 MQTT-3.1.2-30] [v5 MQTT-4.12.0-5]
#[test]
fn only_the_next_step_or_a_disconnect_may_come_before_the_connack() {
    for wrong in [
        "auth 24 method=other data=x",
        "auth 25 method=M data=x",
        "auth 0 method=M",
        "auth 0",
        "ping",
        "publish t x",
        "raw 10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00",
    ] {
        check(&format!(
            "a: connect v5 clean method=M data=one
             event exchange M one
             continue a two
             a< auth 0x18 method=M data=two
             a: {wrong}
             a< connack 0x82
             a< closed"
        ));
    }
    check(
        "a: connect v5 clean method=M
         event exchange M -
         continue a two
         a< auth 0x18 method=M data=two
         a: disconnect
         a< closed
         b: connect v5 clean method=M
         event exchange M -
         continue b two
         b< auth 0x18 method=M data=two
         b: raw f0 02 18 05
         b< connack 0x81
         b< closed",
    );
}

/// [v5 MQTT-4.12.0-6] [v5 MQTT-4.12.0-7]
#[test]
fn without_a_method_there_is_no_auth() {
    check(
        "a: connect v5 clean user=anna
         event authenticate anna
         allow a ignored
         a< connack 0x00
         a: auth 25 method=M data=x
         a< disconnect 0x82
         a< closed
         b: connect v5 clean user=bert
         event authenticate bert
         continue b more
         b< connack 0x83
         b< closed
         c: connect v311 clean user=carl
         event authenticate carl
         allow c
         c< connack 0x00
         c: raw f0 00
         c< closed",
    );
}

/// [v5 4.12.1]
#[test]
fn messages_flow_while_a_client_authenticates_again() {
    check(&format!(
        "{LET_IN} p: connect v311 clean
         event authenticate -
         allow p
         p< connack 0x00
         a: subscribe 1 t:1
         a< suback 1 0x01
         a: auth 25 method=M data=again
         event again M again me
         a! read
         p: publish t 1 q=1 id=1
         p< puback 1
         a< publish t 1 q=1 id=1
         a: puback 1
         a: publish t 2
         a< publish t 2
         continue a more half
         a< auth 0x18 method=M data=more
         a: publish t 3
         a< publish t 3
         a: auth 24 method=M data=proof
         event step proof half
         allow a done me-too
         a< auth 0x00 method=M data=done
         a: auth 25 method=M
         event again M - me-too
         allow a
         a< auth 0x00 method=M"
    ));
}

/// [v5 MQTT-4.12.1-2]
#[test]
fn a_failed_second_authentication_ends_the_connection() {
    for (code, told) in [("135", "0x87"), ("134", "0x87"), ("151", "0x97")] {
        check(&format!(
            "{LET_IN} a: auth 25 method=M data=again
             event again M again me
             deny a {code}
             a< disconnect {told}
             a< closed"
        ));
    }
}

/// [v5 MQTT-4.12.1-1]
#[test]
fn auth_out_of_order_on_a_live_connection_is_a_protocol_error() {
    for wrong in [
        "auth 24 method=M data=x",
        "auth 25 method=other data=x",
        "auth 0 method=M",
        "auth 0",
    ] {
        check(&format!(
            "{LET_IN} a: {wrong}
             a< disconnect 0x82
             a< closed"
        ));
    }
    check(&format!(
        "{LET_IN} a: auth 25 method=M data=again
         event again M again me
         a: auth 24 method=M data=eager
         a< disconnect 0x82
         a< closed"
    ));
}

#[test]
fn a_verdict_for_a_connection_that_is_gone_lets_nobody_in() {
    let mut broker = Broker::new(1, settings());
    let (_, connect) = packets::connect("a", &["v5", "clean", "user=anna"]);
    broker.open("a", 0);
    broker.receive("a", &connect);
    let (shard, gone) = broker.transports["a"].at.unwrap();
    broker.drop_connection("a");
    // Another one has its place now, and waits for a verdict of its own.
    broker.open("b", 0);
    broker.receive("b", &connect);
    let (_, present) = broker.transports["b"].at.unwrap();
    assert_eq!(gone.index, present.index);
    for connection in [gone, present] {
        assert!(broker.transports["b"].sent.is_empty());
        let verdict = Verdict::allow();
        broker.handle(
            shard,
            Input::Authenticated {
                connection,
                verdict,
            },
        );
    }
    let sent = packets::describe_all(Version::V5, &broker.transports["b"].sent);
    assert_eq!(sent, ["connack 0x00"]);
}

#[test]
fn a_verdict_that_nobody_asked_for_changes_nothing() {
    check(&format!(
        "{LET_IN} allow a again
         deny a
         a: ping
         a< pingresp"
    ));
}

/// [v5 MQTT-3.1.4-3]: only who is let in takes over, and the older connection goes on until then.
#[test]
fn a_stranger_takes_nobody_over() {
    check(&format!(
        "{LET_IN} b: connect v5 id=a user=thief
         event authenticate thief
         a: ping
         a< pingresp
         deny b
         b< connack 0x87
         b< closed
         a: ping
         a< pingresp
         c: connect v5 clean id=a method=M
         event exchange M -
         a: auth 25 method=M data=again
         event again M again me
         allow c
         a< disconnect 0x8e
         a< closed
         c< connack 0x00 method=M"
    ));
}

#[test]
fn the_bound_on_a_connect_covers_all_steps() {
    check(
        "a: connect v5 clean method=M
         event exchange M -
         pass 3
         continue a more
         a< auth 0x18 method=M data=more
         pass 2
         a< closed
         b: connect v5 clean method=M
         event exchange M -
         pass 2
         continue b more
         b< auth 0x18 method=M data=more
         b: auth 24 method=M
         event step - -
         pass 3
         b< closed",
    );
}

#[test]
fn a_live_connection_owes_its_keep_alive_while_it_is_judged() {
    check(
        "a: connect v5 clean keepalive=4 method=M data=hello
         event exchange M hello
         allow a
         a< connack 0x00 method=M
         a: auth 25 method=M
         event again M - -
         pass 6
         a< disconnect 0x8d
         a< closed",
    );
}

/// [v5 MQTT-3.1.2-24] [v5 MQTT-3.15.2-2] [v5 MQTT-3.15.2-3]
#[test]
fn no_packet_of_an_exchange_is_longer_than_the_client_takes() {
    check(
        "a: connect v5 clean size=12 method=M
         event exchange M -
         continue a exceeding
         a< connack 0x95
         a< closed
         b: connect v5 clean size=60 method=M
         event exchange M -
         allow b four-and-twenty-letters-and-some-more-of-them
         b< connack 0x95
         b< closed
         c: connect v5 clean size=50 method=M
         event exchange M -
         allow c short
         c< connack 0x00 method=M data=short
         c: auth 25 method=M
         event again M - -
         continue c four-and-twenty-letters-and-some-more-of-them
         c< disconnect 0x95
         c< closed",
    );
}

#[test]
fn what_was_sent_behind_the_connect_waits_for_the_connack() {
    check(
        "a: connect v5 clean user=anna at=2
         event authenticate anna
         a: publish t x q=1 id=1
         a: ping
         a< -
         allow a
         a< connack 0x00
         a< puback 1 0x10
         a< pingresp",
    );
}

#[test]
fn a_broker_that_stops_waits_for_no_verdict() {
    check(
        "a: connect v5 clean method=M
         event exchange M -
         shutdown
         a< connack 0x88
         a< closed",
    );
}
