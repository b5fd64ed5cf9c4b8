//! Messages between clients, wherever they live.

use ringmq_codec::{Qos, Version};

use crate::client::{Client, Incoming};
use crate::server::Server;

const EACH_QOS: [Qos; 3] = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];

/// Every client publishes to every other; with `shards` shards most of these pairs cross.
fn check_all_to_all(shards: u8) {
    const CLIENTS: usize = 12;
    let server = Server::start(shards);
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|i| {
            let version = [Version::V31, Version::V311, Version::V5][i % 3];
            Client::connect_as(server.address, &format!("client-{i}"), version, true)
        })
        .collect();
    for (i, client) in clients.iter_mut().enumerate() {
        client.subscribe(&format!("to/{i}/+"), EACH_QOS[i % 3]);
    }
    for (from, client) in clients.iter_mut().enumerate() {
        for to in 0..CLIENTS {
            let payload = format!("from {from} to {to}");
            let qos = EACH_QOS[(from + to) % 3];
            client.publish(&format!("to/{to}/{from}"), payload.as_bytes(), qos);
        }
    }
    for (to, client) in clients.iter_mut().enumerate() {
        let mut senders: Vec<usize> = (0..CLIENTS)
            .map(|_| {
                let message = client.message();
                let from: usize = message.topic.rsplit('/').next().unwrap().parse().unwrap();
                assert_eq!(message.payload, format!("from {from} to {to}").as_bytes());
                let published = EACH_QOS[(from + to) % 3];
                assert_eq!(message.qos, published.min(EACH_QOS[to % 3]));
                from
            })
            .collect();
        senders.sort_unstable();
        assert!(senders.into_iter().eq(0..CLIENTS), "each once");
    }
    if shards > 1 {
        assert!(server.stats().crossings_total > 0);
    }
    server.stop();
}

#[test]
fn every_client_reaches_every_other_on_one_shard() {
    check_all_to_all(1);
}

#[test]
fn every_client_reaches_every_other_on_two_shards() {
    check_all_to_all(2);
}

#[test]
fn every_client_reaches_every_other_on_four_shards() {
    check_all_to_all(4);
}

#[test]
fn a_publish_after_the_suback_is_delivered_across_shards() {
    let server = Server::start(4);
    let mut publisher = Client::connect(server.address, "publisher");
    for i in 0..100 {
        let mut subscriber = Client::connect(server.address, &format!("subscriber-{i}"));
        let topic = format!("fresh/{i}");
        subscriber.subscribe(&topic, Qos::AtMostOnce);
        publisher.publish(&topic, b"now", Qos::AtMostOnce);
        assert_eq!(subscriber.message().topic, topic);
    }
    server.stop();
}

#[test]
fn acknowledged_publishes_keep_their_order_across_shards() {
    const MESSAGES: u32 = 2_000;
    let server = Server::start(4);
    let mut subscribers: Vec<Client> = (0..4)
        .map(|i| {
            let mut client = Client::connect(server.address, &format!("subscriber-{i}"));
            client.subscribe("ordered/#", Qos::AtLeastOnce);
            client
        })
        .collect();
    let mut publisher = Client::connect(server.address, "publisher");
    let mut bytes = Vec::new();
    let mut ids = Vec::new();
    for chunk in 0..MESSAGES / 100 {
        for i in 0..100 {
            let number = (chunk * 100 + i).to_be_bytes();
            let id = publisher.encode_publish("ordered/x", &number, Qos::AtLeastOnce, &mut bytes);
            ids.extend(id);
        }
        publisher.write(&bytes);
        bytes.clear();
        for id in ids.drain(..) {
            assert_eq!(publisher.receive(), Incoming::PubAck(id));
        }
        for subscriber in &mut subscribers {
            for i in 0..100 {
                let number = (chunk * 100 + i).to_be_bytes();
                assert_eq!(subscriber.message().payload, number);
            }
        }
    }
    server.stop();
}

#[test]
fn a_lone_client_hears_itself_without_delay_and_without_subscribers_nothing_breaks() {
    let server = Server::start(1);
    let mut client = Client::connect_as(server.address, "lone", Version::V5, true);
    client.publish("nobody/listens", b"", Qos::AtMostOnce);
    client.subscribe("me", Qos::AtMostOnce);
    client.publish("me", b"echo", Qos::AtMostOnce);
    assert_eq!(client.message().payload, b"echo");
    client.ping();
    assert_eq!(client.receive(), Incoming::PingResp);
    server.stop();
}
