//! What the timer wheel holds, and what each timer sets off.
//!
//! Timers are never taken out: each handler first looks whether its timer still means anything.

use crate::limits::RETAINED_SWEEP_TOPICS;
use crate::session::SessionId;
use crate::{CloseReason, ConnectionId, Millis, Outputs, Shard};

/// One timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The time for a CONNECT is over.
    Connect(ConnectionId),
    /// Look whether the keep-alive is over.
    KeepAlive(ConnectionId),
    /// Look whether the session's life without a connection is over.
    SessionExpiry(SessionId),
    /// Look whether the will delay is over.
    WillDelay(SessionId),
}

impl Shard {
    /// Sets off what is due.
    pub(crate) fn on_timer(&mut self, outputs: &mut Outputs) {
        let mut due = std::mem::take(&mut self.due);
        self.timers.advance(self.now, |timer| due.push(timer));
        for timer in due.drain(..) {
            match timer {
                Timer::Connect(id) => self.on_connect_timeout(id, outputs),
                Timer::KeepAlive(id) => self.on_keep_alive(id, outputs),
                Timer::SessionExpiry(id) => self.on_session_expiry(id, outputs),
                Timer::WillDelay(id) => self.on_will_delay(id, outputs),
            }
        }
        self.due = due;
        self.home.store.sweep(self.now, RETAINED_SWEEP_TOPICS);
        self.census.step(&self.sessions, &self.connections);
        self.publish_sys(outputs);
    }

    fn on_connect_timeout(&mut self, id: ConnectionId, outputs: &mut Outputs) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if connection.session().is_none() {
            self.close(id, CloseReason::ConnectTimeout, outputs);
        }
    }

    /// Closes the connection if nothing came for 1.5 times the keep-alive. [v5 MQTT-3.1.2-22]
    /// [v3.1.1 MQTT-3.1.2-24] Time in which it was not read does not count.
    fn on_keep_alive(&mut self, id: ConnectionId, outputs: &mut Outputs) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if connection.is_stopped() {
            let later = self.now.0 + u64::from(connection.keep_alive_secs) * 1_500;
            self.timers.insert(Millis(later), Timer::KeepAlive(id));
            return;
        }
        let deadline = keep_alive_deadline(connection.active, connection.keep_alive_secs);
        if deadline <= self.now {
            self.close(id, CloseReason::KeepAlive, outputs);
        } else {
            self.timers.insert(deadline, Timer::KeepAlive(id));
        }
    }
}

/// When a connection that was active then is given up.
pub(crate) fn keep_alive_deadline(active: Millis, keep_alive_secs: u16) -> Millis {
    Millis(active.0 + u64::from(keep_alive_secs) * 1_500)
}
