//! The io_uring engine of RingMQ: one [`Engine`] per shard thread owns that shard's rings and sockets,
//! for the server (listen, accept) and for the client (connect).
//!
//! The engine moves bytes and knows nothing of MQTT. It reports what happened as [`Event`]s and sends
//! what [`Engine::push`] and [`Engine::flush`] give it. It must never block on anything but
//! [`Engine::wait`], and it is the only place in RingMQ (with the message rings) that uses `unsafe`.

mod accept;
mod activity;
mod address;
mod buffers;
mod capacity;
mod close;
mod config;
mod connect;
mod engine;
mod error;
mod event;
mod frame_sets;
mod hand_over;
mod limits;
mod output_queue;
mod probe;
mod pump;
mod receive;
mod ring;
mod send;
mod stats;
mod submission;
mod table;
mod user_data;
mod wake;

pub use capacity::EngineAddress;
pub use config::EngineConfig;
pub use engine::Engine;
pub use error::{ConnectError, EngineError};
pub use event::{CloseCause, CloseHow, ConnectionId, Event};
pub use probe::probe;
pub use stats::EngineStats;
pub use wake::Waker;
