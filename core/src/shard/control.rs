//! What other threads bring a running shard: the order to stop, commands of the control plane, and the
//! authenticator's verdicts.
//!
//! The shard looks at one word per tick; whoever sets it wakes the shard through its engine.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use crossbeam::queue::{ArrayQueue, SegQueue};
use ringmq_router::{Answer, Command, CommandId, ConnectionId, ShardId, Verdict};

use crate::limits::COMMANDS_MAX;

const STOP: u8 = 1;
const COMMANDS: u8 = 2;
const VERDICTS: u8 = 4;

/// A shard's answer to a command.
pub(crate) type Answered = (ShardId, CommandId, Answer);

/// Orders for one shard.
#[derive(Debug)]
pub(crate) struct Control {
    orders: AtomicU8,
    commands: ArrayQueue<(CommandId, Command)>,
    /// Bounded by the questions that the authenticator takes.
    verdicts: SegQueue<(ConnectionId, Verdict)>,
    answers: Sender<Answered>,
    stop_bound: Duration,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orders(u8);

impl Control {
    /// No orders; answers go to `answers`, and a stop may take `stop_bound`.
    pub(crate) fn new(answers: Sender<Answered>, stop_bound: Duration) -> Control {
        Control {
            orders: AtomicU8::new(0),
            commands: ArrayQueue::new(COMMANDS_MAX),
            verdicts: SegQueue::new(),
            answers,
            stop_bound,
        }
    }

    /// Orders an orderly stop. The caller wakes the shard.
    pub(crate) fn stop(&self) {
        self.orders.fetch_or(STOP, Ordering::AcqRel);
    }

    /// How long an orderly stop may take.
    pub(crate) fn stop_bound(&self) -> Duration {
        self.stop_bound
    }

    /// Queues a command; gives it back when too many wait. The caller wakes the shard.
    pub(crate) fn command(&self, id: CommandId, command: Command) -> Result<(), Command> {
        self.commands
            .push((id, command))
            .map_err(|(_, command)| command)?;
        self.orders.fetch_or(COMMANDS, Ordering::AcqRel);
        Ok(())
    }

    /// Brings the answer to a question of this shard. The caller wakes the shard.
    pub(crate) fn verdict(&self, connection: ConnectionId, verdict: Verdict) {
        self.verdicts.push((connection, verdict));
        self.orders.fetch_or(VERDICTS, Ordering::AcqRel);
    }

    /// Takes what was ordered since the last look.
    #[inline]
    pub(crate) fn take(&self) -> Orders {
        // A stale zero is met again: the order's wake-up ends the next wait.
        if self.orders.load(Ordering::Relaxed) == 0 {
            return Orders(0);
        }
        Orders(self.orders.swap(0, Ordering::AcqRel))
    }

    /// The next command.
    pub(crate) fn next_command(&self) -> Option<(CommandId, Command)> {
        self.commands.pop()
    }

    /// The next verdict.
    pub(crate) fn next_verdict(&self) -> Option<(ConnectionId, Verdict)> {
        self.verdicts.pop()
    }

    /// Passes a shard's answer on. Nobody may be waiting for it any more.
    pub(crate) fn answer(&self, shard: ShardId, id: CommandId, answer: Answer) {
        let _ = self.answers.send((shard, id, answer));
    }
}

impl Orders {
    /// Whether there are none: the common case.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the shard must stop.
    pub(crate) fn stop(self) -> bool {
        self.0 & STOP != 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn orders_are_taken_once() {
        let (answers, _answered) = mpsc::channel();
        let control = Control::new(answers, Duration::ZERO);
        assert!(control.take().is_empty());
        control.stop();
        control
            .command(CommandId(4), Command::Stats)
            .expect("room for one");
        let orders = control.take();
        assert!(orders.stop());
        assert!(control.take().is_empty());
        assert_eq!(control.next_command(), Some((CommandId(4), Command::Stats)));
        assert_eq!(control.next_command(), None);
    }

    #[test]
    fn too_many_commands_come_back() {
        let (answers, _answered) = mpsc::channel();
        let control = Control::new(answers, Duration::ZERO);
        for id in 0..COMMANDS_MAX as u64 {
            assert!(control.command(CommandId(id), Command::Stats).is_ok());
        }
        assert_eq!(
            control.command(CommandId(0), Command::Stats),
            Err(Command::Stats)
        );
    }
}
