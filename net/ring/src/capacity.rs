//! Free slots of an engine's tables, counted where other engines can see and take them.
//!
//! A slot is taken here before anything asks the kernel for one (an accept, a connect, a hand-over from
//! another thread), so the kernel never has to refuse a connection that the peer believes to have.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[derive(Debug)]
struct RingShare {
    fd: RawFd,
    free: AtomicU32,
}

#[derive(Debug)]
struct Shared {
    rings: Box<[RingShare]>,
    alive: AtomicBool,
}

/// What another engine needs to hand a connection over to this one. Cheap to clone; may cross threads.
#[derive(Clone, Debug)]
pub struct EngineAddress {
    shared: Arc<Shared>,
}

impl EngineAddress {
    /// From the descriptor and the table size of each ring.
    pub(crate) fn new(rings: impl Iterator<Item = (RawFd, u32)>) -> EngineAddress {
        let rings = rings
            .map(|(fd, slots)| RingShare {
                fd,
                free: AtomicU32::new(slots),
            })
            .collect();
        EngineAddress {
            shared: Arc::new(Shared {
                rings,
                alive: AtomicBool::new(true),
            }),
        }
    }

    /// Takes a slot in the first ring at or after `from` that has one.
    pub(crate) fn reserve(&self, from: usize) -> Option<usize> {
        if !self.shared.alive.load(Ordering::Acquire) {
            return None;
        }
        (from..self.shared.rings.len()).find(|&ring| {
            self.shared.rings[ring]
                .free
                .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |free| {
                    free.checked_sub(1)
                })
                .is_ok()
        })
    }

    /// Gives a slot back.
    pub(crate) fn release(&self, ring: usize) {
        self.shared.rings[ring].free.fetch_add(1, Ordering::AcqRel);
    }

    /// The ring's descriptor.
    pub(crate) fn ring_fd(&self, ring: usize) -> RawFd {
        self.shared.rings[ring].fd
    }

    /// Refuses further reservations: the rings are about to go.
    pub(crate) fn retire(&self) {
        self.shared.alive.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_taken_from_the_first_ring_that_has_one() {
        let address = EngineAddress::new([(10, 1), (11, 2)].into_iter());
        assert_eq!(address.reserve(0), Some(0));
        assert_eq!(address.reserve(0), Some(1));
        assert_eq!(address.reserve(0), Some(1));
        assert_eq!(address.reserve(0), None);
        address.release(0);
        assert_eq!(address.reserve(1), None);
        assert_eq!(address.reserve(0), Some(0));
        address.release(1);
        address.retire();
        assert_eq!(address.reserve(0), None);
        assert_eq!(address.ring_fd(1), 11);
    }
}
