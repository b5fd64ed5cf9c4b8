//! The owner of a shard's rings and sockets.

use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::time::Duration;

use crate::config::EngineConfig;
use crate::error::{ConnectError, EngineError};
use crate::event::{CloseHow, ConnectionId, Event};
use crate::stats::EngineStats;

/// Checks every kernel feature the engine uses. The error names the first missing one.
#[allow(clippy::todo)]
pub fn probe() -> Result<(), EngineError> {
    todo!()
}

/// Ends a [`Engine::wait`] from any thread.
#[derive(Clone, Debug)]
pub struct Waker {}

#[allow(clippy::todo)]
impl Waker {
    /// Makes the current or the next [`Engine::wait`] return.
    pub fn wake(&self) {
        todo!()
    }
}

/// What another engine needs to hand a connection over to this one.
#[derive(Clone, Debug)]
pub struct EngineAddress {}

/// One shard's rings and sockets. Lives and dies on the thread that made it.
#[derive(Debug)]
pub struct Engine {
    not_send: std::marker::PhantomData<*const ()>,
}

#[allow(unused_variables, clippy::todo)]
impl Engine {
    /// Makes the rings. Call it on the thread that will use the engine.
    pub fn new(config: EngineConfig) -> Result<Engine, EngineError> {
        todo!()
    }
    /// A handle that ends `wait` from any thread.
    pub fn waker(&self) -> Waker {
        todo!()
    }
    /// What another engine needs for [`Engine::hand_over`].
    pub fn address(&self) -> EngineAddress {
        todo!()
    }
    /// Accepts from a bound and listening socket. Its options are inherited by the connections.
    pub fn listen(&mut self, listener: TcpListener, tag: u16) -> Result<(), EngineError> {
        todo!()
    }
    /// Cancels the accepts and closes the listeners.
    pub fn stop_listening(&mut self) {
        todo!()
    }
    /// Begins a connection. `Connected` or `Closed` follows.
    pub fn connect(
        &mut self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<ConnectionId, ConnectError> {
        todo!()
    }
    /// Submits what is queued and waits for events. `None` waits for ever, zero only looks.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), EngineError> {
        todo!()
    }
    /// Queues the bytes `frame` of the arena given to the next `flush` for each target.
    pub fn push(&mut self, frame: Range<u32>, targets: &[ConnectionId]) {
        todo!()
    }
    /// Sends what was pushed. The arena is free when it returns.
    pub fn flush(
        &mut self,
        arena: &[u8],
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), EngineError> {
        todo!()
    }
    /// Stops receiving. Bytes already received may still come.
    pub fn pause(&mut self, connection: ConnectionId) {
        todo!()
    }
    /// Receives again, at once what waits in the socket.
    pub fn resume(&mut self, connection: ConnectionId) {
        todo!()
    }
    /// Closes. No events for the connection after it.
    pub fn close(&mut self, connection: ConnectionId, how: CloseHow) {
        todo!()
    }
    /// Ends single-shot receive.
    pub fn established(&mut self, connection: ConnectionId) {
        todo!()
    }
    /// Gives the socket to another engine.
    pub fn hand_over(&mut self, connection: ConnectionId, to: &EngineAddress, ticket: u64) {
        todo!()
    }
    /// Counters.
    pub fn stats(&self) -> EngineStats {
        todo!()
    }
    /// Bytes waiting in the output queue of a blocked connection.
    pub fn queued_output(&self, connection: ConnectionId) -> usize {
        todo!()
    }
}
