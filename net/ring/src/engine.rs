//! The owner of a shard's rings and sockets: how it is made, what it is asked, how it fails.
//!
//! What it does turn by turn is in `pump`, and what each operation means in the file of its name. Nothing
//! here looks at bytes.

use std::net::TcpListener;
use std::time::Duration;

use crate::accept::Acceptor;
use crate::activity::Activity;
use crate::capacity::EngineAddress;
use crate::close::Lingerers;
use crate::config::EngineConfig;
use crate::error::{EngineError, soft_limit};
use crate::event::{ConnectionId, Event};
use crate::hand_over::Transfers;
use crate::limits::{DESCRIPTORS_MIN, REAP_BATCH, RINGS_MAX, TABLE_SLOTS_MAX};
use crate::listener::Listener;
use crate::ring::{Completion, Gathering, Ring};
use crate::send::Output;
use crate::stats::EngineStats;
use crate::submission::Request;
use crate::table::{Marks, NO_QUEUE, Table};
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
    /// Accepts or receives queued while draining: worth another enter before `wait` returns.
    pub(crate) entering_pays: bool,
    /// In force when [`Engine::wait`] sleeps.
    pub(crate) gathering: Option<Gathering>,
    pub(crate) wake: Counter,
    pub(crate) siblings: Counter,
    pub(crate) batch: Vec<Completion>,
    /// The ring that the next drain begins with, so that none starves the others.
    pub(crate) first_drained: usize,
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
            entering_pays: false,
            gathering: None,
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
        let listener = Listener::new(listener, tag, self.config.accept_after_bytes)
            .map_err(|e| EngineError::system("preparing a listener", e))?;
        self.acceptor.add(listener);
        self.top_up_accepts();
        Ok(())
    }

    /// Changes [`EngineConfig::completions_per_tick`]: small bites keep one-to-one traffic in the cache,
    /// large ones let many receives share a send.
    pub fn set_completions_per_tick(&mut self, completions: u32) {
        self.config.completions_per_tick = completions.max(1);
    }

    /// From now on has [`Engine::wait`] with a timeout sleep for `time` at least, unless a whole tick's
    /// completions are there before: fewer wake-ups, larger batches, for as much more latency. Zero ends it.
    /// Without effect before Linux 6.12.
    pub fn gather_for(&mut self, time: Duration) {
        self.gathering = (!time.is_zero()).then(|| Gathering {
            completions: self.config.completions_per_tick,
            micros: u32::try_from(time.as_micros()).unwrap_or(u32::MAX),
        });
    }

    /// Whether the next sleep lets completions gather.
    pub fn gathers(&self) -> bool {
        self.gathering.is_some()
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
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.address.retire();
        // The kernel takes the rings apart later than this; nobody should connect meanwhile.
        self.stop_listening();
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
