//! Wills: each is published once when it is due, never before, and never when a DISCONNECT or a resume
//! kept it back. A watcher that is always connected reports what it hears.

use ringmq_router::{CloseReason, ShardId};

use super::session::{AttemptId, Ended};
use super::{Oracle, Rule};
use crate::oracle::MessageIndex;
use crate::time::Time;

/// The will of a connection attempt.
#[derive(Clone, Debug)]
pub(crate) struct Will {
    pub(crate) message: MessageIndex,
    pub(crate) delay_secs: u32,
    pub(crate) state: WillState,
}

/// When a will must be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WillState {
    /// The connection lives, or was never accepted.
    Kept,
    /// From this time on.
    Due(Time),
    /// Not at all.
    Discarded,
    /// It was due at about the time the client came back: both are right.
    Either(Time),
}

impl Oracle {
    fn set_will(&mut self, attempt: AttemptId, state: WillState) {
        let Some(will) = &mut self.attempts[attempt.0 as usize].will else {
            return;
        };
        will.state = state;
        let message = will.message;
        if let WillState::Due(at) | WillState::Either(at) = state {
            self.messages[message.0 as usize].first_sent = at;
        }
    }

    pub(crate) fn will_at_end(&mut self, attempt: AttemptId, how: Ended) {
        let this = &self.attempts[attempt.0 as usize];
        let Some(will) = &this.will else {
            return;
        };
        let state = match how {
            Ended::ByBroker(CloseReason::ClientDisconnected) if this.said_goodbye => {
                WillState::Discarded
            }
            // They wait for a restart. [v5 3.1.2.5]
            Ended::ByBroker(CloseReason::Shutdown) => WillState::Discarded,
            _ => WillState::Due(self.now.plus_secs(will.delay_secs.min(this.expiry_secs))),
        };
        self.set_will(attempt, state);
    }

    /// The client is back; its session goes on or is new.
    pub(crate) fn wills_at_connect(&mut self, before: AttemptId, shard: ShardId, resumed: bool) {
        let Some(will) = &self.attempts[before.0 as usize].will else {
            return;
        };
        let WillState::Due(at) = will.state else {
            return;
        };
        if at <= self.now && will.delay_secs == 0 {
            return;
        }
        let state = if self.now > self.done_by(at, shard) {
            return;
        } else if !resumed {
            // The session ended here, so the will is due here.
            WillState::Due(at.min(self.now))
        } else if self.now < at {
            WillState::Discarded
        } else {
            WillState::Either(at)
        };
        self.set_will(before, state);
    }

    /// Checks a received will against its state.
    pub(crate) fn will_received(&mut self, message: MessageIndex) {
        let attempt = self.messages[message.0 as usize].attempt;
        let Some(will) = &self.attempts[attempt.0 as usize].will else {
            return;
        };
        let problem = match will.state {
            WillState::Kept => "while its connection lived",
            WillState::Discarded => "though it was to be discarded",
            // The router counts whole milliseconds.
            WillState::Due(at) | WillState::Either(at) if self.now.plus(1_000) < at => {
                "before it was due"
            }
            WillState::Due(_) | WillState::Either(_) => return,
        };
        let client = &self.attempts[attempt.0 as usize].client_id;
        let detail = format!("the will of {client:?} ({message:?}) came {problem}: {will:?}");
        self.fail(Rule::Will, detail);
    }
}
