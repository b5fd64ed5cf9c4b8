//! The durable log as the router sees it: which record is asked for, how far the disk is, and which
//! sessions' acknowledgements wait for it.
//!
//! Without a log nothing is appended and nothing waits.

use std::collections::VecDeque;

use crate::publish_frame::{self, Envelope, Message};
use crate::sessions::SessionId;
use crate::{FrameRange, LogPosition, Output, Outputs, Shard};
use ringmq_codec::Version;

/// Positions and waiters.
#[derive(Debug, Default)]
pub(crate) struct Log {
    last: LogPosition,
    durable: LogPosition,
    /// Sessions with a gate entry behind a position, ascending.
    waiting: VecDeque<(LogPosition, SessionId)>,
}

impl Log {
    /// Every record up to here is on disk.
    pub(crate) fn durable(&self) -> LogPosition {
        self.durable
    }

    /// The session has a gate entry that waits for `position`.
    pub(crate) fn wait(&mut self, position: LogPosition, session: SessionId) {
        self.waiting.push_back((position, session));
    }
}

impl Shard {
    /// Asks for a record of the message; position 0, which is always durable, without a log.
    pub(crate) fn append(&mut self, message: &Message<'_>, outputs: &mut Outputs) -> LogPosition {
        if !self.settings.log {
            return LogPosition(0);
        }
        self.log.last = LogPosition(self.log.last.0 + 1);
        let envelope = Envelope::plain(Version::V5, message.qos, message.retain);
        let start = outputs.bytes.len() as u32;
        publish_frame::encode(&message.content(), &envelope, self.now, &mut outputs.bytes);
        outputs.list.push(Output::Append {
            position: self.log.last,
            record: FrameRange {
                start,
                end: outputs.bytes.len() as u32,
            },
        });
        self.log.last
    }

    /// The disk has come further.
    pub(crate) fn on_durable(&mut self, up_to: LogPosition, outputs: &mut Outputs) {
        self.log.durable = self.log.durable.max(up_to);
        while let Some(&(position, session)) = self.log.waiting.front()
            && position <= self.log.durable
        {
            self.log.waiting.pop_front();
            if let Some(index) = self.sessions.resolve(session) {
                self.open_gate(index, outputs);
            }
        }
    }
}
