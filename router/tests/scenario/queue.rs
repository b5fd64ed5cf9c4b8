//! Windows and queues towards a client: order, bounds, and what is dropped.

use ringmq_router::{DropReason, Settings};

use crate::script::{check, check_with};

/// [v3.1.1 MQTT-4.6.0-6] [v5 MQTT-4.6.0-5]
#[test]
fn a_full_window_queues_all_that_follows_in_order() {
    let settings = Settings {
        inflight_max: 2,
        ..Settings::default()
    };
    for shards in [1, 3] {
        check_with(
            shards,
            settings.clone(),
            "s: connected v311 clean
             s: subscribe 1 t:1
             s< suback 1 0x01
             p: connected v311 clean at=1
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p: publish t 3 q=1 id=3
             p: publish t 4
             p: publish t 5 q=1 id=5
             p< puback 1
             p< puback 2
             p< puback 3
             p< puback 5
             s< publish t 1 q=1 id=1
             s< publish t 2 q=1 id=2
             s< -
             s: puback 2
             s< publish t 3 q=1 id=3
             s< publish t 4
             s< -
             s: puback 3
             s< publish t 5 q=1 id=4",
        );
    }
}

/// [v5 MQTT-3.3.2-5]
#[test]
fn what_expires_on_its_way_to_another_shard_is_not_delivered() {
    let stats = check_with(
        3,
        Settings::default(),
        "s: connected v5 clean home=1
         s: subscribe 1 t:1 $share/g/t:1
         s< suback 1 0x01 0x01
         p: connected v5 clean home=0
         hold 0 1
         p: publish t x q=1 id=1 expiry=1
         p: publish t y q=1 id=2 expiry=9
         pass 2
         release 0 1
         s< publish t y q=1 id=1 expiry=7
         s< publish t y q=1 id=2 expiry=7
         p< puback 1
         p< puback 2",
    );
    assert_eq!(stats.drops.get(DropReason::Expired), 2);
}

#[test]
fn a_blocked_client_gets_everything_later_in_order() {
    check(
        "s: connected v311 clean
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v311 clean
         s! blocked
         p: publish t 1
         p: publish t 2 q=1 id=1
         p< puback 1
         p: publish t 3
         s< -
         s! ready
         s< publish t 1
         s< publish t 2 q=1 id=1
         s< publish t 3",
    );
}

#[test]
fn the_client_that_is_full_is_told_to_nobody_unless_it_is_the_only_one() {
    let settings = Settings {
        queue_messages_max: 2,
        ..Settings::default()
    };
    for shards in [1, 3] {
        let stats = check_with(
            shards,
            settings.clone(),
            "s: connected v311 clean
             s: subscribe 1 t:1
             s< suback 1 0x01
             s! blocked
             p: connected v5 clean at=1
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p< puback 1
             p< puback 2
             p: publish t 3 q=1 id=3
             p< puback 3 0x97
             p: publish t 3 q=2 id=3
             p< pubrec 3 0x97
             o: connected v311 clean at=2
             o: subscribe 1 t:0
             o< suback 1 0x00
             p: publish t 4 q=1 id=4
             p< puback 4
             o< publish t 4
             s! ready
             s< publish t 1 q=1 id=1
             s< publish t 2 q=1 id=2",
        );
        assert_eq!(stats.drops.get(DropReason::QueueMessages), 3);
    }
}

#[test]
fn the_queue_is_bounded_in_bytes() {
    let settings = Settings {
        queue_bytes_max: 1_000,
        ..Settings::default()
    };
    let stats = check_with(
        1,
        settings,
        "s: connected v311 clean
         s: subscribe 1 t:0
         s< suback 1 0x00
         s! blocked
         p: connected v5 clean
         p: publish t *600
         p: publish t *600
         p: publish t *300
         s! ready
         s< publish t *600
         s< publish t *300",
    );
    assert_eq!(stats.drops.get(DropReason::QueueBytes), 1);
}

/// [v5 MQTT-3.3.2-5] [v5 MQTT-3.3.2-6]
#[test]
fn what_expires_in_the_queue_is_left_out() {
    let stats = check_with(
        3,
        Settings::default(),
        "s: connected v5 expiry=100
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! drop
         p: connected v5 clean
         p: publish t short q=1 id=1 expiry=5
         p< puback 1
         p: publish t long q=1 id=1 expiry=50
         p< puback 1
         pass 10
         s: connect v5 expiry=100
         s< connack 0x00 present
         s< publish t long q=1 id=1 expiry=40",
    );
    assert_eq!(stats.drops.get(DropReason::Expired), 1);
}

#[test]
fn qos_0_does_not_outlive_the_connection() {
    let stats = check_with(
        1,
        Settings::default(),
        "s: connected v311
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! blocked
         p: connected v311 clean
         p: publish t 0
         p: publish t 1 q=1 id=1
         p< puback 1
         s! drop
         p: publish t 0
         s: connect v311
         s< connack 0x00 present
         s< publish t 1 q=1 id=1",
    );
    assert_eq!(stats.drops.get(DropReason::ConnectionEnded), 1);
    assert_eq!(stats.drops.get(DropReason::OfflineQos0), 1);
}

#[test]
fn a_long_queue_is_put_out_in_pieces_without_a_stall() {
    let mut script = "s: connected v311
         s: subscribe 1 t:1
         s< suback 1 0x01
         s! drop
         p: connected v311 clean\n"
        .to_owned();
    for _ in 0..90 {
        script += "p: publish t *10000 q=1 id=1\np< puback 1\n";
    }
    script += "s: connect v311\ns< connack 0x00 present\n";
    for id in 1..=90 {
        script += &format!("s< publish t *10000 q=1 id={id}\n");
    }
    check(&script);
}

/// [v3.1.1 MQTT-2.3.1-4] [v3.1.1 MQTT-4.3.2-1] [v5 MQTT-2.2.1-4] [v5 MQTT-4.3.2-1]
#[test]
fn packet_identifiers_count_up_and_leave_out_those_in_use() {
    let mut script = "s: connected v311 clean
         s: subscribe 1 t:1
         s< suback 1 0x01
         p: connected v311 clean
         p: publish t first q=1 id=1
         p< puback 1
         s< publish t first q=1 id=1\n"
        .to_owned();
    for id in 2..=65_535 {
        script += "p: publish t x q=1 id=1\np< puback 1\n";
        script += &format!("s< publish t x q=1 id={id}\ns: puback {id}\n");
    }
    script += "p: publish t x q=1 id=1\np< puback 1\ns< publish t x q=1 id=2";
    check_with(1, Settings::default(), &script);
}

#[test]
fn many_long_queues_share_a_tick() {
    let mut script = "p: connected v311 clean\n".to_owned();
    for client in 0..30 {
        script += &format!(
            "s{client}: connected v311
             s{client}: subscribe 1 t:1
             s{client}< suback 1 0x01
             s{client}! blocked\n"
        );
    }
    for _ in 0..25 {
        script += "p: publish t *40000 q=1 id=1\np< puback 1\n";
    }
    script += "ready s\n";
    for client in 0..30 {
        for id in 1..=25 {
            script += &format!("s{client}< publish t *40000 q=1 id={id}\n");
        }
    }
    check(&script);
}
