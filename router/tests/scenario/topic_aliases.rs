//! Topic aliases, in both directions. The names here are long enough to be worth an alias.

use ringmq_router::{Settings, Stats};

use crate::script::{check, check_with};

/// [v5 MQTT-3.3.2-12]
#[test]
fn a_client_names_topics_by_aliases() {
    check(
        "s: connected v311 clean
         s: subscribe 1 #:1
         s< suback 1 0x01
         p: connected v5 clean
         p: publish building/1 a alias=1
         s< publish building/1 a
         p: publish ~ b alias=1
         s< publish building/1 b
         p: publish ~ c alias=1 q=1 id=1 user=k:v
         p< puback 1
         s< publish building/1 c q=1 id=1
         p: publish building/2 d alias=16 retain
         s< publish building/2 d
         p: publish ~ e alias=1
         s< publish building/1 e
         p: publish building/3 f alias=1
         s< publish building/3 f
         p: publish ~ g alias=1
         s< publish building/3 g
         p: publish building/1 h
         s< publish building/1 h
         p: publish ~ i alias=16 retain
         s< publish building/2 i",
    );
}

/// [v5 MQTT-3.3.2-7]
#[test]
fn an_alias_ends_with_its_connection() {
    check(
        "p: connected v5 expiry=100
         p: publish building/1 a alias=1
         p! drop
         p: connect v5 expiry=100
         p< connack 0x00 present
         p: publish ~ b alias=1
         p< disconnect 0x82
         p< closed",
    );
}

#[test]
fn an_alias_that_was_never_set_ends_the_connection() {
    check(
        "p: connected v5 clean
         p: publish building/1 a alias=2
         p: publish ~ b alias=1
         p< disconnect 0x82
         p< closed",
    );
}

/// [v5 MQTT-3.3.2-8] [v5 MQTT-3.3.2-9] [v5 MQTT-3.2.2-17]
#[test]
fn an_alias_out_of_range_ends_the_connection() {
    check(
        "p: connected v5 clean
         p: publish building/1 a alias=17
         p< disconnect 0x94
         p< closed
         o: connected v5 clean
         o: raw 30 0a 00 02 61 62 03 23 00 00 68 69
         o< disconnect 0x94
         o< closed",
    );
}

/// [v5 MQTT-3.2.2-18]
#[test]
fn without_aliases_none_is_offered_or_taken() {
    let settings = Settings {
        topic_aliases_received_max: 0,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "p: connect v5 clean
         p< connack 0x00
         p: publish building/1 a alias=1
         p< disconnect 0x94
         p< closed",
    );
}

/// A repeated message is not routed again, but its alias holds.
#[test]
fn a_repeated_message_sets_its_alias() {
    check(
        "s: connected v311 clean
         s: subscribe 1 building/+:0
         s< suback 1 0x00
         p: connected v5 expiry=100
         p: publish building/1 a q=2 id=1 alias=1
         p< pubrec 1
         s< publish building/1 a
         p! drop
         p: connect v5 expiry=100
         p< connack 0x00 present
         p: publish building/1 a q=2 id=1 dup alias=3
         p< pubrec 1
         p: publish ~ b alias=3
         s< publish building/1 b",
    );
}

/// [v5 MQTT-3.1.2-26] [v5 MQTT-3.3.2-11]
#[test]
fn topics_that_repeat_are_sent_by_alias() {
    check(
        "s: connected v5 clean aliases=2
         s: subscribe 1 #:1
         s< suback 1 0x01
         p: connected v311 clean
         p: publish building/1 a
         s< publish building/1 a
         p: publish building/1 b
         s< publish building/1 b alias=1
         p: publish building/1 c
         s< publish ~ c alias=1
         p: publish building/1 d q=1 id=1
         p< puback 1
         s< publish ~ d q=1 id=1 alias=1
         p: publish building/2 e q=1 id=2
         p< puback 2
         s< publish building/2 e q=1 id=2
         p: publish building/2 f
         s< publish building/2 f alias=2
         p: publish building/2 g
         s< publish ~ g alias=2
         p: publish building/3 h
         s< publish building/3 h
         p: publish building/3 i
         s< publish building/3 i
         p: publish b/1 j
         s< publish b/1 j
         p: publish b/1 k
         s< publish b/1 k",
    );
}

/// [v5 MQTT-3.1.2-27]
#[test]
fn a_client_that_takes_none_is_sent_none() {
    let mut script = "s: connected v5 clean
                      s: subscribe 1 #:0
                      s< suback 1 0x00
                      z: connected v5 clean aliases=0
                      z: subscribe 1 #:0
                      z< suback 1 0x00
                      p: connected v5 clean\n"
        .to_owned();
    for message in 0..4 {
        script += &format!(
            "p: publish building/1 {message}
             s< publish building/1 {message}
             z< publish building/1 {message}\n"
        );
    }
    check(&script);
}

/// What is sent again carries its topic: the new connection knows no alias. [v5 MQTT-3.3.2-7]
#[test]
fn what_is_sent_again_carries_its_topic() {
    check(
        "s: connected v5 expiry=100 aliases=5
         s: subscribe 1 building/+:1
         s< suback 1 0x01
         p: connected v5 clean
         p: publish building/1 a
         s< publish building/1 a
         p: publish building/1 b
         s< publish building/1 b alias=1
         p: publish building/1 c q=1 id=1
         p< puback 1
         s< publish ~ c q=1 id=1 alias=1
         s! drop
         p: publish building/1 d q=1 id=2
         p< puback 2
         p: publish building/1 e q=1 id=3
         p< puback 3
         s: connect v5 expiry=100 aliases=5
         s< connack 0x00 present
         s< publish building/1 c q=1 id=1 dup
         s< publish building/1 d q=1 id=2
         s< publish building/1 e q=1 id=3 alias=1
         p: publish building/1 f
         s< publish ~ f alias=1
         s! drop
         s: connect v5 expiry=100
         s< connack 0x00 present
         s< publish building/1 c q=1 id=1 dup
         s< publish building/1 d q=1 id=2 dup
         s< publish building/1 e q=1 id=3 dup
         p: publish building/1 g
         s< publish building/1 g",
    );
}

/// A message that was dropped, or waits, tells the client no alias.
#[test]
fn an_alias_is_known_when_its_message_was_sent() {
    let settings = Settings {
        queue_messages_max: 1,
        ..Settings::default()
    };
    check_with(
        1,
        settings,
        "s: connected v5 clean aliases=5 size=64
         s: subscribe 1 building/+:0
         s< suback 1 0x00
         p: connected v5 clean
         p: publish building/1 a
         s< publish building/1 a
         s! blocked
         p: publish building/1 waits
         p: publish building/1 dropped
         s< -
         s! ready
         s< publish building/1 waits alias=1
         p: publish building/2 c
         s< publish building/2 c
         p: publish building/2 *60
         p: publish building/2 *48
         s< publish building/2 *48
         p: publish building/2 *46
         s< publish building/2 *46 alias=2
         p: publish building/2 *48
         s< publish ~ *48 alias=2",
    );
}

/// Clients that know a topic by the same alias share a frame, those that do not have theirs.
#[test]
fn each_connection_is_told_its_own_aliases() {
    check(
        "a: connected v5 clean aliases=5
         a: subscribe 1 building/+:0
         a< suback 1 0x00
         b: connected v5 clean aliases=5
         b: subscribe 1 building/1:0 identifier=1
         b< suback 1 0x00
         c: connected v5 clean aliases=5
         c: subscribe 1 building/+:0
         c< suback 1 0x00
         p: connected v5 clean
         p: publish building/0 v
         a< publish building/0 v
         c< publish building/0 v
         p: publish building/0 w
         a< publish building/0 w alias=1
         c< publish building/0 w alias=1
         p: publish building/1 x
         a< publish building/1 x
         b< publish building/1 x identifier=1
         c< publish building/1 x
         p: publish building/1 y
         a< publish building/1 y alias=2
         b< publish building/1 y alias=1 identifier=1
         c< publish building/1 y alias=2
         p: publish building/1 z
         a< publish ~ z alias=2
         b< publish ~ z alias=1 identifier=1
         c< publish ~ z alias=2",
    );
}

#[test]
fn retained_messages_are_sent_by_alias_too() {
    check(
        "p: connected v5 clean
         p: publish building/1 x retain
         s: connected v5 clean aliases=5
         s: subscribe 1 building/1:0
         s< suback 1 0x00
         s< publish building/1 x retain
         s: subscribe 2 building/1:0
         s< suback 2 0x00
         s< publish building/1 x retain alias=1
         s: subscribe 3 building/1:1
         s< suback 3 0x01
         s< publish ~ x retain alias=1",
    );
}

/// The bytes sent to one subscriber of 1,000 messages with topics of 64 bytes and payloads of 16.
fn bytes_sent(terms: &str) -> u64 {
    let topics: Vec<String> = (0..10).map(|number| format!("{number:0>64}")).collect();
    let mut script = format!(
        "s: connected v5 clean {terms}
         s: subscribe 1 #:0
         s< suback 1 0x00
         p: connected v5 clean\n"
    );
    for message in 0..1_000 {
        script += &format!("p: publish {} *16\n", topics[message % topics.len()]);
    }
    script += "s< anything\n";
    let stats: Stats = check_with(1, Settings::default(), &script);
    assert_eq!(stats.publishes_sent_total, 1_000);
    stats.bytes_sent_total
}

#[test]
fn aliases_save_two_thirds_of_the_bytes() {
    let (full, aliased) = (bytes_sent(""), bytes_sent("aliases=10"));
    let saved_percent = (full - aliased) * 100 / full;
    assert!(
        saved_percent >= 65,
        "{full} bytes without aliases, {aliased} with: {saved_percent} % saved"
    );
}

/// [v5 MQTT-3.1.2-27] [v5 MQTT-3.3.2-7]
#[test]
fn a_session_taken_on_without_aliases_is_sent_none() {
    check(
        "s: connected v5 expiry=100 aliases=2
         s: subscribe 1 building/1:1
         s< suback 1 0x01
         p: connected v311 clean
         p: publish building/1 a
         s< publish building/1 a
         p: publish building/1 b
         s< publish building/1 b alias=1
         s! drop
         s: connected v5 expiry=100
         p: publish building/1 c
         s< publish building/1 c
         p: publish building/1 d q=1 id=1
         p< puback 1
         s< publish building/1 d q=1 id=1",
    );
}
