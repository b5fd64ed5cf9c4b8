//! Connections move between two engines on two threads: every one arrives with its ticket, and bytes sent
//! after the move reach the new engine.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use ringmq_ring::{CloseHow, Engine, EngineAddress, EngineConfig, Event, Waker};

use crate::support::{Driver, PATIENCE, Seen, config};

/// An engine on its own thread that answers every byte string with itself and its ticket.
struct Echo {
    address: EngineAddress,
    waker: Waker,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<u64>,
}

fn echo_thread(config: EngineConfig) -> Echo {
    let (sender, receiver) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let mut engine = Engine::new(config).unwrap();
        sender.send((engine.address(), engine.waker())).unwrap();
        let mut tickets = HashMap::new();
        let mut arrived = 0;
        while !stopped.load(Ordering::Acquire) {
            let mut questions = Vec::new();
            engine
                .wait(None, &mut |event| match event {
                    Event::Arrived { connection, ticket } => {
                        arrived += 1;
                        tickets.insert(connection, ticket);
                    }
                    Event::Received { connection, bytes } => {
                        questions.push((connection, bytes.to_vec()));
                    }
                    _ => {}
                })
                .unwrap();
            let mut arena = Vec::new();
            for (connection, question) in questions {
                let start = arena.len() as u32;
                arena.extend_from_slice(&tickets[&connection].to_be_bytes());
                arena.extend_from_slice(&question);
                engine.push(start..arena.len() as u32, &[connection]);
            }
            engine.flush(&arena, &mut |_| {}).unwrap();
        }
        arrived
    });
    let (address, waker) = receiver.recv().unwrap();
    Echo {
        address,
        waker,
        stop,
        thread,
    }
}

impl Echo {
    fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
        self.thread.join().unwrap()
    }
}

fn hand_over_all(target: EngineConfig, connections: usize) {
    let echo = echo_thread(target);
    let mut driver = Driver::new(config(300));
    let address = driver.listen(0);
    let peers = std::thread::spawn(move || {
        let mut open: Vec<(TcpStream, u64)> = Vec::new();
        for number in 0..connections as u64 {
            let mut peer = TcpStream::connect(address).unwrap();
            peer.set_read_timeout(Some(PATIENCE)).unwrap();
            peer.set_nodelay(true).unwrap();
            peer.write_all(&number.to_be_bytes()).unwrap();
            open.push((peer, number));
            if open.len() == 200 || number + 1 == connections as u64 {
                for (mut peer, number) in open.drain(..) {
                    // The source has read the number and lets go; what follows is the target's.
                    peer.read_exact(&mut [0]).unwrap();
                    peer.write_all(b"after").unwrap();
                    let mut answer = Vec::new();
                    while answer.len() < 13 {
                        let mut part = [0; 64];
                        let got = peer.read(&mut part).unwrap();
                        assert!(got > 0, "the connection was dropped");
                        answer.extend_from_slice(&part[..got]);
                    }
                    assert_eq!(answer[..8], number.to_be_bytes());
                }
            }
        }
    });
    let mut handed = 0;
    driver.until("all hand-overs", |driver| {
        for seen in std::mem::take(&mut driver.seen) {
            if let Seen::Received(id, bytes) = seen {
                let ticket = u64::from_be_bytes(bytes.try_into().unwrap());
                driver.send(id, b"k");
                driver.engine.hand_over(id, &echo.address, ticket);
                handed += 1;
            }
        }
        handed == connections
    });
    driver.until_empty();
    driver.until("peers", |_| peers.is_finished());
    peers.join().unwrap();
    assert_eq!(driver.engine.stats().hand_overs, connections as u64);
    assert_eq!(echo.finish(), connections as u64);
}

#[test]
fn thousands_of_connections_move_to_another_thread() {
    hand_over_all(config(400), 3_000);
}

#[test]
fn a_target_of_several_rings_takes_them_where_it_has_room() {
    hand_over_all(
        EngineConfig {
            table_slots_max: 50,
            ..config(400)
        },
        3_000,
    );
}

#[test]
fn a_full_target_refuses_and_the_peer_sees_the_end() {
    let target = Driver::new(config(1));
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let mut clients = Vec::new();
    for ticket in 0..3 {
        let (mut client, id) = driver.pair(address);
        client.write_all(b"hello").unwrap();
        driver.until("bytes", |driver| driver.received(id) == b"hello");
        driver
            .engine
            .hand_over(id, &target.engine.address(), ticket);
        clients.push(client);
    }
    let mut target = target;
    target.until("arrival", |target| target.seen.len() == 1);
    assert!(matches!(target.seen[0], Seen::Arrived(_, 0)));
    driver.until("refusal", |driver| {
        driver.seen.contains(&Seen::HandOverFailed(2))
    });
    assert!(driver.seen.contains(&Seen::HandOverFailed(1)));
    driver.until("source slots", |driver| {
        target.turns(1);
        driver.engine.stats().connections == 0
    });
    let mut got = Vec::new();
    clients[1].read_to_end(&mut got).unwrap();
    assert_eq!(got, b"");

    // The one that moved lives on at the target, and its place is free again afterwards.
    let Seen::Arrived(id, _) = target.seen[0] else {
        unreachable!("checked above")
    };
    clients[0].write_all(b"again").unwrap();
    target.until("bytes", |target| target.received(id) == b"again");
    target.engine.close(id, CloseHow::Now);
    target.until_empty();
    let (mut client, id) = driver.pair(address);
    client.write_all(b"hello").unwrap();
    driver.until("bytes", |driver| driver.received(id) == b"hello");
    driver.engine.hand_over(id, &target.engine.address(), 9);
    driver.turn(Duration::from_millis(5)).unwrap();
    target.until("second arrival", |target| {
        driver.turns(1);
        target.count(|s| matches!(s, Seen::Arrived(_, 9))) == 1
    });
}

#[test]
fn a_connection_that_is_established_is_not_handed_over() {
    let target = Driver::new(config(10));
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (_client, id) = driver.established_pair(address);
    driver.turns(2);
    driver.engine.hand_over(id, &target.engine.address(), 4);
    driver.until("refusal", |driver| {
        driver.seen.contains(&Seen::HandOverFailed(4))
    });
    driver.until_empty();
}
