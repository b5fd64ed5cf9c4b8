//! Shared subscriptions when a member goes away: what it had not got or not acknowledged is another's.

use ringmq_router::{DropReason, Settings};

use crate::script::{check, check_with};

/// Member `a` has messages 1 to 4 in flight and waiting, `b` was blocked so far.
const A_HOLDS_ALL: &str = "
    b: connected v5 clean at=1
    b: subscribe 1 $share/g/t:2
    b< suback 1 0x02
    b! blocked
    p: connected v5 clean at=2
    p: publish t 1 q=1 id=1
    p< puback 1
    a< publish t 1 q=1 id=1
    p: publish t 2 q=2 id=2
    p< pubrec 2
    a< publish t 2 q=2 id=2
    b! ready
    b: unsubscribe 2 $share/g/t
    b< unsuback 2 0x00
    p: publish t 3 q=1 id=3
    p: publish t 4 q=2 id=4
    p< puback 3
    p< pubrec 4
    b: subscribe 3 $share/g/t:2
    b< suback 3 0x02
    b< -
";

fn script(a: &str, then: &str) -> String {
    format!(
        "{a}
         a: subscribe 1 $share/g/t:2
         a< suback 1 0x02
         {A_HOLDS_ALL}
         {then}"
    )
}

fn small_window() -> Settings {
    Settings {
        inflight_max: 2,
        ..Settings::default()
    }
}

/// [v5 MQTT-4.8.2-4]
#[test]
fn a_lost_connection_gives_on_all_but_qos_2_in_flight() {
    for (shards, kept) in [(1, "v311"), (3, "v311"), (3, "v5 expiry=100")] {
        // The window of b is two: the third waits for room.
        let then = format!(
            "a! drop
             b< publish t 1 q=1 id=1
             b< publish t 3 q=1 id=2
             b< -
             b: puback 1
             b< publish t 4 q=2 id=3
             b: puback 2
             a: connect {kept}
             a< connack 0x00 present
             a< publish t 2 q=2 id=2 dup
             a: pubrec 2
             a< pubrel 2
             a: puback 1"
        );
        let script = script(&format!("a: connected {kept}"), &then);
        let stats = check_with(shards, small_window(), &script);
        assert_eq!(stats.drops.total(), 0);
    }
}

/// [v5 MQTT-4.8.2-5]
#[test]
fn a_session_that_ends_takes_only_qos_2_in_flight_with_it() {
    for (shards, clean) in [(1, "v311 clean"), (3, "v311 clean"), (3, "v5 clean")] {
        let then = "a! drop
             b< publish t 1 q=1 id=1
             b< publish t 3 q=1 id=2
             b: puback 1
             b< publish t 4 q=2 id=3";
        let script = script(&format!("a: connected {clean}"), then);
        let stats = check_with(shards, small_window(), &script);
        assert_eq!(stats.drops.get(DropReason::SessionEnded), 1);
        assert_eq!(stats.drops.total(), 1);
    }
}

#[test]
fn unsubscribing_gives_on_what_was_not_sent() {
    for shards in [1, 3] {
        let then = "a: unsubscribe 9 $share/g/t
             a< unsuback 9
             b< publish t 3 q=1 id=1
             b< publish t 4 q=2 id=2
             a! drop
             b< -
             a: connect v311
             a< connack 0x00 present
             a< publish t 1 q=1 id=1 dup
             a< publish t 2 q=2 id=2 dup";
        let script = script("a: connected v311", then);
        check_with(shards, small_window(), &script);
    }
}

#[test]
fn the_only_member_keeps_its_messages() {
    for shards in [1, 3] {
        check_with(
            shards,
            small_window(),
            "a: connected v311
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             p: connected v5 clean at=1
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p: publish t 3 q=1 id=3
             p< puback 1
             p< puback 2
             p< puback 3
             a< publish t 1 q=1 id=1
             a< publish t 2 q=1 id=2
             a! drop
             p: publish t 4 q=1 id=4
             p: publish t 5
             p< puback 4
             a: connect v311
             a< connack 0x00 present
             a< publish t 1 q=1 id=1 dup
             a< publish t 2 q=1 id=2 dup
             a: unsubscribe 2 $share/g/t
             a< unsuback 2
             a: puback 1
             a< publish t 3 q=1 id=3
             a: puback 2
             a< publish t 4 q=1 id=4
             a: puback 3
             a: puback 4
             a: subscribe 3 t:0
             a< suback 3 0x00
             p: publish t 6
             a< publish t 6",
        );
    }
}

#[test]
fn a_member_that_is_away_is_the_last_to_queue() {
    for shards in [1, 3] {
        let stats = check_with(
            shards,
            small_window(),
            "a: connected v311
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             b: connected v311 at=1
             b: subscribe 1 $share/g/t:1
             b< suback 1 0x01
             a! drop
             p: connected v5 clean at=2
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p: publish t 3 q=1 id=3
             p: publish t 4
             p< puback 1
             p< puback 2
             p< puback 3
             b< publish t 1 q=1 id=1
             b< publish t 2 q=1 id=2
             b< -
             b: puback 1
             b< publish t 3 q=1 id=3
             b< publish t 4
             b: puback 2
             b: puback 3
             b! drop
             p: publish t 5 q=1 id=5
             p: publish t 6
             p< puback 5
             a: connect v311
             b: connect v311
             a< connack 0x00 present
             b< connack 0x00 present
             one a,b publish t 5",
        );
        assert_eq!(stats.drops.get(DropReason::OfflineQos0), 1);
    }
}

#[test]
fn what_nobody_else_takes_comes_back() {
    for shards in [1, 3] {
        let settings = Settings {
            queue_messages_max: 1,
            ..small_window()
        };
        let stats = check_with(
            shards,
            settings,
            "a: connected v311
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             p: connected v5 clean at=2
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p: publish t 3 q=1 id=3
             p< puback 1
             p< puback 2
             p< puback 3
             a< publish t 1 q=1 id=1
             a< publish t 2 q=1 id=2
             b: connected v311 clean at=1
             b: subscribe 1 $share/g/t:1
             b< suback 1 0x01
             b! blocked
             a! drop
             a: connect v311
             a< connack 0x00 present
             a< publish t 2 q=1 id=3
             a< publish t 3 q=1 id=4
             b! ready
             b< publish t 1 q=1 id=1",
        );
        assert_eq!(stats.drops.total(), 0);
    }
}

/// [v5 MQTT-4.8.2-3]
#[test]
fn what_comes_back_keeps_the_qos_of_the_subscription_that_was() {
    for shards in [1, 3] {
        let settings = Settings {
            queue_messages_max: 1,
            ..small_window()
        };
        check_with(
            shards,
            settings,
            "a: connected v311
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             b: connected v311 clean at=1
             p: connected v5 clean at=2
             a! blocked
             p: publish t 1 q=2 id=1
             p< pubrec 1
             b: subscribe 1 $share/g/t:1
             b< suback 1 0x01
             b! blocked
             p: publish t 2 q=1 id=2
             p< puback 2
             a: unsubscribe 2 $share/g/t
             a< unsuback 2
             a! ready
             a< publish t 1 q=1 id=1
             b! ready
             b< publish t 2 q=1 id=1",
        );
    }
}

#[test]
fn without_another_member_a_clean_session_takes_its_messages_with_it() {
    for shards in [1, 3] {
        let stats = check_with(
            shards,
            Settings::default(),
            "a: connected v311 clean
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             p: connected v5 clean at=1
             p: publish t 1 q=1 id=1
             p< puback 1
             a< publish t 1 q=1 id=1
             a! blocked
             p: publish t 2 q=1 id=2
             p: publish t 3
             p< puback 2
             a! drop
             p: publish t 4 q=1 id=4
             p< puback 4 0x10",
        );
        assert_eq!(stats.drops.get(DropReason::SessionEnded), 3);
    }
}

#[test]
fn a_client_that_starts_clean_gives_on_what_waited_for_it() {
    check(
        "a: connected v5 expiry=60
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         a! drop
         p: connected v5 clean at=1
         p: publish t 1 q=1 id=1
         p< puback 1
         b: connected v5 expiry=60 at=2
         b: subscribe 1 $share/g/t:1
         b< suback 1 0x01
         b< -
         a: connected v5 clean
         b< publish t 1 q=1 id=1",
    );
}

#[test]
fn an_expired_session_gives_on_what_waited_for_it() {
    check(
        "a: connected v5 expiry=5
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         a! drop
         p: connected v5 clean at=1
         p: publish t 1 q=1 id=1 expiry=60
         p: publish t 2 q=1 id=2 expiry=2
         p< puback 1
         p< puback 2
         b: connected v5 clean at=2
         b: subscribe 1 $share/g/t:1
         b< suback 1 0x01
         pass 7
         b< publish t 1 q=1 id=1 expiry=55",
    );
}

#[test]
fn a_message_under_way_to_a_shard_that_lost_its_member_is_asked_on() {
    check_with(
        3,
        Settings::default(),
        "a: connected v311 clean home=1
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         p: connected v5 clean home=0
         hold 0 1
         p: publish t 1 q=1 id=1
         p: publish t 2
         b: connected v311 clean home=2
         b: subscribe 1 $share/g/t:1
         a! drop
         p< -
         release 0 1
         b< suback 1 0x01
         p< puback 1
         one b publish t 1 q=1 id=1
         b< publish t 2",
    );
}

#[test]
fn a_stop_gives_nothing_on() {
    check(
        "a: connected v311
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         p: connected v311 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         a< publish t 1 q=1 id=1
         b: connected v311 at=1
         b: subscribe 1 $share/g/t:1
         b< suback 1 0x01
         shutdown
         b< -",
    );
}
