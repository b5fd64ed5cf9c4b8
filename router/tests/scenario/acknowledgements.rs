//! The gate: acknowledgements leave in order, and only when everyone has the message.

use ringmq_router::Settings;

use crate::script::check_with;

fn check_three(script: &str) {
    check_with(3, Settings::default(), script);
}

/// [v3.1.1 MQTT-4.6.0-2] [v3.1.1 MQTT-4.6.0-3] [v5 MQTT-4.6.0-2] [v5 MQTT-4.6.0-3]
#[test]
fn puback_waits_for_every_interested_shard_and_keeps_its_order() {
    check_three(
        "s: connected v311 clean home=1
         s: subscribe 1 far:1
         s< suback 1 0x01
         p: connected v5 clean home=0
         hold 1 0
         p: publish far x q=1 id=1
         s< publish far x q=1 id=1
         p: publish near y q=1 id=2
         p: publish far z q=2 id=3
         s< publish far z q=1 id=2
         p< -
         release 1 0
         p< puback 1
         p< puback 2 0x10
         p< pubrec 3",
    );
}

#[test]
fn the_log_holds_acknowledgements_back() {
    let settings = Settings {
        log: true,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "p: connected v5 clean
         p: publish t 1 q=1 id=1
         event append 1
         p: publish t 0
         p: publish t 2 q=2 id=2
         event append 2
         p< -
         durable 0 1
         p< puback 1 0x10
         p< -
         durable 0 2
         p< pubrec 2 0x10",
    );
}

#[test]
fn answers_for_a_connection_that_is_gone_are_let_go() {
    check_three(
        "s: connected v311 clean home=1
         s: subscribe 1 t:2
         s< suback 1 0x02
         p: connected v311 home=0
         hold 1 0
         p: publish t 1 q=1 id=1
         p: publish t 2 q=2 id=2
         s< publish t 1 q=1 id=1
         s< publish t 2 q=2 id=2
         p! drop
         p: connect v311 home=0
         p< connack 0x00 present
         p: publish t 1 q=1 id=1 dup
         p: publish t 2 q=2 id=2 dup
         s< publish t 1 q=1 id=3
         p< -
         release 1 0
         p< puback 1
         p< pubrec 2
         p: pubrel 2
         p< pubcomp 2",
    );
}

#[test]
fn a_session_that_ended_is_not_answered_for() {
    check_three(
        "s: connected v311 clean home=1
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v311 clean home=0
         hold 1 0
         p: publish t 1 q=1 id=1
         s< publish t 1 q=1 id=1
         p! drop
         p: connect v311 clean home=0
         p< connack 0x00
         p: publish none 1 q=1 id=1
         p< puback 1
         p: publish t 2 q=1 id=1
         s< publish t 2 q=1 id=2
         p< -
         release 1 0
         p< puback 1",
    );
}

#[test]
fn a_dropped_message_on_another_shard_is_told() {
    let settings = Settings {
        queue_messages_max: 1,
        ..Settings::default()
    };
    check_with(
        3,
        settings,
        "s: connected v311 clean home=1
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! blocked
         p: connected v5 clean home=0
         p: publish t 1 q=2 id=1
         p< pubrec 1
         p: publish t 2 q=2 id=2
         p< pubrec 2 0x97
         p: publish t 3 q=1 id=2
         p< puback 2 0x97
         s: unsubscribe 2 t
         s< unsuback 2
         p: publish t 4 q=1 id=3
         p< puback 3 0x10",
    );
}

/// [v3.1.1 MQTT-4.6.0-3] [v5 MQTT-4.6.0-3]
#[test]
fn pubrecs_leave_in_the_order_of_their_publishes() {
    for (version, nobody) in [("v311", ""), ("v5", " 0x10")] {
        check_three(&format!(
            "s: connected v311 clean home=1
             s: subscribe 1 far:2
             s< suback 1 0x02
             p: connected {version} clean home=0
             hold 1 0
             p: publish far x q=2 id=9
             s< publish far x q=2 id=1
             p: publish near y q=2 id=7
             p: publish near z q=2 id=8
             p< -
             release 1 0
             p< pubrec 9
             p< pubrec 7{nobody}
             p< pubrec 8{nobody}"
        ));
    }
}
