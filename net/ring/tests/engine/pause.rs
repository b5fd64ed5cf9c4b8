//! Pausing stops the flow of bytes into the engine and so pushes back on the peer; resuming begins with
//! what waits in the socket.

use std::io::Write;

use crate::support::{Driver, config, pattern};

#[test]
fn a_paused_connection_is_silent_and_loses_nothing() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    for state in ["handshake", "idle", "busy"] {
        let (mut client, id) = driver.pair(address);
        let mut sent = 0;
        if state != "handshake" {
            driver.engine.established(id);
        }
        if state == "busy" {
            let promotions = driver.engine.stats().promotions;
            driver.until("promotion", |driver| {
                client.write_all(b"x").unwrap();
                sent += 1;
                driver.engine.stats().promotions > promotions
            });
            driver.until("all", |driver| driver.received(id).len() == sent);
        }
        for round in 0..20u64 {
            // Whatever the state arms is armed when the pause comes.
            driver.turns(2);
            driver.engine.pause(id);
            driver.turns(3);
            let before = driver.received(id).len();
            assert_eq!(before, sent);
            let bytes = pattern(round, 2_000);
            client.write_all(&bytes).unwrap();
            driver.turns(3);
            assert_eq!(
                driver.received(id).len(),
                before,
                "{state}: bytes while paused"
            );
            sent += bytes.len();
            driver.engine.resume(id);
            driver.until("bytes after resuming", |driver| {
                driver.received(id).len() == sent
            });
            assert!(driver.received(id)[before..] == bytes);
        }
    }
}

#[test]
fn a_paused_peer_is_pushed_back() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (client, id) = driver.established_pair(address);
    driver.engine.pause(id);
    let bytes = pattern(3, 64 << 20);
    let writer = {
        let mut client = client.try_clone().unwrap();
        let bytes = bytes.clone();
        std::thread::spawn(move || client.write_all(&bytes).unwrap())
    };
    driver.turns(20);
    assert_eq!(driver.received(id).len(), 0);
    assert!(
        !writer.is_finished(),
        "64 MiB do not fit into socket buffers"
    );
    driver.engine.resume(id);
    driver.until("everything", |driver| {
        driver.received(id).len() == bytes.len()
    });
    assert!(driver.received(id) == bytes);
    writer.join().unwrap();
}

#[test]
fn pausing_and_resuming_at_once_changes_nothing() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (mut client, id) = driver.established_pair(address);
    for round in 1..=200 {
        client.write_all(b"0123").unwrap();
        driver.engine.pause(id);
        if round % 2 == 0 {
            driver.turns(1);
        }
        driver.engine.resume(id);
        driver.until("bytes", |driver| driver.received(id).len() == round * 4);
    }
}

#[test]
fn a_paused_connection_can_be_closed() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    for how in [ringmq_ring::CloseHow::Now, ringmq_ring::CloseHow::Flush] {
        let (mut client, id) = driver.established_pair(address);
        driver.engine.pause(id);
        client.write_all(&pattern(1, 10_000)).unwrap();
        driver.turns(3);
        driver.engine.close(id, how);
        client.shutdown(std::net::Shutdown::Write).unwrap();
        driver.until_empty();
    }
}
