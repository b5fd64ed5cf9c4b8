//! Eventfds that end the engine's sleep: one for other threads, one for the rings beside ring 0.
//!
//! A read of each is armed on ring 0 at all times.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// Ends a [`crate::Engine::wait`] from any thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker {
    eventfd: Arc<OwnedFd>,
}

impl Waker {
    /// Makes the engine's present or next [`crate::Engine::wait`] return. Costs a system call: callers
    /// wake only an engine they know to be asleep.
    pub fn wake(&self) {
        let one: u64 = 1;
        // SAFETY: 8 bytes of a live integer are read.
        let written =
            unsafe { libc::write(self.eventfd.as_raw_fd(), std::ptr::from_ref(&one).cast(), 8) };
        debug_assert_eq!(written, 8);
    }
}

/// An eventfd and the counter its read goes to. The counter is boxed: the kernel knows its address.
#[derive(Debug)]
pub(crate) struct Counter {
    eventfd: Arc<OwnedFd>,
    value: Box<u64>,
}

impl Counter {
    pub(crate) fn new() -> io::Result<Counter> {
        // SAFETY: no pointers.
        let raw = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `raw` was just opened and nobody else owns it.
        let eventfd = Arc::new(unsafe { OwnedFd::from_raw_fd(raw) });
        Ok(Counter {
            eventfd,
            value: Box::new(0),
        })
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker {
            eventfd: Arc::clone(&self.eventfd),
        }
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.eventfd.as_raw_fd()
    }

    /// Where a read puts the value.
    pub(crate) fn value(&mut self) -> *mut u64 {
        std::ptr::from_mut(&mut *self.value)
    }
}
