//! How a broker fails: at its start, and while it runs. Each is one clear line for the operator.

use std::fmt;

use ringmq_router::ShardId;

use crate::shard::thread::Failure;

/// The broker could not start. One clear line.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A shard could not make its rings.
    Engine(ringmq_ring::EngineError),
    /// A shard's thread could not be started or pinned.
    Thread(std::io::Error),
    /// A shard failed before it ran.
    Shard(BrokerError),
}

/// The broker ended other than by an orderly stop.
#[derive(Debug)]
#[non_exhaustive]
pub enum BrokerError {
    /// A shard panicked. The process must end: the others cannot do its work.
    ShardPanicked {
        /// Which.
        shard: ShardId,
        /// What it said.
        message: String,
    },
    /// A shard's rings failed.
    Engine {
        /// Which.
        shard: ShardId,
        /// Why.
        source: ringmq_ring::EngineError,
    },
}

impl BrokerError {
    pub(super) fn new(shard: ShardId, failure: Failure) -> BrokerError {
        match failure {
            Failure::Panicked(message) => BrokerError::ShardPanicked { shard, message },
            Failure::Engine(source) => BrokerError::Engine { shard, source },
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Engine(source) => source.fmt(f),
            StartError::Shard(error) => error.fmt(f),
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
