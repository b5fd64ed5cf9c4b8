//! The running broker: starts the shard threads, stops them, and tells how they ended.
//!
//! Called by the `ringmq` binary and by tests that run a broker in their own process. Everything that can
//! be wrong with the configuration or the machine was checked before; nothing here reads either.

mod error;

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ringmq_ring::{EngineAddress, EngineConfig, Waker};
use ringmq_router::{Answer, Command, CommandId, ShardConfig, ShardCount, ShardId, Stats, limits};

use crate::limits::{COMPLETIONS_PER_LOOK, SHARD_CONNECTIONS_SPARE};
use crate::link::mesh;
use crate::placement::{CpuId, Placement};
use crate::shard::control::{Answered, Control};
use crate::shard::thread::{self, NotStarted, Parts, Report};
use crate::shard::{Peers, Running};
use crate::users::Authenticator;

pub use error::{BrokerError, StartError};

/// What a broker needs to start.
#[derive(Debug)]
pub struct BrokerConfig {
    /// The shards and the CPUs they are pinned to.
    pub placement: Placement,
    /// Bound and listening sockets.
    pub listeners: Vec<ListenerSet>,
    /// Settings of every shard's router.
    pub router: Arc<ringmq_router::Settings>,
    /// Who judges clients when the router's settings leave that to the outside; otherwise not asked.
    pub authenticator: Option<Arc<Authenticator>>,
    /// Connections of the whole broker; split over the shards with headroom.
    pub connections_max: u32,
    /// Items in each message ring between two shards.
    pub link_capacity: u32,
    /// Bound on an orderly stop, in seconds.
    pub shutdown_secs: u32,
    /// Key of every hash of client identifiers and topics; the same on all shards.
    pub hash_seed: u64,
    /// Where the shards' random numbers start.
    pub random_seed: u64,
}

/// One configured listener: its address and one SO_REUSEPORT socket per shard, in shard order.
#[derive(Debug)]
pub struct ListenerSet {
    /// Where it listens; the port is the real one even when 0 was asked for.
    pub address: SocketAddr,
    /// One bound and listening socket per shard.
    pub sockets: Vec<TcpListener>,
}

/// A broker whose shards run. Dropping it stops them without waiting.
#[derive(Debug)]
pub struct Broker {
    handle: BrokerHandle,
    threads: Vec<JoinHandle<()>>,
    reports: Receiver<(ShardId, Report)>,
}

/// Stops a [`Broker`], or asks its shards, from any thread.
#[derive(Clone, Debug)]
pub struct BrokerHandle {
    controls: Arc<[Arc<Control>]>,
    wakers: Arc<[Waker]>,
    asking: Arc<Mutex<Asking>>,
}

/// One question at a time: the answers of all shards come through one channel.
#[derive(Debug)]
struct Asking {
    next: CommandId,
    answers: Receiver<Answered>,
}

impl Broker {
    /// Starts one thread per shard. All engines exist when it returns; the first error comes back.
    ///
    /// # Panics
    /// If the placement names no shard or more than the router's [`limits::SHARDS_MAX`], or if a listener
    /// has not one socket per shard.
    pub fn start(config: BrokerConfig) -> Result<Broker, StartError> {
        let cpus = config.placement.shards().to_vec();
        let shards = u8::try_from(cpus.len()).unwrap_or(u8::MAX);
        assert!(
            (1..=limits::SHARDS_MAX).contains(&shards),
            "1 to {} shards",
            limits::SHARDS_MAX
        );
        let (answers, answered) = mpsc::channel();
        let stop_bound = Duration::from_secs(config.shutdown_secs.into());
        let controls: Arc<[Arc<Control>]> = cpus
            .iter()
            .map(|_| Arc::new(Control::new(answers.clone(), stop_bound)))
            .collect();
        let authenticator = config.authenticator.clone();
        let (reports, reported) = mpsc::channel();
        let mut peers = Vec::new();
        let mut threads = Vec::new();
        for parts in parts(config, &cpus, &controls) {
            let (sender, receiver) = mpsc::channel();
            let thread = thread::start(parts, receiver, reports.clone());
            threads.push(thread.map_err(StartError::Thread)?);
            peers.push(sender);
        }
        let all = meet(&reported, &cpus, authenticator)?;
        for sender in &peers {
            // A shard that died meanwhile has reported it.
            let _ = sender.send(all.clone());
        }
        let asking = Asking {
            next: CommandId(0),
            answers: answered,
        };
        Ok(Broker {
            handle: BrokerHandle {
                controls,
                wakers: all.wakers,
                asking: Arc::new(Mutex::new(asking)),
            },
            threads,
            reports: reported,
        })
    }

    /// What stops this broker from another thread, while one waits in [`Broker::wait`].
    pub fn handle(&self) -> BrokerHandle {
        self.handle.clone()
    }

    /// Begins an orderly stop.
    pub fn shut_down(&self) {
        self.handle.shut_down();
    }

    /// Waits until every shard ended. Returns at once with the error when one of them failed, without
    /// waiting for the others.
    pub fn wait(mut self) -> Result<(), BrokerError> {
        let mut running = self.threads.len();
        while running > 0 {
            let Ok((shard, report)) = self.reports.recv() else {
                break;
            };
            match report {
                Report::Ended(Ok(())) => running -= 1,
                Report::Ended(Err(failure)) => return Err(BrokerError::new(shard, failure)),
                Report::Ready { .. } | Report::NotStarted(_) => {}
            }
        }
        for thread in self.threads.drain(..) {
            // It reported its end and catches its own panics.
            let _ = thread.join();
        }
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.handle.shut_down();
    }
}

impl BrokerHandle {
    /// Begins an orderly stop.
    pub fn shut_down(&self) {
        for (control, waker) in self.controls.iter().zip(self.wakers.iter()) {
            control.stop();
            waker.wake();
        }
    }

    /// The counters of each shard, in shard order. Fewer when a shard does not answer within `timeout`.
    pub fn stats(&self, timeout: Duration) -> Vec<Stats> {
        let answers = self.ask(&Command::Stats, timeout);
        let stats = answers.into_iter().filter_map(|(_, answer)| match answer {
            Answer::Stats(stats) => Some(*stats),
            _ => None,
        });
        stats.collect()
    }

    /// Gives all shards a command and waits for their answers, at most for `timeout`; in shard order.
    pub fn ask(&self, command: &Command, timeout: Duration) -> Vec<(ShardId, Answer)> {
        let deadline = Instant::now() + timeout;
        // A thread that panicked while it asked leaves nothing behind that the next one could not use.
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let id = asking.next;
        asking.next = CommandId(id.0 + 1);
        let mut due = 0;
        for (control, waker) in self.controls.iter().zip(self.wakers.iter()) {
            if control.command(id, command.clone()).is_ok() {
                due += 1;
                waker.wake();
            }
        }
        let mut answers = Vec::new();
        while answers.len() < due {
            let left = deadline.saturating_duration_since(Instant::now());
            match asking.answers.recv_timeout(left) {
                Ok((shard, answered, answer)) if answered == id => answers.push((shard, answer)),
                // Too late for an earlier question.
                Ok(_) => {}
                Err(_) => break,
            }
        }
        answers.sort_by_key(|(shard, _)| *shard);
        answers
    }
}

/// Divides the configuration among the shards.
fn parts(config: BrokerConfig, cpus: &[Option<CpuId>], controls: &[Arc<Control>]) -> Vec<Parts> {
    let shards = ShardCount(cpus.len() as u8);
    let started = Instant::now();
    let connections_max = connections_per_shard(config.connections_max, shards);
    let mut listeners: Vec<_> = config
        .listeners
        .into_iter()
        .map(|listener| listener.sockets.into_iter())
        .collect();
    let ports = mesh(shards, config.link_capacity as usize);
    let each = shards.iter().zip(ports).zip(cpus.iter().zip(controls));
    each.map(|((id, port), (cpu, control))| Parts {
        router: ShardConfig {
            id,
            shards,
            hash_seed: config.hash_seed,
            random_seed: config.random_seed ^ u64::from(id.0),
            settings: Arc::clone(&config.router),
        },
        engine: EngineConfig {
            connections_max,
            completions_per_tick: COMPLETIONS_PER_LOOK,
            // MQTT clients speak first.
            accept_after_bytes: true,
            ..EngineConfig::default()
        },
        cpu: *cpu,
        shares_cpu: share_cpu(cpus, id),
        listeners: listeners
            .iter_mut()
            .map(|sockets| sockets.next().expect("one socket per shard"))
            .collect(),
        port,
        control: Arc::clone(control),
        started,
    })
    .collect()
}

/// Whether another of the shards that are pinned to these CPUs is on the CPU of this one.
fn share_cpu(cpus: &[Option<CpuId>], shard: ShardId) -> bool {
    let own = cpus[usize::from(shard.0)];
    own.is_some() && cpus.iter().filter(|cpu| **cpu == own).count() > 1
}

/// One shard's share of the connections, with headroom: clients fall on shards by their hash, and arrive
/// on any.
fn connections_per_shard(connections_max: u32, shards: ShardCount) -> u32 {
    let connections_max = connections_max.max(1);
    if shards.0 == 1 {
        return connections_max;
    }
    let share = connections_max.div_ceil(u32::from(shards.0));
    (share + share / 4 + SHARD_CONNECTIONS_SPARE).min(connections_max)
}

/// Waits until every shard has its engine, and makes them known to each other.
fn meet(
    reports: &Receiver<(ShardId, Report)>,
    cpus: &[Option<CpuId>],
    authenticator: Option<Arc<Authenticator>>,
) -> Result<Peers, StartError> {
    let mut met: Vec<Option<(Waker, EngineAddress)>> = vec![None; cpus.len()];
    for _ in cpus {
        let (shard, report) = reports.recv().expect("this thread holds a sender, too");
        match report {
            Report::Ready { waker, address } => {
                met[usize::from(shard.0)] = Some((waker, address));
            }
            Report::NotStarted(NotStarted::Pin(error)) => return Err(StartError::Thread(error)),
            Report::NotStarted(NotStarted::Engine(error)) => return Err(StartError::Engine(error)),
            Report::Ended(ended) => {
                let failure = ended.expect_err("no shard ends well before it has begun");
                return Err(StartError::Shard(BrokerError::new(shard, failure)));
            }
        }
    }
    let (wakers, addresses): (Vec<_>, Vec<_>) = met
        .into_iter()
        .map(|one| one.expect("each shard reports once"))
        .unzip();
    Ok(Peers {
        wakers: wakers.into(),
        addresses: addresses.into(),
        running: Running::new(cpus.len()),
        authenticator,
    })
}

#[cfg(test)]
mod tests;
