//! A broker in this process, over real sockets: what its shards do together. What a shard decides is
//! tested in `ringmq-router`, what a socket does in `ringmq-ring`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod client;
mod connections;
mod links;
mod passwords;
mod payloads;
mod publish;
mod server;
mod shared_group;
mod shutdown;
mod slow_subscriber;
