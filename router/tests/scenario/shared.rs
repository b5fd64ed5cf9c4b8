//! Shared subscriptions: who gets a message, what the publisher is told, and who is passed over.

use ringmq_router::limits::GROUP_MEMBERS_MAX;
use ringmq_router::{
    ConnectionId, DropReason, Input, ListenerId, Millis, Outputs, Settings, Shard, ShardConfig,
    ShardCount, ShardId, SharedStrategy,
};

use crate::packets;
use crate::script::{check, check_with};

fn with(strategy: SharedStrategy) -> Settings {
    Settings {
        shared_strategy: strategy,
        ..Settings::default()
    }
}

#[test]
fn each_message_goes_to_one_member_in_turn() {
    check(
        "a: connected v5 clean at=0
         b: connected v311 clean at=1
         c: connected v31 clean at=2
         a: subscribe 1 $share/g/t/+:1
         a< suback 1 0x01
         b: subscribe 1 $share/g/t/+:1
         b< suback 1 0x01
         c: subscribe 1 $share/g/t/+:1
         c< suback 1 0x01
         p: connected v5 clean at=1
         p: publish t/1 x q=1 id=1
         p: publish t/2 x q=1 id=2
         p: publish t/1 x q=1 id=3
         p: publish t/1 x
         p: publish t/2 x
         p: publish t/3 x
         p< puback 1
         p< puback 2
         p< puback 3
         each a,b,c 2 publish t/",
    );
}

#[test]
fn groups_and_ordinary_subscribers_each_get_their_copy() {
    check(
        "a: connected v5 clean at=1
         b: connected v5 clean at=2
         a: subscribe 1 $share/g/t:0 $share/h/t:0 $share/g/#:0 t:1
         a< suback 1 0x00 0x00 0x00 0x01
         b: subscribe 1 $share/h/t:0
         b< suback 1 0x00
         p: connected v5 clean
         p: publish t x q=1 id=1
         p< puback 1
         one a publish t x q=1
         one a publish t x
         one a publish t x
         one a,b publish t x
         p: publish u x q=1 id=2
         p< puback 2
         a< publish u x",
    );
}

/// [v5 MQTT-3.3.4-5]
#[test]
fn each_copy_carries_the_identifier_of_its_own_subscription() {
    check(
        "a: connected v5 clean at=1
         a: subscribe 1 $share/g/t:0 identifier=11
         a< suback 1 0x00
         a: subscribe 2 t:1 identifier=12
         a< suback 2 0x01
         p: connected v5 clean
         p: publish t x q=1 id=1
         p< puback 1
         a< publish t x q=1 id=1 identifier=12
         a< publish t x identifier=11",
    );
}

/// [v5 MQTT-4.8.2-3]
#[test]
fn each_member_has_the_qos_it_was_granted() {
    for version in ["v311", "v5"] {
        let script = "a: connected v311 clean at=1
         a: subscribe 1 $share/g/t:0
         a< suback 1 0x00
         p: connected v5 clean
         p: publish t 1 q=2 id=1
         p< pubrec 1
         a< publish t 1
         a: subscribe 2 $share/g/t:1
         a< suback 2 0x01
         p: publish t 2 q=2 id=2
         p< pubrec 2
         a< publish t 2 q=1 id=1
         a: subscribe 3 $share/g/t:2
         a< suback 3 0x02
         p: publish t 3 q=2 id=3
         p< pubrec 3
         a< publish t 3 q=2 id=2";
        check(&script.replace("v311", version));
    }
}

#[test]
fn nothing_retained_comes_at_subscribe() {
    check(
        "p: connected v5 clean at=1
         p: publish t old q=1 id=1 retain
         p< puback 1 0x10
         a: connected v5 clean
         a: subscribe 1 $share/g/t:1 $share/g/#:1
         a< suback 1 0x01 0x01
         a< -
         a: subscribe 2 $share/h/t:1:rap
         a< suback 2 0x01
         p: publish t new retain
         one a publish t new retain
         a< publish t new
         a< publish t new",
    );
}

#[test]
fn what_is_no_shared_filter_is_refused() {
    for filter in ["$share/g", "$share//t", "$share/+/t", "$share/g/"] {
        check(&format!(
            "a: connected v5 clean
             a: subscribe 1 {filter}:1
             a< disconnect 0x8f
             a< closed
             b: connected v311 clean
             b: subscribe 1 {filter}:1 $share/g/t:1
             b< suback 1 0x80 0x01",
        ));
    }
    check(
        "a: connected v5 clean
         a: subscribe 1 t:0 $share/g/t:1
         a< suback 1 0x00 0x01
         a: unsubscribe 2 $share/g/t $share/h/t
         a< unsuback 2 0x00 0x11
         a: subscribe 3 $share/g/t:1:nl
         a< disconnect 0x82
         a< closed",
    );
}

#[test]
fn the_publisher_is_told_when_there_is_no_member() {
    check(
        "a: connected v5 clean at=1
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         a: unsubscribe 2 $share/g/t
         a< unsuback 2 0x00
         p: connected v5 clean
         p: publish t x q=1 id=1
         p< puback 1 0x10
         p: publish $share/g/t x q=1 id=2
         p< puback 2 0x10",
    );
}

#[test]
fn a_member_whose_window_is_full_is_passed_over() {
    let settings = Settings {
        inflight_max: 1,
        ..Settings::default()
    };
    for shards in [1, 3] {
        check_with(
            shards,
            settings.clone(),
            "a: connected v311 clean at=1
             b: connected v311 clean at=2
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             b: subscribe 1 $share/g/t:1
             b< suback 1 0x01
             p: connected v5 clean
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p< puback 1
             p< puback 2
             each a,b 1 publish t
             p: publish t 3 q=1 id=3
             p: publish t 4 q=1 id=4
             p< puback 3
             p< puback 4
             a< -
             b< -
             a: puback 1
             a: puback 2
             b: puback 1
             b: puback 2
             one a,b publish t 3
             one a,b publish t 4",
        );
    }
}

#[test]
fn a_blocked_member_is_passed_over_at_every_qos() {
    check(
        "a: connected v311 clean at=1
         b: connected v311 clean at=2
         c: connected v311 clean
         a: subscribe 1 $share/g/t:2
         a< suback 1 0x02
         b: subscribe 1 $share/g/t:2
         b< suback 1 0x02
         c: subscribe 1 $share/g/t:2
         c< suback 1 0x02
         a! blocked
         c! blocked
         p: connected v5 clean
         p: publish t 1
         b< publish t 1
         p: publish t 2
         b< publish t 2
         p: publish t 3
         b< publish t 3
         p: publish t 4 q=1 id=4
         b< publish t 4 q=1 id=1
         p< puback 4
         p: publish t 5 q=2 id=5
         b< publish t 5 q=2 id=2
         p< pubrec 5
         b! blocked
         p: publish t 6
         p: publish t 7 q=1 id=7
         p< puback 7
         a! ready
         b! ready
         c! ready
         one a,b,c publish t 6
         one a,b,c publish t 7 q=1",
    );
}

#[test]
fn a_member_that_takes_smaller_packets_is_passed_over() {
    check(
        "a: connected v5 clean size=64
         b: connected v5 clean at=1
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         b: subscribe 1 $share/g/t:1
         b< suback 1 0x01
         p: connected v5 clean at=2
         p: publish t *100 q=1 id=1
         p: publish t *100 q=1 id=2
         p< puback 1
         p< puback 2
         b< publish t *100 q=1 id=1
         b< publish t *100 q=1 id=2",
    );
    let stats = check_with(
        3,
        Settings::default(),
        "a: connected v5 clean size=64
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         p: connected v5 clean home=2
         p: publish t *100 q=1 id=1
         p< puback 1 0x97",
    );
    assert_eq!(stats.drops.get(DropReason::PacketTooLarge), 1);
}

#[test]
fn a_message_longer_than_a_queue_may_be_finds_no_member() {
    for shards in [1, 3] {
        let settings = Settings {
            queue_bytes_max: 50,
            ..Settings::default()
        };
        let stats = check_with(
            shards,
            settings,
            "a: connected v311 at=1
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             a! drop
             p: connected v5 clean
             p: publish t *100 q=1 id=1
             p< puback 1 0x97",
        );
        assert_eq!(stats.drops.get(DropReason::QueueBytes), 1);
    }
}

#[test]
fn the_publisher_is_told_when_all_queues_are_full() {
    let settings = Settings {
        queue_messages_max: 1,
        ..Settings::default()
    };
    for shards in [1, 3] {
        let stats = check_with(
            shards,
            settings.clone(),
            "a: connected v311 clean at=1
             b: connected v311 clean at=2
             a: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             b: subscribe 1 $share/g/t:1
             b< suback 1 0x01
             a! blocked
             b! blocked
             p: connected v5 clean
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p: publish t 3 q=1 id=3
             p: publish t 4
             p< puback 1
             p< puback 2
             p< puback 3 0x97
             a! ready
             b! ready
             one a,b publish t 1
             one a,b publish t 2",
        );
        assert_eq!(stats.drops.get(DropReason::QueueMessages), 2);
        assert_eq!(stats.drops.total(), 2);
    }
}

/// [v5 MQTT-4.8.2-6]
#[test]
fn a_refusal_of_the_member_ends_its_message() {
    check(
        "a: connected v5 clean
         b: connected v5 clean at=1
         a: subscribe 1 $share/g/t:2
         a< suback 1 0x02
         b: subscribe 1 $share/g/t:2
         b< suback 1 0x02
         b! blocked
         p: connected v5 clean at=2
         p: publish t 1 q=1 id=1
         p< puback 1
         a< publish t 1 q=1 id=1
         a: puback 1/151
         p: publish t 2 q=2 id=2
         p< pubrec 2
         a< publish t 2 q=2 id=2
         a: pubrec 2/151
         b! ready
         a! drop
         b< -",
    );
}

#[test]
fn a_hash_keeps_a_topic_or_a_publisher_with_one_member() {
    for shards in [1, 3] {
        check_with(
            shards,
            with(SharedStrategy::HashTopic),
            "a: connected v311 clean
             b: connected v311 clean at=1
             c: connected v311 clean at=2
             a: subscribe 1 $share/g/t/#:0
             b: subscribe 1 $share/g/t/#:0
             c: subscribe 1 $share/g/t/#:0
             a< suback 1 0x00
             b< suback 1 0x00
             c< suback 1 0x00
             p: connected v311 clean home=0
             q: connected v311 clean home=0
             p: publish t/1 x
             q: publish t/1 x
             p: publish t/1 y
             one a,b,c publish t/1 x
             one a,b,c publish t/1 x
             one a,b,c publish t/1 y",
        );
    }
    let settings = Settings {
        shared_strategy_by_group: [("g".into(), SharedStrategy::HashClientId)].into(),
        ..Settings::default()
    };
    let mut script = String::new();
    for member in ["a", "b", "c"] {
        script += &format!(
            "{member}: connected v311 clean
             {member}: subscribe 1 $share/g/#:0
             {member}< suback 1 0x00
            "
        );
    }
    script += "p: connected v311 clean\n";
    for number in 0..6 {
        script += &format!("p: publish t/{number} x\n");
    }
    // Whoever it is gets all six, in order.
    for number in 0..6 {
        script += &format!("one a,b,c publish t/{number} x\n");
    }
    check_with(3, settings, &script);
}

#[test]
fn local_members_come_first() {
    check_with(
        3,
        with(SharedStrategy::LocalFirst),
        "a: connected v311 clean home=0
         b: connected v311 clean home=1
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         b: subscribe 1 $share/g/t:1
         b< suback 1 0x01
         p: connected v5 clean home=1
         p: publish t 1
         p: publish t 2 q=1 id=2
         p< puback 2
         b< publish t 1
         b< publish t 2 q=1 id=1
         b! blocked
         p: publish t 3 q=1 id=3
         p< puback 3
         a< publish t 3 q=1 id=1",
    );
}

#[test]
fn sticky_stays_until_the_member_cannot_take_more() {
    for shards in [1, 3] {
        check_with(
            shards,
            with(SharedStrategy::Sticky),
            "a: connected v311 clean home=0
             a: subscribe 1 $share/g/t:0
             a< suback 1 0x00
             p: connected v311 clean home=0
             p: publish t 1
             a< publish t 1
             b: connected v311 clean home=0
             b: subscribe 1 $share/g/t:0
             b< suback 1 0x00
             p: publish t 2
             a< publish t 2
             a! blocked
             p: publish t 3
             p: publish t 4
             b< publish t 3
             b< publish t 4
             a! ready
             p: publish t 5
             b< publish t 5",
        );
    }
}

#[test]
fn the_least_loaded_member_is_next() {
    for shards in [1, 3] {
        check_with(
            shards,
            with(SharedStrategy::LeastInFlight),
            "a: connected v311 clean home=0
             b: connected v311 clean at=1
             c: connected v311 clean at=2
             a: subscribe 1 $share/g/t:1
             b: subscribe 1 $share/g/t:1
             c: subscribe 1 $share/g/t:1
             a< suback 1 0x01
             b< suback 1 0x01
             c< suback 1 0x01
             p: connected v311 clean home=0
             p: publish t 1 q=1 id=1
             p: publish t 2 q=1 id=2
             p: publish t 3 q=1 id=3
             p< puback 1
             p< puback 2
             p< puback 3
             each a,b,c 1 publish t
             a: puback 1
             p: publish t 4 q=1 id=4
             p< puback 4
             a< publish t 4 q=1 id=2",
        );
    }
}

#[test]
fn the_last_taker_lets_the_acknowledgement_out() {
    // The shard that is asked first does not answer: nothing is told before it does.
    check_with(
        2,
        Settings::default(),
        "a: connected v311 clean home=1
         a: subscribe 1 $share/g/t:1
         a< suback 1 0x01
         p: connected v5 clean home=0
         hold 1 0
         p: publish t 1 q=1 id=1
         a< publish t 1 q=1 id=1
         p< -
         release 1 0
         p< puback 1
         hold 0 1
         p: publish t 2 q=1 id=2
         a: unsubscribe 2 $share/g/t
         a< unsuback 2
         b: connected v311 clean home=0
         p< -
         release 0 1
         p< puback 2 0x10",
    );
}

#[test]
fn a_group_takes_a_bounded_number_of_members() {
    let mut shard = Shard::new(ShardConfig {
        id: ShardId(0),
        shards: ShardCount(1),
        hash_seed: 1,
        random_seed: 1,
        settings: Settings::default().into(),
    });
    let mut outputs = Outputs::new();
    let mut answer = |index: u32| {
        let connection = ConnectionId {
            index,
            generation: 1,
        };
        let opened = Input::Opened {
            connection,
            listener: ListenerId(0),
            peer: "127.0.0.1:5000".parse().unwrap(),
        };
        shard.handle(Millis(0), opened, &mut outputs);
        let words = ["v311", "clean"];
        let (version, mut bytes) = packets::connect(&index.to_string(), &words);
        let words = ["subscribe", "1", "$share/g/t:1"];
        bytes.extend(packets::packet(version, &words));
        let bytes = &bytes;
        outputs.clear();
        shard.handle(
            Millis(0),
            Input::Received { connection, bytes },
            &mut outputs,
        );
        outputs.bytes.last().copied()
    };
    for index in 0..GROUP_MEMBERS_MAX {
        assert_eq!(answer(index), Some(1));
    }
    assert_eq!(answer(GROUP_MEMBERS_MAX), Some(0x80));
}
