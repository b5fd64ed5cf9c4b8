//! What the retain flag of a PUBLISH does to the message that is kept, and what does not touch it.

use crate::script::check;

/// [v3.1.1 MQTT-3.1.2-7]
#[test]
fn the_message_outlives_the_session_of_its_publisher() {
    for version in ["v311 clean", "v5 clean", "v311"] {
        check(&format!(
            "p: connected {version}
             p: publish t kept retain q=1 id=1
             p< puback 1 ...
             p: disconnect
             p< closed
             p: connected {version} clean
             s: connected v311 clean at=1
             s: subscribe 1 t:1
             s< suback 1 0x01
             s< publish t kept q=1 id=1 retain"
        ));
    }
}

/// [v3.1.1 MQTT-3.3.1-7]
#[test]
fn a_message_of_qos_0_replaces_the_retained_one() {
    check(
        "p: connected v311 clean
         p: publish t old retain q=2 id=1
         p< pubrec 1
         p: publish t new retain
         s: connected v311 clean
         s: subscribe 1 t:2
         s< suback 1 0x02
         s< publish t new retain",
    );
}

/// [v3.1.1 MQTT-3.3.1-12] [v5 MQTT-3.3.1-8]
#[test]
fn a_message_without_retain_leaves_the_retained_one() {
    for version in ["v311", "v5"] {
        check(&format!(
            "p: connected {version} clean
             p: publish none passing
             p: publish t kept retain
             p: publish t passing
             p: publish t -
             s: connected {version} clean at=1
             s: subscribe 1 t:0 none:0
             s< suback 1 0x00 0x00
             s< publish t kept retain"
        ));
    }
}
