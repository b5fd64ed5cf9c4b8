//! An engine whose connections need several tables: all of them are heard, and it wakes up for any.

use std::io::{Read, Write};
use std::time::Duration;

use ringmq_ring::EngineConfig;

use crate::support::{Driver, config, pattern};

#[test]
fn every_ring_is_heard_and_sends() {
    let mut driver = Driver::new(EngineConfig {
        table_slots_max: 8,
        ..config(60)
    });
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..60).map(|_| driver.established_pair(address)).collect();
    let ids: Vec<_> = pairs.iter().map(|(_, id)| *id).collect();
    assert!(ids.iter().all(|id| id.index < 60));
    let arena = pattern(1, 400);
    for round in 1..=30 {
        for (client, id) in &mut pairs {
            client.write_all(b"0123456789").unwrap();
            driver.until("bytes", |driver| driver.received(*id).len() == round * 10);
        }
        driver.engine.push(0..400, &ids);
        driver.flush(&arena);
        for (client, _) in &mut pairs {
            let mut got = vec![0; 400];
            client.read_exact(&mut got).unwrap();
            assert!(got == arena);
        }
    }
    drop(pairs);
    driver.until_empty();
}

#[test]
fn a_sleeping_engine_wakes_for_the_last_ring() {
    let mut driver = Driver::new(EngineConfig {
        table_slots_max: 4,
        ..config(16)
    });
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..16).map(|_| driver.established_pair(address)).collect();
    driver.turns(5);
    let (mut client, id) = pairs.pop().unwrap();
    for round in 1..=20 {
        let writer = {
            let mut client = client.try_clone().unwrap();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(2));
                client.write_all(b"wake").unwrap();
            })
        };
        // Sleeps without a timeout: only the message can end it.
        while driver.received(id).len() < round * 4 {
            driver.turn(Duration::MAX).unwrap();
        }
        writer.join().unwrap();
    }
    client.write_all(b"x").unwrap();
}

#[test]
fn clients_connect_over_several_rings() {
    let mut driver = Driver::new(EngineConfig {
        table_slots_max: 16,
        ..config(200)
    });
    let address = driver.listen(0);
    let clients: Vec<_> = (0..90)
        .map(|_| driver.engine.connect(None, address).unwrap())
        .collect();
    driver.until("all up", |driver| driver.engine.stats().connections == 180);
    let bytes = pattern(5, 3_000);
    driver.engine.push(0..3_000, &clients);
    driver.flush(&bytes);
    driver.until("all bytes", |driver| {
        driver.received.len() == 90 && driver.received.values().all(|got| got.len() == 3_000)
    });
    assert!(driver.received.values().all(|got| *got == bytes));
}
