//! The io_uring engine of RingMQ: one [`Engine`] per shard thread owns that shard's rings and sockets,
//! for the server (listen, accept) and for the client (connect).
//!
//! The engine moves bytes and knows nothing of MQTT. It reports what happened as [`Event`]s and sends
//! what [`Engine::push`] and [`Engine::flush`] give it. It must never block on anything but
//! [`Engine::wait`], and it is the only place in RingMQ (with the message rings) that uses `unsafe`.
//!
//! Sockets are direct descriptors: they live in tables of the rings, not in the process, so the number of
//! connections is not bound by RLIMIT_NOFILE. An engine has as many rings as its connections need tables.
//!
//! An echo server, turn by turn:
//!
//! ```no_run
//! use ringmq_ring::{Engine, EngineConfig, Event};
//!
//! ringmq_ring::probe()?;
//! let mut engine = Engine::new(EngineConfig::default())?;
//! engine.listen(std::net::TcpListener::bind("127.0.0.1:7007").expect("a free port"), 0)?;
//! let mut arena = Vec::new();
//! let mut replies = Vec::new();
//! loop {
//!     engine.wait(None, &mut |event| {
//!         if let Event::Received { connection, bytes } = event {
//!             let start = arena.len() as u32;
//!             arena.extend_from_slice(bytes);
//!             replies.push((start..arena.len() as u32, connection));
//!         }
//!     })?;
//!     for (frame, connection) in replies.drain(..) {
//!         engine.push(frame, &[connection]);
//!     }
//!     engine.flush(&arena, &mut |_| {})?;
//!     arena.clear();
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), ringmq_ring::EngineError>(())
//! ```

mod accept;
mod activity;
mod address;
#[doc(hidden)]
pub mod bench;
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
mod held;
mod limits;
mod listener;
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
pub use event::{CloseCause, CloseHow, ConnectionId, Event, Found};
pub use held::Hold;
pub use probe::probe;
pub use stats::EngineStats;
pub use wake::Waker;
