//! The io_uring engine of RingMQ: one [`Engine`] per shard thread owns that shard's rings and sockets,
//! for the server (listen, accept) and for the client (connect).
//!
//! The engine moves bytes and knows nothing of MQTT. It reports what happened as [`Event`]s and sends
//! what [`Engine::push`] and [`Engine::flush`] give it. It must never block on anything but
//! [`Engine::wait`], and it is the only place in RingMQ (with the message rings) that uses `unsafe`.

mod config;
mod engine;
mod error;
mod event;
mod stats;

pub use config::EngineConfig;
pub use engine::{Engine, EngineAddress, Waker, probe};
pub use error::{ConnectError, EngineError};
pub use event::{CloseCause, CloseHow, ConnectionId, Event};
pub use stats::EngineStats;
