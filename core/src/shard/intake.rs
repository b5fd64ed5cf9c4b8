//! The way in: what the engine and the other shards bring becomes inputs of the router, whose outputs
//! gather here until the tick acts on them.
//!
//! Called from within [`ringmq_ring::Engine::wait`], so nothing here may need the engine: what must be done
//! to it waits in [`Intake::engine_calls`].

use std::collections::VecDeque;
use std::net::SocketAddr;

use ringmq_ring::{CloseCause, ConnectionId, Event};
use ringmq_router::{Input, ListenerId, Millis, Outputs, Shard, ShardId};

use super::arrivals::{Arrivals, Arrived};
use super::clock::Clock;
use crate::limits::OUTPUT_BYTES_MAX;
use crate::link::{LinkItem, Sleep, Ticket};
use crate::logging::subject;

/// The router and all that stands between it and the engine's events.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) shard: ShardId,
    pub(crate) router: Shard,
    /// What the router put out since the last flush.
    pub(crate) outputs: Outputs,
    pub(crate) clock: Clock,
    pub(crate) arrivals: Arrivals,
    /// Events of this tick.
    pub(crate) events: usize,
    /// Events of its last look.
    pub(crate) events_of_look: usize,
    /// The sleep that was announced to the other shards, to be ended by the first event.
    sleep: Sleep,
    asleep: bool,
    /// Events that came when the outputs were at their bound, in order.
    deferred: VecDeque<Deferred>,
    /// For the tick to do once the engine is free.
    pub(crate) engine_calls: Vec<EngineCall>,
    /// The order to stop has come: new connections are turned away.
    pub(crate) stopping: bool,
    /// Sockets that this shard gave away and that found no place there.
    pub(crate) hand_overs_failed: u64,
}

/// Something to do to the engine as soon as it is free.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EngineCall {
    /// Early bytes came: the rest must wait for the router's half.
    Pause(ConnectionId),
    /// The router's half came.
    Resume(ConnectionId),
    /// Accepted after the order to stop, or given up.
    Close(ConnectionId),
}

/// An event that outlives the engine's call.
#[derive(Debug)]
enum Deferred {
    Received(ConnectionId, Box<[u8]>),
    /// Any event without borrowed bytes.
    Other(Event<'static>),
}

impl Intake {
    pub(crate) fn new(shard: ShardId, router: Shard, clock: Clock, sleep: Sleep) -> Intake {
        Intake {
            shard,
            router,
            outputs: Outputs::new(),
            clock,
            arrivals: Arrivals::default(),
            events: 0,
            events_of_look: 0,
            sleep,
            asleep: false,
            deferred: VecDeque::new(),
            engine_calls: Vec::new(),
            stopping: false,
            hand_overs_failed: 0,
        }
    }

    /// Hands the router an input at the time of this tick.
    #[inline]
    pub(crate) fn input(&mut self, input: Input<'_>) {
        let now = self.clock.now();
        self.router.handle(now, input, &mut self.outputs);
    }

    /// Whether the outputs must be flushed before more is taken in.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.outputs.bytes.len() >= OUTPUT_BYTES_MAX
    }

    /// The engine is about to be waited for: a new reading of the clock, and a sleep if one was announced.
    pub(crate) fn before_wait(&mut self, asleep: bool) {
        self.clock.step();
        self.events_of_look = 0;
        self.asleep = asleep;
    }

    /// Takes an event of the engine. At the bound it is put off until [`Intake::take_deferred`].
    #[inline]
    pub(crate) fn event(&mut self, event: Event<'_>) {
        self.events += 1;
        self.events_of_look += 1;
        if self.asleep {
            self.asleep = false;
            self.sleep.end();
        }
        if self.is_full() || !self.deferred.is_empty() {
            self.deferred.push_back(Deferred::new(event));
        } else {
            self.handle(event);
        }
    }

    /// Takes events that were put off until the outputs are at their bound again. True when that was all.
    pub(crate) fn take_deferred(&mut self) -> bool {
        while !self.is_full() {
            match self.deferred.pop_front() {
                None => return true,
                Some(Deferred::Received(connection, bytes)) => self.handle(Event::Received {
                    connection,
                    bytes: &bytes,
                }),
                Some(Deferred::Other(event)) => self.handle(event),
            }
        }
        false
    }

    /// Whether anything waits to be handled or acted on.
    pub(crate) fn has_work(&self) -> bool {
        !self.outputs.list.is_empty() || !self.deferred.is_empty() || !self.router.is_idle()
    }

    #[inline]
    fn handle(&mut self, event: Event<'_>) {
        match event {
            Event::Received { connection, bytes } => self.received(connection, bytes),
            Event::Accepted {
                connection,
                peer,
                tag,
            } => self.accepted(connection, ListenerId(tag), peer),
            Event::Closed { connection, cause } => self.closed(connection, cause),
            Event::Blocked { connection } => self.input(Input::SendBlocked {
                connection: router_id(connection),
            }),
            Event::Ready { connection } => self.input(Input::SendReady {
                connection: router_id(connection),
            }),
            Event::Arrived { connection, ticket } => {
                let now = self.clock.now();
                if let Some(arrived) = self.arrivals.socket(Ticket(ticket), connection, now) {
                    self.arrived(arrived);
                }
            }
            Event::HandOverFailed { ticket } => {
                self.hand_overs_failed += 1;
                tracing::warn!(
                    target: subject::SHARD,
                    shard = self.shard.0,
                    ticket,
                    "a connection found no free slot on the shard its client lives on"
                );
            }
            Event::Connected { .. } => unreachable!("a broker's shard opens no connections"),
        }
    }

    fn accepted(&mut self, connection: ConnectionId, listener: ListenerId, peer: SocketAddr) {
        if self.stopping {
            self.engine_calls.push(EngineCall::Close(connection));
            return;
        }
        self.input(Input::Opened {
            connection: router_id(connection),
            listener,
            peer,
        });
    }

    #[inline]
    fn received(&mut self, connection: ConnectionId, bytes: &[u8]) {
        if let Some(early) = self.arrivals.early(connection) {
            if early.bytes.is_empty() {
                self.engine_calls.push(EngineCall::Pause(connection));
            }
            early.bytes.extend_from_slice(bytes);
            return;
        }
        self.input(Input::Received {
            connection: router_id(connection),
            bytes,
        });
    }

    fn closed(&mut self, connection: ConnectionId, cause: CloseCause) {
        if let Some(early) = self.arrivals.early(connection) {
            early.closed = Some(cause);
            self.arrivals.closed(connection);
            return;
        }
        self.input(Input::Closed {
            connection: router_id(connection),
            cause: router_cause(cause),
        });
    }

    /// Takes an item from another shard.
    pub(crate) fn item(&mut self, from: ShardId, item: LinkItem) {
        match item {
            LinkItem::Message(message) => self.input(Input::Link { from, message }),
            LinkItem::HandOver { ticket, handover } => {
                let now = self.clock.now();
                if let Some(arrived) = self.arrivals.handover(ticket, handover, now) {
                    self.arrived(arrived);
                }
            }
        }
    }

    /// Both halves of a connection are here: the router hears of it, and of what came meanwhile.
    fn arrived(&mut self, arrived: Arrived) {
        let Arrived {
            connection,
            handover,
            early,
        } = arrived;
        if early.closed.is_some() {
            // It ended before its CONNECT was handled, and its number may be another's by now.
            return;
        }
        if self.stopping {
            self.engine_calls.push(EngineCall::Close(connection));
            return;
        }
        let id = router_id(connection);
        self.input(Input::HandedOver {
            connection: id,
            handover,
        });
        if !early.bytes.is_empty() {
            self.engine_calls.push(EngineCall::Resume(connection));
            self.input(Input::Received {
                connection: id,
                bytes: &early.bytes,
            });
        }
    }

    /// Gives up hand-overs of which only one half came.
    pub(crate) fn give_up_arrivals(&mut self, now: Millis) {
        let given_up = self.arrivals.give_up(now);
        if given_up.sockets.is_empty() && given_up.handovers == 0 {
            return;
        }
        tracing::warn!(
            target: subject::SHARD,
            shard = self.shard.0,
            sockets = given_up.sockets.len(),
            handovers = given_up.handovers,
            "connections between shards of which only one half arrived"
        );
        let closes = given_up.sockets.into_iter().map(EngineCall::Close);
        self.engine_calls.extend(closes);
    }
}

impl Deferred {
    fn new(event: Event<'_>) -> Deferred {
        Deferred::Other(match event {
            Event::Received { connection, bytes } => {
                return Deferred::Received(connection, bytes.into());
            }
            Event::Accepted {
                connection,
                peer,
                tag,
            } => Event::Accepted {
                connection,
                peer,
                tag,
            },
            Event::Connected { connection } => Event::Connected { connection },
            Event::Closed { connection, cause } => Event::Closed { connection, cause },
            Event::Blocked { connection } => Event::Blocked { connection },
            Event::Ready { connection } => Event::Ready { connection },
            Event::Arrived { connection, ticket } => Event::Arrived { connection, ticket },
            Event::HandOverFailed { ticket } => Event::HandOverFailed { ticket },
        })
    }
}

/// The router's name for a connection: the engine's numbers.
#[inline(always)]
pub(crate) fn router_id(connection: ConnectionId) -> ringmq_router::ConnectionId {
    ringmq_router::ConnectionId {
        index: connection.index,
        generation: connection.generation,
    }
}

/// The engine's name for a connection.
#[inline(always)]
pub(crate) fn engine_id(connection: ringmq_router::ConnectionId) -> ConnectionId {
    ConnectionId {
        index: connection.index,
        generation: connection.generation,
    }
}

fn router_cause(cause: CloseCause) -> ringmq_router::CloseCause {
    match cause {
        CloseCause::PeerClosed => ringmq_router::CloseCause::PeerClosed,
        CloseCause::Reset => ringmq_router::CloseCause::Reset,
        CloseCause::ConnectFailed(errno) | CloseCause::Error(errno) => {
            ringmq_router::CloseCause::Error(errno)
        }
    }
}
