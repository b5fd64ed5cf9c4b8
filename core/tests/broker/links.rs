//! Busy links between shards: whoever publishes waits, nothing is lost, nothing stands still.

use std::sync::Arc;
use std::thread;

use ringmq::broker::BrokerConfig;
use ringmq::placement::{CpuId, Placement};
use ringmq_codec::Qos;
use ringmq_router::Settings;
use rustix::thread::{CpuSet, sched_getaffinity};

use crate::client::{Client, Incoming};
use crate::server::Server;

const PUBLISHERS: usize = 8;

/// Many publishers and one subscriber per shard and more, over rings of `link_capacity` items.
fn check_tiny_links(link_capacity: u32, qos: Qos) {
    let server = Server::start_with(4, |config| {
        config.link_capacity = link_capacity;
        drop_nothing(config);
    });
    check_all_to_all(&server, 6, 3_000, qos);
    let stats = server.stats();
    if link_capacity == 1 {
        assert!(stats.links_full_total > 0, "the rings were full at times");
    }
    server.stop();
}

/// Only links are short here: no session drops because its client is slow.
fn drop_nothing(config: &mut BrokerConfig) {
    config.router = Arc::new(Settings {
        queue_messages_max: u32::MAX,
        queue_bytes_max: u32::MAX,
        ..Settings::clone(&config.router)
    });
}

/// Everything of all publishers comes to every subscriber, in order.
fn check_all_to_all(server: &Server, subscribers: usize, messages: u32, qos: Qos) {
    let address = server.address;
    let subscribers: Vec<_> = (0..subscribers)
        .map(|i| {
            let mut client = Client::connect(address, &format!("subscriber-{i}"));
            client.subscribe("load/#", qos);
            thread::spawn(move || {
                let mut next = [0_u32; PUBLISHERS];
                for _ in 0..PUBLISHERS as u32 * messages {
                    let message = client.message();
                    let from: usize = message.topic[5..].parse().unwrap();
                    let number = u32::from_be_bytes(message.payload[..4].try_into().unwrap());
                    assert_eq!(number, next[from], "order of publisher {from}");
                    next[from] += 1;
                }
            })
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|i| {
            let mut client = Client::connect(address, &format!("publisher-{i}"));
            thread::spawn(move || publish_all(&mut client, &format!("load/{i}"), messages, qos))
        })
        .collect();
    for thread in publishers.into_iter().chain(subscribers) {
        thread.join().expect("everything comes, in order");
    }
    let stats = server.stats();
    assert_eq!(stats.drops.total(), 0);
    assert!(stats.crossings_total > 0);
}

/// Publishes all messages, at most 50 of them unacknowledged.
fn publish_all(client: &mut Client, topic: &str, messages: u32, qos: Qos) {
    let mut bytes = Vec::new();
    for first in (0..messages).step_by(50) {
        bytes.clear();
        for number in first..first + 50 {
            client.encode_publish(topic, &number.to_be_bytes(), qos, &mut bytes);
        }
        client.write(&bytes);
        if qos == Qos::AtMostOnce {
            client.ping();
            assert_eq!(client.receive(), Incoming::PingResp);
            continue;
        }
        for _ in 0..50 {
            assert!(matches!(client.receive(), Incoming::PubAck(_)));
        }
    }
}

#[test]
fn one_slot_per_link_delivers_everything_at_qos_0() {
    check_tiny_links(1, Qos::AtMostOnce);
}

#[test]
fn one_slot_per_link_delivers_everything_at_qos_1() {
    check_tiny_links(1, Qos::AtLeastOnce);
}

#[test]
fn four_slots_per_link_deliver_everything_at_qos_1() {
    check_tiny_links(4, Qos::AtLeastOnce);
}

/// So many subscribers that each shard gives way to the others before it sends.
#[test]
fn shards_that_share_a_cpu_deliver_everything() {
    let allowed = sched_getaffinity(None).expect("where this process may run");
    let cpu = (0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu));
    let cpu = CpuId(cpu.expect("at least one") as u16);
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
        let server = Server::start_with(4, |config| {
            config.placement = Placement::pinned(vec![cpu; 4]);
            drop_nothing(config);
        });
        check_all_to_all(&server, 100, 200, qos);
        server.stop();
    }
}
