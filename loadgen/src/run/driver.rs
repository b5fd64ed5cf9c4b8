//! The loop between the ring engine and what is to be done with it.
//!
//! A run, whatever its kind, is [`Driven`]: it takes events in and leaves bytes, orders and connects to be
//! picked up. This is the only file that calls the engine.

use std::net::SocketAddr;
use std::time::Duration;

use ringmq_ring::{ConnectError, ConnectionId, Engine, EngineConfig, Event};

use crate::ids::ClientId;
use crate::limits::{RECEIVE_BUFFER_BYTES, SPARE_SLOTS};
use crate::run::outbox::{Order, Outbox};
use crate::run::outcome::RunError;

/// What to do after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait for events, at most this long.
    Wait(Duration),
    /// Stop.
    Done,
}

/// Something that runs on the engine.
pub(crate) trait Driven {
    /// Takes what happened. Nothing may be sent from here but through the outbox.
    fn on_event(&mut self, event: Event<'_>);
    /// The next client to connect now, with the address to start from.
    fn poll_connect(&mut self) -> Option<(ClientId, Option<SocketAddr>)>;
    /// How the connect that `poll_connect` asked for began.
    fn on_connecting(&mut self, client: ClientId, begun: Result<ConnectionId, ConnectError>);
    /// Once after each wait.
    fn on_tick(&mut self) -> Result<Step, RunError>;
    /// What is to be sent and ordered.
    fn outbox(&mut self) -> &mut Outbox;
}

/// Makes an engine for `connections` connections and drives until done.
pub(crate) fn drive(
    connections: u32,
    broker: SocketAddr,
    driven: &mut impl Driven,
) -> Result<(), RunError> {
    let mut engine = Engine::new(EngineConfig {
        connections_max: connections + SPARE_SLOTS,
        receive_buffer_bytes: RECEIVE_BUFFER_BYTES,
        ..EngineConfig::default()
    })?;
    let mut spare = Outbox::default();
    loop {
        while let Some((client, local)) = driven.poll_connect() {
            let begun = engine.connect(local, broker);
            driven.on_connecting(client, begun);
        }
        let step = driven.on_tick()?;
        send(&mut engine, driven, &mut spare)?;
        match step {
            Step::Wait(at_most) => {
                engine.wait(Some(at_most), &mut |event| driven.on_event(event))?;
            }
            Step::Done => break,
        }
    }
    // What was closed last is carried out by the next entry into the kernel.
    for _ in 0..3 {
        engine.wait(Some(Duration::from_millis(1)), &mut |_| ())?;
    }
    Ok(())
}

/// Sends what the outbox holds, then carries out its orders. Events meanwhile fill the outbox anew.
fn send(engine: &mut Engine, driven: &mut impl Driven, spare: &mut Outbox) -> Result<(), RunError> {
    if driven.outbox().is_empty() {
        return Ok(());
    }
    std::mem::swap(driven.outbox(), spare);
    for (range, to) in &spare.frames {
        engine.push(range.clone(), std::slice::from_ref(to));
    }
    engine.flush(&spare.arena, &mut |event| driven.on_event(event))?;
    for &order in &spare.orders {
        match order {
            Order::Pause(connection) => engine.pause(connection),
            Order::Resume(connection) => engine.resume(connection),
            Order::Close(connection, how) => engine.close(connection, how),
        }
    }
    spare.clear();
    Ok(())
}
