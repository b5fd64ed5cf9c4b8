//! PUBLISH: who gets a message, at which QoS, and what the publisher is told.

use ringmq_router::Settings;

use crate::script::{check, check_with};

/// [v3.1.1 MQTT-2.3.1-6] [v3.1.1 MQTT-3.3.2-3] [v3.1.1 MQTT-3.8.3-2] [v3.1.1 MQTT-3.8.4-4]
/// [v3.1.1 MQTT-4.5.0-1] [v5 MQTT-3.3.2-3] [v5 MQTT-3.8.4-5] [v5 MQTT-4.5.0-1]
#[test]
fn three_of_four_filters_match() {
    check(
        "a: connected v311 clean at=1
         b: connected v311 clean at=2
         c: connected v311 clean
         d: connected v311 clean
         p: connected v311 clean
         a: subscribe 1 home/+/temp:1
         a< suback 1 0x01
         b: subscribe 1 home/#:0
         b< suback 1 0x00
         c: subscribe 7 home/kitchen/+:2
         c< suback 7 0x02
         d: subscribe 1 home/door:1 home/+:1
         d< suback 1 0x01 0x01
         p: publish home/kitchen/temp 21 q=1 id=5
         p< puback 5
         a< publish home/kitchen/temp 21 q=1 id=1
         b< publish home/kitchen/temp 21
         c< publish home/kitchen/temp 21 q=1 id=1
         d< -
         p: publish home 1
         d< -
         b< publish home 1",
    );
}

/// [v3.1.1 MQTT-2.3.1-6] [v3.1.1 MQTT-4.3.3-1] [v3.1.1 MQTT-4.3.3-2] [v5 MQTT-2.2.1-5]
/// [v5 MQTT-4.3.3-10] [v5 MQTT-4.3.3-11] [v5 MQTT-4.3.3-12]
#[test]
fn qos_2_goes_through_all_four_packets_on_both_sides() {
    for version in ["v311", "v5"] {
        let script = "s: connected v311 clean
         s: subscribe 1 t:2
         s< suback 1 0x02
         p: connected v311 clean at=1
         p: publish t x q=2 id=9
         p< pubrec 9
         s< publish t x q=2 id=1
         p: publish t x q=2 id=9 dup
         p< pubrec 9
         p: pubrel 9
         p< pubcomp 9
         s: pubrec 1
         s< pubrel 1
         s: pubrec 1
         s< pubrel 1
         s: pubcomp 1
         p: publish t y q=2 id=9
         p< pubrec 9
         s< publish t y q=2 id=2";
        check(&script.replace("v311", version));
    }
}

/// [v5 MQTT-4.3.3-11]
#[test]
fn v5_is_told_when_nobody_wants_it() {
    check(
        "p: connected v5 clean
         p: publish t x q=1 id=1
         p< puback 1 0x10
         p: publish t x q=2 id=2
         p< pubrec 2 0x10
         p: pubrel 2
         p< pubcomp 2
         p: pubrel 2
         p< pubcomp 2 0x92
         q: connected v311 clean
         q: publish t x q=1 id=1
         q< puback 1
         q: pubrel 2
         q< pubcomp 2",
    );
}

/// [v3.1.1 MQTT-3.3.5-1] [v5 MQTT-3.3.4-2]
#[test]
fn overlapping_filters_give_one_copy_at_the_highest_qos() {
    for version in ["v311", "v5"] {
        let script = "s: connected v311 clean
         s: subscribe 1 a/b:0 a/+:1 #:2
         s< suback 1 0x00 0x01 0x02
         s: publish a/b x q=2 id=1
         s< publish a/b x q=2 id=1
         s< pubrec 1";
        check(&script.replace("v311", version));
    }
}

#[test]
fn properties_are_forwarded_to_v5_and_left_out_for_v3() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         o: connected v311 clean at=1
         o: subscribe 1 t:1
         o< suback 1 0x01
         p: connected v5 clean at=2
         p: publish t x q=1 id=1 type=text user=k:v expiry=30
         p< puback 1
         s< publish t x expiry=30 type=text user=k:v
         o< publish t x q=1 id=1",
    );
}

/// [v5 MQTT-3.3.1-12] [v5 MQTT-3.3.1-13] [v5 MQTT-3.8.3-3]
#[test]
fn no_local_and_retain_as_published() {
    check(
        "s: connected v5 clean
         s: subscribe 1 t:0:nl u:0:rap
         s< suback 1 0x00 0x00
         p: connected v5 clean
         s: publish t mine
         s: publish u mine retain
         s< publish u mine retain
         p: publish t yours retain
         s< publish t yours
         p: publish u yours
         s< publish u yours",
    );
}

/// [v3.1.1 MQTT-3.3.5-2]
#[test]
fn sys_belongs_to_the_broker() {
    check(
        "s: connected v5 clean
         s: subscribe 1 $SYS/#:0 #:0
         s< suback 1 0x00 0x00
         p: connected v5 clean
         p: publish $SYS/x 1 q=1 id=1
         p< puback 1 0x87
         p: publish $SYS/x 1 q=2 id=2
         p< pubrec 2 0x87
         p: publish $SYS/x 1
         p: publish $other 1
         s< -
         q: connected v311 clean
         q: publish $SYS/x 1 q=2 id=2
         q< pubrec 2
         q: pubrel 2
         q< pubcomp 2",
    );
}

/// [v5 MQTT-3.3.4-7]
#[test]
fn more_than_the_receive_maximum_closes_v5() {
    let settings = Settings {
        receive_max: 2,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "p: connect v5 clean
         p< connack 0x00 receive=2
         p: publish t x q=1 id=1
         p< puback 1 0x10
         p: publish t x q=2 id=1
         p< pubrec 1 0x10
         p: publish t x q=2 id=2
         p< pubrec 2 0x10
         p: pubrel 1
         p< pubcomp 1
         p: publish t x q=2 id=3
         p< pubrec 3 0x10
         p: publish t x q=1 id=4
         p< disconnect 0x93
         p< closed",
    );
}

/// [v5 MQTT-3.2.2-15]
#[test]
fn a_packet_over_the_maximum_closes() {
    let settings = Settings {
        packet_size_max: 100,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "p: connect v5 clean
         p< connack 0x00 size=100
         p: publish t *100
         p< disconnect 0x95
         p< closed",
    );
}

/// [v5 MQTT-3.1.2-24] [v5 MQTT-3.1.2-25]
#[test]
fn a_packet_over_the_clients_maximum_is_left_out_for_it_alone() {
    let stats = check_with(
        3,
        Settings::default(),
        "s: connected v5 clean size=50
         s: subscribe 1 t:1
         s< suback 1 0x01
         o: connected v5 clean
         o: subscribe 1 t:1
         o< suback 1 0x01
         p: connected v5 clean
         p: publish t *60 q=1 id=1
         p< puback 1
         o< publish t *60 q=1 id=1
         p: publish t *20 q=1 id=2
         p< puback 2
         o< publish t *20 q=1 id=2
         s< publish t xxxxxxxxxxxxxxxxxxxx q=1 id=1"
            .replace("o< publish t *20", "o< publish t xxxxxxxxxxxxxxxxxxxx")
            .as_str(),
    );
    assert_eq!(stats.drops.total(), 1);
}

/// [v3.1.1 MQTT-4.6.0-5] [v3.1.1 MQTT-4.6.0-6] [v5 MQTT-4.6.0-5] [v5 MQTT-4.6.0-6]
#[test]
fn messages_of_one_publisher_keep_their_order() {
    for version in ["v311", "v5"] {
        let script = "s: connected v311 clean
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v311 clean at=1
         p: publish t 1 q=1 id=1
         p: publish t 2 q=1 id=2
         p: publish t 3 q=1 id=3
         p< puback 1
         p< puback 2
         p< puback 3
         s< publish t 1 q=1 id=1
         s< publish t 2 q=1 id=2
         s< publish t 3 q=1 id=3";
        check(&script.replace("v311", version));
    }
}
