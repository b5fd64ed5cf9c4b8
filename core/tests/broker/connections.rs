//! Connections that find their shard: hand-over, takeover, storms, and clients that leave midway.

use std::net::{SocketAddr, TcpStream};
use std::thread;

use ringmq_codec::{Qos, ReasonCode, Version};

use crate::client::{Client, Incoming};
use crate::server::Server;

#[test]
fn two_thousand_clients_find_their_shard_and_each_other() {
    const CLIENTS: usize = 2_000;
    let server = Server::start(4);
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|i| Client::open(server.address, &format!("device-{i}"), Version::V311, true))
        .collect();
    for client in &mut clients {
        client.expect_let_in();
    }
    let stats = server.stats();
    assert_eq!(stats.connections, CLIENTS as u64);
    assert!(stats.handed_over_total > 0, "some came in elsewhere");

    for (i, client) in clients.iter_mut().enumerate() {
        client.subscribe(&format!("device/{i}"), Qos::AtMostOnce);
    }
    // A stride that is prime to the number of clients: everyone publishes, everyone hears.
    for (i, client) in clients.iter_mut().enumerate() {
        let to = (i * 7 + 1) % CLIENTS;
        let payload = i.to_string();
        client.publish(&format!("device/{to}"), payload.as_bytes(), Qos::AtMostOnce);
    }
    for i in 0..CLIENTS {
        let to = (i * 7 + 1) % CLIENTS;
        assert_eq!(clients[to].message().payload, i.to_string().as_bytes());
    }
    server.stop();
}

#[test]
fn what_follows_the_connect_at_once_moves_along() {
    let server = Server::start(4);
    for i in 0..64 {
        let mut client = Client::open(server.address, &format!("eager-{i}"), Version::V311, true);
        // Before the CONNACK, so that these bytes meet every stage of a hand-over.
        for _ in 0..20 {
            client.ping();
        }
        client.expect_let_in();
        for _ in 0..20 {
            assert_eq!(client.receive(), Incoming::PingResp);
        }
    }
    server.stop();
}

/// [v3.1.1 MQTT-3.1.4-2] [v5 MQTT-3.1.4-3]
#[test]
fn a_second_client_of_the_same_name_takes_over_wherever_it_comes_in() {
    let server = Server::start(4);
    let mut first = Client::connect_as(server.address, "same", Version::V5, true);
    for _ in 0..50 {
        let second = Client::connect_as(server.address, "same", Version::V5, true);
        assert_eq!(
            first.receive(),
            Incoming::Disconnect(ReasonCode::SessionTakenOver)
        );
        assert_eq!(first.receive(), Incoming::Closed);
        first = second;
    }
    let stats = server.stats();
    assert_eq!(stats.takeovers_total, 50);
    assert_eq!(stats.connections, 1);
    assert!(stats.handed_over_total > 0, "some came in elsewhere");
    server.stop();
}

#[test]
fn a_session_goes_on_wherever_its_client_comes_in() {
    let server = Server::start(4);
    let mut publisher = Client::connect(server.address, "publisher");
    let mut away = Client::connect_as(server.address, "away", Version::V311, false);
    away.subscribe("news", Qos::AtLeastOnce);
    away.disconnect();
    for i in 0..20_u32 {
        server.wait_for_stats(|stats| stats.sessions_offline == 1);
        let id = publisher.publish("news", &i.to_be_bytes(), Qos::AtLeastOnce);
        assert_eq!(publisher.receive(), Incoming::PubAck(id.unwrap()));
        let mut back = Client::open(server.address, "away", Version::V311, false);
        assert_eq!(
            back.receive(),
            Incoming::ConnAck {
                session_present: true,
                reason: ReasonCode::Success
            }
        );
        assert_eq!(back.message().payload, i.to_be_bytes());
        // The PUBACK is received before the FIN, so the message is not sent again.
        back.disconnect();
    }
    server.stop();
}

/// Connects, and leaves in one of several ways.
fn storm(address: SocketAddr, seed: usize, rounds: usize) {
    for round in 0..rounds {
        let name = format!("storm-{}", (seed * 31 + round * 17) % 97);
        match (seed + round) % 5 {
            // Says nothing at all.
            0 => drop(TcpStream::connect(address)),
            // Leaves before the answer.
            1 => drop(Client::open(address, &name, Version::V5, true)),
            // Leaves in the middle of a packet.
            2 => {
                let mut client = Client::open(address, &name, Version::V311, true);
                client.write(&[0x30, 100, 0]);
            }
            // Another of the same name may take over at any point.
            3 => {
                let mut client = Client::open(address, &name, Version::V311, true);
                client.publish("storm", name.as_bytes(), Qos::AtMostOnce);
                let _ = client.receive();
            }
            _ => Client::open(address, &name, Version::V311, true).disconnect(),
        }
    }
}

#[test]
fn a_storm_of_connections_leaves_nothing_behind() {
    let server = Server::start(4);
    let mut witness = Client::connect(server.address, "witness");
    witness.subscribe("storm", Qos::AtMostOnce);
    let address = server.address;
    let threads: Vec<_> = (0..8)
        .map(|seed| thread::spawn(move || storm(address, seed, 500)))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    server.wait_for_stats(|stats| stats.connections == 1 && stats.sessions == 1);
    assert!(witness.message().payload.starts_with(b"storm-"));
    server.stop();
}

#[test]
fn connections_beyond_the_limit_do_not_hurt_the_others() {
    let server = Server::start_with(1, |config| config.connections_max = 10);
    let mut inside: Vec<Client> = (0..8)
        .map(|i| Client::connect(server.address, &format!("inside-{i}")))
        .collect();
    let outside: Vec<TcpStream> = (0..50)
        .map(|_| TcpStream::connect(server.address).unwrap())
        .collect();
    for client in &mut inside {
        client.ping();
        assert_eq!(client.receive(), Incoming::PingResp);
    }
    drop(outside);
    drop(inside);
    let mut late = Client::connect(server.address, "late");
    late.ping();
    assert_eq!(late.receive(), Incoming::PingResp);
    server.stop();
}
