//! Receiving: what each connection has armed, and what its completions mean.
//!
//! ```text
//! Handshake    a receive that waits; nothing is armed between an event and the next `wait`
//! idle         a single-shot poll -> a receive that does not wait -> ... -> the poll again
//! busy         one multishot receive
//! paused       nothing but a poll that was armed already
//! ```
//! At most one receive of a connection is in flight, so bytes come in order. The poll is single-shot on
//! purpose: between a message and the next `wait` nothing is armed, so promotion, pausing and closing need
//! no cancel, which would walk a hash chain of the ring.

use crate::engine::{Engine, OnEvent};
use crate::event::{CloseCause, ConnectionId, Event};
use crate::ring::Completion;
use crate::submission::{Readiness, Request};
use crate::table::{Armed, Marks, Phase};
use crate::user_data::{self, Operation};

const ANY_RECEIVE: Armed = Armed::ONCE.or(Armed::MULTI);

impl Engine {
    /// Moves a connection from single-shot receive to the scheme for long-lived ones. Has no effect on a
    /// connection that is established already.
    pub fn established(&mut self, connection: ConnectionId) {
        if let Some(slot) = self.table.live(connection)
            && slot.phase == Phase::Handshake
        {
            slot.phase = Phase::Established;
            self.mark_dirty(connection.index);
        }
    }

    /// Stops receiving. Bytes the kernel has already taken out of the socket may still be reported. The
    /// peer's end goes unnoticed until the connection is resumed, unless something is sent to it.
    pub fn pause(&mut self, connection: ConnectionId) {
        if let Some(slot) = self.table.live(connection) {
            slot.marks.set(Marks::PAUSED);
            self.mark_dirty(connection.index);
        }
    }

    /// Receives again, beginning with what waits in the socket.
    pub fn resume(&mut self, connection: ConnectionId) {
        if let Some(slot) = self.table.live(connection) {
            slot.marks.clear(Marks::PAUSED);
            self.mark_dirty(connection.index);
        }
    }

    /// Queues what the connection wants and has not in flight.
    pub(crate) fn arm(&mut self, index: u32) {
        let slot = self.table.at(index);
        let (marks, armed) = (slot.marks, slot.armed);
        let paused = marks.has(Marks::PAUSED);
        match slot.phase {
            Phase::Handshake if paused => self.cancel(index, Armed::ONCE),
            Phase::Handshake if !armed.any(ANY_RECEIVE) => self.receive_once(index, true),
            Phase::Established if paused => self.cancel(index, ANY_RECEIVE),
            Phase::Established if armed.any(Armed::MULTI) && !marks.has(Marks::BUSY) => {
                self.cancel(index, Armed::MULTI);
            }
            // What is armed comes back here when it ends.
            Phase::Established if armed.any(ANY_RECEIVE.or(Armed::POLL)) => {}
            Phase::Established if marks.has(Marks::BUSY) => self.receive_multi(index),
            Phase::Established if marks.has(Marks::READABLE) => self.receive_once(index, false),
            Phase::Established => self.poll_in(index),
            Phase::Lingering => self.linger_on(index),
            _ => {}
        }
    }

    /// Queues a cancel of those operations that are in flight and not cancelled yet.
    pub(crate) fn cancel(&mut self, index: u32, operations: Armed) {
        for (one, operation) in Armed::CANCELLABLE {
            let slot = self.table.at(index);
            if operations.any(one) && slot.armed.any(one) && !slot.cancelled.any(one) {
                slot.cancelled.insert(one);
                let (ring, generation) = (slot.location.ring(), slot.generation);
                let target = user_data::pack(operation, index, generation);
                let user_data = user_data::pack(Operation::Cancel, index, generation);
                self.queue_on(ring, &Request::cancel(target, user_data));
            }
        }
    }

    fn receive_once(&mut self, index: u32, wait: bool) {
        self.queue_for(
            index,
            Armed::ONCE,
            Operation::ReceiveOnce,
            |slot, user_data| Request::receive_once(slot, wait, user_data),
        );
    }

    /// Receives from a connection that was just accepted: mostly its first bytes are there.
    pub(crate) fn receive_first(&mut self, index: u32) {
        self.receive_once(index, true);
        self.entering_pays = true;
    }

    fn receive_multi(&mut self, index: u32) {
        self.queue_for(
            index,
            Armed::MULTI,
            Operation::ReceiveMulti,
            Request::receive_multi,
        );
    }

    pub(crate) fn poll_in(&mut self, index: u32) {
        self.queue_for(index, Armed::POLL, Operation::PollIn, |slot, user_data| {
            Request::poll(slot, Readiness::Input, user_data)
        });
    }

    /// Tells TCP that acknowledgements to a busy peer need not go at once.
    ///
    /// To a socket that is read and never written, the kernel answers every receive with a segment of its own,
    /// which costs as much as sending a message. Delayed, one acknowledgement does for two receives, and where
    /// something is sent it goes with that. [RFC 1122 4.2.3.2] The kernel gives this up whenever nothing came
    /// for 40 ms, so it is said again as long as the connection is busy. Idle connections are left as they
    /// are: a peer that sends a packet in two pieces and waits for the acknowledgement of the first (Nagle)
    /// would wait 40 ms for it; a busy one may have to about once a second.
    fn delay_acks(&mut self, index: u32) {
        self.stats.ack_delays += 1;
        let slot = self.table.at(index);
        let (location, generation) = (slot.location, slot.generation);
        let user_data = user_data::pack(Operation::DelayAcks, index, generation);
        self.queue_on(
            location.ring(),
            &Request::delay_acks(location.slot(), user_data),
        );
    }

    /// Queues an operation of a connection and notes it as in flight.
    pub(crate) fn queue_for(
        &mut self,
        index: u32,
        armed: Armed,
        operation: Operation,
        request: impl FnOnce(u32, u64) -> Request,
    ) {
        let slot = self.table.at(index);
        debug_assert!(!slot.armed.any(armed) && slot.phase != Phase::Closed);
        slot.armed.insert(armed);
        let (location, generation) = (slot.location, slot.generation);
        let user_data = user_data::pack(operation, index, generation);
        self.queue_on(location.ring(), &request(location.slot(), user_data));
    }

    /// Notes that an operation has ended.
    pub(crate) fn disarm(&mut self, index: u32, operation: Armed) -> Phase {
        let slot = self.table.at(index);
        slot.armed.remove(operation);
        slot.cancelled.remove(operation);
        slot.phase
    }

    pub(crate) fn on_poll_in(&mut self, completion: &Completion, on_event: &mut OnEvent<'_>) {
        let index = user_data::index(completion.user_data);
        match self.disarm(index, Armed::POLL) {
            Phase::Established => {}
            phase => return self.go_on_closing(index, phase),
        }
        if completion.result < 0 && completion.result != -libc::ECANCELED {
            return self.over(index, CloseCause::Error(-completion.result), on_event);
        }
        let slot = self.table.at(index);
        if completion.result >= 0 {
            slot.marks.set(Marks::READABLE);
        }
        if slot.marks.has(Marks::READABLE) && !slot.marks.has(Marks::PAUSED) {
            self.receive_once(index, false);
            self.entering_pays = true;
        } else {
            self.mark_dirty(index);
        }
    }

    pub(crate) fn on_receive_once(
        &mut self,
        ring: usize,
        completion: &Completion,
        on_event: &mut OnEvent<'_>,
    ) {
        let index = user_data::index(completion.user_data);
        let phase = self.disarm(index, Armed::ONCE);
        match phase {
            Phase::Handshake | Phase::Established => {}
            Phase::Lingering => return self.on_discarded(index, completion.result),
            phase => return self.go_on_closing(index, phase),
        }
        if !self.received(ring, index, completion, on_event) {
            return;
        }
        let slot = self.table.at(index);
        match completion.result {
            n if n > 0 && phase == Phase::Established => {
                if completion.socket_nonempty() {
                    slot.marks.set(Marks::READABLE);
                } else {
                    slot.marks.clear(Marks::READABLE);
                }
                if self.activity.note(slot) {
                    slot.marks.set(Marks::BUSY);
                    self.stats.promotions += 1;
                    self.activity.add(ConnectionId {
                        index,
                        generation: slot.generation,
                    });
                    self.delay_acks(index);
                }
            }
            e if e == -libc::EAGAIN => slot.marks.clear(Marks::READABLE),
            _ => {}
        }
        self.mark_dirty(index);
    }

    pub(crate) fn on_receive_multi(
        &mut self,
        ring: usize,
        completion: &Completion,
        on_event: &mut OnEvent<'_>,
    ) {
        let index = user_data::index(completion.user_data);
        if !completion.more() {
            self.disarm(index, Armed::MULTI);
        }
        match self.table.at(index).phase {
            Phase::Established => {}
            _ if completion.more() => return,
            phase => return self.go_on_closing(index, phase),
        }
        if !self.received(ring, index, completion, on_event) {
            return;
        }
        if completion.result > 0 {
            let slot = self.table.at(index);
            let _ = self.activity.note(slot);
        }
        if !completion.more() {
            self.mark_dirty(index);
        }
    }

    /// Reports the bytes of a receive, or the end of the connection. Returns whether it goes on.
    fn received(
        &mut self,
        ring: usize,
        index: u32,
        completion: &Completion,
        on_event: &mut OnEvent<'_>,
    ) -> bool {
        match completion.result {
            n if n > 0 => {
                let connection = self.table.id(index);
                self.stats.receives += 1;
                self.stats.received_bytes += n as u64;
                if let Some(buffer) = completion.buffer() {
                    let bytes = self.rings[ring].buffers.bytes(buffer, n as usize);
                    on_event(Event::Received { connection, bytes });
                }
                true
            }
            0 => {
                self.over(index, CloseCause::PeerClosed, on_event);
                false
            }
            e => match -e {
                libc::ENOBUFS => {
                    self.stats.receive_buffers_exhausted += 1;
                    self.rings[ring].buffers.offer_more();
                    true
                }
                libc::EAGAIN | libc::ECANCELED | libc::EINTR => true,
                libc::ECONNRESET | libc::EPIPE | libc::ETIMEDOUT => {
                    self.over(index, CloseCause::Reset, on_event);
                    false
                }
                error => {
                    self.over(index, CloseCause::Error(error), on_event);
                    false
                }
            },
        }
    }

    /// Puts busy connections that have gone quiet back to polling.
    pub(crate) fn demote_idle(&mut self) {
        for _ in 0..self.activity.sweep() {
            let Some(connection) = self.activity.under_hand() else {
                return;
            };
            let mut stays = false;
            if let Some(slot) = self.table.live(connection) {
                let quiet = self.activity.is_quiet(slot) && !slot.marks.has(Marks::PAUSED);
                if quiet {
                    slot.marks.clear(Marks::BUSY);
                    slot.heat = 0;
                    self.stats.demotions += 1;
                    self.mark_dirty(connection.index);
                }
                stays = !quiet;
            }
            if stays {
                self.delay_acks(connection.index);
            }
            self.activity.pass(stays);
        }
    }
}
