//! The smallest broker that does for these tests: QoS 0 to 2, shared subscriptions, retained messages,
//! sessions that outlive their connections, a thread a connection, and one deliberate fault.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ringmq_codec::packet::{Ack, ConnAck, Publish, ReasonCodes, SubAck, Subscribe};
use ringmq_codec::{
    Packet, PacketId, Properties, Qos, ReasonCode, TopicFilter, TopicName, Version, frame,
};

/// What the stub does wrong, and with which delivery, counted from 0 over all subscribers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    /// It is not sent.
    Drop(u64),
    /// It is sent twice.
    Repeat(u64),
    /// It is sent after the next one for the same subscriber.
    Swap(u64),
    /// Its last byte is changed.
    Corrupt(u64),
    /// The message that it is the first delivery of goes to every subscriber, whatever they asked for.
    Stray(u64),
    /// The broker stands still before it.
    Stall(u64, Duration),
    /// The connection it is for is closed instead.
    Hangup(u64),
    /// Every CONNECT is refused.
    Refuse,
}

/// A topic and what was published there.
type Message = (String, Vec<u8>);

struct Subscriber {
    client_id: String,
    /// Whether it outlives its connection.
    is_kept: bool,
    /// What waits for a client that is away.
    waiting: Option<Vec<Message>>,
    socket: TcpStream,
    version: Version,
    filter: String,
    qos: Qos,
    packet_id: PacketId,
    /// What a session that is kept sends again when its client comes back.
    unacknowledged: Vec<(PacketId, Message)>,
    held: Option<Message>,
}

#[derive(Default)]
struct State {
    fault: Fault,
    deliveries: u64,
    subscribers: Vec<Subscriber>,
    observers: Vec<TcpStream>,
    dropped: u64,
    retained: BTreeMap<String, Vec<u8>>,
    /// Turns of the members of shared subscriptions.
    turns: usize,
}

/// A connection as far as its CONNECT told.
struct Client {
    id: String,
    is_kept: bool,
    version: Version,
}

/// A stub that listens until the test process ends.
pub(crate) struct StubBroker {
    address: SocketAddr,
}

impl StubBroker {
    /// Starts one with a fault.
    pub(crate) fn start(fault: Fault) -> StubBroker {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            fault,
            ..State::default()
        }));
        let for_sys = Arc::clone(&state);
        thread::spawn(move || publish_sys(&for_sys));
        thread::spawn(move || {
            for socket in listener.incoming() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(&state, &socket.unwrap()));
            }
        });
        StubBroker { address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Tells the observers every 50 ms how much was dropped.
fn publish_sys(state: &Mutex<State>) {
    loop {
        thread::sleep(Duration::from_millis(50));
        let mut state = state.lock().unwrap();
        let dropped = state.dropped.to_string();
        let topics = [
            ("$SYS/broker/publish/messages/dropped", dropped.as_str()),
            ("$SYS/broker/drops/stub", dropped.as_str()),
            ("$SYS/broker/uptime", "1 seconds"),
        ];
        state.observers.retain_mut(|socket| {
            topics.iter().all(|(topic, payload)| {
                let bytes = publish_bytes(
                    Version::V311,
                    topic,
                    Qos::AtMostOnce,
                    None,
                    payload.as_bytes(),
                );
                socket.write_all(&bytes).is_ok()
            })
        });
    }
}

fn serve(state: &Mutex<State>, socket: &TcpStream) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let mut client = Client {
        id: String::new(),
        is_kept: false,
        version: Version::V311,
    };
    loop {
        while let Ok(Some(raw)) = frame::split(&bytes, 1 << 20) {
            let length = raw.length;
            let Ok(packet) = Packet::decode(raw, client.version) else {
                return;
            };
            if let Packet::Connect(connect) = packet {
                client = Client {
                    id: connect.client_id.to_owned(),
                    is_kept: !connect.clean_start,
                    version: connect.version,
                };
            }
            handle(&mut state.lock().unwrap(), socket, &client, packet);
            bytes.drain(..length);
        }
        match (&mut &*socket).read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
}

fn handle(state: &mut State, socket: &TcpStream, client: &Client, packet: Packet<'_>) {
    let version = client.version;
    match packet {
        Packet::Connect(_) => on_connect(state, socket, client),
        Packet::Disconnect(_) => {
            let own = state
                .subscribers
                .iter_mut()
                .filter(|known| known.client_id == client.id);
            own.filter(|known| known.is_kept)
                .for_each(|known| known.waiting = Some(Vec::new()));
        }
        Packet::Subscribe(subscribe) => on_subscribe(state, socket, client, &subscribe),
        Packet::Unsubscribe(unsubscribe) => {
            for filter in unsubscribe.filters.iter() {
                let is_it = |known: &Subscriber| {
                    known.client_id == client.id && known.filter == filter.as_str()
                };
                state.subscribers.retain(|known| !is_it(known));
            }
            let unsuback = SubAck {
                packet_id: unsubscribe.packet_id,
                properties: Properties::EMPTY,
                reasons: ReasonCodes::List(&[ReasonCode::Success]),
            };
            send(socket, Packet::UnsubAck(unsuback), version);
        }
        Packet::Publish(publish) => {
            if publish.retain {
                let topic = publish.topic.unwrap().as_str().to_owned();
                match publish.payload {
                    [] => state.retained.remove(&topic),
                    payload => state.retained.insert(topic, payload.to_vec()),
                };
            }
            route(state, &publish);
            match (publish.qos, publish.packet_id) {
                (Qos::AtLeastOnce, Some(id)) => send(socket, Packet::PubAck(ack(id)), version),
                (Qos::ExactlyOnce, Some(id)) => send(socket, Packet::PubRec(ack(id)), version),
                _ => {}
            }
        }
        Packet::PubRel(it) => send(socket, Packet::PubComp(ack(it.packet_id)), version),
        Packet::PubRec(it) => {
            on_acknowledged(state, client, it.packet_id);
            send(socket, Packet::PubRel(ack(it.packet_id)), version);
        }
        Packet::PubAck(it) => on_acknowledged(state, client, it.packet_id),
        Packet::PingReq => send(socket, Packet::PingResp, version),
        _ => {}
    }
}

fn on_connect(state: &mut State, socket: &TcpStream, client: &Client) {
    if !client.is_kept {
        state
            .subscribers
            .retain(|known| known.client_id != client.id);
    }
    let is_known = |known: &&mut Subscriber| known.client_id == client.id;
    let session = state.subscribers.iter_mut().find(is_known);
    let refuses = matches!(state.fault, Fault::Refuse);
    let connack = ConnAck {
        session_present: session.is_some(),
        reason: if refuses {
            ReasonCode::NotAuthorized
        } else {
            ReasonCode::Success
        },
        properties: Properties::EMPTY,
    };
    send(socket, Packet::ConnAck(connack), client.version);
    if let Some(session) = session {
        session.socket = socket.try_clone().unwrap();
        // Before its DISCONNECT was read, messages may have gone to a client that had left.
        let again = std::mem::take(&mut session.unacknowledged);
        let again = again.into_iter().map(|(_, message)| message);
        for (topic, payload) in again.chain(session.waiting.take().unwrap_or_default()) {
            session.deliver(&topic, &payload);
        }
    }
}

fn on_acknowledged(state: &mut State, client: &Client, packet_id: PacketId) {
    let own = state
        .subscribers
        .iter_mut()
        .filter(|known| known.client_id == client.id);
    own.for_each(|known| known.unacknowledged.retain(|(id, _)| *id != packet_id));
}

fn on_subscribe(state: &mut State, socket: &TcpStream, client: &Client, subscribe: &Subscribe<'_>) {
    let version = client.version;
    let mut reasons = Vec::new();
    for (filter, options) in subscribe.filters.iter() {
        reasons.push(ReasonCode::from_byte(options.qos as u8).unwrap());
        if filter.as_str().starts_with("$SYS/broker/uptime") {
            state.observers.push(socket.try_clone().unwrap());
        } else if !filter.as_str().starts_with("$SYS") {
            state.subscribers.push(Subscriber {
                client_id: client.id.clone(),
                is_kept: client.is_kept,
                waiting: None,
                socket: socket.try_clone().unwrap(),
                version,
                filter: filter.as_str().to_owned(),
                qos: options.qos,
                packet_id: PacketId::FIRST,
                unacknowledged: Vec::new(),
                held: None,
            });
        }
    }
    let suback = SubAck {
        packet_id: subscribe.packet_id,
        properties: Properties::EMPTY,
        reasons: ReasonCodes::List(&reasons),
    };
    send(socket, Packet::SubAck(suback), version);
    let retained = state.retained.clone();
    let own = state
        .subscribers
        .iter_mut()
        .filter(|known| known.client_id == client.id);
    for subscriber in own {
        let filter = subscriber.filter.clone();
        let filter = TopicFilter::new(&filter).unwrap();
        for (topic, payload) in &retained {
            if filter.matches(TopicName::new(topic).unwrap()) {
                subscriber.deliver(topic, payload);
            }
        }
    }
}

fn route(state: &mut State, publish: &Publish<'_>) {
    let topic = publish.topic.unwrap();
    let mut number = state.deliveries;
    let fault = state.fault;
    // Of the whole message: whoever stands behind its own subscriber gets it too.
    let is_stray = matches!(fault, Fault::Stray(at) if at == number);
    state.turns += 1;
    let takes_turn: Vec<bool> = members_whose_turn_it_is(&state.subscribers, state.turns);
    for (subscriber, takes_turn) in state.subscribers.iter_mut().zip(takes_turn) {
        if !takes_turn {
            continue;
        }
        let filter = subscriber.filter.clone();
        let filter = TopicFilter::new(&filter).unwrap();
        let filter = filter.share().map_or(filter, |(_, filter)| filter);
        if !filter.matches(topic) {
            if is_stray {
                subscriber.deliver(topic.as_str(), publish.payload);
            }
            continue;
        }
        let mut payload = publish.payload.to_vec();
        let mut times = 1;
        match fault {
            Fault::Drop(at) if at == number => {
                times = 0;
                state.dropped += 1;
            }
            Fault::Repeat(at) if at == number => times = 2,
            Fault::Corrupt(at) if at == number => *payload.last_mut().unwrap() ^= 1,
            Fault::Stall(at, duration) if at == number => thread::sleep(duration),
            Fault::Hangup(at) if at == number => {
                let _ = subscriber.socket.shutdown(std::net::Shutdown::Both);
            }
            Fault::Swap(at) if at == number => {
                subscriber.held = Some((topic.as_str().to_owned(), payload.clone()));
                times = 0;
            }
            _ => {}
        }
        for _ in 0..times {
            subscriber.deliver(topic.as_str(), &payload);
        }
        if times > 0
            && let Some((topic, payload)) = subscriber.held.take()
        {
            subscriber.deliver(&topic, &payload);
        }
        number += 1;
    }
    state.deliveries = number;
}

/// For each subscriber whether it gets this message, as far as shared subscriptions are concerned.
fn members_whose_turn_it_is(subscribers: &[Subscriber], turn: usize) -> Vec<bool> {
    let group_of = |subscriber: &Subscriber| {
        let filter = TopicFilter::new(&subscriber.filter).unwrap();
        filter.share().map(|(name, _)| name.to_owned())
    };
    let mut members: BTreeMap<String, usize> = BTreeMap::new();
    for group in subscribers.iter().filter_map(group_of) {
        *members.entry(group).or_default() += 1;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut takes_turn = |subscriber: &Subscriber| {
        let Some(group) = group_of(subscriber) else {
            return true;
        };
        let number = seen.entry(group.clone()).or_default();
        *number += 1;
        turn % members[&group] == *number - 1
    };
    subscribers.iter().map(&mut takes_turn).collect()
}

impl Subscriber {
    fn deliver(&mut self, topic: &str, payload: &[u8]) {
        if let Some(waiting) = &mut self.waiting {
            return waiting.push((topic.to_owned(), payload.to_vec()));
        }
        let packet_id = (self.qos > Qos::AtMostOnce).then(|| {
            self.packet_id = self.packet_id.next();
            self.packet_id
        });
        if let Some(packet_id) = packet_id.filter(|_| self.is_kept) {
            let message = (topic.to_owned(), payload.to_vec());
            self.unacknowledged.push((packet_id, message));
        }
        let bytes = publish_bytes(self.version, topic, self.qos, packet_id, payload);
        let _ = self.socket.write_all(&bytes);
    }
}

fn publish_bytes(
    version: Version,
    topic: &str,
    qos: Qos,
    packet_id: Option<PacketId>,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let publish = Publish {
        dup: false,
        qos,
        retain: false,
        topic: TopicName::new(topic),
        packet_id,
        properties: Properties::EMPTY,
        payload,
    };
    publish.encode(version, &mut bytes);
    bytes
}

fn ack(packet_id: PacketId) -> Ack<'static> {
    Ack {
        packet_id,
        reason: ReasonCode::Success,
        properties: Properties::EMPTY,
    }
}

fn send(mut socket: &TcpStream, packet: Packet<'_>, version: Version) {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes);
    let _ = socket.write_all(&bytes);
}
