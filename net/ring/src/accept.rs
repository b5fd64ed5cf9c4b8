//! Listening: a poll tells that connections wait; then as many accepts are queued at once as found one the
//! last time, none of which waits, each with its own address cell and its own slot taken beforehand.
//!
//! Accepts that wait would each be woken, and wake the thread, alone. A full engine queues no accepts;
//! connections then wait in the kernel's backlog until a slot is free. No error of accept ends listening.

use std::os::fd::AsRawFd;
use std::time::Instant;

use crate::address::RawAddress;
use crate::engine::{Engine, OnEvent};
use crate::event::Event;
use crate::limits::ACCEPT_BACKOFF;
use crate::listener::Listener;
use crate::ring::Completion;
use crate::submission::Request;
use crate::table::{Location, Phase};
use crate::user_data::{self, Operation};

/// One accept: its listener, and where the kernel writes the peer's address.
#[derive(Debug)]
struct Cell {
    listener: usize,
    address: RawAddress,
    length: libc::socklen_t,
}

/// The listeners of an engine and their accepts.
#[derive(Debug, Default)]
pub(crate) struct Acceptor {
    /// `None` once stopped and with nothing in flight.
    listeners: Vec<Option<Listener>>,
    #[expect(clippy::vec_box, reason = "the kernel knows the cells' addresses")]
    cells: Vec<Box<Cell>>,
    /// Cells that no accept in flight has.
    spare: Vec<u32>,
    /// A listener wants its poll, or accepts.
    wanting: bool,
    backoff_until: Option<Instant>,
}

impl Acceptor {
    pub(crate) fn add(&mut self, listener: Listener) {
        self.listeners.push(Some(listener));
        self.wanting = true;
    }

    /// Marks all listeners stopped and returns those whose poll is in flight.
    fn stop(&mut self) -> Vec<u32> {
        let mut polled = Vec::new();
        for (number, place) in (0..).zip(&mut self.listeners) {
            if let Some(listener) = place {
                listener.stop();
                if listener.polled {
                    polled.push(number);
                }
            }
        }
        self.forget_those_that_are_over();
        polled
    }

    fn forget_those_that_are_over(&mut self) {
        for place in &mut self.listeners {
            if place.as_ref().is_some_and(Listener::is_over) {
                *place = None;
            }
        }
    }

    fn listener(&mut self, number: usize) -> &mut Listener {
        self.listeners[number]
            .as_mut()
            .expect("a listener stays while something of it is in flight")
    }

    /// A cell for an accept of this listener.
    fn take_cell(&mut self, listener: usize) -> u32 {
        let number = self.spare.pop().unwrap_or_else(|| {
            self.cells.push(Box::new(Cell {
                listener,
                address: RawAddress::empty(),
                length: 0,
            }));
            u32::try_from(self.cells.len() - 1).expect("few accepts")
        });
        let cell = &mut self.cells[number as usize];
        cell.listener = listener;
        cell.length = RawAddress::ROOM;
        number
    }

    pub(crate) fn is_backing_off(&self) -> bool {
        self.backoff_until.is_some()
    }

    /// When accepting goes on after a shortage.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.backoff_until
    }

    pub(crate) fn end_backoff(&mut self, now: Instant) {
        if self.backoff_until.is_some_and(|until| until <= now) {
            self.backoff_until = None;
        }
    }
}

impl Engine {
    /// Stops accepting on all listeners there are. From now on connections are refused. The sockets are
    /// closed by the next calls of [`Engine::wait`]; whatever was accepted already is closed at once.
    pub fn stop_listening(&mut self) {
        for number in self.acceptor.stop() {
            let target = user_data::pack(Operation::Listen, number, 0);
            let cancel = user_data::pack(Operation::Cancel, number, 0);
            self.queue_on(0, &Request::cancel(target, cancel));
        }
    }

    /// Queues the polls and accepts that listeners want, as far as there are slots.
    pub(crate) fn top_up_accepts(&mut self) {
        if !self.acceptor.wanting || self.acceptor.is_backing_off() {
            return;
        }
        self.acceptor.wanting = false;
        for number in 0..self.acceptor.listeners.len() {
            self.listen_on(number);
        }
    }

    fn listen_on(&mut self, number: usize) {
        let Some(listener) = &mut self.acceptor.listeners[number] else {
            return;
        };
        if listener.stopped {
            return;
        }
        if !listener.polled {
            listener.polled = true;
            let user_data = user_data::pack(Operation::Listen, number as u32, 0);
            let request = Request::poll_listener(listener.socket.as_raw_fd(), user_data);
            self.queue_on(0, &request);
        }
        self.accept_round(number);
    }

    /// Queues accepts for a listener with connections, unless some are in flight.
    fn accept_round(&mut self, number: usize) {
        let Some(size) = self.acceptor.listener(number).next_round() else {
            return;
        };
        for _ in 0..size {
            let Some(ring) = self.address.reserve(0) else {
                break;
            };
            self.queue_accept(number, ring);
        }
        // Without a slot it is tried again at the next turn.
        self.acceptor.wanting |= !self.acceptor.listener(number).is_accepting();
    }

    fn queue_accept(&mut self, number: usize, ring: usize) {
        let cell_number = self.acceptor.take_cell(number);
        let listener = self.acceptor.listener(number);
        listener.accept_queued();
        let socket = listener.socket.as_raw_fd();
        let cell = &mut *self.acceptor.cells[cell_number as usize];
        let user_data = user_data::pack(Operation::Accept, cell_number, 0);
        let waits = !self.rings[ring].can_accept_at_once();
        // SAFETY: the cell is boxed, is not touched until its accept completes (it is not spare until then)
        // and outlives the rings, which the engine drops first.
        let request = unsafe {
            let peer = (cell.address.as_mut_ptr(), &raw mut cell.length);
            Request::accept(socket, peer, waits, user_data)
        };
        self.queue_on(ring, &request);
    }

    /// A listener's poll: connections wait.
    pub(crate) fn on_listen(&mut self, completion: &Completion) {
        let number = user_data::index(completion.user_data) as usize;
        let in_order = self.rings.len() == 1;
        let listener = self.acceptor.listener(number);
        listener.polled = completion.more();
        if listener.stopped {
            return self.acceptor.forget_those_that_are_over();
        }
        listener.found_ready(in_order);
        self.acceptor.wanting = true;
        self.go_on_accepting(number);
    }

    pub(crate) fn on_accept(
        &mut self,
        ring: usize,
        completion: &Completion,
        on_event: &mut OnEvent<'_>,
    ) {
        let cell_number = user_data::index(completion.user_data);
        let cell = &self.acceptor.cells[cell_number as usize];
        let (number, peer) = (cell.listener, cell.address.to_std());
        self.acceptor.spare.push(cell_number);
        self.acceptor.wanting = true;
        let slot = u32::try_from(completion.result).ok();
        let more = match slot {
            Some(_) => completion.socket_nonempty() || !self.rings[ring].can_accept_at_once(),
            None => completion.result != -libc::EAGAIN,
        };
        let accepts_max = self.config.accepts_per_round;
        let in_order = self.rings.len() == 1;
        let listener = self.acceptor.listener(number);
        listener.accepted(slot.is_some(), more, in_order, accepts_max);
        let (tag, stopped) = (listener.tag, listener.stopped);
        if stopped {
            self.acceptor.forget_those_that_are_over();
        }
        let Some(slot) = slot else {
            self.address.release(ring);
            if !stopped {
                self.on_accept_error(-completion.result);
                self.go_on_accepting(number);
            }
            return;
        };
        self.stats.accepts += 1;
        let connection = self
            .table
            .insert(Location::new(ring, slot), Phase::Handshake);
        match peer {
            Some(peer) if !stopped => {
                self.receive_first(connection.index);
                on_event(Event::Accepted {
                    connection,
                    peer,
                    tag,
                });
            }
            _ => self.end(connection.index),
        }
        if !stopped {
            self.go_on_accepting(number);
        }
    }

    /// Queues the next round of accepts if there is to be one.
    fn go_on_accepting(&mut self, number: usize) {
        if !self.acceptor.is_backing_off() {
            self.accept_round(number);
            self.entering_pays = true;
        }
    }

    fn on_accept_error(&mut self, error: i32) {
        if error == libc::EAGAIN {
            return;
        }
        self.stats.accept_errors += 1;
        // Errors of the one connection, or of nothing at all, do not ask for patience.
        let passing = [
            libc::ECONNABORTED,
            libc::ECANCELED,
            libc::EINTR,
            libc::EPROTO,
            libc::ENETDOWN,
            libc::EHOSTUNREACH,
        ];
        if !passing.contains(&error) {
            self.acceptor.backoff_until = Some(Instant::now() + ACCEPT_BACKOFF);
        }
    }
}
