//! Payloads that are said to be UTF-8, when the broker is told to look.

use ringmq_router::Settings;

use crate::script::{check, check_with};

fn validating() -> Settings {
    Settings {
        validate_payload_format: true,
        ..Settings::default()
    }
}

/// [v5 MQTT-3.3.2-4]
#[test]
fn nobody_looks_unless_told_to() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         p: connected v5 clean
         p: publish t \\xff text
         s< publish t \u{FFFD} text",
    );
}

#[test]
fn a_payload_that_is_not_what_it_says_is_refused() {
    check_with(
        2,
        validating(),
        "s: connected v5 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         p: connected v5 clean
         p: publish t a text q=1 id=1
         p< puback 1
         s< publish t a text
         p: publish t \\xff q=1 id=1
         p< puback 1
         s< publish t \u{FFFD}
         p: publish t \\xff text q=1 id=2
         p< puback 2 0x99
         p: publish t \\xff text q=2 id=3
         p< pubrec 3 0x99
         p: publish t b q=2 id=3
         p< pubrec 3
         s< publish t b
         p: publish t \\xff text
         p< disconnect 0x99
         p< closed",
    );
}

#[test]
fn a_will_that_is_not_what_it_says_is_refused() {
    check_with(
        1,
        validating(),
        "a: connect v5 clean will=t:\\xff:0 willtext
         a< connack 0x99
         a< closed
         b: connected v5 clean will=t:x:0 willtext
         c: connected v5 clean will=t:\\xff:0",
    );
}
