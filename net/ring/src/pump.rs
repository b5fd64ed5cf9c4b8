//! A turn of the engine: queue what is due, enter the kernel, and hand every completion to the file of its
//! operation.
//!
//! Every change of a connection that comes from the kernel passes through [`Engine::wait`] or
//! [`Engine::flush`]. A turn handles a bounded number of completions, so that sending is never starved by
//! receiving; what is left over keeps the next turn from sleeping.

use std::time::{Duration, Instant};

use crate::engine::{Engine, OnEvent};
use crate::error::EngineError;
use crate::event::{Event, Found};
use crate::limits::REAP_BATCH;
use crate::ring::{Completion, Ring};
use crate::submission::Request;
use crate::table::Marks;
use crate::user_data::{self, Operation};

impl Engine {
    /// Submits what is queued, waits until something happened or `timeout` has passed (`None`: for ever;
    /// zero: only looks), and reports what happened. Returns without an event now and then, and says how
    /// much of what was there it has reported.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<Found, EngineError> {
        self.guarded(|engine| {
            let mut timeout = timeout;
            if engine.report_failed_hand_overs(on_event) {
                timeout = Some(Duration::ZERO);
            }
            if let Some(due) = engine.keep_time() {
                timeout = Some(timeout.map_or(due, |timeout| timeout.min(due)));
            }
            engine.arm_dirty();
            engine.top_up_accepts();
            engine.enter(timeout)?;
            engine.activity.tick(Instant::now());
            let budget = engine.config.completions_per_tick as usize;
            let exhausted = engine.stats.receive_buffers_exhausted;
            let mut left = engine.drain(budget, on_event)?;
            while std::mem::take(&mut engine.entering_pays) && left > 0 {
                engine.submit_all()?;
                left = engine.drain(left, on_event)?;
            }
            Ok(if left == budget {
                Found::Nothing
            } else if left > 0 && engine.stats.receive_buffers_exhausted == exhausted {
                Found::All
            } else {
                Found::Part
            })
        })
    }

    /// Whether the next [`Engine::wait`] has something to report or to run already.
    pub fn has_input(&mut self) -> bool {
        let mut rings = self.rings.iter_mut();
        rings.any(|ring| ring.has_completions() || ring.must_run())
    }

    /// Hands every queued request of every ring to the kernel.
    pub(crate) fn submit_all(&mut self) -> Result<(), EngineError> {
        self.rings.iter_mut().try_for_each(Ring::submit)
    }

    /// Queues what each connection on the list wants next.
    fn arm_dirty(&mut self) {
        let mut at = 0;
        while let Some(&index) = self.dirty.get(at) {
            at += 1;
            self.table.at(index).marks.clear(Marks::DIRTY);
            self.arm(index);
        }
        self.dirty.clear();
    }

    /// What is due by the clock. Returns how long the engine may sleep on its account.
    fn keep_time(&mut self) -> Option<Duration> {
        self.demote_idle();
        if self.lingerers.is_empty() && !self.acceptor.is_backing_off() {
            return None;
        }
        let now = Instant::now();
        self.end_lingerers(now);
        self.acceptor.end_backoff(now);
        [self.lingerers.due(), self.acceptor.due()]
            .into_iter()
            .flatten()
            .min()
            .map(|due| due.saturating_duration_since(now))
    }

    /// Submits everything and sleeps on ring 0, unless there is something to do already.
    fn enter(&mut self, timeout: Option<Duration>) -> Result<(), EngineError> {
        let mut busy = timeout == Some(Duration::ZERO);
        for ring in self.rings.iter_mut().skip(1) {
            ring.submit()?;
            busy |= ring.has_completions() || ring.must_run();
        }
        let first = &mut self.rings[0];
        if busy {
            first.submit()
        } else {
            first.submit_and_wait(timeout, self.gathering)
        }
    }

    /// Handles at most `budget` completions, and returns how many more would have been allowed.
    fn drain(&mut self, budget: usize, on_event: &mut OnEvent<'_>) -> Result<usize, EngineError> {
        let mut left = budget;
        let count = self.rings.len();
        let mut batch = std::mem::take(&mut self.batch);
        for ring in (self.first_drained..count).chain(0..self.first_drained) {
            loop {
                batch.clear();
                self.rings[ring].take(&mut batch, left.min(REAP_BATCH));
                if batch.is_empty() && left > 0 && self.rings[ring].must_run() {
                    self.rings[ring].run()?;
                    self.rings[ring].take(&mut batch, left.min(REAP_BATCH));
                }
                if batch.is_empty() {
                    break;
                }
                left -= batch.len();
                for completion in &batch {
                    self.complete(ring, completion, on_event)?;
                }
                self.rings[ring].buffers.publish();
            }
        }
        self.batch = batch;
        self.first_drained += 1;
        if self.first_drained == count {
            self.first_drained = 0;
        }
        Ok(left)
    }

    /// Hands one completion to the file of its operation.
    fn complete(
        &mut self,
        ring: usize,
        completion: &Completion,
        on_event: &mut OnEvent<'_>,
    ) -> Result<(), EngineError> {
        let user_data = completion.user_data;
        let Some(operation) = user_data::operation(user_data) else {
            return Ok(());
        };
        match operation {
            Operation::Wake => return self.arm_wake(),
            Operation::Siblings => return self.arm_siblings(),
            Operation::Listen => self.on_listen(completion),
            Operation::Accept => self.on_accept(ring, completion, on_event),
            Operation::Arrival => self.on_arrival(ring, completion, on_event),
            // `flush` has looked at every send, `connect` at every install.
            Operation::Cancel | Operation::Install | Operation::Send => {}
            Operation::DelayAcks => self.stats.ack_delays_refused += 1,
            _ if self.table.of(user_data).is_none() => {}
            Operation::ReceiveOnce => self.on_receive_once(ring, completion, on_event),
            Operation::ReceiveMulti => self.on_receive_multi(ring, completion, on_event),
            Operation::PollIn => self.on_poll_in(completion, on_event),
            Operation::Drain => self.on_drained(completion, on_event),
            Operation::PollOut => self.on_poll_out(completion),
            Operation::Close => self.on_closed(completion),
            Operation::HandOver => self.on_handed_over(completion),
            Operation::Connect => self.on_connected(completion, on_event),
            Operation::Shutdown => self.on_shut_down(completion),
        }
        if let Some(buffer) = completion.buffer() {
            self.rings[ring].buffers.give_back(buffer);
        }
        Ok(())
    }

    pub(crate) fn arm_wake(&mut self) -> Result<(), EngineError> {
        let user_data = user_data::pack(Operation::Wake, 0, 0);
        let (eventfd, value) = (self.wake.fd(), self.wake.value());
        // SAFETY: the counter is boxed and lives as long as the engine, whose rings are dropped first.
        let request = unsafe { Request::read_counter(eventfd, value, user_data) };
        self.rings[0].queue(&request)
    }

    pub(crate) fn arm_siblings(&mut self) -> Result<(), EngineError> {
        let user_data = user_data::pack(Operation::Siblings, 0, 0);
        let (eventfd, value) = (self.siblings.fd(), self.siblings.value());
        // SAFETY: as in `arm_wake`.
        let request = unsafe { Request::read_counter(eventfd, value, user_data) };
        self.rings[0].queue(&request)
    }
}
