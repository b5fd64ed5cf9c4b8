//! The exchanges of QoS 0, 1 and 2, what is sent again, and how many may be under way.

use ringmq_router::Settings;

use crate::script::{check, check_with};

/// Connected without clean start in a form that keeps the session.
const KEPT: [&str; 2] = ["v311", "v5 expiry=100"];

/// [v3.1.1 MQTT-3.3.4-1] [v5 MQTT-3.3.4-1] [v5 MQTT-4.3.2-4] [v5 MQTT-4.3.3-8]
#[test]
fn each_qos_has_its_answer() {
    for version in ["v31", "v311", "v5"] {
        check(&format!(
            "s: connected v311 clean
             s: subscribe 1 t:0
             s< suback 1 0x00
             p: connected {version} clean
             p: publish t 0
             p< -
             s< publish t 0
             p: publish t 1 q=1 id=11
             p< puback 11
             s< publish t 1
             p: publish t 2 q=2 id=12
             p< pubrec 12
             s< publish t 2
             p: pubrel 12
             p< pubcomp 12"
        ));
    }
}

/// [v3.1.1 MQTT-3.3.1-2] [v3.1.1 MQTT-4.3.1-1] [v5 MQTT-3.3.1-2] [v5 MQTT-4.3.1-1]
#[test]
fn qos_0_goes_out_once_and_plain() {
    for version in KEPT {
        check(&format!(
            "s: connected {version}
             s: subscribe 1 t:2
             s< suback 1 0x02
             p: connected v311 clean
             p: publish t x
             s< publish t x
             s! drop
             s: connect {version}
             s< connack 0x00 present ...
             s< -"
        ));
    }
}

/// [v3.1.1 MQTT-4.3.2-1] [v5 MQTT-4.3.2-2] [v5 MQTT-4.3.2-3]
#[test]
fn qos_1_is_unacknowledged_until_puback() {
    for version in KEPT {
        check(&format!(
            "s: connected {version}
             s: subscribe 1 t:1
             s< suback 1 0x01
             p: connected v311 clean
             p: publish t x q=1 id=5
             p< puback 5
             s< publish t x q=1 id=1
             s! drop
             s: connected {version}
             s< publish t x q=1 id=1 dup
             s: puback 1
             s! drop
             s: connected {version}
             s< -
             p: publish t y q=1 id=5
             p< puback 5
             s< publish t y q=1 id=2"
        ));
    }
}

/// [v3.1.1 MQTT-4.3.2-2] [v5 MQTT-4.3.2-5]
#[test]
fn after_puback_the_identifier_is_new() {
    for version in ["v311", "v5"] {
        check(&format!(
            "s: connected v311 clean
             s: subscribe 1 t:0
             s< suback 1 0x00
             p: connected {version} clean
             p: publish t x q=1 id=1
             p< puback 1
             s< publish t x
             p: publish t x q=1 id=1 dup
             p< puback 1
             s< publish t x"
        ));
    }
}

/// [v3.1.1 MQTT-3.3.1-3] [v5 MQTT-3.3.1-3]
#[test]
fn dup_is_not_passed_on() {
    for version in ["v311", "v5"] {
        check(&format!(
            "s: connected {version} clean
             s: subscribe 1 t:2
             s< suback 1 0x02
             p: connected {version} clean
             p: publish t x q=1 id=1 dup
             p< puback 1
             s< publish t x q=1 id=1
             p: publish t y q=2 id=2 dup
             p< pubrec 2
             s< publish t y q=2 id=2"
        ));
    }
}

/// [v3.1.1 MQTT-3.8.4-6] [v5 MQTT-3.2.2-10] [v5 MQTT-3.8.4-8]
#[test]
fn the_lower_qos_counts() {
    for version in ["v311", "v5"] {
        check(&format!(
            "s: connected {version} clean
             s: subscribe 1 zero:0 one:1 two:2
             s< suback 1 0x00 0x01 0x02
             p: connected v311 clean at=1
             p: publish zero 2 q=2 id=1
             p< pubrec 1
             s< publish zero 2
             p: publish one 2 q=2 id=2
             p< pubrec 2
             s< publish one 2 q=1 id=1
             p: publish two 2 q=2 id=3
             p< pubrec 3
             s< publish two 2 q=2 id=2
             p: publish two 1 q=1 id=4
             p< puback 4
             s< publish two 1 q=1 id=3
             p: publish two 0
             s< publish two 0"
        ));
    }
}

/// [v5 MQTT-4.3.3-2] [v5 MQTT-4.3.3-3] [v5 MQTT-4.3.3-4] [v5 MQTT-4.3.3-5] [v5 MQTT-4.3.3-6]
/// [v5 MQTT-4.4.0-1]
#[test]
fn qos_2_is_sent_again_up_to_pubrel() {
    for version in KEPT {
        check(&format!(
            "s: connected {version}
             s: subscribe 1 t:2
             s< suback 1 0x02
             p: connected v311 clean
             p: publish t x q=2 id=9
             p< pubrec 9
             s< publish t x q=2 id=1
             s! drop
             s: connected {version}
             s< publish t x q=2 id=1 dup
             s: pubrec 1
             s< pubrel 1
             s! drop
             s: connected {version}
             s< pubrel 1
             s< -
             s: pubcomp 1
             s! drop
             s: connected {version}
             s< -"
        ));
    }
}

/// [v5 MQTT-2.2.1-4] [v5 MQTT-4.3.2-1] [v5 MQTT-4.3.3-1]
#[test]
fn an_identifier_is_in_use_until_pubcomp() {
    let mut script = "s: connected v5 clean receive=65535
         s: subscribe 1 t:2
         s< suback 1 0x02
         p: connected v311 clean
         p: publish t first q=2 id=1
         p< pubrec 1
         p: pubrel 1
         p< pubcomp 1
         s< publish t first q=2 id=1
         s: pubrec 1
         s< pubrel 1\n"
        .to_owned();
    for id in 2..=65_535 {
        script += "p: publish t x q=1 id=1\np< puback 1\n";
        script += &format!("s< publish t x q=1 id={id}\ns: puback {id}\n");
    }
    // All others were used once; the first still waits for its PUBCOMP.
    script += "p: publish t x q=1 id=1\np< puback 1\ns< publish t x q=1 id=2";
    check_with(1, Settings::default(), &script);
}

/// [v5 MQTT-4.3.3-7] [v5 MQTT-4.3.3-13]
#[test]
fn what_was_sent_does_not_expire() {
    check(
        "s: connected v5 expiry=100
         s: subscribe 1 t:2
         s< suback 1 0x02
         p: connected v5 clean
         p: publish t x q=2 id=1 expiry=2
         p< pubrec 1
         s< publish t x q=2 id=1 expiry=2
         pass 10
         s: pubrec 1
         s< pubrel 1
         s! drop
         pass 10
         s: connected v5 expiry=100
         s< pubrel 1
         s: pubcomp 1
         p: pubrel 1
         p< pubcomp 1",
    );
}

/// [v5 MQTT-4.3.3-9]
#[test]
fn after_a_refusing_pubrec_the_identifier_is_new() {
    check(
        "s: connected v311 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         p: connected v5 clean
         p: publish $SYS/x 1 q=2 id=1
         p< pubrec 1 0x87
         p: publish t 2 q=2 id=1
         p< pubrec 1
         s< publish t 2",
    );
}

/// [v5 MQTT-4.4.0-1]
#[test]
fn nothing_is_sent_again_on_one_connection() {
    for version in KEPT {
        check(&format!(
            "s: connected {version}
             s: subscribe 1 t:2
             s< suback 1 0x02
             p: connected v311 clean
             p: publish t 1 q=1 id=1
             p< puback 1
             p: publish t 2 q=2 id=2
             p< pubrec 2
             p: publish t 3 q=2 id=3
             p< pubrec 3
             s< publish t 1 q=1 id=1
             s< publish t 2 q=2 id=2
             s< publish t 3 q=2 id=3
             s: pubrec 3
             s< pubrel 3
             pass 600
             s: ping
             s< pingresp"
        ));
    }
}

/// [v5 MQTT-4.4.0-2]
#[test]
fn a_refusing_answer_acknowledges() {
    check(
        "s: connected v5 expiry=100
         s: subscribe 1 t:2
         s< suback 1 0x02
         p: connected v311 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         p: publish t 2 q=2 id=2
         p< pubrec 2
         s< publish t 1 q=1 id=1
         s< publish t 2 q=2 id=2
         s: puback 1/128
         s: pubrec 2/131
         s< -
         s! drop
         s: connected v5 expiry=100
         s< -",
    );
}

/// [v3.1.1 MQTT-4.6.0-4] [v5 MQTT-4.6.0-4]
#[test]
fn pubrels_follow_their_pubrecs_in_order() {
    for version in ["v311", "v5"] {
        check(&format!(
            "s: connected {version} clean
             s: subscribe 1 t:2
             s< suback 1 0x02
             p: connected v311 clean
             p: publish t 1 q=2 id=1
             p: publish t 2 q=2 id=2
             p: publish t 3 q=2 id=3
             p< pubrec 1
             p< pubrec 2
             p< pubrec 3
             s< publish t 1 q=2 id=1
             s< publish t 2 q=2 id=2
             s< publish t 3 q=2 id=3
             s: pubrec 2
             s: pubrec 1
             s: pubrec 3
             s< pubrel 2
             s< pubrel 1
             s< pubrel 3"
        ));
    }
}

/// [v3.1.1 MQTT-3.10.4-3] [v5 MQTT-3.10.4-3]
#[test]
fn unsubscribe_lets_what_is_under_way_finish() {
    for version in KEPT {
        let code = if version == "v311" { "" } else { " 0x00" };
        check(&format!(
            "s: connected {version}
             s: subscribe 1 t:2
             s< suback 1 0x02
             p: connected v311 clean
             p: publish t 1 q=1 id=1
             p< puback 1
             p: publish t 2 q=2 id=2
             p< pubrec 2
             s< publish t 1 q=1 id=1
             s< publish t 2 q=2 id=2
             s: unsubscribe 7 t
             s< unsuback 7{code}
             s! drop
             s: connected {version}
             s< publish t 1 q=1 id=1 dup
             s< publish t 2 q=2 id=2 dup
             s: puback 1
             s: pubrec 2
             s< pubrel 2
             s: pubcomp 2"
        ));
    }
}

/// [v5 MQTT-3.3.4-9] [v5 MQTT-4.9.0-1] [v5 MQTT-4.9.0-2]
#[test]
fn the_receive_maximum_of_the_client_holds() {
    check(
        "s: connected v5 clean receive=2
         s: subscribe 1 t:2
         s< suback 1 0x02
         p: connected v311 clean
         p: publish t 1 q=1 id=1
         p: publish t 2 q=2 id=2
         p: publish t 3 q=1 id=3
         p: publish t 4 q=1 id=4
         p< puback 1
         p< pubrec 2
         p< puback 3
         p< puback 4
         s< publish t 1 q=1 id=1
         s< publish t 2 q=2 id=2
         s< -
         s: puback 1
         s< publish t 3 q=1 id=3
         s< -
         s: pubrec 2
         s< pubrel 2
         s< -
         s: pubcomp 2
         s< publish t 4 q=1 id=4",
    );
}

/// [v5 MQTT-3.3.4-10] [v5 MQTT-4.9.0-3]
#[test]
fn a_full_window_holds_back_nothing_but_messages() {
    check(
        "s: connected v5 clean receive=1
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v311 clean
         p: publish t 1 q=1 id=1
         p< puback 1
         p: publish t 2 q=1 id=2
         p< puback 2
         s< publish t 1 q=1 id=1
         s: ping
         s< pingresp
         s: subscribe 2 u:0
         s< suback 2 0x00
         s: publish none x q=1 id=7
         s< puback 7 0x10
         s: publish none x q=2 id=8
         s< pubrec 8 0x10
         s: pubrel 8
         s< pubcomp 8
         s: unsubscribe 3 u
         s< unsuback 3 0x00
         s: puback 1
         s< publish t 2 q=1 id=2",
    );
}
