//! The end of a broker: told to its clients, flushed, bounded.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use ringmq_codec::{Qos, ReasonCode, Version};

use crate::client::{Client, Incoming};
use crate::server::Server;

#[test]
fn clients_are_told_and_shards_join() {
    for shards in [1, 2, 4] {
        let server = Server::start(shards);
        let mut v5: Vec<Client> = (0..40)
            .map(|i| Client::connect_as(server.address, &format!("v5-{i}"), Version::V5, true))
            .collect();
        let mut v3 = Client::connect(server.address, "v3");
        let address = server.address;
        server.stop();
        for client in &mut v5 {
            assert_eq!(
                client.receive(),
                Incoming::Disconnect(ReasonCode::ServerShuttingDown)
            );
            assert_eq!(client.receive(), Incoming::Closed);
        }
        assert_eq!(v3.receive(), Incoming::Closed);
        assert!(TcpStream::connect(address).is_err(), "nobody listens");
    }
}

#[test]
fn what_was_published_before_is_flushed() {
    let server = Server::start(2);
    let mut subscriber = Client::connect_as(server.address, "subscriber", Version::V5, true);
    subscriber.subscribe("last", Qos::AtMostOnce);
    let mut publisher = Client::connect(server.address, "publisher");
    let payload = vec![7; 100_000];
    for _ in 0..5 {
        let id = publisher.publish("last", &payload, Qos::AtLeastOnce);
        assert_eq!(publisher.receive(), Incoming::PubAck(id.unwrap()));
    }
    server.stop_while(|| {
        for _ in 0..5 {
            assert_eq!(subscriber.message().payload, payload);
        }
        assert_eq!(
            subscriber.receive(),
            Incoming::Disconnect(ReasonCode::ServerShuttingDown)
        );
    });
}

#[test]
fn a_client_that_does_not_read_delays_the_end_by_the_bound_at_most() {
    let server = Server::start_with(2, |config| config.shutdown_secs = 1);
    let mut deaf = Client::connect(server.address, "deaf");
    deaf.subscribe("noise", Qos::AtMostOnce);
    let mut publisher = Client::connect(server.address, "publisher");
    let payload = vec![1; 512 * 1024];
    for _ in 0..32 {
        publisher.publish("noise", &payload, Qos::AtMostOnce);
    }
    publisher.ping();
    assert_eq!(publisher.receive(), Incoming::PingResp);
    let begin = Instant::now();
    server.stop();
    // The bound is a second; the rest is patience with the machine that runs the test.
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_idle_broker_ends_and_a_dropped_one_leaves() {
    Server::start(4).stop();
    let server = Server::start(2);
    let address = server.address;
    drop(server);
    let gone = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        TcpStream::connect(address).is_err()
    });
    assert!(gone, "its listeners close");
}
