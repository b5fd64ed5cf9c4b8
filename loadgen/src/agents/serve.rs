//! The agent: waits for coordinators and carries out what they tell it, one after the other.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::agents::message::{Job, Lines, Order, Reply, Standing};
use crate::agents::wire::WireOutcome;
use crate::ensemble::{self, LoadOutcome, Place};
use crate::limits::AGENT_LOOK;
use crate::machine;
use crate::run::Clock;
use crate::run::outcome::RunError;
use crate::run::share::Share;
use crate::run::stage::Stage;
use crate::scenario_file::{Explicit, ScenarioFile, plans};

/// Serves coordinators for ever.
pub(crate) fn serve(listen: &str) -> Result<(), RunError> {
    let wrong = |error: io::Error| RunError::Argument(format!("--listen {listen}: {error}"));
    let listener = TcpListener::bind(listen).map_err(wrong)?;
    println!("agent at {}", listener.local_addr().map_err(wrong)?);
    machine::raise_descriptor_limit();
    let clock = Clock::start();
    loop {
        let (socket, from) = listener.accept().map_err(wrong)?;
        println!("{from}: a run begins");
        match serve_one(socket, clock) {
            Ok(()) => println!("{from}: done"),
            Err(error) => eprintln!("{from}: {error}"),
        }
    }
}

/// Serves one coordinator until its run is over.
fn serve_one(socket: TcpStream, clock: Clock) -> io::Result<()> {
    let mut lines = Lines::new(socket, AGENT_LOOK)?;
    loop {
        match lines.receive()? {
            Some(Order::Clock) => lines.send(&Reply::Clock {
                now_ns: clock.now_ns(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            })?,
            Some(Order::Job(job)) => return carry_out(&mut lines, &job, clock),
            Some(Order::Start { .. } | Order::Complete) | None => {}
        }
    }
}

/// Carries out a job while it tells the coordinator how it goes and hears its decisions.
fn carry_out(lines: &mut Lines, job: &Job, clock: Clock) -> io::Result<()> {
    let stage: OnceLock<Arc<Stage>> = OnceLock::new();
    let reply = thread::scope(|scope| {
        let worker = scope.spawn(|| run(job, clock, &stage));
        while !worker.is_finished() {
            if let Err(error) = exchange(lines, stage.get()) {
                if let Some(stage) = stage.get() {
                    stage.abandon();
                }
                return Err(error);
            }
        }
        let found = worker
            .join()
            .map_err(|_| io::Error::other("a loop panicked; its message stands above"))?;
        Ok(match found {
            Ok(loads) => {
                let outcomes = loads.into_iter().map(|load| load.outcome);
                Reply::Found(outcomes.map(WireOutcome::of).collect())
            }
            Err(error) => Reply::Failed(error.to_string()),
        })
    })?;
    lines.send(&reply)
}

/// Hears an order, if one comes, and tells where the loops stand.
fn exchange(lines: &mut Lines, stage: Option<&Arc<Stage>>) -> io::Result<()> {
    let order = lines.receive()?;
    let Some(stage) = stage else {
        return Ok(());
    };
    match order {
        Some(Order::Start { at_ns }) => stage.start(at_ns),
        Some(Order::Complete) => stage.complete(),
        Some(Order::Clock | Order::Job(_)) | None => {}
    }
    let standing = stage.standing();
    lines.send(&Reply::Standing(Standing {
        is_ready: stage.is_ready(),
        has_sent: stage.has_sent(),
        expected: standing.expected,
        delivered: standing.delivered,
        unacknowledged: standing.unacknowledged,
    }))
}

fn run(
    job: &Job,
    clock: Clock,
    stage: &OnceLock<Arc<Stage>>,
) -> Result<Vec<LoadOutcome>, RunError> {
    let file = ScenarioFile::parse(&job.scenario, &[])?;
    let given = Explicit(job.given.iter().cloned().collect());
    let place = Place {
        share: Share {
            index: job.index,
            of: job.of,
        },
        threads: file.run.threads,
        clock: clock.with_zero_at(job.zero_ns),
        number: job.number,
    };
    // Nobody watches here; the coordinator is told by standings.
    let (updates, _) = channel();
    let make = || plans(&file, &job.connect, &given);
    let led = |loops| Arc::clone(stage.get_or_init(|| Arc::new(Stage::led(loops))));
    ensemble::execute(make, &place, led, &updates)
}
