use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::ringmq::Running;

/// More than one tick reads.
const CLIENTS: u16 = 300;

/// Long enough for this test to get around to every client on a busy machine.
const KEEP_ALIVE_SECS: u8 = 4;

const PINGREQ: &[u8] = &[0xC0, 0x00];
const PINGRESP: [u8; 2] = [0xD0, 0x00];

/// A client of MQTT 3.1.1 with a keep-alive, whose CONNECT is sent.
fn connect(broker: &Running, number: u16) -> TcpStream {
    let mut client = TcpStream::connect(broker.addresses()[0]).unwrap();
    let mut connect = b"\x10\x11\x00\x04MQTT\x04\x02\x00".to_vec();
    connect.push(KEEP_ALIVE_SECS);
    connect.extend_from_slice(format!("\x00\x05{number:05}").as_bytes());
    client.write_all(&connect).unwrap();
    client
}

fn read_connack(client: &mut TcpStream) {
    let mut connack = [0; 4];
    client.read_exact(&mut connack).unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
}

fn read_pingresp(client: &mut TcpStream) {
    let mut answer = [0; 2];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, PINGRESP);
}

/// A virtual machine that was moved or a process that was starved finds all deadlines past when it goes on.
#[test]
fn who_spoke_while_the_broker_was_paused_stays() {
    let broker = Running::start("--listen 127.0.0.1:0 --shards 2");
    let mut silent = connect(&broker, CLIENTS);
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| connect(&broker, number))
        .collect();
    read_connack(&mut silent);
    clients.iter_mut().for_each(read_connack);
    for client in &mut clients {
        client.write_all(PINGREQ).unwrap();
    }
    clients.iter_mut().for_each(read_pingresp);
    broker.signal(Signal::STOP);
    for client in &mut clients {
        client.write_all(PINGREQ).unwrap();
    }
    std::thread::sleep(Duration::from_secs(2 * u64::from(KEEP_ALIVE_SECS)));
    broker.signal(Signal::CONT);
    clients.iter_mut().for_each(read_pingresp);
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, [0_u8; 0], "closed for its silence");
}
