//! Frames that may wait: they leave with the next frame, when there are many, when released or when the
//! connection is closed, always in the order of pushing and never for somebody else.

use std::io::Read;
use std::net::TcpStream;

use ringmq_ring::{CloseHow, ConnectionId, Hold};

use crate::support::{Driver, config};

const ARENA: &[u8] = b"ack1ack2frame";
const FIRST: std::ops::Range<u32> = 0..4;
const SECOND: std::ops::Range<u32> = 4..8;
const FRAME: std::ops::Range<u32> = 8..13;

fn expect(client: &mut TcpStream, expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    client.read_exact(&mut got).unwrap();
    assert_eq!(got, expected);
}

/// A connected driver, the number of sends so far, and what it has made.
fn established() -> (Driver, TcpStream, ConnectionId) {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let (client, id) = driver.established_pair(address);
    (driver, client, id)
}

#[test]
fn a_held_frame_outlives_the_flush_and_goes_with_the_next() {
    let (mut driver, mut client, id) = established();
    driver.engine.hold(FIRST, ARENA, id, Hold::Short);
    driver.flush(ARENA);
    driver.engine.hold(SECOND, ARENA, id, Hold::Short);
    driver.flush(b"");
    assert_eq!(driver.engine.stats().sends, 0);
    assert!(driver.engine.holds(Hold::Short));
    driver.engine.push(FRAME, &[id]);
    driver.flush(ARENA);
    assert_eq!(driver.engine.stats().sends, 1);
    expect(&mut client, b"ack1ack2frame");
}

#[test]
fn what_follows_a_frame_keeps_its_order() {
    let (mut driver, mut client, id) = established();
    driver.engine.hold(FIRST, ARENA, id, Hold::Short);
    driver.engine.push(FRAME, &[id]);
    driver.engine.hold(SECOND, ARENA, id, Hold::Short);
    driver.flush(ARENA);
    expect(&mut client, b"ack1frameack2");
}

#[test]
fn a_release_sends_to_all_holders() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..5).map(|_| driver.established_pair(address)).collect();
    for (_, id) in &pairs {
        driver.engine.hold(FIRST, ARENA, *id, Hold::Short);
    }
    // One of them got company.
    driver.engine.push(FRAME, &[pairs[2].1]);
    driver.flush(ARENA);
    assert_eq!(driver.engine.stats().sends, 1);
    driver.engine.release_held(Hold::Short);
    assert!(!driver.engine.holds(Hold::Short));
    driver.flush(b"");
    assert_eq!(driver.engine.stats().sends, 5);
    for (client, _) in &mut pairs {
        expect(client, b"ack1");
    }
}

#[test]
fn many_do_not_wait() {
    let (mut driver, mut client, id) = established();
    let mut rounds = 0;
    while driver.engine.stats().sends == 0 {
        driver.engine.hold(FIRST, ARENA, id, Hold::Short);
        driver.flush(ARENA);
        rounds += 1;
        assert!(rounds < 1_000, "held without bound");
    }
    expect(&mut client, &b"ack1".repeat(rounds));
}

#[test]
fn a_fan_out_reaches_holders_and_others() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..6).map(|_| driver.established_pair(address)).collect();
    let ids: Vec<_> = pairs.iter().map(|pair| pair.1).collect();
    driver.engine.hold(FIRST, ARENA, ids[1], Hold::Short);
    driver.engine.hold(SECOND, ARENA, ids[4], Hold::Short);
    driver.engine.push(FRAME, &ids);
    driver.flush(ARENA);
    for (place, (client, _)) in pairs.iter_mut().enumerate() {
        let before: &[u8] = match place {
            1 => b"ack1",
            4 => b"ack2",
            _ => b"",
        };
        expect(client, &[before, b"frame"].concat());
    }
}

#[test]
fn a_close_sends_or_forgets_what_is_held() {
    for how in [CloseHow::Flush, CloseHow::Now] {
        let mut driver = Driver::new(config(100));
        let address = driver.listen(0);
        let (mut client, id) = driver.established_pair(address);
        driver.engine.hold(FIRST, ARENA, id, Hold::Short);
        driver.flush(ARENA);
        driver.engine.close(id, how);
        driver.flush(b"");
        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            client.read_to_end(&mut got).unwrap();
            got
        });
        driver.until_empty();
        let expected: &[u8] = if how == CloseHow::Flush { b"ack1" } else { b"" };
        assert_eq!(reader.join().unwrap(), expected);
        // The index is used again, and the holder of before is no more.
        let (mut client, id) = driver.established_pair(address);
        driver.engine.hold(SECOND, ARENA, id, Hold::Short);
        driver.flush(ARENA);
        driver.engine.release_held(Hold::Short);
        driver.flush(b"");
        expect(&mut client, b"ack2");
    }
}

#[test]
fn a_short_release_leaves_what_is_held_for_long() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..3).map(|_| driver.established_pair(address)).collect();
    driver.engine.hold(FIRST, ARENA, pairs[0].1, Hold::Long);
    driver.engine.hold(FIRST, ARENA, pairs[1].1, Hold::Short);
    // Order goes before patience: both of the third leave with the impatient one.
    driver.engine.hold(FIRST, ARENA, pairs[2].1, Hold::Long);
    driver.engine.hold(SECOND, ARENA, pairs[2].1, Hold::Short);
    driver.engine.release_held(Hold::Short);
    driver.flush(b"");
    assert_eq!(driver.engine.stats().sends, 2);
    expect(&mut pairs[1].0, b"ack1");
    expect(&mut pairs[2].0, b"ack1ack2");
    assert!(driver.engine.holds(Hold::Long));
    driver.engine.release_held(Hold::Long);
    driver.flush(b"");
    assert_eq!(driver.engine.stats().sends, 3);
    expect(&mut pairs[0].0, b"ack1");
}

#[test]
fn a_frame_that_waits_for_long_goes_alone_in_the_second_round() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..3).map(|_| driver.established_pair(address)).collect();
    let sends = |driver: &mut Driver| {
        driver.flush(ARENA);
        driver.engine.stats().sends
    };
    driver.engine.hold(FIRST, ARENA, pairs[0].1, Hold::Long);
    driver.engine.hold(FIRST, ARENA, pairs[1].1, Hold::Long);
    driver.engine.release_old();
    assert_eq!(sends(&mut driver), 0);
    // The second's gets company, and it waits anew; the third begins to.
    driver.engine.push(FRAME, &[pairs[1].1]);
    assert_eq!(sends(&mut driver), 1);
    driver.engine.hold(SECOND, ARENA, pairs[1].1, Hold::Long);
    driver.engine.hold(SECOND, ARENA, pairs[2].1, Hold::Long);
    driver.engine.release_old();
    assert_eq!(sends(&mut driver), 2);
    expect(&mut pairs[0].0, b"ack1");
    expect(&mut pairs[1].0, b"ack1frame");
    driver.engine.release_old();
    assert_eq!(sends(&mut driver), 4);
    expect(&mut pairs[1].0, b"ack2");
    expect(&mut pairs[2].0, b"ack2");
    // Nobody is left to be released twice, nor after everything was.
    driver.engine.hold(FIRST, ARENA, pairs[0].1, Hold::Long);
    driver.engine.release_held(Hold::Long);
    driver.engine.hold(SECOND, ARENA, pairs[0].1, Hold::Long);
    driver.engine.release_old();
    assert_eq!(sends(&mut driver), 5);
    expect(&mut pairs[0].0, b"ack1ack2");
}
