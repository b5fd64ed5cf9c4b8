//! The answers to SUBSCRIBE and UNSUBSCRIBE, and what a filter asked for again brings.

use ringmq_router::Settings;

use crate::script::{check, check_with};

/// [v3.1.1 MQTT-2.3.1-7] [v3.1.1 MQTT-3.8.4-1] [v3.1.1 MQTT-3.8.4-2] [v3.1.1 MQTT-3.10.4-4]
/// [v5 MQTT-2.2.1-6] [v5 MQTT-3.8.4-1] [v5 MQTT-3.8.4-2] [v5 MQTT-3.10.4-4] [v5 MQTT-3.10.4-5]
#[test]
fn the_answer_has_the_identifier_of_the_question() {
    for (version, code) in [("v31", ""), ("v311", ""), ("v5", " 0x00")] {
        check(&format!(
            "s: connected {version} clean
             s: subscribe 1 t:0
             s< suback 1 0x00
             s: subscribe 65535 u:0
             s< suback 65535 0x00
             s: unsubscribe 4660 u
             s< unsuback 4660{code}"
        ));
    }
}

/// [v3.1.1 MQTT-3.8.4-3] [v3.1.1 MQTT-3.8.4-4] [v5 MQTT-3.8.4-4] [v5 MQTT-3.8.4-5]
#[test]
fn a_subscription_again_repeats_the_retained_messages() {
    for version in ["v311", "v5"] {
        check(&format!(
            "p: connected v311 clean
             p: publish t kept retain
             s: connected {version} clean at=1
             s: subscribe 1 u:0 t:1 v:2
             s< suback 1 0x00 0x01 0x02
             s< publish t kept retain
             p: publish t 1 q=1 id=1
             p< puback 1
             s: subscribe 2 t:1
             p: publish t 2 q=1 id=2
             p< puback 2
             s< publish t 1 q=1 id=1
             s< suback 2 0x01
             s< publish t kept retain
             s< publish t 2 q=1 id=2"
        ));
    }
}

/// 0x80 is the only failure that 3.1.1 knows.
/// [v3.1.1 MQTT-3.8.4-5] [v3.1.1 MQTT-3.9.3-1] [v3.1.1 MQTT-3.9.3-2]
#[test]
fn bounds_are_told_in_v3_too() {
    let settings = Settings {
        subscriptions_per_session_max: 3,
        topic_levels_max: 3,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "s: connected v311 clean
         s: subscribe 1 c:2 a/b/c/d:0 a:0 b:1 e:1
         s< suback 1 0x02 0x80 0x00 0x01 0x80",
    );
}

/// [v3.1.1 MQTT-3.9.3-1]
#[test]
fn codes_come_in_the_order_of_the_filters() {
    for version in ["v31", "v311", "v5"] {
        check(&format!(
            "s: connected {version} clean
             s: subscribe 1 z:2 a:0 m:1 a:1 z:0
             s< suback 1 0x02 0x00 0x01 0x01 0x00
             p: connected v311 clean
             p: publish a x q=2 id=1
             p< pubrec 1
             s< publish a x q=1 id=1
             p: publish z x q=2 id=2
             p< pubrec 2
             s< publish z x"
        ));
    }
}

/// A wildcard in it matches nothing but itself.
/// [v3.1.1 MQTT-3.10.4-1] [v3.1.1 MQTT-3.10.4-2] [v3.1.1 MQTT-3.10.4-5] [v5 MQTT-3.10.4-1]
/// [v5 MQTT-3.10.4-5]
#[test]
fn unsubscribe_takes_the_very_filter() {
    for (version, none, some) in [("v311", "", ""), ("v5", " 0x11", " 0x00")] {
        check(&format!(
            "s: connected {version} clean
             s: subscribe 1 a/b:0 a/+:1
             s< suback 1 0x00 0x01
             s: unsubscribe 2 a/#
             s< unsuback 2{none}
             s: unsubscribe 3 A/b
             s< unsuback 3{none}
             p: connected v311 clean
             p: publish a/b 1 q=1 id=1
             p< puback 1
             s< publish a/b 1 q=1 id=1
             s: unsubscribe 4 a/+
             s< unsuback 4{some}
             p: publish a/b 2 q=1 id=1
             p< puback 1
             s< publish a/b 2
             s: unsubscribe 5 a/b
             s< unsuback 5{some}
             p: publish a/b 3
             s< -"
        ));
    }
}

/// [v3.1.1 MQTT-3.10.4-2] [v3.1.1 MQTT-3.10.4-6] [v5 MQTT-3.10.4-6]
#[test]
fn several_filters_are_left_at_once() {
    for (version, codes) in [("v311", ""), ("v5", " 0x00 0x11 0x00")] {
        check(&format!(
            "s: connected {version} clean
             s: subscribe 1 a:0 b:0 c:0
             s< suback 1 0x00 0x00 0x00
             s: unsubscribe 2 a none c
             s< unsuback 2{codes}
             p: connected v311 clean
             p: publish a x
             p: publish c x
             s< -
             p: publish b x
             s< publish b x"
        ));
    }
}
