//! Slots and indices are used again and again; nothing of the previous owner reaches the next.

use std::io::{Read, Write};

use ringmq_ring::CloseHow;

use crate::support::{Driver, Seen, config, pattern};

#[test]
fn calls_with_a_stale_name_do_nothing() {
    let mut driver = Driver::new(config(4));
    let address = driver.listen(0);
    let (first_client, first) = driver.established_pair(address);
    drop(first_client);
    driver.until("close", |driver| driver.closed(first).is_some());
    driver.until_empty();
    let (mut client, second) = driver.established_pair(address);
    assert_eq!(second.index, first.index);
    assert_ne!(second.generation, first.generation);

    driver.send(first, b"for a stranger");
    driver.engine.pause(first);
    driver.engine.close(first, CloseHow::Now);
    driver.turns(3);
    assert_eq!(driver.engine.queued_output(first), 0);
    driver.send(second, b"mine");
    let mut got = [0; 4];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"mine");
    client.write_all(b"heard").unwrap();
    driver.until("bytes", |driver| driver.received(second) == b"heard");
}

#[test]
fn frames_pushed_before_a_close_do_not_reach_the_next_owner() {
    let mut driver = Driver::new(config(4));
    let address = driver.listen(0);
    let (mut first_client, first) = driver.established_pair(address);
    driver.engine.push(0..6, &[first]);
    driver.engine.close(first, CloseHow::Now);
    driver.until_empty();
    let (mut client, second) = driver.established_pair(address);
    assert_eq!(second.index, first.index);
    driver.engine.push(6..12, &[second]);
    driver.flush(b"secretpublic");
    driver.engine.close(second, CloseHow::Flush);
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        got
    });
    driver.until_empty();
    assert_eq!(reader.join().unwrap(), b"public");
    let mut got = Vec::new();
    first_client.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"");
}

#[test]
fn every_owner_of_a_slot_gets_its_own_bytes_only() {
    let mut driver = Driver::new(config(6));
    let address = driver.listen(0);
    for round in 0..500u64 {
        let (mut client, id) = driver.pair(address);
        if round % 2 == 0 {
            driver.engine.established(id);
        }
        let question = pattern(round, 64 + (round as usize % 7) * 300);
        client.write_all(&question).unwrap();
        driver.until("question", |driver| {
            driver.received(id).len() >= question.len()
        });
        assert!(driver.received(id) == question);
        let answer = pattern(round + 10_000, 500);
        driver.send(id, &answer);
        // Bytes under way while the slot goes: they must not show up anywhere.
        client.write_all(b"too late").unwrap();
        match round % 3 {
            0 => driver.engine.close(id, CloseHow::Now),
            1 => driver.engine.close(id, CloseHow::Flush),
            _ => client.shutdown(std::net::Shutdown::Write).unwrap(),
        }
        let mut got = vec![0; 500];
        client.read_exact(&mut got).unwrap();
        assert!(got == answer);
        drop(client);
        driver.until_empty();
        driver.received.clear();
        let late = driver.count(|s| matches!(s, Seen::Received(other, _) if *other != id));
        assert_eq!(late, 0);
        driver.seen.clear();
    }
}
