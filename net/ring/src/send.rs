//! Sending: frames are pushed for many connections, then flushed with one send each out of shared memory.
//!
//! The fast path is a send that does not wait and completes only when it was short: when the enter has
//! returned and no completion speaks of it, all its bytes are in the socket. What a full socket did not
//! take moves to a queue of that connection (`output_queue`), which is sent as the socket drains. No
//! request may point to the arena or the scratch after `flush` has returned.

use std::ops::Range;

use crate::engine::{Engine, OnEvent};
use crate::error::EngineError;
use crate::event::{CloseCause, ConnectionId, Event};
use crate::frame_sets::{EMPTY, FrameSets};
use crate::held::Held;
use crate::output_queue::OutputQueues;
use crate::ring::Completion;
use crate::submission::{Readiness, Request};
use crate::table::{Armed, Marks, NO_QUEUE, Phase, Table};
use crate::user_data::{self, Operation};

/// What is to be sent, and the queues of blocked connections.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) sets: FrameSets,
    pub(crate) queues: OutputQueues,
    pub(crate) held: Held,
    /// Connections with a frame set. An index may stand here twice if its owner changed.
    pub(crate) pending: Vec<u32>,
    shorts: Vec<Completion>,
}

impl Output {
    /// Queues bytes for each target, see [`Engine::push`].
    pub(crate) fn push(&mut self, table: &mut Table, frame: Range<u32>, targets: &[ConnectionId]) {
        if frame.is_empty() {
            return;
        }
        // Connections of one fan-out mostly have the same history, so the last step is the next one's.
        let mut step = None;
        for &target in targets {
            let Some(slot) = table.live(target) else {
                continue;
            };
            if slot.marks.has(Marks::SEND_FAILED) {
                continue;
            }
            let previous = self.release(slot, target.index);
            let next = match step {
                Some((from, to)) if from == previous => to,
                _ => self.sets.then(previous, &frame),
            };
            step = Some((previous, next));
            slot.frame_set = next;
            if previous == EMPTY {
                self.pending.push(target.index);
            }
        }
    }
}

impl Engine {
    /// Queues bytes for each target: the range `frame` of the arena that will be given to the next
    /// [`Engine::flush`]. Targets that are over are skipped. For a blocked target the bytes join its queue.
    pub fn push(&mut self, frame: Range<u32>, targets: &[ConnectionId]) {
        self.output.push(&mut self.table, frame, targets);
    }

    /// Connections that the next [`Engine::flush`] will send to: few for many receives mean that it pays
    /// to receive more first.
    pub fn pending(&self) -> usize {
        self.output.pending.len()
    }

    /// Sends what was pushed: each connection's frames with one send, and equal sequences of frames gathered
    /// only once. The arena is free when it returns. May report [`Event::Blocked`] and, for a connection
    /// that fails, [`Event::Closed`].
    pub fn flush(
        &mut self,
        arena: &[u8],
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), EngineError> {
        self.guarded(|engine| {
            let mut pending = std::mem::take(&mut engine.output.pending);
            for &index in &pending {
                engine.flush_one(index, arena, on_event)?;
            }
            engine.submit_sends(arena, on_event)?;
            for &index in &pending {
                let slot = engine.table.at(index);
                slot.frame_set = EMPTY;
                slot.marks.clear(Marks::FLUSHED);
                if slot.phase == Phase::Lingering {
                    engine.mark_dirty(index);
                }
            }
            pending.clear();
            engine.output.pending = pending;
            engine.output.sets.clear();
            Ok(())
        })
    }

    fn flush_one(
        &mut self,
        index: u32,
        arena: &[u8],
        on_event: &mut OnEvent<'_>,
    ) -> Result<(), EngineError> {
        let slot = self.table.at(index);
        let (set, phase, location) = (slot.frame_set, slot.phase, slot.location);
        let sends = slot.is_live() || phase == Phase::Lingering;
        if set == EMPTY
            || !sends
            || slot.marks.has(Marks::SEND_FAILED)
            || slot.marks.has(Marks::FLUSHED)
        {
            return Ok(());
        }
        slot.marks.set(Marks::FLUSHED);
        let (queue, generation) = (slot.queue, slot.generation);
        if !self.output.sets.fits(set) {
            self.submit_sends(arena, on_event)?;
            self.output.sets.restart();
        }
        let bytes = self.output.sets.gather(set, arena);
        if queue != NO_QUEUE || phase == Phase::Connecting {
            self.enqueue(index, set, 0, arena);
            return Ok(());
        }
        let length = u32::try_from(bytes.len()).map_err(|_| EngineError::FlushTooLong)?;
        let user_data = user_data::pack(Operation::Send, index, generation);
        // SAFETY: the bytes lie in the arena or the scratch. Both stay until `submit_sends` has entered the
        // ring; if that fails the engine is broken and never enters again.
        let request =
            unsafe { Request::send_all(location.slot(), bytes.as_ptr(), length, user_data) };
        self.stats.sends += 1;
        self.stats.sent_bytes += u64::from(length);
        self.rings[location.ring()].queue(&request)
    }

    /// Enters all rings with sends and moves what full sockets did not take to queues.
    fn submit_sends(
        &mut self,
        arena: &[u8],
        on_event: &mut OnEvent<'_>,
    ) -> Result<(), EngineError> {
        self.submit_all()?;
        let mut shorts = std::mem::take(&mut self.output.shorts);
        let is_send = |user_data| user_data::operation(user_data) == Some(Operation::Send);
        for ring in &mut self.rings {
            ring.pick(&mut shorts, is_send)?;
        }
        for completion in &shorts {
            self.on_send_short(completion, arena, on_event);
        }
        shorts.clear();
        self.output.shorts = shorts;
        Ok(())
    }

    /// A send that did not go out whole: its result is what did, or an error.
    fn on_send_short(&mut self, completion: &Completion, arena: &[u8], on_event: &mut OnEvent<'_>) {
        let index = user_data::index(completion.user_data);
        let Some(slot) = self.table.of(completion.user_data) else {
            return;
        };
        let (set, live) = (slot.frame_set, slot.is_live());
        let whole = self.output.sets.len(set);
        let sent = match completion.result {
            n if n >= 0 => n as u64,
            e if e == -libc::EAGAIN => 0,
            e => {
                self.stats.sent_bytes -= whole;
                return self.send_failed(index, -e, on_event);
            }
        };
        if sent >= whole {
            return;
        }
        self.stats.sends_short += 1;
        self.stats.sent_bytes -= whole - sent;
        self.enqueue(index, set, sent as usize, arena);
        self.poll_out(index);
        if live {
            self.stats.blocked += 1;
            self.table.at(index).marks.set(Marks::BLOCKED);
            on_event(Event::Blocked {
                connection: self.table.id(index),
            });
        }
    }

    /// Appends the bytes of a set, but for the first `skip`, to the connection's queue.
    fn enqueue(&mut self, index: u32, set: u32, skip: usize, arena: &[u8]) {
        let output = &mut self.output;
        let slot = self.table.at(index);
        if slot.queue == NO_QUEUE {
            slot.queue = output.queues.open();
        }
        output
            .queues
            .append(slot.queue, &output.sets.gather(set, arena)[skip..]);
    }

    fn poll_out(&mut self, index: u32) {
        self.queue_for(index, Armed::OUT, Operation::PollOut, |slot, user_data| {
            Request::poll(slot, Readiness::Output, user_data)
        });
    }

    /// Sends from the front of the connection's queue.
    pub(crate) fn send_queued(&mut self, index: u32) {
        let slot = self.table.at(index);
        if slot.queue == NO_QUEUE {
            return;
        }
        let front = self.output.queues.front(slot.queue);
        let (bytes, length) = (front.as_ptr(), front.len() as u32);
        self.stats.sends += 1;
        self.queue_for(index, Armed::DRAIN, Operation::Drain, |slot, user_data| {
            // SAFETY: a chunk stays in place until it is taken off the front or its queue is closed; both
            // happen only when this send has completed.
            unsafe { Request::send_some(slot, bytes, length, user_data) }
        });
    }

    pub(crate) fn on_poll_out(&mut self, completion: &Completion) {
        let index = user_data::index(completion.user_data);
        match self.disarm(index, Armed::OUT) {
            Phase::Handshake | Phase::Established | Phase::Lingering => self.send_queued(index),
            phase => self.go_on_closing(index, phase),
        }
    }

    pub(crate) fn on_drained(&mut self, completion: &Completion, on_event: &mut OnEvent<'_>) {
        let index = user_data::index(completion.user_data);
        let phase = self.disarm(index, Armed::DRAIN);
        if !matches!(
            phase,
            Phase::Handshake | Phase::Established | Phase::Lingering
        ) {
            return self.go_on_closing(index, phase);
        }
        let sent = match completion.result {
            n if n >= 0 => n as usize,
            e if e == -libc::EAGAIN || e == -libc::EINTR => 0,
            e => return self.send_failed(index, -e, on_event),
        };
        self.stats.sent_bytes += sent as u64;
        let queue = self.table.at(index).queue;
        let chunk_done = self.output.queues.advance(queue, sent);
        if self.output.queues.queued(queue) == 0 {
            self.drop_queue(index);
            self.mark_dirty(index);
            let slot = self.table.at(index);
            if slot.marks.has(Marks::BLOCKED) && slot.is_live() {
                slot.marks.clear(Marks::BLOCKED);
                on_event(Event::Ready {
                    connection: self.table.id(index),
                });
            }
        } else if chunk_done {
            self.send_queued(index);
        } else {
            self.poll_out(index);
        }
    }

    /// Gives the connection's queue back with what is in it.
    pub(crate) fn drop_queue(&mut self, index: u32) {
        let slot = self.table.at(index);
        debug_assert!(!slot.armed.any(Armed::DRAIN));
        if slot.queue != NO_QUEUE {
            self.output.queues.close(slot.queue);
            slot.queue = NO_QUEUE;
        }
    }

    /// The peer takes nothing more. What it has sent before is still received, and its end reported then.
    fn send_failed(&mut self, index: u32, error: i32, on_event: &mut OnEvent<'_>) {
        self.drop_queue(index);
        let slot = self.table.at(index);
        slot.marks.set(Marks::SEND_FAILED);
        slot.marks.clear(Marks::BLOCKED);
        let reset = matches!(error, libc::EPIPE | libc::ECONNRESET | libc::ETIMEDOUT);
        if slot.is_live() && (slot.marks.has(Marks::PAUSED) || !reset) {
            self.over(index, CloseCause::Error(error), on_event);
        } else {
            self.mark_dirty(index);
        }
    }
}
