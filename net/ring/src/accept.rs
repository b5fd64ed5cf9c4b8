//! Listening: a few single-shot accepts outstanding per listener, each with its own address cell and its
//! own slot taken beforehand.
//!
//! A full engine has no accepts outstanding; connections then wait in the kernel's backlog until a slot
//! is free. No error of accept ends listening.

use std::net::{SocketAddr, TcpListener};
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

/// One accept: its listener, where the kernel writes the peer's address, and the ring it is in flight on.
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
    /// Accepts in flight.
    armed: u32,
    stopped: bool,
}

/// The listeners of an engine and their accepts.
#[derive(Debug, Default)]
pub(crate) struct Acceptor {
    /// `None` once stopped and without accepts in flight.
    listeners: Vec<Option<Listener>>,
    #[expect(clippy::vec_box, reason = "the kernel knows the cells' addresses")]
    cells: Vec<Box<Cell>>,
    /// Cells whose listener wants another accept in flight.
    wanting: Vec<u32>,
    /// Cells of listeners that are gone.
    spare: Vec<u32>,
    backoff_until: Option<Instant>,
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
        self.listeners.push(Some(Listener {
            socket,
            tag,
            armed: 0,
            stopped: false,
        }));
        for _ in 0..accepts {
            let number = self.spare.pop().unwrap_or_else(|| {
                let address = RawAddress::empty();
                self.cells.push(Box::new(Cell {
                    listener,
                    ring: None,
                    address,
                    length: 0,
                }));
                u32::try_from(self.cells.len() - 1).expect("few accepts")
            });
            self.cells[number as usize].listener = listener;
            self.wanting.push(number);
        }
        Ok(())
    }

    /// Marks all listeners stopped and returns the accepts in flight, with their rings.
    fn stop(&mut self) -> Vec<(u32, usize)> {
        for place in &mut self.listeners {
            if let Some(listener) = place {
                refuse(&listener.socket);
            }
            match place {
                Some(listener) if listener.armed > 0 => listener.stopped = true,
                _ => *place = None,
            }
        }
        self.spare.append(&mut self.wanting);
        let rings = self.cells.iter().map(|cell| cell.ring);
        (0..)
            .zip(rings)
            .filter_map(|(number, ring)| Some((number, ring?)))
            .collect()
    }

    /// Takes a cell back from the kernel. Returns the listener's tag and the peer, unless the listener
    /// has been stopped.
    fn finish(&mut self, number: u32) -> Option<(u16, Option<SocketAddr>)> {
        let cell = &mut self.cells[number as usize];
        cell.ring = None;
        let place = &mut self.listeners[cell.listener];
        let listener = place
            .as_mut()
            .expect("a listener stays while an accept is in flight");
        listener.armed -= 1;
        if !listener.stopped {
            self.wanting.push(number);
            return Some((listener.tag, cell.address.to_std()));
        }
        self.spare.push(number);
        if listener.armed == 0 {
            *place = None;
        }
        None
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

/// Ends listening at once. Closing the socket does not, as long as an accept in flight holds it, which can
/// be until after the process has ended; a broker that is started anew would then find its port taken.
fn refuse(listener: &TcpListener) {
    // SAFETY: a call that takes no pointers. The result is of no interest: a socket that does not listen
    // is what is wanted.
    unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) };
}

impl Engine {
    /// Stops accepting on all listeners there are. From now on connections are refused. The sockets are
    /// closed by the next calls of [`Engine::wait`]; whatever was accepted already is closed at once.
    pub fn stop_listening(&mut self) {
        for (number, ring) in self.acceptor.stop() {
            let target = user_data::pack(Operation::Accept, number, 0);
            let cancel = user_data::pack(Operation::Cancel, number, 0);
            self.queue_on(ring, &Request::cancel(target, cancel));
        }
    }

    /// Queues accepts for as long as there are slots.
    pub(crate) fn top_up_accepts(&mut self) {
        if self.acceptor.is_backing_off() {
            return;
        }
        while let Some(&number) = self.acceptor.wanting.last() {
            let Some(ring) = self.address.reserve(0) else {
                return;
            };
            self.acceptor.wanting.pop();
            self.queue_accept(number, ring);
        }
    }

    fn queue_accept(&mut self, number: u32, ring: usize) {
        let cell = &mut *self.acceptor.cells[number as usize];
        let listener = self.acceptor.listeners[cell.listener].as_mut();
        let listener = listener.expect("the cells of a listener that is gone want nothing");
        listener.armed += 1;
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
        let finished = self.acceptor.finish(user_data::index(completion.user_data));
        let Ok(slot) = u32::try_from(completion.result) else {
            self.address.release(ring);
            if finished.is_some() {
                self.on_accept_error(-completion.result);
            }
            return;
        };
        self.stats.accepts += 1;
        let connection = self
            .table
            .insert(Location::new(ring, slot), Phase::Handshake);
        match finished {
            Some((tag, Some(peer))) => {
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
