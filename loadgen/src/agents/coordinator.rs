//! The coordinator: measures the agents' clocks, hands out shares, gives the start, sees when all messages
//! have arrived, and collects what was found.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::agents::message::{Job, Lines, Order, Reply, Standing};
use crate::agents::offset::{Offset, Question};
use crate::agents::wire::WireOutcome;
use crate::cli::ConnectArgs;
use crate::ensemble::LoadOutcome;
use crate::limits::{AGENT_CLOCK_QUESTIONS, AGENT_LOOK, AGENT_REPLY_WITHIN, AGENT_START_IN};
use crate::progress::Progress;
use crate::report::Scenario;
use crate::run::Clock;
use crate::run::outcome::RunError;
use crate::scenario_file::{Explicit, ScenarioFile, plans};

/// What the report says of an agent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AgentReport {
    pub(crate) address: String,
    pub(crate) version: String,
    /// Its clock minus the coordinator's, in microseconds.
    pub(crate) clock_offset_us: f64,
    /// The offset is right to within this, either way: so are latencies from one agent to another.
    pub(crate) clock_error_us: f64,
    pub(crate) connections: u32,
}

struct Agent {
    address: String,
    version: String,
    lines: Lines,
    offset: Offset,
    standing: Standing,
    found: Option<Vec<WireOutcome>>,
}

/// Has agents carry out a scenario together; gives what each load found, and the agents.
pub(crate) fn execute(
    addresses: &[String],
    file: &ScenarioFile,
    connect: &ConnectArgs,
    explicit: &Explicit,
    updates: &Sender<Progress>,
) -> Result<(Vec<LoadOutcome>, Vec<AgentReport>), RunError> {
    let clock = Clock::start();
    let mut connect = connect.clone();
    let own_prefix = || format!("lg{}", std::process::id());
    connect.client_prefix = Some(connect.client_prefix.take().unwrap_or_else(own_prefix));
    // Mistakes are found here, before anyone begins.
    let scenarios: Vec<Scenario> = plans(file, &connect, explicit)?
        .iter()
        .map(Scenario::of)
        .collect();
    let mut agents = addresses
        .iter()
        .map(|address| meet(address, clock).map_err(|error| failed(address, &error)))
        .collect::<Result<Vec<Agent>, RunError>>()?;
    let of = agents.len() as u32;
    for (agent, index) in agents.iter_mut().zip(0..) {
        let mut connect = connect.clone();
        if index > 0 {
            // The broker is watched from one place.
            connect.pid = None;
        }
        let job = Job {
            scenario: file.to_text(),
            connect,
            given: explicit.0.iter().cloned().collect(),
            index,
            of,
            number: std::process::id() as u16,
            zero_ns: agent.offset.offset_ns,
        };
        let told = agent.lines.send(&Order::Job(Box::new(job)));
        told.map_err(|error| failed(&agent.address, &error))?;
    }
    conduct(&mut agents, clock, updates)?;
    Ok(add_up(agents, scenarios))
}

fn failed(address: &str, error: &io::Error) -> RunError {
    let advice = match error.kind() {
        io::ErrorKind::ConnectionRefused => "; does `loadgen agent --listen` run there?",
        _ => "",
    };
    RunError::Argument(format!("agent {address}: {error}{advice}"))
}

/// Connects to an agent and measures its clock.
fn meet(address: &str, clock: Clock) -> io::Result<Agent> {
    let resolved = address
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other("has no address"))?;
    let socket = TcpStream::connect_timeout(&resolved, AGENT_REPLY_WITHIN)?;
    let mut lines = Lines::new(socket, AGENT_REPLY_WITHIN)?;
    let mut questions = Vec::new();
    let mut known_version = String::new();
    for _ in 0..AGENT_CLOCK_QUESTIONS {
        let asked_ns = clock.now_ns();
        lines.send(&Order::Clock)?;
        let Some(Reply::Clock { now_ns, version }) = lines.receive()? else {
            return Err(io::Error::other("it does not answer as an agent does"));
        };
        questions.push(Question {
            asked_ns,
            other_ns: now_ns,
            answered_ns: clock.now_ns(),
        });
        known_version = version;
    }
    lines.set_timeout(AGENT_LOOK)?;
    Ok(Agent {
        address: address.to_owned(),
        version: known_version,
        lines,
        offset: Offset::of(&questions).ok_or_else(|| io::Error::other("its clock is not known"))?,
        standing: Standing::default(),
        found: None,
    })
}

/// Gives the start when all are ready, and the end when everything has arrived.
fn conduct(agents: &mut [Agent], clock: Clock, updates: &Sender<Progress>) -> Result<(), RunError> {
    let mut has_started = false;
    let mut is_complete = false;
    let mut shown = Instant::now();
    while agents.iter().any(|agent| agent.found.is_none()) {
        for agent in agents.iter_mut().filter(|agent| agent.found.is_none()) {
            agent.hear()?;
        }
        if !has_started && agents.iter().all(|agent| agent.standing.is_ready) {
            has_started = true;
            let at_ns = clock.now_ns() + AGENT_START_IN.as_nanos() as u64;
            tell_all(agents, &Order::Start { at_ns })?;
        }
        let sum = |of: fn(&Standing) -> u64| agents.iter().map(|a| of(&a.standing)).sum::<u64>();
        let (expected, delivered) = (sum(|s| s.expected), sum(|s| s.delivered));
        let has_sent = agents.iter().all(|agent| agent.standing.has_sent);
        if has_sent && !is_complete && delivered >= expected && sum(|s| s.unacknowledged) == 0 {
            is_complete = true;
            tell_all(agents, &Order::Complete)?;
        }
        if shown.elapsed() >= Duration::from_millis(250) {
            shown = Instant::now();
            let phase = match (has_started, has_sent) {
                (false, _) => "connecting",
                (true, false) => "running",
                (true, true) => "draining",
            };
            // The one who watches may have gone; the run goes on.
            let _ = updates.send(Progress {
                member: 0,
                phase,
                done: delivered,
                total: expected,
                rates: None,
            });
        }
    }
    Ok(())
}

fn tell_all(agents: &mut [Agent], order: &Order) -> Result<(), RunError> {
    for agent in agents.iter_mut().filter(|agent| agent.found.is_none()) {
        let told = agent.lines.send(order);
        told.map_err(|error| failed(&agent.address, &error))?;
    }
    Ok(())
}

impl Agent {
    /// Takes what an agent says, if it says something now.
    fn hear(&mut self) -> Result<(), RunError> {
        let heard = self.lines.receive();
        match heard.map_err(|error| failed(&self.address, &error))? {
            Some(Reply::Standing(standing)) => self.standing = standing,
            Some(Reply::Found(outcomes)) => self.found = Some(outcomes),
            Some(Reply::Failed(why)) => {
                return Err(RunError::Argument(format!("agent {}: {why}", self.address)));
            }
            Some(Reply::Clock { .. }) | None => {}
        }
        Ok(())
    }
}

/// Adds up what all found, load by load.
fn add_up(agents: Vec<Agent>, scenarios: Vec<Scenario>) -> (Vec<LoadOutcome>, Vec<AgentReport>) {
    let mut loads: Vec<LoadOutcome> = Vec::new();
    let mut reports = Vec::new();
    for agent in agents {
        let mut connections = 0;
        let found = agent.found.unwrap_or_default();
        for (at, (outcome, scenario)) in found.into_iter().zip(&scenarios).enumerate() {
            let outcome = outcome.into_outcome();
            connections += outcome.connections;
            match loads.get_mut(at) {
                Some(load) => load.outcome.add(outcome),
                None => loads.push(LoadOutcome {
                    scenario: scenario.clone(),
                    outcome,
                }),
            }
        }
        reports.push(AgentReport {
            address: agent.address,
            version: agent.version,
            clock_offset_us: agent.offset.offset_ns as f64 / 1e3,
            clock_error_us: agent.offset.error_ns as f64 / 1e3,
            connections,
        });
    }
    (loads, reports)
}
