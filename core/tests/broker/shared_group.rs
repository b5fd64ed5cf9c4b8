//! A shared subscription whose member dies under load: nothing that was published is lost.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Sender};
use std::thread;

use ringmq_codec::Qos;

use crate::client::{Client, Incoming, PATIENCE};
use crate::server::Server;

const MEMBERS: usize = 5;
const MESSAGES: u32 = 3_000;

/// Messages that the member has got and not acknowledged when it dies: its whole window.
const HELD: usize = 100;

fn member(server: &Server, number: usize) -> Client {
    let mut client = Client::connect(server.address, &format!("member-{number}"));
    client.subscribe("$share/workers/jobs/+", Qos::AtLeastOnce);
    client
}

/// Passes on what comes and acknowledges it, until the broker stops.
fn work(mut client: Client, done: &Sender<u32>) {
    loop {
        match client.receive() {
            Incoming::Message(message) => {
                let number = message.payload[..4].try_into().map(u32::from_be_bytes);
                client.acknowledge(&message);
                // Nobody listens any more once everything has come.
                let _ = done.send(number.unwrap());
            }
            Incoming::Closed => return,
            other => panic!("no message: {other:?}"),
        }
    }
}

fn publish_all(mut publisher: Client) {
    let mut bytes = Vec::new();
    let mut ids = Vec::new();
    for number in 0..MESSAGES {
        let topic = format!("jobs/{}", number % 7);
        let payload = number.to_be_bytes();
        ids.extend(publisher.encode_publish(&topic, &payload, Qos::AtLeastOnce, &mut bytes));
        if ids.len() == 50 {
            publisher.write(&bytes);
            bytes.clear();
            for id in ids.drain(..) {
                assert_eq!(publisher.receive(), Incoming::PubAck(id));
            }
        }
    }
}

/// One of five members takes messages, acknowledges none and dies: each message comes to another.
fn check_a_member_that_dies(shards: u8) {
    let server = Server::start(shards);
    let (done, arrivals) = mpsc::channel();
    let mut threads = Vec::new();
    for number in 1..MEMBERS {
        let (client, done) = (member(&server, number), done.clone());
        threads.push(thread::spawn(move || work(client, &done)));
    }
    let mut dies = member(&server, 0);
    threads.push(thread::spawn(move || {
        for _ in 0..HELD {
            assert!(matches!(dies.receive(), Incoming::Message(_)));
        }
    }));
    let publisher = Client::connect(server.address, "publisher");
    threads.push(thread::spawn(move || publish_all(publisher)));

    let mut arrived = BTreeSet::new();
    while arrived.len() < MESSAGES as usize {
        let number = arrivals.recv_timeout(PATIENCE);
        arrived.insert(number.expect("every message comes to a member that lives"));
    }
    let stats = server.stats();
    assert_eq!(stats.drops.total(), 0);
    assert_eq!(stats.shared_subscriptions, MEMBERS as u64 - 1);
    server.stop();
    for thread in threads {
        thread.join().expect("a client that got what it expects");
    }
}

#[test]
fn another_member_gets_what_one_that_dies_has_not_acknowledged() {
    check_a_member_that_dies(1);
}

#[test]
fn another_member_on_another_shard_gets_it_too() {
    check_a_member_that_dies(3);
}
