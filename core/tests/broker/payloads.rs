//! Messages larger than any buffer on their way.

use std::sync::Arc;
use std::thread;

use ringmq_codec::Qos;
use ringmq_router::Settings;

use crate::client::{Client, Incoming};
use crate::server::Server;

fn check_large_payload(shards: u8) {
    let server = Server::start(shards);
    let mut subscribers: Vec<Client> = (0..8)
        .map(|i| {
            let mut client = Client::connect(server.address, &format!("subscriber-{i}"));
            client.subscribe("large", Qos::AtLeastOnce);
            client
        })
        .collect();
    let mut publisher = Client::connect(server.address, "publisher");
    for round in 0..4_u32 {
        let payload: Vec<u8> = (0..500 * 1024_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 ^ round as u8)
            .collect();
        let id = publisher.publish("large", &payload, Qos::AtLeastOnce);
        for subscriber in &mut subscribers {
            assert!(subscriber.message().payload == payload, "bytes differ");
        }
        assert_eq!(publisher.receive(), Incoming::PubAck(id.unwrap()));
    }
    server.stop();
}

#[test]
fn half_a_megabyte_arrives_whole_on_one_shard() {
    check_large_payload(1);
}

/// [v3.1.1 MQTT-7.1.1-1] [v5 MQTT-4.2-1]
#[test]
fn half_a_megabyte_arrives_whole_across_shards() {
    check_large_payload(4);
}

#[test]
fn a_burst_far_beyond_one_tick_of_output_arrives_whole_and_in_order() {
    const PUBLISHERS: usize = 16;
    const ROUNDS: u8 = 4;
    let server = Server::start_with(2, |config| {
        config.router = Arc::new(Settings {
            queue_bytes_max: u32::MAX,
            ..Settings::clone(&config.router)
        });
    });
    let address = server.address;
    let subscribers: Vec<_> = (0..4)
        .map(|i| {
            let mut client = Client::connect(address, &format!("subscriber-{i}"));
            client.subscribe("burst/#", Qos::AtLeastOnce);
            thread::spawn(move || {
                let mut rounds = [0; PUBLISHERS];
                for _ in 0..PUBLISHERS * usize::from(ROUNDS) {
                    let message = client.message();
                    let from: usize = message.topic[6..].parse().unwrap();
                    let expected = vec![rounds[from] ^ from as u8; 200 * 1024];
                    assert!(message.payload == expected, "round or bytes of {from}");
                    rounds[from] += 1;
                }
            })
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|i| {
            let mut client = Client::connect(address, &format!("publisher-{i}"));
            thread::spawn(move || {
                for round in 0..ROUNDS {
                    let payload = vec![round ^ i as u8; 200 * 1024];
                    client.publish(&format!("burst/{i}"), &payload, Qos::AtLeastOnce);
                }
                for _ in 0..ROUNDS {
                    assert!(matches!(client.receive(), Incoming::PubAck(_)));
                }
            })
        })
        .collect();
    for thread in publishers.into_iter().chain(subscribers) {
        thread.join().expect("everything comes");
    }
    assert_eq!(server.stats().drops.total(), 0);
    server.stop();
}

/// [v3.1.1 MQTT-7.1.1-1] [v5 MQTT-4.2-1]
#[test]
fn a_packet_byte_by_byte_is_a_packet() {
    let server = Server::start(2);
    let mut subscriber = Client::connect(server.address, "subscriber");
    subscriber.subscribe("slowly", Qos::AtMostOnce);
    let mut publisher = Client::connect(server.address, "publisher");
    let mut bytes = Vec::new();
    publisher.encode_publish("slowly", b"drop by drop", Qos::AtMostOnce, &mut bytes);
    for byte in bytes {
        publisher.write(&[byte]);
    }
    assert_eq!(subscriber.message().payload, b"drop by drop");
    server.stop();
}
