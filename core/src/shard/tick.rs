//! The tick: look at the rings, take in, act on what the router put out, send, sleep.
//!
//! One [`Tick`] owns all that belongs to a shard and runs on its thread until the broker stops. Order
//! within a tick: events of the engine, items of other shards, orders and timers, end of tick; then one
//! commit to the other shards and one flush. It never waits for anything but the engine, and only when
//! nothing is left to do. (A shard that shares its CPU with others gives way to them before long sending.)

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ringmq_ring::{CloseHow, Engine, EngineError, Found, Hold};
use ringmq_router::{Input, Millis, Outputs};

use super::Peers;
use super::catch_up::CatchUp;
use super::control::Control;
use super::intake::{EngineCall, Intake};
use super::pace::Pace;
use crate::limits::{
    BEHIND_MILLIS_MIN, EVENTS_PER_LOOK_MIN, EVENTS_PER_SEND_MIN, GIVE_WAY_SENDS_MIN,
    HAND_OVER_MILLIS, HELD_MOMENT, HELD_ROUND_RECEIVES, HELD_TICKS_MAX, LINK_ITEMS_PER_TICK,
    LOOKS_PER_TICK, STOP_LOOK_MILLIS, STOP_PEERS_MILLIS, TELL_BEHIND_MILLIS,
};
use crate::link::{LinkItem, Port, shards_of};
use crate::logging::subject;

/// Time between two [`Input::Timer`]s.
const TIMER_MILLIS: u64 = ringmq_router::limits::TIMER_TICK_MILLIS;

// A half of a hand-over is looked for at every timer.
const _: () = assert!(HAND_OVER_MILLIS > TIMER_MILLIS);

/// A running shard.
#[derive(Debug)]
pub(crate) struct Tick {
    pub(super) engine: Engine,
    pub(super) intake: Intake,
    pub(super) port: Port<LinkItem>,
    pub(super) peers: Peers,
    pub(super) control: Arc<Control>,
    /// What is being sent, while new outputs gather in the intake.
    pub(super) flushing: Outputs,
    /// The targets of the intake's outputs by the engine's names, as far as they were acted on.
    pub(super) targets: Vec<ringmq_ring::ConnectionId>,
    /// Connections given away so far.
    pub(super) hand_overs: u64,
    pub(super) pace: Pace,
    /// Items of other shards taken so far.
    items: u64,
    /// Sleeping shards woken so far.
    pub(super) wakes: u64,
    timer_due: Millis,
    /// What the looks of this tick have found.
    found: Found,
    catch_up: CatchUp,
    /// When it may be logged again that the shard is behind.
    tell_behind_after: Millis,
    /// Whether another shard is pinned to the same CPU.
    shares_cpu: bool,
    /// Ticks since acknowledgements are held.
    held_ticks: u32,
    /// Receives of this round of frames that are held for a moment.
    held_receives: usize,
    stopping: Option<Stopping>,
}

/// The bounds of a stop, from the order on.
#[derive(Debug)]
struct Stopping {
    /// Until then peers that were told everything may close their side first.
    peers_by: Millis,
    /// The shard ends even if output is left.
    end_by: Millis,
}

impl Tick {
    pub(crate) fn new(
        engine: Engine,
        intake: Intake,
        port: Port<LinkItem>,
        peers: Peers,
        control: Arc<Control>,
        shares_cpu: bool,
    ) -> Tick {
        Tick {
            engine,
            intake,
            port,
            peers,
            control,
            flushing: Outputs::new(),
            targets: Vec::new(),
            hand_overs: 0,
            pace: Pace::default(),
            items: 0,
            wakes: 0,
            timer_due: Millis(0),
            found: Found::Nothing,
            catch_up: CatchUp::default(),
            tell_behind_after: Millis(0),
            shares_cpu,
            held_ticks: 0,
            held_receives: 0,
            stopping: None,
        }
    }

    /// Runs until the broker stops.
    pub(crate) fn run(&mut self) -> Result<(), EngineError> {
        self.timer_due = self.intake.clock.now();
        while !self.has_ended() {
            self.tick()?;
        }
        tracing::debug!(
            target: subject::SHARD,
            shard = self.intake.shard.0,
            crossings = self.intake.router.stats().crossings_total,
            items = self.items,
            wakes = self.wakes,
            hand_overs = self.hand_overs,
            hand_overs_failed = self.intake.hand_overs_failed,
            engine = ?self.engine.stats(),
            "shard ends"
        );
        Ok(())
    }

    fn tick(&mut self) -> Result<(), EngineError> {
        let timeout = self.timeout();
        self.intake.events = 0;
        self.found = Found::Nothing;
        self.look(timeout)?;
        self.receive_items()?;
        // Before another look, since a connection can be handed over only before the engine receives
        // from it again.
        self.act();
        for _ in 1..LOOKS_PER_TICK {
            if !self.is_look_worth_it() {
                break;
            }
            self.look(None)?;
            self.act();
        }
        self.obey();
        self.timers();
        for to in shards_of(self.port.take_ready()) {
            self.intake.input(Input::LinkReady { to });
        }
        self.intake.input(Input::EndOfTick);
        self.act();
        self.let_others_go_first()?;
        self.release_held();
        let gathering = self.pace.tick(self.intake.events, self.engine.pending());
        self.engine.gather_for(gathering);
        self.flush()
    }

    /// Where shards share a CPU, one that is about to send to many clients lets the others go first: they hand over
    /// what they have for the same clients. Whoever sends before that sends twice.
    fn let_others_go_first(&mut self) -> Result<(), EngineError> {
        let sends = self.engine.pending();
        if !self.shares_cpu || sends < GIVE_WAY_SENDS_MIN || self.intake.is_full() {
            return Ok(());
        }
        self.commit();
        thread::yield_now();
        self.receive_items()?;
        self.act();
        self.intake.input(Input::EndOfTick);
        self.act();
        Ok(())
    }

    /// Lets go of frames that have waited for company long enough: those that may wait while input waits, and
    /// those that may wait a moment longer, if the shard is busy.
    fn release_held(&mut self) {
        let (holds_short, holds_long) = (
            self.engine.holds(Hold::Short),
            self.engine.holds(Hold::Long),
        );
        if !holds_short && !holds_long {
            return;
        }
        // Looks at every ring.
        let is_dry = !self.engine.has_input();
        if holds_short {
            self.held_ticks += 1;
            if is_dry || self.held_ticks >= HELD_TICKS_MAX {
                self.engine.release_held(Hold::Short);
                self.held_ticks = 0;
            }
        }
        if holds_long {
            self.held_receives += self.intake.events;
            let goes_on = self.pace.is_busy() && self.intake.events > 0;
            if is_dry && !goes_on {
                self.engine.release_held(Hold::Long);
                self.held_receives = 0;
            } else if self.held_receives >= HELD_ROUND_RECEIVES {
                self.engine.release_old();
                self.held_receives = 0;
            }
        }
    }

    /// Whether many events have fed few sends so far, and there may be more of them: of a shard that gathers, so
    /// many that another sleep would not.
    fn is_look_worth_it(&self) -> bool {
        let events_min = if self.engine.gathers() {
            EVENTS_PER_LOOK_MIN
        } else {
            1
        };
        self.intake.events_of_look >= events_min
            && self.engine.pending() * EVENTS_PER_SEND_MIN <= self.intake.events
            && !self.intake.is_full()
    }

    /// How long the shard may sleep, which is announced to the other shards; `None` when there is work.
    fn timeout(&mut self) -> Option<Duration> {
        if self.intake.has_work() || !self.port.park() {
            return None;
        }
        let until_timer = self.intake.clock.until(self.timer_due);
        Some(match self.stopping {
            None if self.engine.holds(Hold::Long) => until_timer.min(HELD_MOMENT),
            None => until_timer,
            Some(_) => until_timer.min(Duration::from_millis(STOP_LOOK_MILLIS)),
        })
    }

    /// Takes in what the engine has, asleep for at most `timeout` if one is given.
    fn look(&mut self, timeout: Option<Duration>) -> Result<(), EngineError> {
        self.intake.before_wait(timeout.is_some());
        let intake = &mut self.intake;
        let timeout = timeout.unwrap_or(Duration::ZERO);
        let found = self
            .engine
            .wait(Some(timeout), &mut |event| intake.event(event))?;
        self.found = self.found.then(found);
        while !self.intake.take_deferred() {
            self.flush()?;
        }
        self.call_engine();
        Ok(())
    }

    /// Takes in what the other shards sent, within the bound of a tick.
    fn receive_items(&mut self) -> Result<(), EngineError> {
        self.port.begin(LINK_ITEMS_PER_TICK);
        while let Some((from, item)) = self.port.receive() {
            self.items += 1;
            self.intake.item(from, item);
            if self.intake.is_full() {
                self.flush()?;
            }
        }
        self.call_engine();
        Ok(())
    }

    /// Does to the engine what could not be done while it was reporting.
    pub(super) fn call_engine(&mut self) {
        for call in self.intake.engine_calls.drain(..) {
            match call {
                EngineCall::Pause(connection) => self.engine.pause(connection),
                EngineCall::Resume(connection) => self.engine.resume(connection),
                EngineCall::Close(connection) => self.engine.close(connection, CloseHow::Now),
            }
        }
    }

    fn obey(&mut self) {
        let orders = self.control.take();
        if orders.is_empty() {
            return;
        }
        while let Some((id, command)) = self.control.next_command() {
            self.intake.input(Input::Command { id, command });
        }
        while let Some((connection, verdict)) = self.control.next_verdict() {
            self.intake.input(Input::Authenticated {
                connection,
                verdict,
            });
        }
        if orders.stop() && self.stopping.is_none() {
            let now = self.intake.clock.now();
            let bound = self.control.stop_bound().as_millis() as u64;
            self.stopping = Some(Stopping {
                peers_by: Millis(now.0 + STOP_PEERS_MILLIS),
                end_by: Millis(now.0 + bound),
            });
            self.intake.stopping = true;
            self.engine.stop_listening();
            self.intake.input(Input::Shutdown);
        }
    }

    fn timers(&mut self) {
        let now = self.intake.clock.now();
        self.catch_up.looked(self.found, now);
        if now < self.timer_due {
            return;
        }
        let Some(read_until) = self.catch_up.judged_until(now) else {
            return;
        };
        self.tell_pauses(now, read_until);
        self.timer_due = Millis(now.0 + TIMER_MILLIS);
        self.intake.input(Input::Timer { read_until });
        self.intake.give_up_arrivals(read_until);
        self.call_engine();
    }

    /// Logs that the shard was not run for a while, or does not get to all that comes.
    fn tell_pauses(&mut self, now: Millis, read_until: Millis) {
        let shard = self.intake.shard.0;
        let late_millis = now.0 - self.timer_due.0;
        let unread_millis = now.0 - read_until.0;
        if late_millis >= BEHIND_MILLIS_MIN {
            tracing::info!(
                target: subject::SHARD,
                shard,
                late_millis,
                unread_millis,
                "was not run for a while; clients are judged when what came meanwhile is read"
            );
        } else if self.catch_up.has_fallen_behind() && now >= self.tell_behind_after {
            self.tell_behind_after = Millis(now.0 + TELL_BEHIND_MILLIS);
            tracing::warn!(
                target: subject::SHARD,
                shard,
                unread_millis,
                "does not get to all that clients write; they are judged by what is read"
            );
        }
    }

    /// Whether a shard that was told to stop has: its connections are closed, or hold nothing back any more
    /// and their peers had time to close, or time is up.
    fn has_ended(&mut self) -> bool {
        let Some(stopping) = &self.stopping else {
            return false;
        };
        let now = self.intake.clock.now();
        let stats = self.engine.stats();
        let all_out = !self.intake.has_work() && stats.queued_bytes == 0;
        let no_peer_left = stats.connections == 0 || now >= stopping.peers_by;
        (all_out && no_peer_left) || now >= stopping.end_by
    }
}
