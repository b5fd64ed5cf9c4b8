use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::ringmq::{Running, config_file};

/// CONNECT of MQTT 5 with a clean start, no keep-alive and the client identifier `c`.
const CONNECT_V5: &[u8] = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01c";

/// CONNECT of MQTT 3.1.1, the same.
const CONNECT_V311: &[u8] = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01c";

fn connect(broker: &Running, packet: &[u8]) -> TcpStream {
    let mut client = TcpStream::connect(broker.addresses()[0]).unwrap();
    client.write_all(packet).unwrap();
    let mut fixed_header = [0; 2];
    client.read_exact(&mut fixed_header).unwrap();
    assert_eq!(fixed_header[0], 0x20, "CONNACK");
    client
        .read_exact(&mut vec![0; fixed_header[1].into()])
        .unwrap();
    client
}

#[test]
fn sigterm_and_sigint_stop_in_order() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let broker = Running::start("--listen 127.0.0.1:0 --shards 2");
        let mut v5 = connect(&broker, CONNECT_V5);
        let mut v311 = connect(&broker, &[&CONNECT_V311[..14], b"d"].concat());
        broker.signal(signal);
        let mut farewell = Vec::new();
        v5.read_to_end(&mut farewell).unwrap();
        assert_eq!(farewell[0], 0xE0, "DISCONNECT");
        assert_eq!(farewell[2], 0x8B, "Server shutting down");
        let mut silence = Vec::new();
        v311.read_to_end(&mut silence).unwrap();
        assert_eq!(silence, [0_u8; 0]);
        drop((v5, v311));
        let (code, output, errors) = broker.end();
        assert_eq!((code, output.as_str()), (0, ""), "{errors}");
        assert!(errors.contains(&format!("{name}: stopping")), "{errors}");
        assert!(errors.trim_end().ends_with("stopped"), "{errors}");
    }
}

#[test]
fn sighup_without_a_password_file_changes_nothing() {
    let mut broker = Running::start("--listen 127.0.0.1:0 --shards 1");
    let mut log = broker.log();
    broker.signal(Signal::HUP);
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("SIGHUP ignored"), "{line}");
    connect(&broker, CONNECT_V5);
    broker.signal(Signal::TERM);
    assert_eq!(broker.end().0, 0);
}

/// A client that reads nothing holds up the stop; whoever does not want to wait signals again.
#[test]
fn a_second_signal_stops_at_once() {
    let path = config_file("patient.toml", "[broker]\nshutdown_secs = 3600\n");
    let mut broker = Running::start(&format!(
        "--config {} --listen 127.0.0.1:0 --shards 1",
        path.display()
    ));
    let mut log = broker.log();
    let mut client = connect(&broker, CONNECT_V311);
    client.write_all(b"\x82\x06\x00\x01\x00\x01t\x00").unwrap();
    let payload = vec![b'x'; 60_000];
    let mut publish = vec![0x30];
    let mut length = payload.len() + 3;
    while length > 0 {
        let more = if length > 127 { 0x80 } else { 0 };
        publish.push((length % 128) as u8 | more);
        length /= 128;
    }
    publish.extend_from_slice(b"\x00\x01t");
    publish.extend_from_slice(&payload);
    for _ in 0..200 {
        client.write_all(&publish).unwrap();
    }
    broker.signal(Signal::TERM);
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("SIGTERM: stopping"), "{line}");
    broker.signal(Signal::INT);
    assert_eq!(broker.end().0, 130);
    drop(client);
}
