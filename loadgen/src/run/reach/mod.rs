//! Reaching connections: many are held with keep-alives, then a random choice of them gets a message each on
//! its own topic, then all of them one through the topic they have in common, in rounds.
//!
//! Called by the scenario `reach`. One publisher beside them sends everything, at QoS 0. `ledger` keeps the books,
//! `packets` reads what comes in, `publish` writes what goes out, `steps` does what is due in each phase. Nothing
//! here may keep more than some hundred bytes for a connection: there may be a million.

mod ledger;
mod packets;
mod publish;
mod steps;

use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use ringmq_codec::Version;
use ringmq_ring::{ConnectError, ConnectionId, Event};

use crate::broker_process::{BrokerProcess, ProcessSample};
use crate::cli::ReachArgs;
use crate::client::ClientIds;
use crate::histogram::LatencyRecorder;
use crate::ids::ClientId;
use crate::limits::REACH_PAYLOAD_BYTES;
use crate::mqtt_options::MqttOptions;
use crate::progress::Progress;
use crate::run::clients::Clients;
use crate::run::connector::{Connector, Failures, reason_of_close};
use crate::run::driver::{Driven, Step, drive};
use crate::run::outbox::Outbox;
use crate::run::outcome::{Held, ReachOutcome, Reached, RunError};
use crate::run::{Clock, check_prefix, resolve, watch};
use crate::source_address::SourceAddresses;
use ledger::Ledger;
use steps::Phase;

/// Figures that grow while the run goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    pings: u64,
    pongs: u64,
    /// Clients whose turn came while their last keep-alive had no answer yet.
    unanswered: u64,
    /// Connections that answered at the end.
    answered: u32,
    chosen_sent: u64,
    rounds_sent: u32,
    corrupt: u64,
    protocol_errors: u64,
}

/// What the broker used, at the edges of the phases.
#[derive(Clone, Copy, Debug, Default)]
struct Samples {
    before: Option<ProcessSample>,
    up: Option<ProcessSample>,
    held: Option<ProcessSample>,
    end: Option<ProcessSample>,
    rss_peak: u64,
}

struct ReachRun {
    args: ReachArgs,
    mqtt: MqttOptions,
    version: Version,
    names: ClientIds,
    sources: SourceAddresses,
    clock: Clock,
    /// Tells this run's messages from those of others.
    number: u16,
    /// Those to be reached, then the publisher.
    clients: Clients,
    connector: Connector,
    begun: u32,
    outbox: Outbox,
    phase: Phase,
    phase_began_ns: u64,
    /// When something last came that the phase waits for.
    progress_ns: u64,
    /// The next client to ask or to let go, or the next of the chosen.
    cursor: u32,
    /// Clients whose PINGREQ has no answer yet.
    awaiting: u32,
    /// Keep-alive: how many turns all clients together have had.
    turns: u64,
    chosen: Vec<u32>,
    ledger: Ledger,
    counters: Counters,
    connect_latency: LatencyRecorder,
    chosen_latency: LatencyRecorder,
    rounds_latency: LatencyRecorder,
    chosen_ns: u64,
    rounds_ns: u64,
    connect_seconds: f64,
    lost: Failures,
    topic: String,
    payload: [u8; REACH_PAYLOAD_BYTES],
    broker: Option<BrokerProcess>,
    samples: Samples,
    own_rss_bytes: u64,
    looked_ns: u64,
    shown_ns: u64,
    updates: Sender<Progress>,
}

/// Carries it out on the calling thread.
pub(crate) fn execute(
    args: ReachArgs,
    updates: Sender<Progress>,
) -> Result<ReachOutcome, RunError> {
    let address = resolve(&args.connect.broker)?;
    let mut run = ReachRun::new(args, address, updates)?;
    drive(run.clients.len(), address, &mut run)?;
    Ok(run.finish())
}

impl ReachRun {
    fn new(
        args: ReachArgs,
        address: SocketAddr,
        updates: Sender<Progress>,
    ) -> Result<ReachRun, RunError> {
        let ReachArgs {
            connections,
            chosen,
            ref connect,
            ..
        } = args;
        check_prefix(&connect.topic_prefix)?;
        if chosen > connections {
            return Err(RunError::Argument(format!(
                "--chosen {chosen}: more than the {connections} connections"
            )));
        }
        let clients = Clients::new(connections, 1, false);
        let sources = SourceAddresses::parse(&connect.source_addresses, address, clients.len())?;
        let names = ClientIds::load(connect)?;
        names.check(1, connections)?;
        let (broker, before) = watch(connect.pid)?.unzip();
        let clock = Clock::start();
        let connector = Connector::new(
            clients.len(),
            connect.connect_outstanding,
            connect.connect_rate,
            clock.now_ns(),
        )
        .with_ramp(connect.connect_ramp);
        let mut ledger = Ledger::new(connections);
        let chosen = ledger.choose(chosen, u64::from(std::process::id()));
        Ok(ReachRun {
            mqtt: MqttOptions::of(connect),
            version: connect.version_mqtt.version(),
            names,
            sources,
            clock,
            number: std::process::id() as u16,
            clients,
            connector,
            begun: 0,
            outbox: Outbox::default(),
            phase: Phase::Connecting,
            phase_began_ns: 0,
            progress_ns: 0,
            cursor: 0,
            awaiting: 0,
            turns: 0,
            chosen,
            ledger,
            counters: Counters::default(),
            connect_latency: LatencyRecorder::new(),
            chosen_latency: LatencyRecorder::new(),
            rounds_latency: LatencyRecorder::new(),
            chosen_ns: 0,
            rounds_ns: 0,
            connect_seconds: 0.0,
            lost: Failures::default(),
            topic: String::new(),
            payload: [b'.'; REACH_PAYLOAD_BYTES],
            broker,
            samples: Samples {
                before,
                ..Samples::default()
            },
            own_rss_bytes: 0,
            looked_ns: 0,
            shown_ns: 0,
            updates,
            args,
        })
    }

    /// The one that sends.
    fn publisher(&self) -> ClientId {
        ClientId(self.args.connections)
    }

    fn finish(self) -> ReachOutcome {
        let ReachRun {
            args,
            counters,
            ledger,
            samples,
            ..
        } = self;
        let connections = u64::from(args.connections);
        let asked = u64::from(args.rounds) + self.chosen.len() as u64;
        ReachOutcome {
            unsent: asked - counters.chosen_sent - u64::from(counters.rounds_sent),
            connections: args.connections,
            connect_seconds: self.connect_seconds,
            connect_latency: self.connect_latency.finish(),
            connect_failures: self.connector.failures,
            lost_connections: self.lost,
            answered: counters.answered,
            held: Held {
                seconds: args.hold,
                keep_alive_secs: args.connect.keep_alive,
                pings: counters.pings,
                pongs: counters.pongs,
                unanswered: counters.unanswered,
                pongs_min: ledger.pongs_min(),
            },
            chosen: Reached {
                published: counters.chosen_sent,
                expected: counters.chosen_sent,
                delivered: ledger.reached,
                seconds: self.chosen_ns as f64 / 1e9,
                latency: self.chosen_latency.finish(),
            },
            all: Reached {
                published: u64::from(counters.rounds_sent),
                expected: u64::from(counters.rounds_sent) * connections,
                delivered: ledger.rounds,
                seconds: self.rounds_ns as f64 / 1e9,
                latency: self.rounds_latency.finish(),
            },
            unexpected: ledger.unexpected,
            corrupt: counters.corrupt,
            protocol_errors: counters.protocol_errors,
            broker_before: samples.before,
            broker_up: samples.up,
            broker_held: samples.held,
            broker_end: samples.end,
            broker_rss_peak: samples.rss_peak,
            own_rss_bytes: self.own_rss_bytes,
        }
    }
}

impl Driven for ReachRun {
    fn on_event(&mut self, event: Event<'_>) {
        match event {
            Event::Connected { connection } => self.on_connected(connection),
            Event::Received { connection, bytes } => self.on_received(connection, bytes),
            Event::Closed { connection, cause } => {
                if let Some(client) = self.clients.of_connection(connection) {
                    self.clients.get_mut(client).connection = None;
                    self.on_client_lost(client, reason_of_close(cause));
                }
            }
            Event::Blocked { connection } | Event::Ready { connection } => {
                let is_blocked = matches!(event, Event::Blocked { .. });
                if let Some(client) = self.clients.of_connection(connection) {
                    self.clients.get_mut(client).is_blocked = is_blocked;
                }
            }
            Event::Accepted { .. } | Event::Arrived { .. } | Event::HandOverFailed { .. } => {}
        }
    }

    fn poll_connect(&mut self) -> Option<(ClientId, Option<SocketAddr>)> {
        if self.phase != Phase::Connecting {
            return None;
        }
        let number = self.connector.poll(self.clock.now_ns())?;
        let source = self.sources.of(self.begun);
        self.begun = self.begun.wrapping_add(1);
        Some((ClientId(number), source))
    }

    fn on_connecting(&mut self, client: ClientId, begun: Result<ConnectionId, ConnectError>) {
        let now_ns = self.clock.now_ns();
        if let Some(connection) = self.connector.on_begun(begun, now_ns) {
            self.clients.begin(client, connection, now_ns);
        }
    }

    fn on_tick(&mut self) -> Result<Step, RunError> {
        self.tick()
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}
