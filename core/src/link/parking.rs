//! Who wants a shard's attention, and whether the shard sleeps: one word per shard.
//!
//! Bit `n` of the word says that shard `n` has published items for the owner, or has made room that the
//! owner waited for. The owner's own bit says that it sleeps, or is about to. One word for both means
//! that a call and a falling asleep cannot miss each other: both are read-modify-writes of it.
//!
//! Nothing here makes a syscall: the caller of [`Inbox::call`] wakes the owner when told to.

use crossbeam::utils::CachePadded;
use ringmq_router::ShardId;

use super::sync::{AtomicU64, Ordering};

/// The word of one shard.
#[derive(Debug)]
pub(crate) struct Inbox {
    callers: CachePadded<AtomicU64>,
    parked: u64,
}

impl Inbox {
    /// For shard `owner`, awake, with no callers.
    pub(crate) fn new(owner: ShardId) -> Inbox {
        Inbox {
            callers: CachePadded::new(AtomicU64::new(0)),
            parked: 1 << owner.0,
        }
    }

    /// Called by another shard after it published or released. True when the owner sleeps and this is
    /// the first call since: the caller must wake it. Later callers find the call made.
    #[must_use = "a parked shard must be woken"]
    pub(crate) fn call(&self, from: ShardId) -> bool {
        self.callers.fetch_or(1 << from.0, Ordering::AcqRel) == self.parked
    }

    /// The owner is about to sleep. False when somebody called: it must not.
    #[must_use = "a shard that was called must not sleep"]
    pub(crate) fn park(&self) -> bool {
        self.callers
            .compare_exchange(0, self.parked, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The owner is awake: callers need not wake it. Their calls stay.
    pub(crate) fn unpark(&self) {
        self.callers.fetch_and(!self.parked, Ordering::AcqRel);
    }

    /// The owner is awake and takes the calls as a set of shards.
    pub(crate) fn take(&self) -> u64 {
        // A stale zero is no loss: the call is seen at the next take, or by `park`.
        if self.callers.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.callers.swap(0, Ordering::AcqRel) & !self.parked
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const OWNER: ShardId = ShardId(63);

    #[test]
    fn a_call_keeps_the_owner_awake() {
        let inbox = Inbox::new(OWNER);
        assert!(!inbox.call(ShardId(0)), "awake: no wake-up needed");
        assert!(!inbox.park());
        assert_eq!(inbox.take(), 1);
        assert!(inbox.park());
    }

    #[test]
    fn only_the_first_caller_wakes() {
        let inbox = Inbox::new(OWNER);
        assert!(inbox.park());
        assert!(inbox.call(ShardId(3)));
        assert!(!inbox.call(ShardId(5)));
        assert!(!inbox.call(ShardId(3)));
        assert_eq!(inbox.take(), 1 << 3 | 1 << 5);
        assert_eq!(inbox.take(), 0);
    }

    #[test]
    fn unparking_keeps_calls() {
        let inbox = Inbox::new(OWNER);
        assert!(inbox.park());
        assert!(inbox.call(ShardId(2)));
        inbox.unpark();
        assert!(!inbox.call(ShardId(3)));
        assert!(!inbox.park());
        assert_eq!(inbox.take(), 1 << 2 | 1 << 3);
    }

    #[test]
    fn waking_up_alone_is_no_call() {
        let inbox = Inbox::new(OWNER);
        assert!(inbox.park());
        assert_eq!(inbox.take(), 0);
        assert!(!inbox.call(ShardId(1)), "awake again");
    }
}
