//! Rounds of connecting and leaving, some connections cut in the middle of a packet.
//!
//! A round brings all connections up and then ends all of them: by DISCONNECT, or, for the share that is
//! cut, with half a CONNECT or half a PUBLISH as the last bytes. Called by the scenario `churn`.

use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::time::Duration;

use ringmq_codec::{Packet, ReasonCode, Version, frame};
use ringmq_ring::{CloseHow, ConnectError, ConnectionId, Event};

use crate::broker_process::{BrokerProcess, ProcessSample};
use crate::cli::ChurnArgs;
use crate::client::{self, ClientIds, State};
use crate::histogram::LatencyRecorder;
use crate::ids::{ClientId, PublisherId};
use crate::limits::{PACKET_SIZE_MAX, PROGRESS_EVERY, SLOT_WAIT, WAIT_MAX};
use crate::mqtt_options::MqttOptions;
use crate::progress::Progress;
use crate::run::clients::Clients;
use crate::run::connector::{Connector, reason_of_close, reason_of_code};
use crate::run::cut::{Cut, cut_of, half_a_publish};
use crate::run::driver::{Driven, Step, drive};
use crate::run::outbox::{Order, Outbox};
use crate::run::outcome::{ChurnOutcome, RunError};
use crate::run::{Clock, check_prefix, ns, resolve, watch};
use crate::source_address::SourceAddresses;

struct ChurnRun {
    args: ChurnArgs,
    version: Version,
    names: ClientIds,
    sources: SourceAddresses,
    clock: Clock,
    clients: Clients,
    connector: Connector,
    latency: LatencyRecorder,
    outbox: Outbox,
    round: u32,
    begun: u32,
    cut: u64,
    shown_ns: u64,
    broker: Option<BrokerProcess>,
    after_first_round: Option<ProcessSample>,
    updates: Sender<Progress>,
}

/// Carries the rounds out on the calling thread.
pub(crate) fn execute(
    args: ChurnArgs,
    updates: Sender<Progress>,
) -> Result<ChurnOutcome, RunError> {
    let address = resolve(&args.connect.broker)?;
    check_prefix(&args.connect.topic_prefix)?;
    let sources =
        SourceAddresses::parse(&args.connect.source_addresses, address, args.connections)?;
    let names = ClientIds::load(&args.connect)?;
    names.check(args.connections, 0)?;
    let (broker, before) = watch(args.connect.pid)?.unzip();
    let clock = Clock::start();
    let mut run = ChurnRun {
        version: args.connect.version_mqtt.version(),
        names,
        sources,
        clock,
        clients: Clients::new(0, args.connections, false),
        connector: Connector::new(
            args.connections,
            args.connect.connect_outstanding,
            args.connect.connect_rate,
            clock.now_ns(),
        )
        .with_ramp(args.connect.connect_ramp),
        latency: LatencyRecorder::new(),
        outbox: Outbox::default(),
        round: 0,
        begun: 0,
        cut: 0,
        shown_ns: 0,
        broker,
        after_first_round: None,
        updates,
        args,
    };
    drive(run.args.connections, address, &mut run)?;
    let seconds = clock.now_ns() as f64 / 1e9;
    let after = run.broker.as_ref().and_then(|broker| broker.sample().ok());
    Ok(ChurnOutcome {
        rounds: run.args.rounds,
        connections: run.args.connections,
        connects: u64::from(run.args.connections) * u64::from(run.args.rounds),
        cut: run.cut,
        failures: run.connector.failures,
        connect_latency: run.latency.finish(),
        seconds,
        broker_before: before,
        broker_after_first_round: run.after_first_round,
        broker_after: after,
    })
}

impl ChurnRun {
    fn on_connected(&mut self, connection: ConnectionId) {
        let Some(client) = self.clients.of_connection(connection) else {
            return;
        };
        let name = self.names.publisher(PublisherId(client.0));
        let is_cut = cut_of(client.0, self.args.cut_fraction) == Cut::InConnect;
        let mqtt = MqttOptions::of(&self.args.connect);
        self.outbox.send(connection, |out| {
            let start = out.len();
            let connect = client::ConnectPacket {
                client_id: &name,
                clean_start: true,
                session_expiry_secs: 0,
                mqtt: &mqtt,
            };
            connect.write(out);
            if is_cut {
                out.truncate(start + (out.len() - start) / 2);
            }
        });
        self.clients.set_state(client, State::AwaitingConnAck);
        if is_cut {
            self.on_up(client);
        }
    }

    fn on_up(&mut self, client: ClientId) {
        let now_ns = self.clock.now_ns();
        self.clients.set_state(client, State::Ready);
        self.latency
            .record(now_ns - self.clients.get(client).began_ns);
        self.connector.on_up(now_ns);
    }

    fn on_received(&mut self, connection: ConnectionId, bytes: &[u8]) {
        let Some(client) = self.clients.of_connection(connection) else {
            return;
        };
        if self.clients.get(client).state != State::AwaitingConnAck {
            return;
        }
        let mut partial = std::mem::take(&mut self.clients.get_mut(client).partial);
        partial.extend_from_slice(bytes);
        let decoded = frame::split(&partial, PACKET_SIZE_MAX)
            .and_then(|raw| raw.map(|raw| Packet::decode(raw, self.version)).transpose());
        match decoded {
            Ok(Some(Packet::ConnAck(connack))) if connack.reason == ReasonCode::Success => {
                self.on_up(client);
            }
            Ok(Some(Packet::ConnAck(connack))) => {
                self.on_failed(client, reason_of_code("CONNACK", connack.reason));
            }
            Ok(Some(other)) => {
                let text = format!("{} came instead of CONNACK", other.packet_type());
                self.on_failed(client, text);
            }
            Ok(None) => self.clients.get_mut(client).partial = partial,
            Err(error) => self.on_failed(
                client,
                format!("the broker sent a malformed packet: {error}"),
            ),
        }
    }

    fn on_failed(&mut self, client: ClientId, reason: String) {
        let was_rising = self.clients.get(client).is_rising();
        if let Some(connection) = self.clients.end(client) {
            self.outbox.order(Order::Close(connection, CloseHow::Now));
        }
        if was_rising {
            self.connector.on_failed(reason, self.clock.now_ns());
        } else {
            self.connector
                .failures
                .add(format!("lost while it was held: {reason}"));
        }
    }

    fn end_round(&mut self) {
        let version = self.version;
        let topic = format!("{}/churn", self.args.connect.topic_prefix);
        for client in (0..self.args.connections).map(ClientId) {
            let Some(connection) = self.clients.end(client) else {
                continue;
            };
            let cut = cut_of(client.0, self.args.cut_fraction);
            self.cut += u64::from(cut != Cut::No);
            match cut {
                Cut::InConnect => {}
                Cut::InPublish => self
                    .outbox
                    .send(connection, |out| half_a_publish(&topic, version, out)),
                Cut::No => self
                    .outbox
                    .send(connection, |out| client::disconnect(version, out)),
            }
            let how = if cut == Cut::No {
                CloseHow::Flush
            } else {
                CloseHow::Now
            };
            self.outbox.order(Order::Close(connection, how));
        }
        self.round += 1;
    }

    fn give_up_on_rising(&mut self) {
        let reason = format!("no answer for {} s", self.args.connect.timeout);
        for client in (0..self.args.connections).map(ClientId) {
            if self.clients.get(client).is_rising() {
                self.on_failed(client, reason.clone());
            }
        }
    }

    fn show(&mut self, now_ns: u64) {
        if now_ns - self.shown_ns >= PROGRESS_EVERY.as_nanos() as u64 {
            self.shown_ns = now_ns;
            let whole = u64::from(self.args.connections);
            let _ = self.updates.send(Progress {
                member: 0,
                phase: "churning",
                done: u64::from(self.round) * whole + u64::from(self.connector.up()),
                total: u64::from(self.args.rounds) * whole,
                rates: None,
            });
        }
    }
}

impl Driven for ChurnRun {
    fn on_event(&mut self, event: Event<'_>) {
        match event {
            Event::Connected { connection } => self.on_connected(connection),
            Event::Received { connection, bytes } => self.on_received(connection, bytes),
            Event::Closed { connection, cause } => {
                if let Some(client) = self.clients.of_connection(connection) {
                    self.clients.get_mut(client).connection = None;
                    self.on_failed(client, reason_of_close(cause));
                }
            }
            Event::Blocked { .. }
            | Event::Ready { .. }
            | Event::Accepted { .. }
            | Event::Arrived { .. }
            | Event::HandOverFailed { .. } => {}
        }
    }

    fn poll_connect(&mut self) -> Option<(ClientId, Option<SocketAddr>)> {
        if self.round == self.args.rounds {
            return None;
        }
        let number = self.connector.poll(self.clock.now_ns())?;
        self.begun = self.begun.wrapping_add(1);
        Some((ClientId(number), self.sources.of(self.begun)))
    }

    fn on_connecting(&mut self, client: ClientId, begun: Result<ConnectionId, ConnectError>) {
        let now_ns = self.clock.now_ns();
        if let Some(connection) = self.connector.on_begun(begun, now_ns) {
            self.clients.begin(client, connection, now_ns);
        }
    }

    fn on_tick(&mut self) -> Result<Step, RunError> {
        let now_ns = self.clock.now_ns();
        self.show(now_ns);
        if self.round == self.args.rounds {
            return Ok(Step::Done);
        }
        let is_stuck = now_ns - self.connector.progress_ns() > ns(self.args.connect.timeout);
        if is_stuck && self.connector.outstanding() > 0 {
            self.give_up_on_rising();
        }
        if self.connector.up() == 0
            && self.connector.failures.total() >= u64::from(self.args.connections)
        {
            return Err(RunError::Connect {
                failed: self.connector.failures.total(),
                total: self.args.connections,
                failures: self.connector.failures.clone(),
            });
        }
        if self.connector.is_done() {
            self.end_round();
            if self.round == 1 {
                self.after_first_round =
                    self.broker.as_ref().and_then(|broker| broker.sample().ok());
            }
            self.connector.restart(self.args.connections, now_ns);
            return Ok(Step::Wait(Duration::ZERO));
        }
        let is_waiting =
            now_ns < self.connector.full_until_ns() || self.args.connect.connect_rate > 0;
        Ok(Step::Wait(if is_waiting { SLOT_WAIT } else { WAIT_MAX }))
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}
