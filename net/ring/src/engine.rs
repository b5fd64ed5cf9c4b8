//! The owner of a shard's rings and sockets, and the pump through which every completion passes.
//!
//! What a completion means is decided in the file of its operation: `accept`, `receive`, `send`, `close`,
//! `hand_over`, `connect`. Nothing here looks at bytes.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::accept::Acceptor;
use crate::activity::Activity;
use crate::capacity::EngineAddress;
use crate::close::Lingerers;
use crate::config::EngineConfig;
use crate::error::{EngineError, soft_limit};
use crate::event::{ConnectionId, Event};
use crate::hand_over::Transfers;
use crate::limits::{DESCRIPTORS_MIN, REAP_BATCH, RINGS_MAX, TABLE_SLOTS_MAX};
use crate::ring::{Completion, Ring};
use crate::send::Output;
use crate::stats::EngineStats;
use crate::submission::Request;
use crate::table::{Marks, NO_QUEUE, Table};
use crate::user_data::{self, Operation};
use crate::wake::{Counter, Waker};

/// Where the engine reports to.
pub(crate) type OnEvent<'a> = dyn FnMut(Event<'_>) + 'a;

/// One shard's rings and sockets. Lives and dies on the thread that made it.
///
/// A turn of its user is: [`Engine::wait`], which reports what came in; any number of [`Engine::push`];
/// one [`Engine::flush`], which sends it. All other calls only queue requests, which the next `flush` or
/// `wait` submits; so none of them reports anything, and the closure given to `wait` needs no engine.
#[derive(Debug)]
pub struct Engine {
    pub(crate) rings: Vec<Ring>,
    pub(crate) config: EngineConfig,
    pub(crate) table: Table,
    pub(crate) address: EngineAddress,
    pub(crate) acceptor: Acceptor,
    pub(crate) activity: Activity,
    pub(crate) output: Output,
    pub(crate) lingerers: Lingerers,
    pub(crate) transfers: Transfers,
    pub(crate) stats: EngineStats,
    /// Connections to look at before the next enter.
    pub(crate) dirty: Vec<u32>,
    /// Receives queued while draining: worth another enter before `wait` returns.
    pub(crate) receives_queued: bool,
    wake: Counter,
    siblings: Counter,
    batch: Vec<Completion>,
    /// The ring that the next drain begins with, so that none starves the others.
    first_drained: usize,
    /// A request could not be queued; reported by the next `wait` or `flush`.
    failure: Option<EngineError>,
    /// An enter failed for good: queued requests may point to memory that is gone.
    broken: bool,
    not_send: std::marker::PhantomData<*const ()>,
}

impl Engine {
    /// Makes the rings. Call it on the thread that will use the engine.
    pub fn new(config: EngineConfig) -> Result<Engine, EngineError> {
        config.check()?;
        let table_slots = table_slots(&config)?;
        let ring_count = config.connections_max.div_ceil(table_slots) as usize;
        if ring_count > RINGS_MAX {
            return Err(EngineError::Config {
                reason: "connections_max needs more than 4,096 tables; raise the descriptor limit",
            });
        }
        let mut rings = Vec::with_capacity(ring_count);
        let mut shares = Vec::with_capacity(ring_count);
        let mut left = config.connections_max;
        for _ in 0..ring_count {
            let slots = left.min(table_slots);
            left -= slots;
            let ring = Ring::new(&config, slots)?;
            shares.push((ring.fd(), slots));
            rings.push(ring);
        }
        let eventfd = |e| EngineError::system("making an eventfd", e);
        let mut engine = Engine {
            rings,
            config,
            table: Table::default(),
            address: EngineAddress::new(shares.into_iter()),
            acceptor: Acceptor::default(),
            activity: Activity::default(),
            output: Output::default(),
            lingerers: Lingerers::default(),
            transfers: Transfers::default(),
            stats: EngineStats::default(),
            dirty: Vec::new(),
            receives_queued: false,
            wake: Counter::new().map_err(eventfd)?,
            siblings: Counter::new().map_err(eventfd)?,
            batch: Vec::with_capacity(REAP_BATCH),
            first_drained: 0,
            failure: None,
            broken: false,
            not_send: std::marker::PhantomData,
        };
        engine.arm_wake()?;
        engine.arm_siblings()?;
        for ring in &engine.rings[1..] {
            ring.signal(engine.siblings.fd())
                .map_err(|e| EngineError::system("registering an eventfd with a ring", e))?;
        }
        Ok(engine)
    }

    /// A handle that ends [`Engine::wait`] from any thread.
    pub fn waker(&self) -> Waker {
        self.wake.waker()
    }

    /// What another engine needs to hand connections over to this one. It must not be used once this
    /// engine is being dropped.
    pub fn address(&self) -> EngineAddress {
        self.address.clone()
    }

    /// Accepts from a bound and listening socket; its options (TCP_NODELAY) are inherited by what it
    /// accepts. `tag` comes back in [`Event::Accepted`]. Any number of listeners may be given.
    pub fn listen(&mut self, listener: TcpListener, tag: u16) -> Result<(), EngineError> {
        let accepts = self.config.accepts_outstanding;
        self.acceptor.add(listener, tag, accepts)?;
        self.top_up_accepts();
        Ok(())
    }

    /// Submits what is queued, waits until something happened or `timeout` has passed (`None`: for ever;
    /// zero: only looks), and reports what happened. Returns without an event now and then.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), EngineError> {
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
            let left = engine.drain(budget, on_event)?;
            if std::mem::take(&mut engine.receives_queued) && left > 0 {
                engine.submit_all()?;
                engine.drain(left, on_event)?;
            }
            Ok(())
        })
    }

    /// Changes [`EngineConfig::completions_per_tick`]: small bites keep one-to-one traffic in the cache,
    /// large ones let many receives share a send.
    pub fn set_completions_per_tick(&mut self, completions: u32) {
        self.config.completions_per_tick = completions.max(1);
    }

    /// Counters.
    pub fn stats(&self) -> EngineStats {
        EngineStats {
            enters: self.rings.iter().map(|ring| ring.enters).sum(),
            connections: self.table.len() as u64,
            queued_bytes: self.output.queues.bytes() as u64,
            ..self.stats
        }
    }

    /// Bytes waiting in the output queue of a blocked connection; 0 for any other.
    pub fn queued_output(&self, connection: ConnectionId) -> usize {
        match self.table.peek(connection) {
            Some(slot) if slot.queue != NO_QUEUE => self.output.queues.queued(slot.queue),
            _ => 0,
        }
    }

    /// Runs `work` unless an earlier failure left requests behind whose memory may be gone, and reports a
    /// failure of queueing along the way.
    pub(crate) fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Engine) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        if let Some(failure) = self.failure.take() {
            self.broken = true;
            return Err(failure);
        }
        if self.broken {
            return Err(EngineError::Broken);
        }
        let result = work(self);
        self.broken = result.is_err();
        result
    }

    /// Queues a request on a ring. A failure is reported by the next `wait` or `flush`.
    pub(crate) fn queue_on(&mut self, ring: usize, request: &Request) {
        if self.broken || self.failure.is_some() {
            return;
        }
        if let Err(failure) = self.rings[ring].queue(request) {
            self.failure = Some(failure);
        }
    }

    /// Puts a connection on the list of those to look at before the next enter.
    pub(crate) fn mark_dirty(&mut self, index: u32) {
        let slot = self.table.at(index);
        if !slot.marks.has(Marks::DIRTY) {
            slot.marks.set(Marks::DIRTY);
            self.dirty.push(index);
        }
    }

    /// Hands every queued request of every ring to the kernel.
    pub(crate) fn submit_all(&mut self) -> Result<(), EngineError> {
        for ring in &mut self.rings {
            if ring.has_queued() {
                ring.submit()?;
            }
        }
        Ok(())
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

    /// Submits everything and sleeps on ring 0, unless there is news already.
    fn enter(&mut self, timeout: Option<Duration>) -> Result<(), EngineError> {
        let mut news = false;
        for ring in &mut self.rings[1..] {
            if ring.needs_enter() {
                ring.submit()?;
            }
            news |= ring.has_news();
        }
        let first = &mut self.rings[0];
        if news || first.has_news() || timeout == Some(Duration::ZERO) {
            if first.needs_enter() {
                first.submit()
            } else {
                Ok(())
            }
        } else {
            first.submit_and_wait(timeout)
        }
    }

    /// Handles at most `budget` completions, and returns how many more would have been allowed.
    fn drain(&mut self, budget: usize, on_event: &mut OnEvent<'_>) -> Result<usize, EngineError> {
        let mut left = budget;
        let count = self.rings.len();
        let mut batch = std::mem::take(&mut self.batch);
        for step in 0..count {
            let ring = (self.first_drained + step) % count;
            loop {
                batch.clear();
                self.rings[ring].take(&mut batch, left.min(REAP_BATCH));
                if batch.is_empty() && left > 0 && self.rings[ring].must_run() {
                    // The kernel runs about 20 pieces of deferred work for each enter.
                    self.rings[ring].submit()?;
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
        self.first_drained = (self.first_drained + 1) % count;
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
            Operation::Accept => self.on_accept(ring, completion, on_event),
            Operation::Arrival => self.on_arrival(ring, completion, on_event),
            // `flush` has looked at every send, `connect` at every install.
            Operation::Cancel | Operation::Install | Operation::Send => {}
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

    fn arm_wake(&mut self) -> Result<(), EngineError> {
        let user_data = user_data::pack(Operation::Wake, 0, 0);
        let (eventfd, value) = (self.wake.fd(), self.wake.value());
        // SAFETY: the counter is boxed and lives as long as the engine, whose rings are dropped first.
        let request = unsafe { Request::read_counter(eventfd, value, user_data) };
        self.rings[0].queue(&request)
    }

    fn arm_siblings(&mut self) -> Result<(), EngineError> {
        let user_data = user_data::pack(Operation::Siblings, 0, 0);
        let (eventfd, value) = (self.siblings.fd(), self.siblings.value());
        // SAFETY: as in `arm_wake`.
        let request = unsafe { Request::read_counter(eventfd, value, user_data) };
        self.rings[0].queue(&request)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.address.retire();
    }
}

/// Slots of one full table under the settings and RLIMIT_NOFILE.
fn table_slots(config: &EngineConfig) -> Result<u32, EngineError> {
    let limit = soft_limit(libc::RLIMIT_NOFILE);
    if limit < DESCRIPTORS_MIN {
        return Err(EngineError::DescriptorLimit { limit });
    }
    let descriptors = u32::try_from(limit).unwrap_or(u32::MAX);
    Ok(descriptors.min(TABLE_SLOTS_MAX).min(config.table_slots_max))
}
