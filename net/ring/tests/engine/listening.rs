//! Many listeners, their tags, the peers' addresses, and the end of listening.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use ringmq_ring::EngineConfig;

use crate::support::{Driver, Seen, config};

#[test]
fn each_listener_has_its_tag_and_each_peer_its_address() {
    let mut driver = Driver::new(config(2_000));
    let listeners: Vec<_> = (0..20).map(|tag| (driver.listen(tag), tag)).collect();
    let mut clients = Vec::new();
    for _ in 0..5 {
        for &(address, tag) in &listeners {
            let (client, id) = driver.pair(address);
            let local = client.local_addr().unwrap();
            assert!(driver.seen.contains(&Seen::Accepted(id, local, tag)));
            clients.push(client);
        }
    }
    assert_eq!(driver.engine.stats().connections, 100);
}

#[test]
fn ipv6_peers_have_their_address_too() {
    let mut driver = Driver::new(config(100));
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    };
    let address = listener.local_addr().unwrap();
    driver.engine.listen(listener, 3).unwrap();
    let (client, id) = driver.pair(address);
    let local = client.local_addr().unwrap();
    assert!(driver.seen.contains(&Seen::Accepted(id, local, 3)));
    let own = driver.engine.connect(None, address).unwrap();
    driver.until("connect", |driver| {
        driver.seen.contains(&Seen::Connected(own))
    });
}

#[test]
fn options_of_the_listener_are_inherited() {
    let mut driver = Driver::new(config(100));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    driver.engine.listen(listener, 0).unwrap();
    driver.pair(address);
}

/// TCP_DEFER_ACCEPT of a socket, seconds.
fn seconds_kept_back(socket: &impl AsRawFd) -> i32 {
    let mut seconds: libc::c_int = -1;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value and its length live across the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw mut seconds).cast(),
            &raw mut length,
        )
    };
    assert_eq!(result, 0);
    seconds
}

#[test]
fn a_connection_kept_back_until_it_speaks_comes_in_the_end_though_silent() {
    for accept_after_bytes in [false, true] {
        let mut driver = Driver::new(EngineConfig {
            accept_after_bytes,
            ..config(100)
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let same = listener.try_clone().unwrap();
        driver.engine.listen(listener, 0).unwrap();
        assert_eq!(seconds_kept_back(&same) > 0, accept_after_bytes);
        let mut talker = TcpStream::connect(address).unwrap();
        talker.write_all(b"hello").unwrap();
        driver.until("bytes", |driver| !driver.received.is_empty());
        let (_silent, id) = driver.pair(address);
        assert!(!driver.received.contains_key(&id));
    }
}

#[test]
fn after_stop_listening_connections_are_refused_and_the_old_ones_live() {
    let mut driver = Driver::new(config(200));
    let first = driver.listen(0);
    let second = driver.listen(1);
    let (_client, id) = driver.established_pair(first);
    driver.engine.stop_listening();
    assert!(TcpStream::connect(first).is_err(), "refused at once");
    // A listener that comes while the old ones are going is not stopped with them.
    let third = driver.listen(2);
    driver.turns(5);
    let (_other, _) = driver.pair(third);
    driver.engine.stop_listening();
    driver.turns(5);
    assert!(TcpStream::connect(third).is_err());
    assert!(TcpStream::connect(first).is_err());
    assert!(TcpStream::connect(second).is_err());
    assert!(driver.closed(id).is_none());
    // The slots that were held back for accepts are free again: all but two can be used.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    for _ in 0..198 {
        driver.engine.connect(None, address).unwrap();
    }
    assert!(driver.engine.connect(None, address).is_err());
}
