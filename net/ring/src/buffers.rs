//! The provided buffers of one ring: the kernel takes one when bytes arrive, the engine reads it and
//! gives it back. No connection owns receive memory.
//!
//! The only place that shares memory with the kernel for receiving. A buffer must never be given back
//! twice, or while somebody still reads it.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

use crate::limits::RECEIVE_BUFFERS_AT_FIRST;

/// The group number of the only buffer ring of a ring.
pub(crate) const GROUP: u16 = 0;

/// Bytes of a cache line. Buffers begin on successive lines: if they were a power of two apart, the
/// first bytes of all of them would compete for the same few places of the cache.
const CACHE_LINE: usize = 64;

/// A ring of equal buffers. The kernel takes them in turn, so that all it was given become resident: at first it
/// gets a few, and more whenever they run out.
#[derive(Debug)]
pub(crate) struct Buffers {
    /// The ring's entries, one page-aligned array.
    entries: Pages,
    bytes: Pages,
    count: u16,
    /// Buffers the kernel was ever given; the others were never touched.
    offered: u16,
    buffer_bytes: u32,
    /// Bytes from one buffer to the next.
    stride: usize,
    tail: u16,
}

impl Buffers {
    /// Makes `count` (a power of two) buffers and registers them with the ring, which must be dropped
    /// before them.
    pub(crate) fn register(ring: &IoUring, count: u16, buffer_bytes: u32) -> io::Result<Buffers> {
        assert!(count.is_power_of_two() && buffer_bytes > 0);
        let stride = (buffer_bytes as usize).next_multiple_of(CACHE_LINE) + CACHE_LINE;
        let mut buffers = Buffers {
            entries: Pages::map(usize::from(count) * size_of::<BufRingEntry>())?,
            bytes: Pages::map(usize::from(count) * stride)?,
            count,
            offered: 0,
            buffer_bytes,
            stride,
            tail: 0,
        };
        // SAFETY: the entries are page-aligned, zeroed, `count` long, and live as long as `buffers`, which
        // outlives the ring by this function's contract.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(
                buffers.entries.start.as_ptr() as u64,
                count,
                GROUP,
                0,
            )?;
        }
        buffers.offer(RECEIVE_BUFFERS_AT_FIRST.min(count));
        buffers.publish();
        Ok(buffers)
    }

    /// The kernel has run out of buffers: gives it as many again, while there are any. It sees them at the next
    /// [`Buffers::publish`].
    pub(crate) fn offer_more(&mut self) {
        self.offer(self.offered.min(self.count - self.offered));
    }

    fn offer(&mut self, more: u16) {
        for id in self.offered..self.offered + more {
            self.give_back(id);
        }
        self.offered += more;
    }

    /// The bytes the kernel put into buffer `id`. Call it between the completion that named the buffer
    /// and [`Buffers::give_back`].
    pub(crate) fn bytes(&self, id: u16, length: usize) -> &[u8] {
        assert!(id < self.offered && length <= self.buffer_bytes as usize);
        // SAFETY: the range lies within the allocation, which was zeroed when made; the kernel does not
        // write to a buffer it has handed out, and `give_back` needs `&mut self`, which ends this borrow.
        unsafe {
            let start = self.bytes.start.as_ptr().add(usize::from(id) * self.stride);
            std::slice::from_raw_parts(start, length)
        }
    }

    fn entry(&self, position: usize) -> *mut BufRingEntry {
        debug_assert!(position < usize::from(self.count));
        // SAFETY: the array has `count` entries.
        unsafe {
            self.entries
                .start
                .as_ptr()
                .cast::<BufRingEntry>()
                .add(position)
        }
    }

    /// Returns buffer `id` to the kernel; it sees it at the next [`Buffers::publish`].
    pub(crate) fn give_back(&mut self, id: u16) {
        assert!(id < self.count);
        let position = usize::from(self.tail & (self.count - 1));
        // SAFETY: `position` is below `count`; the kernel reads an entry only after `publish` has moved
        // the tail past it. Only address, length and id are written: the tail shares the first entry.
        unsafe {
            let entry = &mut *self.entry(position);
            entry.set_addr(
                self.bytes.start.as_ptr() as u64 + (usize::from(id) * self.stride) as u64,
            );
            entry.set_len(self.buffer_bytes);
            entry.set_bid(id);
        }
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel the buffers given back so far.
    pub(crate) fn publish(&self) {
        // SAFETY: the tail lies in the reserved bytes of the first entry, is aligned for u16 and only
        // ever accessed atomically after registration.
        unsafe {
            let tail = BufRingEntry::tail(self.entry(0)).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }
}

/// Zeroed memory of the kernel's own, which takes none until it is touched.
#[derive(Debug)]
struct Pages {
    start: NonNull<u8>,
    length: usize,
}

impl Pages {
    fn map(length: usize) -> io::Result<Pages> {
        // SAFETY: a new private mapping at an address of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).expect("the kernel maps nothing at 0");
        Ok(Pages { start, length })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length; the ring, which alone shares it, is gone.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use io_uring::{opcode, squeue::Flags, types::Fd};

    use super::*;
    use crate::ring::set_up;

    #[test]
    fn buffers_go_round_and_keep_their_bytes() {
        let mut ring = set_up(8, 16).expect("these tests need io_uring");
        let mut buffers = Buffers::register(&ring, 4, 100).expect("buffers");
        let (near, mut far) = UnixStream::pair().expect("sockets");
        for round in 0..300u32 {
            let message = [round as u8; 100];
            let length = 1 + round as usize % 100;
            far.write_all(&message[..length]).expect("room");
            let receive = opcode::Recv::new(Fd(near.as_raw_fd()), std::ptr::null_mut(), 0)
                .buf_group(GROUP)
                .build()
                .flags(Flags::BUFFER_SELECT);
            // SAFETY: the request points to no memory of its own.
            unsafe { ring.submission().push(&receive).expect("room") };
            ring.submit_and_wait(1).expect("a completion");
            let completion = ring.completion().next().expect("a completion");
            assert_eq!(completion.result(), length as i32);
            let id = io_uring::cqueue::buffer_select(completion.flags()).expect("a buffer");
            assert_eq!(buffers.bytes(id, length), &message[..length]);
            buffers.give_back(id);
            buffers.publish();
        }
        drop(ring);
    }

    #[test]
    fn buffers_are_offered_as_they_run_out() {
        let mut ring = set_up(8, 16).expect("these tests need io_uring");
        let count = 2 * RECEIVE_BUFFERS_AT_FIRST + RECEIVE_BUFFERS_AT_FIRST / 2;
        let count = count.next_power_of_two();
        let mut buffers = Buffers::register(&ring, count, 100).expect("buffers");
        let (near, mut far) = UnixStream::pair().expect("sockets");
        let mut taken = Vec::new();
        let mut exhausted = 0;
        while taken.len() < usize::from(count) {
            far.write_all(b"x").expect("room");
            let receive = opcode::Recv::new(Fd(near.as_raw_fd()), std::ptr::null_mut(), 0)
                .buf_group(GROUP)
                .build()
                .flags(Flags::BUFFER_SELECT);
            // SAFETY: the request points to no memory of its own.
            unsafe { ring.submission().push(&receive).expect("room") };
            ring.submit_and_wait(1).expect("a completion");
            let completion = ring.completion().next().expect("a completion");
            match io_uring::cqueue::buffer_select(completion.flags()) {
                Some(id) => taken.push(id),
                None => {
                    assert_eq!(completion.result(), -libc::ENOBUFS);
                    exhausted += 1;
                    buffers.offer_more();
                    buffers.publish();
                }
            }
        }
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..count), "each of them once");
        assert_eq!(exhausted, (count / RECEIVE_BUFFERS_AT_FIRST).ilog2());
        buffers.offer_more();
        assert_eq!(buffers.offered, count, "there are no more");
    }
}
