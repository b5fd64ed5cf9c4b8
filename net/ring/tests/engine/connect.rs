//! The client side: connecting, being refused, binding a source address, pushing before the connection
//! is up.

use std::net::SocketAddr;

use crate::support::{Driver, Seen, config, pattern};
use ringmq_ring::{CloseCause, CloseHow};

#[test]
fn an_engine_talks_to_itself() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let local: SocketAddr = "127.0.0.9:0".parse().unwrap();
    let client = driver.engine.connect(Some(local), address).unwrap();
    let early = pattern(1, 5_000);
    driver.send(client, &early);
    driver.until("connect", |driver| {
        driver.seen.contains(&Seen::Connected(client))
    });
    driver.until("accept", |driver| {
        driver.count(|s| matches!(s, Seen::Accepted(..))) == 1
    });
    let server = driver
        .seen
        .iter()
        .find_map(|seen| match *seen {
            Seen::Accepted(id, peer, _) => {
                assert_eq!(peer.ip(), local.ip());
                Some(id)
            }
            _ => None,
        })
        .unwrap();
    driver.until("early bytes", |driver| driver.received(server) == early);
    driver.send(server, b"welcome");
    driver.until("answer", |driver| driver.received(client) == b"welcome");
    driver.engine.close(client, CloseHow::Now);
    driver.until("close", |driver| {
        driver.closed(server) == Some(CloseCause::PeerClosed)
    });
    driver.until_empty();
}

#[test]
fn a_refused_connection_is_reported_and_its_slot_is_free_again() {
    let mut driver = Driver::new(config(4));
    let unused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    for _ in 0..20 {
        let id = driver.engine.connect(None, unused).unwrap();
        driver.until("refusal", |driver| driver.closed(id).is_some());
        assert_eq!(
            driver.closed(id),
            Some(CloseCause::ConnectFailed(libc::ECONNREFUSED))
        );
        driver.until_empty();
    }
}

#[test]
fn a_full_engine_refuses_to_connect() {
    let mut driver = Driver::new(config(2));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    driver.engine.connect(None, address).unwrap();
    driver.engine.connect(None, address).unwrap();
    let full = driver.engine.connect(None, address);
    assert!(matches!(full, Err(ringmq_ring::ConnectError::Full)));
}
