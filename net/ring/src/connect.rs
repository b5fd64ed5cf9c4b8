//! Client connections: an ordinary socket is made, bound and put into a table; from then on it has no
//! descriptor and is like any other connection.
//!
//! So one process can hold more client sockets than RLIMIT_NOFILE allows descriptors.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use crate::address::{RawAddress, client_socket};
use crate::engine::{Engine, OnEvent};
use crate::error::{ConnectError, EngineError};
use crate::event::{CloseCause, ConnectionId, Event};
use crate::ring::{Completion, Ring};
use crate::submission::Request;
use crate::table::{Armed, Location, NO_QUEUE, Phase};
use crate::user_data::{self, Operation};

impl Engine {
    /// Begins a connection, from `local` (whose port may be 0) if given. [`Event::Connected`] or
    /// [`Event::Closed`] follows. The connection is established from the start, and what is pushed before
    /// it is up goes out then.
    pub fn connect(
        &mut self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<ConnectionId, ConnectError> {
        let ring = self.address.reserve(0).ok_or(ConnectError::Full)?;
        let installed = self.install(ring, local, remote);
        if installed.is_err() {
            self.address.release(ring);
        }
        let slot = installed?;
        let connection = self
            .table
            .insert(Location::new(ring, slot), Phase::Connecting);
        let address = RawAddress::from_std(remote);
        self.queue_for(
            connection.index,
            Armed::CONNECT,
            Operation::Connect,
            |slot, user_data| {
                // SAFETY: the address lives until the end of this function, which enters the ring; if that
                // fails the engine is broken and never enters again.
                unsafe { Request::connect(slot, &address, user_data) }
            },
        );
        self.guarded(|engine| engine.rings[ring].submit())
            .map_err(ConnectError::Engine)?;
        Ok(connection)
    }

    /// Makes the socket and moves it into the ring's table. Returns its slot.
    fn install(
        &mut self,
        ring: usize,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<u32, ConnectError> {
        let socket = client_socket(local, remote).map_err(ConnectError::Socket)?;
        self.guarded(|engine| put_into_table(&mut engine.rings[ring], socket.as_raw_fd()))
            .map_err(ConnectError::Engine)?
            .map_err(ConnectError::Socket)
    }

    pub(crate) fn on_connected(&mut self, completion: &Completion, on_event: &mut OnEvent<'_>) {
        let index = user_data::index(completion.user_data);
        match self.disarm(index, Armed::CONNECT) {
            Phase::Connecting => {}
            phase => return self.go_on_closing(index, phase),
        }
        if completion.result < 0 {
            return self.over(
                index,
                CloseCause::ConnectFailed(-completion.result),
                on_event,
            );
        }
        let slot = self.table.at(index);
        slot.phase = Phase::Established;
        let queued = slot.queue != NO_QUEUE;
        self.mark_dirty(index);
        on_event(Event::Connected {
            connection: self.table.id(index),
        });
        if queued {
            self.send_queued(index);
        }
    }
}

/// Puts a descriptor into a free slot of the ring's table and returns the slot. The inner error is the
/// kernel's refusal, the outer one a failure of the ring, which must not be entered again then.
pub(crate) fn put_into_table(
    ring: &mut Ring,
    descriptor: RawFd,
) -> Result<io::Result<u32>, EngineError> {
    let mut slot = descriptor;
    let user_data = user_data::pack(Operation::Install, 0, 0);
    // SAFETY: `slot` lives until the end of this function, which enters the ring.
    let request = unsafe { Request::install(&raw mut slot, user_data) };
    ring.queue(&request)?;
    ring.submit()?;
    let mut completions = Vec::new();
    let is_install = |user_data| user_data::operation(user_data) == Some(Operation::Install);
    ring.pick(&mut completions, is_install)?;
    match completions.first().map(|completion| completion.result) {
        Some(result) if result < 0 => Ok(Err(io::Error::from_raw_os_error(-result))),
        Some(_) => Ok(Ok(slot as u32)),
        None => Err(EngineError::Broken),
    }
}
