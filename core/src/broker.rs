//! The running broker: starts the shard threads, stops them, and tells how they ended.
//!
//! Called by the `ringmq` binary and by tests that run a broker in their own process. Everything that can
//! be wrong with the configuration or the machine was checked before; nothing here reads either.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::placement::Placement;

/// What a broker needs to start.
#[derive(Debug)]
pub struct BrokerConfig {
    /// The shards and the CPUs they are pinned to.
    pub placement: Placement,
    /// Bound and listening sockets.
    pub listeners: Vec<ListenerSet>,
    /// Settings of every shard's router.
    pub router: Arc<ringmq_router::Settings>,
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

/// A broker whose shards run.
#[derive(Debug)]
pub struct Broker {}

/// Stops a [`Broker`] from any thread.
#[derive(Clone, Debug)]
pub struct BrokerHandle {}

/// The broker could not start. One clear line.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A shard could not make its rings.
    Engine(ringmq_ring::EngineError),
    /// A shard's thread could not be started or pinned.
    Thread(std::io::Error),
}

/// The broker ended other than by an orderly stop.
#[derive(Debug)]
#[non_exhaustive]
pub enum BrokerError {
    /// A shard panicked. The process must end: the others cannot do its work.
    ShardPanicked {
        /// Which.
        shard: ringmq_router::ShardId,
        /// What it said.
        message: String,
    },
    /// A shard's rings failed.
    Engine {
        /// Which.
        shard: ringmq_router::ShardId,
        /// Why.
        source: ringmq_ring::EngineError,
    },
}

#[allow(unused_variables, clippy::todo)]
impl Broker {
    /// Starts one thread per shard. All engines exist when it returns; the first error comes back.
    pub fn start(config: BrokerConfig) -> Result<Broker, StartError> {
        todo!()
    }

    /// What stops this broker from another thread, while one waits in [`Broker::wait`].
    pub fn handle(&self) -> BrokerHandle {
        todo!()
    }

    /// Begins an orderly stop.
    pub fn shut_down(&self) {
        todo!()
    }

    /// Waits until every shard ended. Returns at once with the error when one of them failed, without
    /// waiting for the others.
    pub fn wait(self) -> Result<(), BrokerError> {
        todo!()
    }
}

#[allow(clippy::todo)]
impl BrokerHandle {
    /// Begins an orderly stop.
    pub fn shut_down(&self) {
        todo!()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Engine(source) => source.fmt(f),
            StartError::Thread(source) => write!(f, "cannot start a shard thread: {source}"),
        }
    }
}

impl std::error::Error for StartError {}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BrokerError::ShardPanicked { shard, message } => {
                write!(f, "shard {} panicked: {message}", shard.0)
            }
            BrokerError::Engine { shard, source } => write!(f, "shard {}: {source}", shard.0),
        }
    }
}

impl std::error::Error for BrokerError {}
