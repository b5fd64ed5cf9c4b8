//! Full rings: who pauses, and that nothing is lost or out of order.

use ringmq_router::Settings;

use crate::script::check_with;

#[test]
fn only_publishers_towards_the_full_ring_pause() {
    let stats = check_with(
        3,
        Settings::default(),
        "s: connected v311 clean home=1
         s: subscribe 1 far:1
         s< suback 1 0x01
         p: connected v311 clean home=0 keepalive=4
         o: connected v311 clean home=0
         o: subscribe 1 near:1
         o< suback 1 0x01
         full 0 1
         o: publish near x q=1 id=1
         o! read
         o< publish near x q=1 id=1
         o< puback 1
         p: publish far 1 q=1 id=1
         p! paused
         p: publish far 2 q=1 id=2
         s< publish far 1 q=1 id=1
         s< -
         p< puback 1
         pass 30
         room 0 1
         p! read
         s< publish far 2 q=1 id=2
         p< puback 2
         pass 5
         p: ping
         p< pingresp",
    );
    assert_eq!((stats.pauses_total, stats.links_full_total), (1, 1));
}

#[test]
fn a_ring_that_is_full_again_pauses_again() {
    check_with(
        2,
        Settings::default(),
        "s: connected v311 clean home=1
         s: subscribe 1 far:0
         s< suback 1 0x00
         p: connected v311 clean home=0
         full 0 1
         p: publish far 1
         p: publish far 2
         p: publish far 3
         p! paused
         s< publish far 1
         room 0 1
         s< publish far 2
         s< publish far 3
         p! read",
    );
}

#[test]
fn a_gate_that_is_full_pauses() {
    let mut script = "s: connected v311 clean home=1
         s: subscribe 1 far:0
         s< suback 1 0x00
         p: connected v311 clean home=0
         hold 1 0\n"
        .to_owned();
    for id in 1..=1_001 {
        script += &format!("p: publish far {id} q=1 id={id}\n");
    }
    script += "p! paused\n";
    for id in 1..=1_000 {
        script += &format!("s< publish far {id}\n");
    }
    script += "s< -\np< -\nrelease 1 0\np! read\ns< publish far 1001\n";
    for id in 1..=1_001 {
        script += &format!("p< puback {id}\n");
    }
    check_with(2, Settings::default(), &script);
}

#[test]
fn a_paused_client_may_be_thrown_out() {
    check_with(
        2,
        Settings::default(),
        "s: connected v311 clean home=1
         s: subscribe 1 far:0
         s< suback 1 0x00
         p: connected v311 clean home=0
         full 0 1
         p: publish far 1
         p! paused
         s< publish far 1
         q: connected v311 clean home=0 id=none
         p! drop
         room 0 1
         q: ping
         q< pingresp",
    );
}

#[test]
fn many_paused_publishers_all_go_on() {
    let mut script = "s: connected v311 clean home=1
         s: subscribe 1 far:0
         s< suback 1 0x00
         full 0 1\n"
        .to_owned();
    for client in 0..200 {
        script += &format!(
            "p{client}-: connected v311 clean home=0
             p{client}-: publish far 1
             p{client}-: publish far 2
             s< publish far 1\n"
        );
    }
    script += "s< -\nroom 0 1\n";
    for client in 0..200 {
        script += &format!("p{client}-! read\ns< publish far 2\n");
    }
    check_with(2, Settings::default(), &script);
}

#[test]
fn a_client_that_takes_no_answers_is_not_read_on() {
    let mut script = "s: connected v311 clean\ns! blocked\n".to_owned();
    // 64 KiB of answers to pings are 32,768.
    for _ in 0..32_769 {
        script += "s: ping\n";
    }
    script += "s! paused\ns: ping\n";
    for _ in 0..32_769 {
        script += "s< pingresp\n";
    }
    script += "s< -\ns! ready\ns< pingresp\ns! read\n";
    check_with(1, Settings::default(), &script);
}
