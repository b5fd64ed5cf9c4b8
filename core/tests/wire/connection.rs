//! One TCP connection of a client: bytes out, packets in. Waits are bounded by [`PATIENCE`], which only
//! decides how long a failure takes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What comes next on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The bytes of one packet.
    Packet(Vec<u8>),
    /// The broker has ended the connection.
    Closed,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Connection, String> {
        let open = || -> std::io::Result<TcpStream> {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let stream = open().map_err(|error| format!("cannot connect: {error}"))?;
        Ok(Connection {
            stream,
            received: Vec::new(),
        })
    }

    /// Sends bytes. That the broker has closed meanwhile shows when the script reads on.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        match self.stream.write_all(bytes) {
            Err(error) if !is_end(&error) => Err(format!("cannot send: {error}")),
            _ => Ok(()),
        }
    }

    /// The next packet, or the end.
    pub(crate) fn next(&mut self) -> Result<Next, String> {
        loop {
            if let Some(length) = packet_length(&self.received) {
                let rest = self.received.split_off(length);
                return Ok(Next::Packet(std::mem::replace(&mut self.received, rest)));
            }
            let mut chunk = [0; 64 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return self.end(),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if is_end(&error) => return self.end(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(format!("nothing came in {} s", PATIENCE.as_secs())),
            }
        }
    }

    fn end(&mut self) -> Result<Next, String> {
        match self.received.len() {
            0 => Ok(Next::Closed),
            count => Err(format!("closed within a packet, after {count} bytes of it")),
        }
    }
}

/// Whether the other side has gone. A reset counts: the broker may close with bytes of ours unread.
fn is_end(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
    )
}

/// How long the packet at the start of `bytes` is, if it is there whole.
fn packet_length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for position in 0..4 {
        let byte = *bytes.get(1 + position)?;
        length |= usize::from(byte & 0x7F) << (7 * position);
        if byte & 0x80 == 0 {
            let whole = 2 + position + length;
            return (bytes.len() >= whole).then_some(whole);
        }
    }
    // No such length: whoever decodes the packet says so.
    Some(bytes.len())
}
