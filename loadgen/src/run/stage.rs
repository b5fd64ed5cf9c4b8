//! Where the loops of one run meet: all begin their load together, and none leaves before every message
//! has arrived everywhere.
//!
//! Loops on threads share one; a loop alone has one to itself. When machines work together, each has one
//! whose decisions come from the coordinator. Nothing here blocks: loops look at it once a tick.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

/// Not decided yet.
const NEVER: u64 = u64::MAX;

/// How far one loop is. Apart from the others in memory: each writes its own after every receive.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Board {
    received: AtomicU64,
    expected: AtomicU64,
    delivered: AtomicU64,
    unacknowledged: AtomicU64,
}

/// Figures of all loops together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) expected: u64,
    pub(crate) delivered: u64,
    pub(crate) unacknowledged: u64,
}

/// The meeting point.
#[derive(Debug)]
pub(crate) struct Stage {
    boards: Vec<Board>,
    ready: AtomicU32,
    sent: AtomicU32,
    start_ns: AtomicU64,
    is_complete: AtomicBool,
    is_abandoned: AtomicBool,
    /// Decisions come from elsewhere.
    is_led: bool,
}

impl Stage {
    /// For so many loops of this process, which decide among themselves.
    pub(crate) fn of(loops: u32) -> Stage {
        Stage::new(loops, false)
    }

    /// For so many loops of this process, with a coordinator elsewhere that decides.
    pub(crate) fn led(loops: u32) -> Stage {
        Stage::new(loops, true)
    }

    fn new(loops: u32, is_led: bool) -> Stage {
        Stage {
            boards: (0..loops).map(|_| Board::default()).collect(),
            ready: AtomicU32::new(0),
            sent: AtomicU32::new(0),
            start_ns: AtomicU64::new(NEVER),
            is_complete: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            is_led,
        }
    }

    /// One loop more has all its connections.
    pub(crate) fn on_ready(&self, now_ns: u64) {
        let ready = self.ready.fetch_add(1, SeqCst) + 1;
        if ready as usize == self.boards.len() && !self.is_led {
            self.start(now_ns);
        }
    }

    /// Whether all loops of this process have their connections.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(SeqCst) as usize == self.boards.len()
    }

    /// Decides when the load begins.
    pub(crate) fn start(&self, at_ns: u64) {
        self.start_ns.store(at_ns, SeqCst);
    }

    /// When the load begins, once that is decided.
    pub(crate) fn start_ns(&self) -> Option<u64> {
        let start_ns = self.start_ns.load(SeqCst);
        (start_ns != NEVER).then_some(start_ns)
    }

    /// A loop has sent all it had to send, which calls for `expected` deliveries at all loops together.
    pub(crate) fn on_sent(&self, member: usize, expected: u64) {
        self.boards[member].expected.store(expected, SeqCst);
        self.sent.fetch_add(1, SeqCst);
    }

    /// How far a loop is with its deliveries and acknowledgements.
    pub(crate) fn report(&self, member: usize, delivered: u64, unacknowledged: u64) {
        let board = &self.boards[member];
        board.delivered.store(delivered, SeqCst);
        board.unacknowledged.store(unacknowledged, SeqCst);
    }

    /// What a loop has received up to now, for those who watch meanwhile.
    #[inline]
    pub(crate) fn show_received(&self, member: usize, received: u64) {
        self.boards[member].received.store(received, Relaxed);
    }

    /// What all loops of this process have received up to now.
    pub(crate) fn received(&self) -> u64 {
        let boards = self.boards.iter();
        boards.map(|board| board.received.load(Relaxed)).sum()
    }

    /// Whether loops elsewhere take part.
    pub(crate) fn is_led(&self) -> bool {
        self.is_led
    }

    /// Where the loops of this process stand together.
    pub(crate) fn standing(&self) -> Standing {
        let sum = |of: fn(&Board) -> &AtomicU64| {
            let figures = self.boards.iter().map(|board| of(board).load(SeqCst));
            figures.sum()
        };
        Standing {
            expected: sum(|board| &board.expected),
            delivered: sum(|board| &board.delivered),
            unacknowledged: sum(|board| &board.unacknowledged),
        }
    }

    /// Whether all loops of this process have sent what they had to send.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent.load(SeqCst) as usize == self.boards.len()
    }

    /// Whether everything has arrived everywhere.
    pub(crate) fn is_complete(&self) -> bool {
        if self.is_led {
            return self.is_complete.load(SeqCst);
        }
        self.has_sent() && self.standing().is_complete()
    }

    /// Decides that everything has arrived.
    pub(crate) fn complete(&self) {
        self.is_complete.store(true, SeqCst);
    }

    /// One loop failed: the others need not go on.
    pub(crate) fn abandon(&self) {
        self.is_abandoned.store(true, SeqCst);
    }

    /// Whether one failed.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(SeqCst)
    }
}

/// Abandons a stage when its loop panics, so that the others do not wait for it for ever.
#[derive(Debug)]
pub(crate) struct Watch<'a>(pub(crate) &'a Stage);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}

impl Standing {
    /// Whether nothing is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.delivered >= self.expected && self.unacknowledged == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_that_is_ready_gives_the_start() {
        let stage = Stage::of(2);
        stage.on_ready(10);
        assert_eq!(stage.start_ns(), None);
        stage.on_ready(25);
        assert_eq!(stage.start_ns(), Some(25));
    }

    #[test]
    fn it_is_complete_when_the_sums_agree() {
        let stage = Stage::of(2);
        stage.on_sent(0, 5);
        stage.report(1, 5, 0);
        assert!(!stage.is_complete(), "one still sends");
        stage.on_sent(1, 1);
        assert!(!stage.is_complete());
        stage.report(0, 1, 1);
        assert!(!stage.is_complete());
        stage.report(0, 1, 0);
        assert!(stage.is_complete());
    }

    #[test]
    fn a_loop_that_panics_does_not_leave_the_others_waiting() {
        let stage = Stage::of(2);
        let quiet = std::panic::catch_unwind(|| {
            let _watch = Watch(&stage);
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(quiet.is_err() && stage.is_abandoned());
        drop(Watch(&Stage::of(1)));
    }

    #[test]
    fn one_that_is_led_waits_to_be_told() {
        let stage = Stage::led(1);
        stage.on_ready(10);
        stage.on_sent(0, 0);
        assert!(stage.is_ready());
        assert_eq!((stage.start_ns(), stage.is_complete()), (None, false));
        stage.start(7);
        stage.complete();
        assert_eq!((stage.start_ns(), stage.is_complete()), (Some(7), true));
    }
}
