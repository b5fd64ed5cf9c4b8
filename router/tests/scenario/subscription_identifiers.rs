//! Subscription identifiers: each message carries those of all subscriptions of the client that match it,
//! however long it waited.

use ringmq_router::Settings;

use crate::script::{check, check_with};

/// [v5 MQTT-3.3.4-3]
#[test]
fn a_message_carries_the_identifier_of_its_subscription() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t:1 u/+:0 identifier=5
         s< suback 1 0x01 0x00
         s: subscribe 2 plain:0
         s< suback 2 0x00
         p: connected v5 clean
         p: publish t x q=1 id=1 user=a:b
         p< puback 1
         s< publish t x q=1 id=1 identifier=5 user=a:b
         p: publish t y
         s< publish t y identifier=5
         p: publish u/v z
         s< publish u/v z identifier=5
         p: publish plain w
         s< publish plain w",
    );
}

/// [v5 MQTT-3.3.4-4]
#[test]
fn a_message_carries_the_identifiers_of_all_that_match() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t/+:0 identifier=268435455
         s< suback 1 0x00
         s: subscribe 2 t/#:1 identifier=2
         s< suback 2 0x01
         s: subscribe 3 #:0
         s< suback 3 0x00
         s: subscribe 4 t/a:2 identifier=2
         s< suback 4 0x02
         p: connected v5 clean
         p: publish t/b x
         s< publish t/b x identifier=2 identifier=268435455
         p: publish t/b y
         s< publish t/b y identifier=2 identifier=268435455
         p: publish t/b z
         s< publish t/b z identifier=2 identifier=268435455
         p: publish t/a x q=1 id=1
         p< puback 1
         s< publish t/a x q=1 id=1 identifier=2 identifier=2 identifier=268435455
         p: publish u x
         s< publish u x",
    );
}

#[test]
fn a_subscription_again_replaces_its_identifier() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t:0 identifier=1
         s< suback 1 0x00
         s: subscribe 2 t:0 identifier=2
         s< suback 2 0x00
         p: connected v311 clean
         p: publish t x
         s< publish t x identifier=2
         s: subscribe 3 t:0
         s< suback 3 0x00
         p: publish t y
         s< publish t y",
    );
}

#[test]
fn what_waited_carries_its_identifiers() {
    let stats = check_with(
        2,
        Settings::default(),
        "s: connected v5 expiry=100
         s: subscribe 1 t/+:1 identifier=7
         s< suback 1 0x01
         s: subscribe 2 t/a:1 identifier=8
         s< suback 2 0x01
         p: connected v5 clean
         p: publish t/a sent q=1 id=1
         p< puback 1
         s< publish t/a sent q=1 id=1 identifier=7 identifier=8
         s! drop
         p: publish t/a x q=1 id=2
         p< puback 2
         p: publish t/b y q=1 id=3
         p< puback 3
         s: connect v5 expiry=100
         s< connack 0x00 present
         s< publish t/a sent q=1 id=1 dup identifier=7 identifier=8
         s< publish t/a x q=1 id=2 identifier=7 identifier=8
         s< publish t/b y q=1 id=3 identifier=7
         s: puback 1
         s: puback 2
         s: puback 3
         s! blocked
         p: publish t/a z
         s< -
         s! ready
         s< publish t/a z identifier=7 identifier=8",
    );
    assert_eq!((stats.stored_messages, stats.inflight_messages), (0, 0));
}

#[test]
fn retained_messages_carry_the_identifier_of_the_subscription_that_asked() {
    check(
        "p: connected v5 clean
         p: publish t x retain q=1 id=1
         p< puback 1 0x10
         s: connected v5 clean
         s: subscribe 1 t:1 identifier=3
         s< suback 1 0x01
         s< publish t x q=1 id=1 retain identifier=3
         s: subscribe 2 #:0 identifier=4
         s< suback 2 0x00
         s< publish t x retain identifier=4",
    );
}

#[test]
fn a_session_taken_on_by_an_older_version_gets_none() {
    check(
        "s: connected v5 expiry=100
         s: subscribe 1 t:1 identifier=3
         s< suback 1 0x01
         s! drop
         p: connected v5 clean
         p: publish t x q=1 id=1
         p< puback 1
         s: connect v311
         s< connack 0x00 present
         s< publish t x q=1 id=1
         s: puback 1
         p: publish t y
         s< publish t y
         p: publish t z q=1 id=2
         p< puback 2
         s< publish t z q=1 id=2",
    );
}

/// What the identifiers add counts towards the client's maximum packet size. [v5 MQTT-3.1.2-24]
#[test]
fn identifiers_count_towards_the_packet() {
    let stats = check_with(
        1,
        Settings::default(),
        "s: connected v5 clean size=64
         s: subscribe 1 t:1 identifier=128
         s< suback 1 0x01
         p: connected v5 clean
         p: publish t *55
         s< publish t *55 identifier=128
         p: publish t *56
         p: publish t *54 q=1 id=1
         p< puback 1
         s< -",
    );
    assert_eq!(stats.drops.total(), 2);
}

/// Equal frames are encoded once: the bytes put out are those of two frames.
#[test]
fn receivers_with_the_same_identifiers_share_a_frame() {
    let mut script = String::new();
    for client in 0..20 {
        let identifier = 1 + client % 2;
        script += &format!(
            "s{client}: connected v5 clean
             s{client}: subscribe 1 t:0 identifier={identifier}
             s{client}< suback 1 0x00\n"
        );
    }
    script += "p: connected v5 clean
               p: publish t x\n";
    for client in 0..20 {
        script += &format!("s{client}< publish t x identifier={}\n", 1 + client % 2);
    }
    let stats = check_with(1, Settings::default(), &script);
    assert_eq!(stats.publishes_sent_total, 20);
}
