//! The thread of a shard: pins itself, makes what the shard owns, runs its tick, and reports how it ended,
//! by a panic too.
//!
//! Engine and router never leave the thread they were made on. A panic is caught here only to be reported:
//! the broker must end with it.

use std::cell::RefCell;
use std::io;
use std::net::TcpListener;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Once};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use ringmq_ring::{Engine, EngineAddress, EngineConfig, EngineError, Waker};
use ringmq_router::{Shard, ShardConfig, ShardId};

use super::Peers;
use super::clock::Clock;
use super::control::Control;
use super::departure::Departure;
use super::intake::Intake;
use super::tick::Tick;
use crate::link::{LinkItem, Port};
use crate::placement::{CpuId, pin_current_thread};

/// All that one shard is made of, to be put together on its thread.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) router: ShardConfig,
    pub(crate) engine: EngineConfig,
    pub(crate) cpu: Option<CpuId>,
    /// Whether another shard is pinned to that CPU too.
    pub(crate) shares_cpu: bool,
    /// Its sockets, in the order of the configured listeners.
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) port: Port<LinkItem>,
    pub(crate) control: Arc<Control>,
    /// When the broker started.
    pub(crate) started: Instant,
}

/// What a shard's thread reports.
#[derive(Debug)]
pub(crate) enum Report {
    /// Its engine exists; it runs once it is told its peers.
    Ready {
        waker: Waker,
        address: EngineAddress,
    },
    /// It could not start.
    NotStarted(NotStarted),
    /// It ran and ended.
    Ended(Result<(), Failure>),
}

/// Why a shard could not start.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// It could not be pinned to its CPU.
    Pin(io::Error),
    /// Its rings could not be made, or cannot listen.
    Engine(EngineError),
}

/// Why a shard ended before it was told to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It panicked; with the message and the place.
    Panicked(String),
    /// Its rings failed.
    Engine(EngineError),
}

/// Starts a shard's thread. It reports to `reports` and runs once it is told its `peers`; when the other side
/// is dropped before, it ends without a word. After its end is reported it keeps its engine until all
/// shards have ended, since they may still give it sockets.
pub(crate) fn start(
    parts: Parts,
    peers: Receiver<Peers>,
    reports: Sender<(ShardId, Report)>,
) -> io::Result<JoinHandle<()>> {
    let shard = parts.router.id;
    spawn_reporting(shard, reports, move |report| run(parts, &peers, report))
}

/// Runs `body` on a thread named after the shard, and reports a panic.
fn spawn_reporting(
    shard: ShardId,
    reports: Sender<(ShardId, Report)>,
    body: impl FnOnce(&dyn Fn(Report)) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    remember_panics();
    let builder = thread::Builder::new().name(format!("shard-{}", shard.0));
    builder.spawn(move || {
        // The broker may have gone without waiting: then nobody wants the report.
        let report = |report| drop(reports.send((shard, report)));
        if panic::catch_unwind(AssertUnwindSafe(|| body(&report))).is_err() {
            let message = LAST_PANIC.with(RefCell::take);
            report(Report::Ended(Err(Failure::Panicked(message))));
        }
    })
}

/// The life of a shard's thread.
fn run(parts: Parts, peers: &Receiver<Peers>, report: &dyn Fn(Report)) {
    let Parts { port, control, .. } = parts;
    let shard = parts.router.id;
    let clock = Clock::new(parts.started);
    let engine = match make_engine(parts.cpu, parts.engine, parts.listeners) {
        Ok(engine) => engine,
        Err(error) => return report(Report::NotStarted(error)),
    };
    report(Report::Ready {
        waker: engine.waker(),
        address: engine.address(),
    });
    let Ok(others) = peers.recv() else {
        return;
    };
    let intake = Intake::new(shard, Shard::new(parts.router), clock, port.sleep());
    let departure = Departure::of(&others.running);
    let mut tick = Tick::new(engine, intake, port, others, control, parts.shares_cpu);
    let ended = tick.run().map_err(Failure::Engine);
    report(Report::Ended(ended));
    departure.wait_for_all();
}

fn make_engine(
    cpu: Option<CpuId>,
    config: EngineConfig,
    listeners: Vec<TcpListener>,
) -> Result<Engine, NotStarted> {
    if let Some(cpu) = cpu {
        pin_current_thread(cpu).map_err(NotStarted::Pin)?;
    }
    let mut engine = Engine::new(config).map_err(NotStarted::Engine)?;
    for (tag, listener) in (0..).zip(listeners) {
        engine.listen(listener, tag).map_err(NotStarted::Engine)?;
    }
    Ok(engine)
}

thread_local! {
    /// Message and place of this thread's last panic.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics leave their message and place behind, which `catch_unwind` does not tell, before the hook
/// that was there prints them.
fn remember_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info
                .location()
                .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
            let message = info.payload_as_str().unwrap_or("no message");
            LAST_PANIC.with(|last| *last.borrow_mut() = format!("{message} (at {place})"));
            previous(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn reported(body: impl FnOnce(&dyn Fn(Report)) + Send + 'static) -> Vec<Report> {
        let (reports, reported) = mpsc::channel();
        let thread = spawn_reporting(ShardId(3), reports, body).expect("a thread");
        thread.join().expect("it never panics outwards");
        let of_shard = |(shard, report)| {
            assert_eq!(shard, ShardId(3));
            report
        };
        reported.iter().map(of_shard).collect()
    }

    #[test]
    fn a_panic_is_reported_with_message_and_place() {
        let reports = reported(|_| panic!("the index {} is out of order", 7));
        let [Report::Ended(Err(Failure::Panicked(message)))] = reports.as_slice() else {
            panic!("{reports:?}");
        };
        assert!(
            message.starts_with("the index 7 is out of order (at ")
                && message.contains("shard/thread.rs:"),
            "{message}"
        );
    }

    #[test]
    fn an_orderly_end_is_reported_once() {
        let reports = reported(|report| {
            assert_eq!(thread::current().name(), Some("shard-3"));
            report(Report::Ended(Ok(())));
        });
        assert!(
            matches!(reports.as_slice(), [Report::Ended(Ok(()))]),
            "{reports:?}"
        );
    }

    #[test]
    fn a_shard_that_never_ran_says_nothing() {
        assert!(reported(|_| ()).is_empty());
    }
}
