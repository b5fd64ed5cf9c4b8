//! Sessions: what outlives a connection, and for how long.

use ringmq_router::{DropReason, Settings};

use crate::script::{check, check_with};

/// [v3.1.1 MQTT-3.1.2-4] [v3.1.1 MQTT-3.1.2-5] [v3.1.1 MQTT-3.1.4-3] [v3.1.1 MQTT-3.2.2-2]
/// [v3.1.1 MQTT-4.1.0-1] [v3.1.1 MQTT-4.5.0-1]
#[test]
fn a_persistent_session_queues_while_its_client_is_away() {
    check(
        "s: connected v311
         s: subscribe 1 t:1 u:0
         s< suback 1 0x01 0x00
         s! drop
         p: connected v311 clean at=1
         p: publish t 1 q=1 id=1
         p< puback 1
         p: publish t 2 q=2 id=2
         p< pubrec 2
         p: publish t 0
         p: publish u 3 q=1 id=3
         p< puback 3
         s: connect v311 at=2
         s< connack 0x00 present
         s< publish t 1 q=1 id=1
         s< publish t 2 q=1 id=2",
    );
}

/// [v3.1.1 MQTT-3.1.2-6] [v3.1.1 MQTT-3.1.4-3]
#[test]
fn a_clean_session_forgets() {
    check(
        "s: connected v311 clean
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! drop
         p: connected v311 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         s: connect v311
         s< connack 0x00
         p: publish t 2 q=1 id=1
         p< puback 1
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! drop
         s: connect v311 clean
         s< connack 0x00
         p: publish t 3 q=1 id=1
         p< puback 1",
    );
}

/// [v3.1.1 MQTT-2.3.1-4] [v3.1.1 MQTT-3.3.1-1] [v3.1.1 MQTT-4.3.3-1] [v3.1.1 MQTT-4.4.0-1]
/// [v3.1.1 MQTT-4.6.0-1]
#[test]
fn what_was_not_acknowledged_comes_again_in_order() {
    check(
        "s: connected v311
         s: subscribe 1 t:2
         s< suback 1 0x02
         p: connected v311 clean
         p: publish t 1 q=2 id=1
         p< pubrec 1
         p: publish t 2 q=1 id=2
         p< puback 2
         p: publish t 3 q=2 id=3
         p< pubrec 3
         s< publish t 1 q=2 id=1
         s< publish t 2 q=1 id=2
         s< publish t 3 q=2 id=3
         s: pubrec 1
         s< pubrel 1
         s! drop
         p: publish t 4 q=1 id=4
         p< puback 4
         s: connect v311
         s< connack 0x00 present
         s< pubrel 1
         s< publish t 2 q=1 id=2 dup
         s< publish t 3 q=2 id=3 dup
         s< publish t 4 q=1 id=4
         s: pubcomp 1
         s: puback 2
         s: puback 4
         s: pubrec 3
         s< pubrel 3
         s: pubcomp 3
         s! drop
         s: connect v311
         s< connack 0x00 present",
    );
}

/// [v5 MQTT-4.3.3-10]
#[test]
fn a_qos_2_publish_repeated_after_a_resume_is_routed_once() {
    check(
        "s: connected v311 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         p: connected v311
         p: publish t 1 q=2 id=1
         p< pubrec 1
         s< publish t 1
         p! drop
         p: connected v311 at=2
         p: publish t 1 q=2 id=1 dup
         p< pubrec 1
         p: pubrel 1
         p< pubcomp 1
         s< -",
    );
}

/// [v3.1.1 MQTT-3.1.4-2] [v5 MQTT-3.1.4-3]
#[test]
fn a_second_connection_of_a_client_throws_out_the_first() {
    check(
        "a: connected v5 id=x
         b: connect v5 id=x at=1
         a< disconnect 0x8e
         a< closed
         b< connack 0x00
         c: connected v311 id=x at=2
         b< disconnect 0x8e
         b< closed",
    );
}

/// [v5 MQTT-3.1.2-5] [v5 MQTT-3.3.1-1]
#[test]
fn a_takeover_goes_on_with_the_session() {
    check(
        "a: connected v5 id=x expiry=100
         a: subscribe 1 t:1
         a< suback 1 0x01
         p: connected v311 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         a< publish t 1 q=1 id=1
         b: connect v5 id=x expiry=100
         a< disconnect 0x8e
         b< connack 0x00 present
         b< publish t 1 q=1 id=1 dup",
    );
}

/// [v5 MQTT-3.1.2-23] [v5 MQTT-4.1.0-2] [v5 MQTT-4.5.0-1]
#[test]
fn a_session_expires() {
    let script = "s: connected v5 expiry=10
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! drop
         p: connected v5 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         pass 9
         p: publish t 2 q=1 id=2
         p< puback 2
         pass 1
         p: publish t 3 q=1 id=3
         p< puback 3 0x10
         s: connect v5 expiry=10
         s< connack 0x00";
    for shards in [1, 3] {
        let stats = check_with(shards, Settings::default(), script);
        assert_eq!(stats.sessions_expired_total, 1);
        assert_eq!(stats.drops.get(DropReason::SessionEnded), 2);
        assert_eq!(stats.queued_messages, 0);
    }
}

/// [v5 MQTT-3.1.2-23]
#[test]
fn a_resume_starts_the_expiry_anew() {
    check(
        "s: connected v5 expiry=10
         s! drop
         pass 8
         s: connect v5 expiry=10
         s< connack 0x00 present
         pass 20
         s! drop
         pass 9
         s: connect v5 expiry=10
         s< connack 0x00 present",
    );
}

#[test]
fn disconnect_may_change_the_expiry_but_not_from_zero() {
    check(
        "s: connected v5 expiry=10
         s: disconnect expiry=0
         s< closed
         s: connect v5
         s< connack 0x00
         s: disconnect expiry=5
         s< disconnect 0x82
         s< closed",
    );
}

/// [v5 MQTT-3.3.4-9] [v5 MQTT-4.6.0-1]
#[test]
fn a_smaller_window_after_a_resume_is_kept() {
    check(
        "s: connected v5 expiry=10
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v311 clean
         p: publish t 1 q=1 id=1
         p: publish t 2 q=1 id=2
         p: publish t 3 q=1 id=3
         p< puback 1
         p< puback 2
         p< puback 3
         s< publish t 1 q=1 id=1
         s< publish t 2 q=1 id=2
         s< publish t 3 q=1 id=3
         s! drop
         s: connect v5 expiry=10 receive=2
         s< connack 0x00 present
         s< publish t 1 q=1 id=1 dup
         s< publish t 2 q=1 id=2 dup
         p: publish t 4 q=1 id=1
         p< puback 1
         s< -
         s: puback 1
         s< publish t 3 q=1 id=3 dup
         s: puback 2
         s< publish t 4 q=1 id=4",
    );
}

/// [v5 MQTT-3.1.2-25]
#[test]
fn what_a_smaller_maximum_packet_size_forbids_is_not_sent_again() {
    let stats = check_with(
        1,
        Settings::default(),
        "s: connected v5 expiry=10
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v311 clean
         p: publish t *100 q=1 id=1
         p< puback 1
         p: publish t 2 q=1 id=2
         p< puback 2
         s< publish t *100 q=1 id=1
         s< publish t 2 q=1 id=2
         s! drop
         s: connect v5 expiry=10 size=60
         s< connack 0x00 present
         s< publish t 2 q=1 id=2 dup
         s: puback 2",
    );
    assert_eq!(stats.drops.get(DropReason::PacketTooLarge), 1);
    assert_eq!(stats.inflight_messages, 0);
}
