//! A run of one plan: connect, warm up, measure, drain, judge.
//!
//! [`execute`] is called on a thread of its own and returns what was found. [`Run`] owns all of a run's
//! state and changes it in one thread; its parts stand in one file each: `connect` brings clients up,
//! `receive` takes packets in, `publish` sends, `phase` moves from one phase to the next, `liveness` keeps
//! connections up, `intervals` cuts the measured phase, `show` reports progress, `finish` sums up. `churn` is a run of its own kind.

pub(crate) mod churn;
pub(crate) mod clients;
mod clock;
mod connect;
pub(crate) mod connector;
mod cut;
pub(crate) mod driver;
mod finish;
mod intervals;
mod liveness;
pub(crate) mod outbox;
pub(crate) mod outcome;
mod phase;
mod publish;
mod receive;
mod show;

pub(crate) use clock::{Clock, ns};

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::Sender;

use ringmq_codec::{Qos, TopicName, Version};
use ringmq_ring::{ConnectError, ConnectionId, Event};

use crate::audit::Audit;
use crate::broker_process::{BrokerProcess, ProcessSample};
use crate::client::{ClientIds, InFlight};
use crate::histogram::LatencyRecorder;
use crate::ids::ClientId;
use crate::limits::IN_FLIGHT_MAX;
use crate::pacing::{ClosedLoop, OpenLoop};
use crate::progress::Progress;
use crate::run::clients::Clients;
use crate::run::connector::{Connector, Failures};
use crate::run::driver::{Driven, Step};
use crate::run::intervals::Intervals;
use crate::run::outbox::Outbox;
use crate::run::outcome::{Edge, Outcome, RunError};
use crate::run::phase::{Phase, Ticker};
use crate::scenario::Plan;
use crate::source_address::SourceAddresses;
use crate::sys::{Drops, SysObserver};

/// Figures that grow while the run goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    published: u64,
    received: u64,
    late_sends: u64,
    late_max_ns: u64,
    refused: u64,
    protocol_errors: u64,
    lower_qos_granted: u64,
    last_received_ns: u64,
    answered: u32,
}

/// The open loop, the closed loop, or none.
#[derive(Debug)]
enum Pacing {
    Open(OpenLoop),
    Closed(ClosedLoop),
    Silent,
}

/// All state of a run.
pub(crate) struct Run {
    plan: Plan,
    version: Version,
    names: ClientIds,
    sources: SourceAddresses,
    clock: Clock,
    number: u16,
    clients: Clients,
    connector: Connector,
    /// One per publisher; empty at QoS 0.
    in_flight: Vec<InFlight>,
    pacing: Pacing,
    audit: Audit,
    latency: LatencyRecorder,
    intervals: Intervals,
    /// Messages due in `measured_from_ns..measured_from_ns + measured_ns` are measured.
    measured_from_ns: u64,
    measured_ns: u64,
    sys: SysObserver,
    drops_before: Option<Drops>,
    drops: Option<Drops>,
    outbox: Outbox,
    counters: Counters,
    lost: Failures,
    phase: Phase,
    ticker: Ticker,
    broker: Option<BrokerProcess>,
    broker_before: Option<ProcessSample>,
    broker_rss_peak: u64,
    begin: Edge,
    end: Edge,
    expected: u64,
    topic: String,
    payload: Vec<u8>,
    warnings: Vec<String>,
    updates: Sender<Progress>,
}

/// Carries out a plan on the calling thread and tells `updates` how it goes.
pub(crate) fn execute(plan: Plan, updates: Sender<Progress>) -> Result<Outcome, RunError> {
    let broker = resolve(&plan.connect.broker)?;
    let mut run = Run::new(plan, broker, updates)?;
    driver::drive(run.clients.len(), broker, &mut run)?;
    Ok(run.finish())
}

/// The address of HOST:PORT; IPv4 first, as `localhost` brokers mostly listen there.
pub(crate) fn resolve(broker: &str) -> Result<SocketAddr, RunError> {
    let wrong = |why: String| RunError::Argument(format!("--broker {broker}: {why}"));
    let addresses: Vec<SocketAddr> = broker
        .to_socket_addrs()
        .map_err(|e| wrong(format!("{e}; it has the form HOST:PORT")))?
        .collect();
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    ipv4.or(addresses.first())
        .copied()
        .ok_or_else(|| wrong("has no address".to_owned()))
}

/// Checks that topics can begin with this.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), RunError> {
    match TopicName::new(prefix) {
        Some(_) => Ok(()),
        None => Err(RunError::Argument(format!(
            "--topic-prefix `{prefix}`: not the beginning of a topic name"
        ))),
    }
}

/// The process to watch, checked by a first look at it.
pub(crate) fn watch(pid: Option<u32>) -> Result<Option<(BrokerProcess, ProcessSample)>, RunError> {
    let Some(pid) = pid else {
        return Ok(None);
    };
    let process = BrokerProcess::new(pid);
    match process.sample() {
        Ok(sample) => Ok(Some((process, sample))),
        Err(source) => Err(RunError::Process { pid, source }),
    }
}

impl Run {
    fn new(plan: Plan, broker: SocketAddr, updates: Sender<Progress>) -> Result<Run, RunError> {
        let layout = plan.layout;
        check_prefix(&plan.connect.topic_prefix)?;
        let names = ClientIds::load(&plan.connect)?;
        names.check(layout.publishers, layout.subscribers)?;
        let clients = Clients::new(layout.subscribers, layout.publishers, plan.observes_sys);
        let sources =
            SourceAddresses::parse(&plan.connect.source_addresses, broker, clients.len())?;
        let clock = Clock::start();
        let connector = Connector::new(
            clients.len(),
            plan.connect.connect_outstanding,
            plan.connect.connect_rate,
            clock.now_ns(),
        );
        let in_flight_count = match plan.qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce | Qos::ExactlyOnce => layout.publishers,
        };
        let (process, before) = watch(plan.connect.pid)?.unzip();
        Ok(Run {
            version: plan.connect.version_mqtt.version(),
            names,
            sources,
            clock,
            number: std::process::id() as u16,
            clients,
            connector,
            in_flight: (0..in_flight_count)
                .map(|_| InFlight::new(IN_FLIGHT_MAX))
                .collect(),
            pacing: Pacing::Silent,
            audit: Audit::new(&layout),
            latency: LatencyRecorder::new(),
            intervals: Intervals::default(),
            measured_from_ns: 0,
            measured_ns: 0,
            sys: SysObserver::default(),
            drops_before: None,
            drops: None,
            outbox: Outbox::default(),
            counters: Counters::default(),
            lost: Failures::default(),
            phase: Phase::Connecting,
            ticker: Ticker::default(),
            broker: process,
            broker_before: before,
            broker_rss_peak: 0,
            begin: Edge::default(),
            end: Edge::default(),
            expected: 0,
            topic: String::new(),
            payload: vec![b'.'; plan.payload_bytes],
            warnings: Vec::new(),
            updates,
            plan,
        })
    }

    fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }
}

impl Driven for Run {
    fn on_event(&mut self, event: Event<'_>) {
        match event {
            Event::Received { connection, bytes } => self.on_received(connection, bytes),
            Event::Connected { connection } => self.on_connected(connection),
            Event::Closed { connection, cause } => {
                if let Some(client) = self.clients.of_connection(connection) {
                    self.clients.get_mut(client).connection = None;
                    self.on_client_lost(client, connector::reason_of_close(cause));
                }
            }
            Event::Blocked { connection } => {
                if let Some(client) = self.clients.of_connection(connection) {
                    self.clients.get_mut(client).is_blocked = true;
                }
            }
            Event::Ready { connection } => {
                if let Some(client) = self.clients.of_connection(connection) {
                    self.clients.get_mut(client).is_blocked = false;
                    self.on_room(client);
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
        Some((ClientId(number), self.sources.of(number)))
    }

    fn on_connecting(&mut self, client: ClientId, begun: Result<ConnectionId, ConnectError>) {
        self.on_begun(client, begun);
    }

    fn on_tick(&mut self) -> Result<Step, RunError> {
        self.tick()
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}
