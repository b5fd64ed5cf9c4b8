//! Lines about single clients and sessions: what a shard's router reports.
//!
//! All of them are `debug`: 20,000 clients may come at once after a network failure, and the log must not
//! be what they wait for. Names given by clients are quoted and escaped.

use std::fmt;

use ringmq_codec::Version;
use ringmq_router::{CloseCause, CloseReason, Disconnection, LogEvent, ShardId};
use tracing::debug;

use super::subject::{CLIENT, SESSION};

/// Writes what a shard's router reported. Called on the shard's thread; one level check when disabled.
pub fn log_event(shard: ShardId, event: &LogEvent) {
    let shard = shard.0;
    match event {
        LogEvent::Connected {
            client_id,
            peer,
            version,
            session_present,
        } => debug!(
            target: CLIENT,
            client = &**client_id,
            %peer,
            shard,
            mqtt = version_name(*version),
            session_present,
            "connected"
        ),
        LogEvent::Disconnected {
            client_id,
            peer,
            cause,
        } => debug!(
            target: CLIENT,
            client = &**client_id,
            %peer,
            shard,
            reason = %Reason(cause),
            "disconnected"
        ),
        LogEvent::Rejected { peer, cause } => {
            debug!(target: CLIENT, %peer, shard, reason = %Reason(cause), "not let in");
        }
        LogEvent::SessionExpired { client_id } => {
            debug!(target: SESSION, client = &**client_id, shard, "session expired");
        }
    }
}

fn version_name(version: Version) -> &'static str {
    match version {
        Version::V31 => "3.1",
        Version::V311 => "3.1.1",
        Version::V5 => "5.0",
    }
}

/// What ended a connection, in words.
struct Reason<'a>(&'a Disconnection);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Disconnection::ByBroker(reason) => match reason {
                CloseReason::ClientDisconnected => write!(f, "client disconnected"),
                CloseReason::Refused(code) => {
                    write!(f, "refused: {} (0x{:02X})", code.name(), *code as u8)
                }
                CloseReason::Malformed(error) => write!(f, "malformed packet: {error}"),
                CloseReason::KeepAlive => write!(f, "keep-alive timeout"),
                CloseReason::ConnectTimeout => write!(f, "no CONNECT in time"),
                CloseReason::TakenOver => write!(f, "taken over by a new connection"),
                CloseReason::Shutdown => write!(f, "broker shutting down"),
                CloseReason::Administrative => write!(f, "closed by an administrator"),
            },
            Disconnection::ByPeer(cause) => match cause {
                CloseCause::PeerClosed => write!(f, "closed by peer without DISCONNECT"),
                CloseCause::Reset => write!(f, "connection reset"),
                CloseCause::Error(errno) => {
                    write!(f, "{}", std::io::Error::from_raw_os_error(*errno))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringmq_codec::ReasonCode;

    fn check(cause: Disconnection, expected: &str) {
        assert_eq!(Reason(&cause).to_string(), expected);
    }

    #[test]
    fn reasons_are_words() {
        check(
            Disconnection::ByBroker(CloseReason::Refused(ReasonCode::SessionTakenOver)),
            "refused: Session taken over (0x8E)",
        );
        check(
            Disconnection::ByBroker(CloseReason::KeepAlive),
            "keep-alive timeout",
        );
        check(
            Disconnection::ByPeer(CloseCause::PeerClosed),
            "closed by peer without DISCONNECT",
        );
        check(
            Disconnection::ByPeer(CloseCause::Error(110)),
            "Connection timed out (os error 110)",
        );
    }
}
