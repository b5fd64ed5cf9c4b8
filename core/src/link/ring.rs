//! A bounded ring with one producer and one consumer: what one shard sends to one other shard.
//!
//! Both sides work on private counters and show their progress in one step: the producer with
//! [`Producer::publish`] once per tick, the consumer with [`Consumer::release`] once per drain. That keeps
//! the two shared cache lines quiet while a batch is written or read. Nothing here sleeps or wakes
//! (`parking` does) and nothing here blocks: a full ring gives the item back.
//!
//! This file holds the only `unsafe` of the crate. The rule behind it: slots `head..tail` (counted without
//! end, taken modulo the capacity) hold items and belong to the consumer, all others belong to the
//! producer. `tail` moves only in `publish`, `head` only in `release`.

use std::fmt;
use std::mem::MaybeUninit;

use crossbeam::utils::CachePadded;

use super::sync::{Arc, AtomicBool, AtomicUsize, Ordering, UnsafeCell};

struct Ring<T> {
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    /// Items ever published; written by the producer alone.
    tail: CachePadded<AtomicUsize>,
    /// Items ever released; written by the consumer alone.
    head: CachePadded<AtomicUsize>,
    /// The producer has items that did not fit and wants to hear of a release.
    waiting: CachePadded<AtomicBool>,
}

// SAFETY: the ring is shared by one producer and one consumer (neither is Clone), which never touch the
// same slot at the same time: see the rule at the head of this file. Items cross threads, so they are Send.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: as above; the ring owns its items.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T> Ring<T> {
    fn slot(&self, position: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[position & (self.slots.len() - 1)]
    }

    /// Moves the item at `position` out.
    ///
    /// # Safety
    /// The slot holds an item, belongs to the caller, and is not read again before it is written.
    unsafe fn take(&self, position: usize) -> T {
        self.slot(position).with_mut(|slot| {
            // SAFETY: the caller owns the slot and the item in it.
            unsafe { (*slot).assume_init_read() }
        })
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // Both ends are gone, and have shown all their progress when they went.
        let tail = self.tail.load(Ordering::Relaxed);
        let mut position = self.head.load(Ordering::Relaxed);
        while position != tail {
            // SAFETY: slots head..tail hold items, and nobody else is left to own them.
            drop(unsafe { self.take(position) });
            position = position.wrapping_add(1);
        }
    }
}

/// The sending end.
pub(crate) struct Producer<T> {
    ring: Arc<Ring<T>>,
    /// One past the last item written.
    tail: usize,
    /// What the consumer was last shown.
    published: usize,
    /// The consumer's progress as last seen.
    head: usize,
}

/// The receiving end.
pub(crate) struct Consumer<T> {
    ring: Arc<Ring<T>>,
    /// The next item to read.
    head: usize,
    /// What the producer was last shown.
    released: usize,
    /// The producer's progress as last seen.
    tail: usize,
}

/// A ring for `capacity` items, rounded up to a power of two, at least one.
pub(crate) fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let capacity = capacity.max(1).next_power_of_two();
    let ring = Arc::new(Ring {
        slots: (0..capacity)
            .map(|_| UnsafeCell::new(MaybeUninit::uninit()))
            .collect(),
        tail: CachePadded::new(AtomicUsize::new(0)),
        head: CachePadded::new(AtomicUsize::new(0)),
        waiting: CachePadded::new(AtomicBool::new(false)),
    });
    let producer = Producer {
        ring: Arc::clone(&ring),
        tail: 0,
        published: 0,
        head: 0,
    };
    let consumer = Consumer {
        ring,
        head: 0,
        released: 0,
        tail: 0,
    };
    (producer, consumer)
}

impl<T> Producer<T> {
    /// Writes an item, still unseen by the consumer; a full ring gives it back.
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        if self.is_full() {
            self.head = self.ring.head.load(Ordering::Acquire);
            if self.is_full() {
                return Err(item);
            }
        }
        self.ring.slot(self.tail).with_mut(|slot| {
            // SAFETY: the slot is outside head..tail, so it is the producer's and holds no item; the
            // Acquire load of `head` ordered the consumer's last read of it before this write.
            unsafe { (*slot).write(item) };
        });
        self.tail = self.tail.wrapping_add(1);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.tail.wrapping_sub(self.head) == self.ring.slots.len()
    }

    /// Shows the consumer all that was pushed.
    pub(crate) fn publish(&mut self) {
        if self.published != self.tail {
            self.ring.tail.store(self.tail, Ordering::Release);
            self.published = self.tail;
        }
    }

    /// Asks the consumer to tell of its next release. Push again after it: a release that came before
    /// is seen by that push, one that comes after answers the wish. (Both sides use a read-modify-write
    /// on the same flag, so one of them sees the other.)
    pub(crate) fn want_room(&mut self) {
        self.ring.waiting.swap(true, Ordering::AcqRel);
    }
}

impl<T> Consumer<T> {
    /// The next item.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.head == self.tail {
            self.tail = self.ring.tail.load(Ordering::Acquire);
            if self.head == self.tail {
                return None;
            }
        }
        // SAFETY: head < tail, so the slot holds an item and is the consumer's; the Acquire load of
        // `tail` ordered the producer's write before this read, and `head` moves on so that the slot is
        // read once.
        let item = unsafe { self.ring.take(self.head) };
        self.head = self.head.wrapping_add(1);
        Some(item)
    }

    /// Gives the slots of all popped items back. True when the producer asked to be told.
    #[must_use = "a producer that waits must be called"]
    pub(crate) fn release(&mut self) -> bool {
        if self.released == self.head {
            return false;
        }
        self.ring.head.store(self.head, Ordering::Release);
        self.released = self.head;
        self.ring.waiting.swap(false, Ordering::AcqRel)
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // What was pushed belongs to the ring's drop from here on.
        self.publish();
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // What was popped must not be dropped again. Nobody is left to be told.
        let _ = self.release();
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
