//! SUBSCRIBE and UNSUBSCRIBE: what is granted, and when SUBACK may leave.

use ringmq_router::Settings;

use crate::script::{check, check_with};

#[test]
fn suback_waits_until_every_shard_knows() {
    check_with(
        3,
        Settings::default(),
        "s: connected v311 clean home=0
         hold 0 2
         s: subscribe 1 t:1
         s< -
         p: connected v311 clean home=1
         p: publish t early q=1 id=1
         p< puback 1
         s< publish t early q=1 id=1
         release 0 2
         s< suback 1 0x01",
    );
}

#[test]
fn a_second_subscriber_waits_for_the_interest_of_the_first() {
    check_with(
        3,
        Settings::default(),
        "s: connected v311 clean home=0
         o: connected v311 clean home=0
         hold 2 0
         s: subscribe 1 t:1 other:0
         s< -
         o: subscribe 2 t:1
         o< -
         o: subscribe 3 other/+:0
         o< -
         release 2 0
         s< suback 1 0x01 0x00
         o< suback 2 0x01
         o< suback 3 0x00
         o: subscribe 4 t:0
         hold 2 0
         o< suback 4 0x00
         s: subscribe 5 t:0
         s< suback 5 0x00",
    );
}

#[test]
fn interest_that_came_and_went_and_came_is_waited_for() {
    check_with(
        2,
        Settings::default(),
        "s: connected v311 clean home=0
         hold 1 0
         s: subscribe 1 t:1
         s: unsubscribe 2 t
         s: subscribe 3 t:1
         s< unsuback 2
         s< -
         p: connected v311 clean home=1
         release 1 0
         s< suback 1 0x01
         s< suback 3 0x01
         p: publish t x q=1 id=1
         p< puback 1
         s< publish t x q=1 id=1",
    );
}

#[test]
fn nobody_is_answered_when_the_connection_is_gone() {
    check_with(
        2,
        Settings::default(),
        "s: connected v311 home=0
         hold 1 0
         s: subscribe 1 t:1
         s! drop
         s: connect v311 home=0
         s< connack 0x00 present
         release 1 0
         s< -
         p: connected v311 clean home=1
         p: publish t x q=1 id=1
         p< puback 1
         s< publish t x q=1 id=1",
    );
}

/// [v3.1.1 MQTT-3.10.4-2] [v5 MQTT-3.10.4-1] [v5 MQTT-3.10.4-2] [v5 MQTT-3.10.4-6]
/// [v5 MQTT-3.11.3-1] [v5 MQTT-3.11.3-2]
#[test]
fn unsubscribe_stops_the_messages() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t:1 u/+:0
         s< suback 1 0x01 0x00
         s: unsubscribe 2 t none u/+
         s< unsuback 2 0x00 0x11 0x00
         p: connected v5 clean
         p: publish t x q=1 id=1
         p< puback 1 0x10
         p: publish u/v x
         s< -",
    );
}

/// [v3.1.1 MQTT-3.8.4-3] [v5 MQTT-3.8.4-3]
#[test]
fn a_subscription_again_replaces_its_options() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t:2
         s< suback 1 0x02
         s: subscribe 2 t:0
         s< suback 2 0x00
         p: connected v5 clean
         p: publish t x q=1 id=1
         p< puback 1
         s< publish t x
         s: unsubscribe 3 t
         s< unsuback 3 0x00",
    );
}

/// [v5 MQTT-3.8.4-6] [v5 MQTT-3.8.4-7] [v5 MQTT-3.9.3-1] [v5 MQTT-3.9.3-2]
#[test]
fn bounds_are_told_per_filter() {
    let settings = Settings {
        subscriptions_per_session_max: 2,
        topic_levels_max: 3,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "s: connected v5 clean
         s: subscribe 1 a/b/c/d:0 a:0 b:1 c:1
         s< suback 1 0x8f 0x00 0x01 0x97
         s: subscribe 2 a:1 d:0
         s< suback 2 0x01 0x97
         s: publish a/b/c/d x
         s< disconnect 0x90
         s< closed",
    );
}

#[test]
fn thousands_of_subscriptions_end_with_their_session() {
    let mut script = "s: connected v311 clean\n".to_owned();
    for id in 1..200 {
        script += &format!("s: subscribe {id} a/{id}:0 b/{id}/+:1\ns< suback {id} 0x00 0x01\n");
    }
    script += "s! drop\n";
    let stats = check_with(3, Settings::default(), &script);
    assert_eq!((stats.subscriptions, stats.sessions), (0, 0));
}
