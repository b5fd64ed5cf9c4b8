//! Opens the sockets that clients connect to: for each listener one per shard, which share the address
//! through SO_REUSEPORT, so that the kernel spreads connections over the shards.
//!
//! SO_REUSEPORT would let a second broker of the same user join in silently and take half of the clients.
//! So the first socket of each address binds and listens alone; only then does it allow others to share.

mod holder;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tracing::debug;

use crate::broker::ListenerSet;
use crate::limits::{LISTEN_BACKLOG, PORT_LOOK_MILLIS, PORT_WAIT_MILLIS};
use crate::logging::subject;
use holder::Holder;

/// A listener could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// Something else has the address.
    InUse {
        /// The address.
        address: SocketAddr,
        /// Who, if that can be told.
        holder: Option<Holder>,
    },
    /// The user may not.
    PermissionDenied {
        /// The address.
        address: SocketAddr,
    },
    /// None of this machine's interfaces has the address.
    NoSuchAddress {
        /// The address.
        address: SocketAddr,
    },
    /// The system refused for another reason.
    System {
        /// The address.
        address: SocketAddr,
        /// Its answer.
        source: io::Error,
    },
}

/// Opens one listener: `shards` bound and listening sockets, in shard order. Port 0 becomes a free one.
pub fn open(address: SocketAddr, shards: usize) -> Result<ListenerSet, ListenError> {
    let error = |source: io::Error| ListenError::new(address, source);
    let first = listen_alone(address)?;
    first.set_reuse_port(true).map_err(error)?;
    let bound = first.local_addr().map_err(error)?;
    let bound = bound.as_socket().unwrap_or(address);
    let mut sockets = vec![TcpListener::from(first)];
    for _ in 1..shards {
        let next = socket(bound).map_err(error)?;
        next.set_reuse_port(true).map_err(error)?;
        listen(&next, bound).map_err(error)?;
        sockets.push(TcpListener::from(next));
    }
    debug!(target: subject::LISTENER, address = %bound, sockets = shards, "listening");
    Ok(ListenerSet {
        address: bound,
        sockets,
    })
}

/// The socket that nobody else may share while it begins.
///
/// The kernel takes its time to close the sockets of a broker that was killed, as its rings hold them. So an
/// address that no process can be seen to hold is tried again for a while.
fn listen_alone(address: SocketAddr) -> Result<Socket, ListenError> {
    let deadline = Instant::now() + Duration::from_millis(PORT_WAIT_MILLIS);
    loop {
        let listening = socket(address).and_then(|socket| {
            listen(&socket, address)?;
            Ok(socket)
        });
        match listening.map_err(|source| ListenError::new(address, source)) {
            Err(ListenError::InUse { holder: None, .. }) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(PORT_LOOK_MILLIS));
            }
            result => return result,
        }
    }
}

/// Its options are inherited by the connections it accepts.
fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart finds connections of the last run in TIME_WAIT; they do not count.
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn listen(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)
}

impl ListenError {
    fn new(address: SocketAddr, source: io::Error) -> ListenError {
        match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse {
                address,
                holder: holder::of_port(address.port()),
            },
            io::ErrorKind::PermissionDenied => ListenError::PermissionDenied { address },
            io::ErrorKind::AddrNotAvailable => ListenError::NoSuchAddress { address },
            _ => ListenError::System { address, source },
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenError::InUse {
                address,
                holder: Some(holder),
            } => write!(
                f,
                "cannot listen on {address}: {holder} already does; stop that, or choose another address \
                 with --listen"
            ),
            ListenError::InUse { address, .. } => write!(
                f,
                "cannot listen on {address}: another program already uses it (\"ss -ltnp\" as root shows \
                 which); stop that, or choose another address with --listen"
            ),
            ListenError::PermissionDenied { address } if address.port() < 1_024 => write!(
                f,
                "cannot listen on {address}: ports below 1024 are for privileged programs; choose another \
                 port with --listen, or allow it with \"setcap cap_net_bind_service=+ep\" on the ringmq file"
            ),
            ListenError::PermissionDenied { address } => {
                write!(
                    f,
                    "cannot listen on {address}: the system does not permit it"
                )
            }
            ListenError::NoSuchAddress { address } => write!(
                f,
                "cannot listen on {address}: this machine has no such address (\"ip address\" shows those it \
                 has)"
            ),
            ListenError::System { address, source } => {
                write!(f, "cannot listen on {address}: {source}")
            }
        }
    }
}

impl std::error::Error for ListenError {}
