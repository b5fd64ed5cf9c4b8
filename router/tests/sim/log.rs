//! The durable log of a shard: records come in order and reach the disk in pieces, some time later.
//! No acknowledgement may be out before its record is on disk.

use std::collections::VecDeque;

use ringmq_codec::{Packet, Version, frame};
use ringmq_router::{FrameRange, Input, LogPosition, Outputs, ShardId};

use crate::node::Pending;
use crate::oracle::{MessageIndex, Rule, parse};
use crate::world::{Event, World};

/// Records of one shard.
#[derive(Debug, Default)]
pub(crate) struct Log {
    last: u64,
    /// Not durable yet; a clearing message has no stamp.
    waiting: VecDeque<(u64, Option<MessageIndex>)>,
    scheduled: bool,
}

impl World {
    /// A shard appends a record.
    pub(crate) fn append(
        &mut self,
        shard: ShardId,
        position: LogPosition,
        outputs: &Outputs,
        record: FrameRange,
    ) {
        let bytes = outputs.frame(record);
        let decoded = frame::split(bytes, u32::MAX)
            .ok()
            .flatten()
            .filter(|raw| raw.length == bytes.len())
            .and_then(|raw| Packet::decode(raw, Version::V5).ok());
        let log = &mut self.nodes[usize::from(shard.0)].log;
        let next = log.last + 1;
        let problem = match decoded {
            Some(Packet::Publish(publish)) => {
                let message = parse(publish.payload);
                log.last = position.0;
                log.waiting.push_back((position.0, message));
                let wanted = self.plan.settings.log && position.0 == next;
                (!wanted || (message.is_none() && !publish.payload.is_empty()))
                    .then(|| format!("record {position:?} after {}: {publish:?}", next - 1))
            }
            other => Some(format!("a record that is no PUBLISH: {other:?}")),
        };
        if let Some(detail) = problem {
            self.fail(Rule::Contract, detail);
            return;
        }
        self.schedule_durable(shard);
    }

    fn schedule_durable(&mut self, shard: ShardId) {
        let log = &mut self.nodes[usize::from(shard.0)].log;
        if log.waiting.is_empty() || std::mem::replace(&mut log.scheduled, true) {
            return;
        }
        let delay = self.plan.surroundings.durable_delay;
        let at = self.now.plus(1 + self.surroundings.around(delay));
        self.schedule(at, Event::Durable(shard));
    }

    /// Some of the records, or all, have reached the disk.
    pub(crate) fn write_log(&mut self, shard: ShardId) {
        let waiting = self.nodes[usize::from(shard.0)].log.waiting.len() as u64;
        let written = self.surroundings.within(1..=waiting.max(1)) as usize;
        let log = &mut self.nodes[usize::from(shard.0)].log;
        log.scheduled = false;
        if let Some((up_to, _)) = log.waiting.get(written - 1).copied() {
            for (_, message) in log.waiting.drain(..written) {
                if let Some(message) = message {
                    self.oracle.messages[message.0 as usize].durable = true;
                }
            }
            self.coverage.hit("log durable up to a record");
            self.give(shard, Pending::Durable(LogPosition(up_to)));
        }
        self.schedule_durable(shard);
    }

    /// The shard learns of it.
    pub(crate) fn handle_durable(&mut self, shard: ShardId, up_to: LogPosition) {
        self.handle_counted(shard, Input::Durable { up_to });
    }
}
