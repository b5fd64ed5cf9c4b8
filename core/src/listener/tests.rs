use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn open_error(address: SocketAddr) -> String {
    open(address, 2).unwrap_err().to_string()
}

fn nonblocking(set: &ListenerSet) {
    for socket in &set.sockets {
        socket.set_nonblocking(true).unwrap();
    }
}

#[test]
fn connections_spread_over_the_sockets() {
    let set = open(loopback(), 3).unwrap();
    assert_eq!(set.sockets.len(), 3);
    let _clients: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(set.address).unwrap())
        .collect();
    nonblocking(&set);
    let accepted = |socket: &TcpListener| socket.incoming().take_while(Result::is_ok).count();
    let counts: Vec<usize> = set.sockets.iter().map(accepted).collect();
    assert_eq!(counts.iter().sum::<usize>(), 200, "{counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn connections_inherit_nodelay() {
    let set = open(loopback(), 1).unwrap();
    let _client = TcpStream::connect(set.address).unwrap();
    let (accepted, _) = set.sockets[0].accept().unwrap();
    assert!(accepted.nodelay().unwrap());
}

#[test]
fn a_second_broker_does_not_join() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let first = open(address.parse().unwrap(), 2).unwrap();
        let this = std::process::id();
        let error = open_error(first.address);
        assert!(error.contains(&first.address.to_string()), "{error}");
        assert!(
            error.contains(&format!("(process {this}) already does")),
            "{error}"
        );
        let everywhere = SocketAddr::new("0.0.0.0".parse().unwrap(), first.address.port());
        if first.address.is_ipv4() {
            assert!(open_error(everywhere).contains("already does"));
        }
    }
}

#[test]
fn a_port_held_by_another_program_is_refused() {
    let other = TcpListener::bind(loopback()).unwrap();
    assert!(open_error(other.local_addr().unwrap()).contains("already does"));
}

#[test]
fn both_families_can_have_one_port() {
    let four = open("0.0.0.0:0".parse().unwrap(), 2).unwrap();
    let six = SocketAddr::new("::".parse().unwrap(), four.address.port());
    open(six, 2).unwrap();
}

#[test]
fn a_restart_does_not_wait_for_old_connections() {
    let first = open(loopback(), 2).unwrap();
    let address = first.address;
    let mut client = TcpStream::connect(address).unwrap();
    client.set_nodelay(true).unwrap();
    nonblocking(&first);
    // The side that closes first keeps the address in TIME_WAIT: here the broker's.
    let accepted = loop {
        let mut sockets = first.sockets.iter();
        if let Some((accepted, _)) = sockets.find_map(|socket| socket.accept().ok()) {
            break accepted;
        }
        thread::yield_now();
    };
    drop(accepted);
    drop(first);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    drop(client);
    let again = open(address, 2).unwrap();
    TcpStream::connect(again.address)
        .unwrap()
        .write_all(b"x")
        .unwrap();
}

#[test]
fn an_address_of_another_machine_is_named() {
    let elsewhere = "192.0.2.1:1883".parse().unwrap();
    assert_eq!(
        open_error(elsewhere),
        "cannot listen on 192.0.2.1:1883: this machine has no such address (\"ip address\" shows those it has)"
    );
}

#[test]
fn privileged_ports_are_explained() {
    let address = "127.0.0.1:1".parse().unwrap();
    let error = ListenError::new(address, io::ErrorKind::PermissionDenied.into());
    let text = error.to_string();
    assert!(
        text.starts_with("cannot listen on 127.0.0.1:1: ports below 1024"),
        "{text}"
    );
}
