//! A proxy between loadgen and a broker that tampers with what the broker delivers: exact counts of drops,
//! repeats, swaps and changed payloads, or a stall at regular times.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ringmq_codec::{PacketType, frame};

/// What it does to the stream of a broker's packets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tampering {
    /// Of every so many deliveries one is dropped, one sent twice, one after the next, one changed.
    OneOf(u64),
    /// Nothing passes, either way, for `length` out of every `every`.
    Stall { every: Duration, length: Duration },
}

/// What it has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) dropped: u64,
    pub(crate) repeated: u64,
    pub(crate) swapped: u64,
    pub(crate) changed: u64,
}

struct State {
    tampering: Tampering,
    started: Instant,
    /// PUBLISH packets that came from the broker.
    deliveries: u64,
    done: Done,
}

/// A proxy that listens until the test process ends.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Starts one in front of `broker`.
    pub(crate) fn start(broker: SocketAddr, tampering: Tampering) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            tampering,
            started: Instant::now(),
            deliveries: 0,
            done: Done::default(),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(broker).unwrap();
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (client_in, server_out) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                thread::spawn(move || pass(&up, client_in, server_out, false));
                thread::spawn(move || pass(&down, server, client, true));
            }
        });
        Proxy { address, state }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn done(&self) -> Done {
        self.state.lock().unwrap().done
    }
}

/// Passes bytes on until either side ends; whole packets where they come from the broker.
fn pass(state: &Mutex<State>, mut from: TcpStream, mut to: TcpStream, is_from_broker: bool) {
    let mut bytes = Vec::new();
    let mut held = Vec::new();
    let mut buffer = [0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        wait_out_the_stall(state);
        bytes.extend_from_slice(&buffer[..count]);
        let out = match is_from_broker {
            true => tamper(&mut state.lock().unwrap(), &mut bytes, &mut held),
            false => std::mem::take(&mut bytes),
        };
        if to.write_all(&out).is_err() {
            break;
        }
    }
    let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
}

fn wait_out_the_stall(state: &Mutex<State>) {
    let (tampering, started) = {
        let state = state.lock().unwrap();
        (state.tampering, state.started)
    };
    if let Tampering::Stall { every, length } = tampering {
        let nanos = started.elapsed().as_nanos() % every.as_nanos();
        let into = Duration::from_nanos(nanos as u64);
        thread::sleep(length.saturating_sub(into));
    }
}

/// Takes the whole packets out of `bytes` and gives what is to be passed on. A held packet follows the next
/// delivery of its connection.
fn tamper(state: &mut State, bytes: &mut Vec<u8>, held: &mut Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = &bytes[..];
    while let Ok(Some(raw)) = frame::split(rest, 1 << 20) {
        let packet = &rest[..raw.length];
        let is_delivery = raw.header.packet_type == PacketType::Publish;
        rest = &rest[raw.length..];
        match state.tampering {
            Tampering::OneOf(many) if is_delivery => {
                let number = state.deliveries % many;
                state.deliveries += 1;
                tamper_with(&mut state.done, number * 100 / many, number % (many / 100))
                    .apply(packet, held, &mut out);
            }
            _ => out.extend_from_slice(packet),
        }
    }
    let used = bytes.len() - rest.len();
    bytes.drain(..used);
    out
}

/// What happens to one delivery.
enum Fate {
    Pass,
    Drop,
    Repeat,
    Hold,
    Change,
}

/// The fate of a delivery that is `percent` into its round, exactly so when `beyond` is zero.
fn tamper_with(done: &mut Done, percent: u64, beyond: u64) -> Fate {
    let (count, fate) = match (percent, beyond) {
        (20, 0) => (&mut done.dropped, Fate::Drop),
        (40, 0) => (&mut done.repeated, Fate::Repeat),
        (60, 0) => (&mut done.swapped, Fate::Hold),
        (80, 0) => (&mut done.changed, Fate::Change),
        _ => return Fate::Pass,
    };
    *count += 1;
    fate
}

impl Fate {
    fn apply(self, packet: &[u8], held: &mut Vec<u8>, out: &mut Vec<u8>) {
        match self {
            Fate::Drop => {}
            Fate::Hold => return *held = packet.to_vec(),
            Fate::Pass => out.extend_from_slice(packet),
            Fate::Repeat => {
                out.extend_from_slice(packet);
                out.extend_from_slice(packet);
            }
            Fate::Change => {
                out.extend_from_slice(packet);
                *out.last_mut().unwrap() ^= 1;
            }
        }
        out.append(held);
    }
}
