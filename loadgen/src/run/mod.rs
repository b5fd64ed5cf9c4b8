//! A run of one plan: connect, warm up, measure, drain, judge.
//!
//! [`execute`] is called on a thread of its own and returns what was found. [`Run`] owns all of a run's
//! state and changes it in one thread; its parts stand in one file each: `connect` brings clients up,
//! `receive` takes packets in, `publish` sends, `changes` exchanges subscriptions, `phase` moves from one phase
//! to the next, `returning` has clients leave and come back, `liveness` keeps connections up, `intervals`
//! cuts the measured phase, `show` reports progress, `finish` sums up. Several loops may carry out one plan:
//! `share` says which clients are a loop's own, `stage` is where they meet. `churn` and `reach`
//! are runs of their own kind.

mod changes;
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
pub(crate) mod reach;
mod receive;
mod returning;
pub(crate) mod share;
mod show;
pub(crate) mod stage;

pub(crate) use clock::{Clock, ns};

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use ringmq_codec::{PropertiesBuffer, Qos, TopicName, Version};
use ringmq_ring::{ConnectError, ConnectionId, Event};

use crate::audit::Audit;
use crate::broker_process::{BrokerProcess, ProcessSample};
use crate::client::{ClientIds, InFlight};
use crate::histogram::LatencyRecorder;
use crate::ids::ClientId;
use crate::limits::{IN_FLIGHT_MAX, STAMP_BYTES};
use crate::pacing::{ClosedLoop, FleetLoop, OpenLoop};
use crate::probe::Probes;
use crate::progress::Progress;
use crate::run::changes::Changes;
use crate::run::clients::Clients;
use crate::run::connector::{Connector, Failures};
use crate::run::driver::{Driven, Step};
use crate::run::intervals::Intervals;
use crate::run::outbox::Outbox;
use crate::run::outcome::{Edge, Outcome, RunError};
use crate::run::phase::{Phase, Ticker};
use crate::run::returning::Arrivals;
use crate::run::share::{Share, Wave};
use crate::run::stage::{Stage, Watch};
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
    asked: u32,
    answered: u32,
    sessions_lost: u64,
}

/// The open loop, at a rate or as a fleet; the closed loop; or none.
#[derive(Debug)]
enum Pacing {
    Open(OpenLoop),
    Fleet(FleetLoop),
    Closed(ClosedLoop),
    Silent,
}

/// All state of a run.
pub(crate) struct Run {
    plan: Plan,
    version: Version,
    names: ClientIds,
    share: Share,
    stage: Arc<Stage>,
    /// This loop's place on the stage.
    member: usize,
    sources: SourceAddresses,
    clock: Clock,
    number: u16,
    clients: Clients,
    connector: Connector,
    arrivals: Arrivals,
    /// One per publisher; empty at QoS 0.
    in_flight: Vec<InFlight>,
    pacing: Pacing,
    changes: Option<Changes>,
    /// Topic aliases each publisher may use; empty when none are wanted.
    aliases: Vec<u16>,
    /// Properties of every publish.
    properties: PropertiesBuffer,
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
    probes: Option<Probes>,
    begin: Edge,
    end: Edge,
    expected: u64,
    topic: String,
    payload: Vec<u8>,
    warnings: Vec<String>,
    updates: Sender<Progress>,
}

/// A loop's part in a run.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) share: Share,
    pub(crate) stage: Arc<Stage>,
    /// Its place on the stage.
    pub(crate) member: usize,
    pub(crate) clock: Clock,
    /// Tells this run's messages from those of others.
    pub(crate) number: u16,
}

impl Part {
    /// The whole of a run.
    pub(crate) fn whole() -> Part {
        Part {
            share: Share::WHOLE,
            stage: Arc::new(Stage::of(1)),
            member: 0,
            clock: Clock::start(),
            number: std::process::id() as u16,
        }
    }
}

/// Carries out a part of a plan on the calling thread and tells `updates` how it goes.
pub(crate) fn execute(
    plan: Plan,
    part: Part,
    updates: Sender<Progress>,
) -> Result<Outcome, RunError> {
    let stage = Arc::clone(&part.stage);
    let _watch = Watch(&stage);
    let carry_out = || {
        let broker = resolve(&plan.connect.broker)?;
        let mut run = Run::new(plan, part, broker, updates)?;
        driver::drive(run.own_clients(), broker, &mut run)?;
        Ok(run.finish())
    };
    let outcome = carry_out();
    if outcome.is_err() {
        stage.abandon();
    }
    outcome
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
    fn new(
        plan: Plan,
        part: Part,
        broker: SocketAddr,
        updates: Sender<Progress>,
    ) -> Result<Run, RunError> {
        let layout = plan.layout;
        plan.mqtt.check()?;
        check_prefix(&plan.connect.topic_prefix)?;
        let names = ClientIds::load(&plan.connect)?;
        names.check(layout.publishers, layout.subscribers)?;
        let clients = Clients::new(layout.subscribers, layout.publishers, plan.observes_sys);
        let sources =
            SourceAddresses::parse(&plan.connect.source_addresses, broker, clients.len())?;
        let clock = part.clock;
        let wave = Wave::first(plan.presence);
        let connector = Connector::new(
            part.share.clients_of(&layout, wave, plan.observes_sys),
            plan.connect.connect_outstanding,
            plan.connect.connect_rate,
            clock.now_ns(),
        )
        .with_ramp(plan.connect.connect_ramp);
        let publishers_if = |applies: bool| usize::from(applies) * layout.publishers as usize;
        let (process, before) = watch(plan.connect.pid)?.unzip();
        Ok(Run {
            version: plan.mqtt.version(),
            names,
            share: part.share,
            stage: part.stage,
            member: part.member,
            sources,
            clock,
            number: match plan.payload_bytes {
                // The compact stamp has room for eight bits of it.
                1..STAMP_BYTES => part.number & 0xFF,
                _ => part.number,
            },
            clients,
            connector,
            arrivals: Arrivals::new(wave),
            in_flight: (0..publishers_if(plan.qos != Qos::AtMostOnce))
                .map(|_| InFlight::new(IN_FLIGHT_MAX))
                .collect(),
            pacing: Pacing::Silent,
            changes: None,
            aliases: vec![0; publishers_if(plan.mqtt.topic_aliases_max > 0)],
            properties: plan.mqtt.properties.encoded(),
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
            probes: None,
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

    /// Clients that this loop brings up, of all there are.
    fn own_clients(&self) -> u32 {
        self.share
            .clients_of(&self.plan.layout, Wave::All, self.plan.observes_sys)
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
        let is_rising = matches!(
            self.phase,
            Phase::Connecting | Phase::Returning | Phase::Forgetting
        );
        if !is_rising {
            return None;
        }
        let number = self.connector.poll(self.clock.now_ns())?;
        let client = self
            .share
            .client_of(&self.plan.layout, self.arrivals.wave, number);
        let source = self.sources.of(self.arrivals.begun);
        self.arrivals.begun = self.arrivals.begun.wrapping_add(1);
        Some((client, source))
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
