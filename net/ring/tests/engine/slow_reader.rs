//! A peer that does not read: its output is queued by the engine, in order and without loss, `Blocked` is
//! reported once and `Ready` once it is out; the others are not held up.

use std::io::Read;
use std::net::TcpStream;

use ringmq_ring::ConnectionId;

use crate::support::{Driver, Seen, config, pattern};

/// Sends until the connection is blocked, and returns what was pushed.
fn fill(driver: &mut Driver, id: ConnectionId) -> Vec<u8> {
    let mut pushed = Vec::new();
    let mut seed = 0;
    while !driver.seen.contains(&Seen::Blocked(id)) {
        seed += 1;
        let bytes = pattern(seed, 100_000);
        driver.send(id, &bytes);
        pushed.extend_from_slice(&bytes);
    }
    pushed
}

fn read_in_thread(mut client: TcpStream, length: usize) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut got = vec![0; length];
        client.read_exact(&mut got).unwrap();
        got
    })
}

#[test]
fn nothing_is_lost_and_the_order_is_kept() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (client, id) = driver.established_pair(address);
    let mut pushed = fill(&mut driver, id);
    for seed in 0..300 {
        let bytes = pattern(1_000 + seed, 1 + (seed as usize * 7_919) % 20_000);
        driver.send(id, &bytes);
        pushed.extend_from_slice(&bytes);
    }
    assert!(driver.engine.queued_output(id) > 0);
    assert_eq!(driver.count(|s| *s == Seen::Blocked(id)), 1);
    assert_eq!(driver.count(|s| *s == Seen::Ready(id)), 0);

    let reader = read_in_thread(client, pushed.len());
    driver.until("ready", |driver| driver.seen.contains(&Seen::Ready(id)));
    assert!(reader.join().unwrap() == pushed);
    assert_eq!(driver.engine.queued_output(id), 0);
    let stats = driver.engine.stats();
    assert_eq!(stats.queued_bytes, 0);
    assert_eq!(stats.sent_bytes, pushed.len() as u64);
    assert_eq!(driver.count(|s| *s == Seen::Ready(id)), 1);
}

#[test]
fn a_connection_can_be_blocked_again_and_again() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (client, id) = driver.established_pair(address);
    for _ in 0..3 {
        driver.seen.clear();
        let pushed = fill(&mut driver, id);
        let reader = read_in_thread(client.try_clone().unwrap(), pushed.len());
        driver.until("ready", |driver| driver.seen.contains(&Seen::Ready(id)));
        assert!(reader.join().unwrap() == pushed);
    }
    assert_eq!(driver.engine.stats().blocked, 3);
}

#[test]
fn the_others_of_a_fan_out_are_not_held_up() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (_stuck_client, stuck) = driver.established_pair(address);
    let (mut client, id) = driver.established_pair(address);
    fill(&mut driver, stuck);
    let queued = driver.engine.queued_output(stuck);
    let bytes = pattern(9, 1_000);
    for _ in 0..100 {
        driver.engine.push(0..1_000, &[stuck, id]);
        driver.flush(&bytes);
        let mut got = vec![0; 1_000];
        client.read_exact(&mut got).unwrap();
        assert!(got == bytes);
    }
    assert_eq!(driver.engine.queued_output(stuck), queued + 100_000);
}
