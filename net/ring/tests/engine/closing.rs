//! How connections end: half close, reset in the middle of a stream, and the engine's own closes with
//! their last bytes and FIN.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ringmq_ring::{CloseCause, CloseHow, EngineConfig};

use crate::support::{Driver, Seen, config, pattern};

fn reset(client: TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    use std::os::fd::AsRawFd;
    // SAFETY: the option's value lives across the call and its size is given.
    let result = unsafe {
        libc::setsockopt(
            client.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            std::ptr::from_ref(&linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    };
    assert_eq!(result, 0);
}

fn expect_end(client: &mut TcpStream, expected: &[u8]) {
    let mut got = Vec::new();
    client
        .read_to_end(&mut got)
        .expect("the stream ends with a FIN");
    assert!(
        got == expected,
        "{} bytes instead of {}",
        got.len(),
        expected.len()
    );
}

#[test]
fn a_half_close_is_reported_after_the_last_bytes() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    for established in [false, true] {
        let (mut client, id) = driver.pair(address);
        if established {
            driver.engine.established(id);
            driver.turns(3);
        }
        client.write_all(b"last words").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        driver.until("half close", |driver| driver.closed(id).is_some());
        assert_eq!(driver.closed(id), Some(CloseCause::PeerClosed));
        assert_eq!(driver.received(id), b"last words");
        driver.until_empty();
        expect_end(&mut client, b"");
    }
}

#[test]
fn a_reset_in_the_middle_of_a_stream_is_reported_once() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    for established in [false, true] {
        for busy in [false, true] {
            let (mut client, id) = driver.pair(address);
            if established {
                driver.engine.established(id);
            }
            let rounds = if busy { 50 } else { 1 };
            for round in 1..=rounds {
                client.write_all(b"half a pack").unwrap();
                driver.until("bytes", |driver| driver.received(id).len() == round * 11);
            }
            reset(client);
            driver.until("reset", |driver| driver.closed(id).is_some());
            assert_eq!(driver.closed(id), Some(CloseCause::Reset));
            driver.until_empty();
            let ends = driver.count(|s| matches!(s, Seen::Closed(closed, _) if *closed == id));
            assert_eq!(ends, 1);
        }
    }
}

#[test]
fn a_reset_while_output_is_queued_frees_the_queue() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let (client, id) = driver.established_pair(address);
    let bytes = pattern(1, 1 << 20);
    while driver.engine.queued_output(id) == 0 {
        driver.send(id, &bytes);
    }
    reset(client);
    driver.until("reset", |driver| driver.closed(id).is_some());
    assert_eq!(driver.closed(id), Some(CloseCause::Reset));
    driver.until_empty();
    assert_eq!(driver.engine.stats().queued_bytes, 0);
}

#[test]
fn closing_sends_what_was_pushed_before_and_then_fin() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let bytes = pattern(2, 10_000);
    for established in [false, true] {
        for arm_first in [false, true] {
            let (mut client, id) = driver.pair(address);
            if established {
                driver.engine.established(id);
            }
            if arm_first {
                driver.turns(2);
            }
            driver.engine.push(0..10_000, &[id]);
            driver.engine.close(id, CloseHow::Flush);
            driver.flush(&bytes);
            let expected = bytes.clone();
            let reader = std::thread::spawn(move || expect_end(&mut client, &expected));
            driver.until_empty();
            reader.join().unwrap();
        }
    }
    assert_eq!(driver.count(|s| matches!(s, Seen::Closed(..))), 0);
}

#[test]
fn closing_delivers_a_long_queue_to_a_peer_that_is_still_sending() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let (mut client, id) = driver.established_pair(address);
    let bytes = pattern(3, 8 << 20);
    driver.send(id, &bytes);
    assert!(driver.engine.queued_output(id) > 0);
    driver.engine.close(id, CloseHow::Flush);
    let expected = bytes.clone();
    let reader = std::thread::spawn(move || {
        let mut sender = client.try_clone().unwrap();
        let flood = std::thread::spawn(move || {
            let junk = pattern(4, 50_000);
            for _ in 0..200 {
                if sender.write_all(&junk).is_err() {
                    break;
                }
            }
            let _ = sender.shutdown(std::net::Shutdown::Write);
        });
        expect_end(&mut client, &expected);
        flood.join().unwrap();
    });
    driver.until_empty();
    reader.join().unwrap();
}

#[test]
fn closing_now_drops_the_queue_but_sends_fin() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let (mut client, id) = driver.established_pair(address);
    let bytes = pattern(3, 8 << 20);
    driver.send(id, &bytes);
    driver.engine.close(id, CloseHow::Now);
    driver.until_empty();
    assert_eq!(driver.engine.stats().queued_bytes, 0);
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    assert!(got.len() < bytes.len());
    assert!(got == bytes[..got.len()]);
}

#[test]
fn a_busy_connection_is_closed_with_fin() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    for how in [CloseHow::Now, CloseHow::Flush] {
        let (mut client, id) = driver.established_pair(address);
        let promotions = driver.engine.stats().promotions;
        let mut sent = 0;
        driver.until("promotion", |driver| {
            client.write_all(b"x").unwrap();
            sent += 1;
            driver.engine.stats().promotions > promotions
        });
        driver.until("all", |driver| driver.received(id).len() == sent);
        driver.engine.close(id, how);
        let reader = std::thread::spawn(move || expect_end(&mut client, b""));
        driver.until_empty();
        reader.join().unwrap();
    }
}

#[test]
fn a_peer_that_reads_nothing_is_let_go_when_its_time_is_up() {
    let mut driver = Driver::new(EngineConfig {
        linger: Duration::from_millis(200),
        ..config(100)
    });
    let address = driver.listen(0);
    let (client, id) = driver.established_pair(address);
    driver.send(id, &pattern(5, 8 << 20));
    driver.engine.close(id, CloseHow::Flush);
    driver.until_empty();
    assert_eq!(driver.engine.stats().queued_bytes, 0);
    drop(client);
}

#[test]
fn dropping_the_engine_ends_every_connection() {
    let mut driver = Driver::new(EngineConfig {
        table_slots_max: 40,
        ..config(100)
    });
    let address = driver.listen(0);
    let mut clients = Vec::new();
    for number in 0..60 {
        let (client, id) = driver.pair(address);
        if number % 2 == 0 {
            driver.engine.established(id);
        }
        clients.push(client);
    }
    driver.turns(3);
    drop(driver);
    for mut client in clients {
        expect_end(&mut client, b"");
    }
}
