//! Closing: what is in flight ends first, then the slot is closed, then the index is free.
//!
//! A CLOSE of a direct descriptor with a request armed would send no FIN, and a request queued after the
//! CLOSE would reach whoever gets the slot next; so nothing is queued for a slot once its CLOSE is.

use std::collections::VecDeque;
use std::time::Instant;

use crate::engine::{Engine, OnEvent};
use crate::event::{CloseCause, CloseHow, ConnectionId, Event};
use crate::frame_sets::EMPTY;
use crate::held;
use crate::limits::DISCARD_BYTES;
use crate::ring::Completion;
use crate::submission::Request;
use crate::table::{Armed, Marks, NO_QUEUE, Phase};
use crate::user_data::{self, Operation};

/// Connections closed with [`CloseHow::Flush`], in the order in which their time runs out.
#[derive(Debug, Default)]
pub(crate) struct Lingerers(VecDeque<(Instant, ConnectionId)>);

impl Lingerers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.front().map(|&(due, _)| due)
    }
}

impl Engine {
    /// Closes a connection; no event for it follows. With [`CloseHow::Flush`] what was pushed before goes
    /// out first (including what the next [`Engine::flush`] will send), then our FIN, and the slot is held
    /// until the peer's own, so that the peer reads our last bytes and not a reset; all that within
    /// [`crate::EngineConfig::linger`]. Nothing is left to flush when a client has said goodbye:
    /// [`CloseHow::Now`] is cheaper then.
    pub fn close(&mut self, connection: ConnectionId, how: CloseHow) {
        let Some(slot) = self.table.live(connection) else {
            return;
        };
        if how == CloseHow::Flush && slot.phase != Phase::Connecting {
            slot.phase = Phase::Lingering;
            self.release(connection.index);
            let due = Instant::now() + self.config.linger;
            self.lingerers.0.push_back((due, connection));
            self.mark_dirty(connection.index);
        } else {
            self.end(connection.index);
        }
    }

    /// Reports the end of a live connection and closes it.
    pub(crate) fn over(&mut self, index: u32, cause: CloseCause, on_event: &mut OnEvent<'_>) {
        let failed = self.table.at(index).marks.has(Marks::SEND_FAILED);
        let cause = match cause {
            // The error was told to the send already, so the receive sees only the end.
            CloseCause::PeerClosed | CloseCause::Error(_) if failed => CloseCause::Reset,
            CloseCause::Error(libc::EPIPE | libc::ECONNRESET | libc::ETIMEDOUT) => {
                CloseCause::Reset
            }
            cause => cause,
        };
        on_event(Event::Closed {
            connection: self.table.id(index),
            cause,
        });
        self.end(index);
    }

    /// Closes a connection without another word.
    pub(crate) fn end(&mut self, index: u32) {
        self.stats.closes += 1;
        let slot = self.table.at(index);
        slot.phase = Phase::Closing;
        if held::is_place(slot.frame_set) {
            self.output.held.forget(slot.frame_set);
            slot.frame_set = EMPTY;
        }
        self.close_when_quiet(index);
    }

    /// Cancels what is in flight, or closes the slot if nothing is.
    fn close_when_quiet(&mut self, index: u32) {
        let armed = self.table.at(index).armed;
        if !armed.is_empty() {
            return self.cancel(index, armed);
        }
        self.drop_queue(index);
        let slot = self.table.at(index);
        slot.phase = Phase::Closed;
        let location = slot.location;
        let user_data = user_data::pack(Operation::Close, index, slot.generation);
        self.queue_on(location.ring(), &Request::close(location.slot(), user_data));
    }

    pub(crate) fn on_closed(&mut self, completion: &Completion) {
        debug_assert_eq!(completion.result, 0, "the slot was ours");
        let index = user_data::index(completion.user_data);
        let ring = self.table.at(index).location.ring();
        self.table.remove(index);
        self.address.release(ring);
    }

    /// Something in flight has ended on a connection that is not live.
    pub(crate) fn go_on_closing(&mut self, index: u32, phase: Phase) {
        match phase {
            Phase::Closing => self.close_when_quiet(index),
            Phase::Lingering => {
                self.table.at(index).marks.set(Marks::READABLE);
                self.mark_dirty(index);
            }
            _ => {}
        }
    }

    pub(crate) fn on_shut_down(&mut self, completion: &Completion) {
        let index = user_data::index(completion.user_data);
        let phase = self.disarm(index, Armed::SHUTDOWN);
        if completion.result < 0 && phase == Phase::Lingering {
            self.end(index);
        } else {
            self.go_on_closing(index, phase);
        }
    }

    /// The next step of a lingering connection. Once its output is in the socket: our FIN, and then the
    /// peer's. To close while the peer may still send would be a reset, which throws away what the
    /// socket has not delivered yet.
    pub(crate) fn linger_on(&mut self, index: u32) {
        let slot = self.table.at(index);
        let (armed, marks) = (slot.armed, slot.marks);
        if marks.has(Marks::SEND_FAILED) {
            return self.end(index);
        }
        if slot.frame_set != EMPTY || slot.queue != NO_QUEUE {
            return;
        }
        let receives = armed.any(Armed::ONCE.or(Armed::MULTI).or(Armed::POLL));
        if !receives && (marks.has(Marks::READABLE) || !marks.has(Marks::FIN_SENT)) {
            // The peer may be done already, and then there is nothing to wait for.
            self.discard(index);
        } else if !marks.has(Marks::FIN_SENT) {
            self.send_fin(index);
        } else if !receives {
            self.poll_in(index);
        }
    }

    fn discard(&mut self, index: u32) {
        self.queue_for(
            index,
            Armed::ONCE,
            Operation::ReceiveOnce,
            |slot, user_data| Request::discard(slot, DISCARD_BYTES, user_data),
        );
    }

    fn send_fin(&mut self, index: u32) {
        self.table.at(index).marks.set(Marks::FIN_SENT);
        self.queue_for(
            index,
            Armed::SHUTDOWN,
            Operation::Shutdown,
            Request::shutdown,
        );
    }

    /// A receive of a lingering connection has ended; its bytes are not wanted.
    pub(crate) fn on_discarded(&mut self, index: u32, result: i32) {
        let slot = self.table.at(index);
        let output_out = slot.frame_set == EMPTY && slot.queue == NO_QUEUE;
        let fin_sent = slot.marks.has(Marks::FIN_SENT);
        match result {
            n if n > 0 => slot.marks.set(Marks::READABLE),
            e if [libc::EAGAIN, libc::ECANCELED, libc::ENOBUFS, libc::EINTR].contains(&-e) => {
                slot.marks.clear(Marks::READABLE);
            }
            _ if output_out => return self.end(index),
            // The peer has ended its half; what is queued still goes out.
            _ => return,
        }
        if output_out && !fin_sent {
            self.send_fin(index);
        }
        self.mark_dirty(index);
    }

    /// Ends those whose time to linger is up.
    pub(crate) fn end_lingerers(&mut self, now: Instant) {
        while let Some(&(due, connection)) = self.lingerers.0.front()
            && due <= now
        {
            self.lingerers.0.pop_front();
            let lingers = self
                .table
                .same(connection)
                .is_some_and(|slot| slot.phase == Phase::Lingering);
            if lingers {
                self.end(connection.index);
            }
        }
    }
}
