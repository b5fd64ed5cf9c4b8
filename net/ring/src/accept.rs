//! Listening: a few single-shot accepts outstanding per listener, each with its own address cell and its
//! own slot taken beforehand.
//!
//! A full engine has no accepts outstanding; connections then wait in the kernel's backlog until a slot
//! is free. No error of accept ends listening.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::time::Instant;

use crate::address::RawAddress;
use crate::engine::{Engine, OnEvent};
use crate::error::EngineError;
use crate::event::Event;
use crate::limits::ACCEPT_BACKOFF;
use crate::ring::Completion;
use crate::submission::Request;
use crate::table::{Location, Phase};
use crate::user_data::{self, Operation};

/// One accept: its listener, where the kernel writes the peer's address, and the ring it was queued on.
#[derive(Debug)]
struct Cell {
    listener: usize,
    ring: Option<usize>,
    address: RawAddress,
    length: libc::socklen_t,
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    tag: u16,
}

/// The listeners of an engine and their accepts.
#[derive(Debug, Default)]
pub(crate) struct Acceptor {
    /// `None` once stopped and without accepts in flight.
    listeners: Vec<Option<Listener>>,
    #[expect(clippy::vec_box, reason = "the kernel knows the cells' addresses")]
    cells: Vec<Box<Cell>>,
    /// Cells without an accept in flight.
    unarmed: Vec<u32>,
    backoff_until: Option<Instant>,
    stopping: bool,
}

impl Acceptor {
    pub(crate) fn add(
        &mut self,
        socket: TcpListener,
        tag: u16,
        accepts: u16,
    ) -> Result<(), EngineError> {
        socket
            .set_nonblocking(false)
            .map_err(|e| EngineError::system("preparing a listener", e))?;
        let listener = self.listeners.len();
        self.listeners.push(Some(Listener { socket, tag }));
        for _ in 0..accepts {
            self.unarmed
                .push(u32::try_from(self.cells.len()).expect("few accepts"));
            self.cells.push(Box::new(Cell {
                listener,
                ring: None,
                address: RawAddress::empty(),
                length: 0,
            }));
        }
        Ok(())
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

    /// Drops the listeners once none of their accepts is in flight.
    fn drop_stopped(&mut self) {
        if self.stopping && self.unarmed.len() == self.cells.len() {
            *self = Acceptor::default();
        }
    }
}

impl Engine {
    /// Stops accepting. The listening sockets are closed by the next calls of [`Engine::wait`]; whatever is
    /// accepted in between is closed at once.
    pub fn stop_listening(&mut self) {
        self.acceptor.stopping = true;
        for number in 0..self.acceptor.cells.len() {
            if let Some(ring) = self.acceptor.cells[number].ring {
                let target = user_data::pack(Operation::Accept, number as u32, 0);
                let cancel = user_data::pack(Operation::Cancel, number as u32, 0);
                self.queue_on(ring, &Request::cancel(target, cancel));
            }
        }
        self.acceptor.drop_stopped();
    }

    /// Queues accepts for as long as there are slots.
    pub(crate) fn top_up_accepts(&mut self) {
        if self.acceptor.stopping || self.acceptor.is_backing_off() {
            return;
        }
        while let Some(&number) = self.acceptor.unarmed.last() {
            let Some(ring) = self.address.reserve(0) else {
                return;
            };
            self.acceptor.unarmed.pop();
            self.queue_accept(number, ring);
        }
    }

    fn queue_accept(&mut self, number: u32, ring: usize) {
        let cell = &mut *self.acceptor.cells[number as usize];
        let Some(listener) = &self.acceptor.listeners[cell.listener] else {
            return;
        };
        cell.ring = Some(ring);
        cell.length = RawAddress::ROOM;
        let user_data = user_data::pack(Operation::Accept, number, 0);
        // SAFETY: the cell is boxed, is not touched until its accept completes (`ring` is `Some` until
        // then) and outlives the rings, which the engine drops first.
        let request = unsafe {
            Request::accept(
                listener.socket.as_raw_fd(),
                cell.address.as_mut_ptr(),
                &raw mut cell.length,
                user_data,
            )
        };
        self.queue_on(ring, &request);
    }

    pub(crate) fn on_accept(
        &mut self,
        ring: usize,
        completion: &Completion,
        on_event: &mut OnEvent<'_>,
    ) {
        let number = user_data::index(completion.user_data);
        let cell = &mut self.acceptor.cells[number as usize];
        cell.ring = None;
        let peer = cell.address.to_std();
        let tag = self.acceptor.listeners[cell.listener]
            .as_ref()
            .map_or(0, |listener| listener.tag);
        self.acceptor.unarmed.push(number);
        let stopping = self.acceptor.stopping;
        self.acceptor.drop_stopped();
        let Ok(slot) = u32::try_from(completion.result) else {
            self.address.release(ring);
            if !stopping {
                self.on_accept_error(-completion.result);
            }
            return;
        };
        self.stats.accepts += 1;
        let connection = self
            .table
            .insert(Location::new(ring, slot), Phase::Handshake);
        match peer {
            Some(peer) if !stopping => {
                self.mark_dirty(connection.index);
                on_event(Event::Accepted {
                    connection,
                    peer,
                    tag,
                });
            }
            _ => self.end(connection.index),
        }
    }

    fn on_accept_error(&mut self, error: i32) {
        self.stats.accept_errors += 1;
        // Errors of the one connection, or of nothing at all, do not ask for patience.
        let passing = [
            libc::ECONNABORTED,
            libc::ECANCELED,
            libc::EINTR,
            libc::EAGAIN,
            libc::EPROTO,
            libc::ENETDOWN,
            libc::EHOSTUNREACH,
        ];
        if !passing.contains(&error) {
            self.acceptor.backoff_until = Some(Instant::now() + ACCEPT_BACKOFF);
        }
    }
}
