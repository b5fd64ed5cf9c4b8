//! The way out: acts on what the router put out, in order, then sends.
//!
//! The bytes of frames stay where they are until they are sent, however often the tick acts in between.

use std::sync::Arc;

use ringmq_codec::ReasonCode;
use ringmq_ring::{CloseHow, EngineError, Hold};
use ringmq_router::link::Handover;
use ringmq_router::{
    Authentication, CloseReason, ConnectionId, Input, Output, ShardId, Verdict, Wait,
};

use super::intake::engine_id;
use super::tick::Tick;
use crate::limits::OUTPUT_BYTES_KEPT;
use crate::link::{LinkItem, Ticket};
use crate::logging::log_event;
use crate::users::{Question, Reply};

impl Tick {
    /// Acts on all that was put out so far, and on what the router answers to it. Frames are queued.
    pub(super) fn act(&mut self) {
        while !self.intake.outputs.list.is_empty() {
            let acted_on = self.targets.len();
            let targets = &self.intake.outputs.targets[acted_on..];
            self.targets
                .extend(targets.iter().map(|target| engine_id(*target)));
            // The list of the last flush is empty, and keeps its allocation.
            let mut list = std::mem::take(&mut self.flushing.list);
            std::mem::swap(&mut list, &mut self.intake.outputs.list);
            for output in list.drain(..) {
                self.act_on(output);
            }
            self.flushing.list = list;
        }
    }

    /// Acts, shows the other shards their items, and sends. What the router answers to events of the
    /// sending waits for the next flush, since the bytes being sent must stay as they are.
    pub(super) fn flush(&mut self) -> Result<(), EngineError> {
        self.act();
        self.commit();
        self.targets.clear();
        std::mem::swap(&mut self.intake.outputs, &mut self.flushing);
        let intake = &mut self.intake;
        self.engine
            .flush(&self.flushing.bytes, &mut |event| intake.event(event))?;
        self.call_engine();
        self.flushing.clear();
        if self.flushing.bytes.capacity() > OUTPUT_BYTES_KEPT {
            self.flushing.bytes.shrink_to(OUTPUT_BYTES_KEPT);
        }
        Ok(())
    }

    /// Shows the other shards their items, and wakes those that sleep.
    pub(super) fn commit(&mut self) {
        let (peers, wakes) = (&self.peers, &mut self.wakes);
        self.port.commit(|to| {
            *wakes += 1;
            peers.wakers[usize::from(to.0)].wake();
        });
    }

    #[inline]
    fn act_on(&mut self, output: Output) {
        match output {
            Output::Send {
                frame,
                targets,
                wait,
            } => {
                let targets = &self.targets[targets.start as usize..targets.end as usize];
                let frame = frame.start..frame.end;
                let hold = match wait {
                    Wait::No => None,
                    Wait::WhileBusy => Some(Hold::Short),
                    Wait::Moment => Some(Hold::Long),
                };
                match targets {
                    [target] if let Some(hold) = hold => {
                        let arena = &self.intake.outputs.bytes;
                        self.engine.hold(frame, arena, *target, hold);
                    }
                    [target] => {
                        let pending = self.engine.pending();
                        self.engine.push(frame, &[*target]);
                        self.pace.frame(self.engine.pending() == pending);
                    }
                    targets => self.engine.push(frame, targets),
                }
            }
            Output::Link { to, message } => self.send_item(to, LinkItem::Message(message)),
            Output::Close { connection, reason } => {
                // Who said goodbye reads nothing more; all others are owed a last packet.
                let how = match reason {
                    CloseReason::ClientDisconnected => CloseHow::Now,
                    _ => CloseHow::Flush,
                };
                self.engine.close(engine_id(connection), how);
            }
            Output::Pause { connection } => self.engine.pause(engine_id(connection)),
            Output::Resume { connection } => self.engine.resume(engine_id(connection)),
            Output::Established { connection } => self.engine.established(engine_id(connection)),
            Output::HandOver {
                connection,
                to,
                handover,
            } => self.hand_over(connection, to, handover),
            other => self.act_rarely(other),
        }
    }

    /// What is far from the message path.
    #[cold]
    fn act_rarely(&mut self, output: Output) {
        match output {
            Output::Log(event) => log_event(self.intake.shard, &event),
            Output::Answer { id, answer } => self.control.answer(self.intake.shard, id, answer),
            Output::Authenticate {
                connection,
                authentication,
            } => self.authenticate(connection, authentication),
            // There is no log that could be waited for.
            Output::Append { position, .. } => {
                self.intake.input(Input::Durable { up_to: position });
            }
            Output::Send { .. }
            | Output::Link { .. }
            | Output::Close { .. }
            | Output::Pause { .. }
            | Output::Resume { .. }
            | Output::Established { .. }
            | Output::HandOver { .. } => unreachable!("acted on before"),
        }
    }

    /// Asks who a client is. The verdict comes at once or with the orders.
    fn authenticate(&mut self, connection: ConnectionId, authentication: Box<Authentication>) {
        let waker = &self.peers.wakers[usize::from(self.intake.shard.0)];
        let question = Question {
            connection,
            authentication,
            reply: Reply {
                control: Arc::clone(&self.control),
                waker: waker.clone(),
            },
        };
        let verdict = match &self.peers.authenticator {
            Some(authenticator) => authenticator.ask(question),
            // Nobody could be asked, so nobody is let in.
            None => Some(Verdict::Deny(ReasonCode::ServerUnavailable)),
        };
        if let Some(verdict) = verdict {
            self.intake.input(Input::Authenticated {
                connection,
                verdict,
            });
        }
    }

    fn send_item(&mut self, to: ShardId, item: LinkItem) {
        if self.port.send(to, item) {
            self.intake.input(Input::LinkFull { to });
        }
    }

    /// Sends the router's half over the ring and the socket through the engine, which submits it after
    /// the commit: the router's half is usually there first.
    fn hand_over(&mut self, connection: ConnectionId, to: ShardId, handover: Box<Handover>) {
        let ticket = Ticket::new(self.intake.shard, self.hand_overs);
        self.hand_overs += 1;
        self.send_item(to, LinkItem::HandOver { ticket, handover });
        self.engine.hand_over(
            engine_id(connection),
            &self.peers.addresses[usize::from(to.0)],
            ticket.0,
        );
    }
}
