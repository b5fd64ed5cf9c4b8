//! Requests to the kernel, one constructor each.
//!
//! A [`Request`] that was built can be queued from safe code: constructors that carry a pointer are
//! `unsafe` and say how long the memory must stay.

use std::os::fd::RawFd;

use io_uring::opcode;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{CancelBuilder, DestinationSlot, Fd, Fixed};

use crate::address::RawAddress;
use crate::buffers::GROUP;

/// `IORING_ACCEPT_DONTWAIT` of the kernel, io_uring_prep_accept(3).
const ACCEPT_DONTWAIT: u16 = 1 << 1;

// `struct io_uring_sqe` has 64 bytes, of which `ioprio` is the second pair.
const _: () = assert!(size_of::<Entry>() == 64 && align_of::<Entry>() >= align_of::<u16>());

/// Sets bits of an entry's `ioprio`, where networking requests have flags of their own.
fn set_priority_bits(entry: &mut Entry, bits: u16) {
    let ioprio = std::ptr::from_mut(entry).cast::<u16>().wrapping_add(1);
    // SAFETY: an entry is the kernel's `struct io_uring_sqe` and nothing else (`repr(C)`), borrowed for writing;
    // bytes 2 and 3 of it are `ioprio`, aligned and initialized.
    unsafe { *ioprio |= bits };
}

/// One entry for a submission queue.
pub(crate) struct Request(Entry);

/// What a multishot-free poll waits for.
#[derive(Clone, Copy)]
pub(crate) enum Readiness {
    Input,
    Output,
}

impl Request {
    pub(crate) fn entry(&self) -> &Entry {
        &self.0
    }

    /// Receives into a provided buffer. With `wait` it stays armed until bytes come, else it completes
    /// at once.
    pub(crate) fn receive_once(slot: u32, wait: bool, user_data: u64) -> Request {
        let flags = if wait { 0 } else { libc::MSG_DONTWAIT };
        Request(
            opcode::Recv::new(Fixed(slot), std::ptr::null_mut(), 0)
                .flags(flags)
                .buf_group(GROUP)
                .build()
                .flags(Flags::BUFFER_SELECT)
                .user_data(user_data),
        )
    }

    /// Receives into provided buffers until cancelled.
    pub(crate) fn receive_multi(slot: u32, user_data: u64) -> Request {
        Request(
            opcode::RecvMulti::new(Fixed(slot), GROUP)
                .build()
                .user_data(user_data),
        )
    }

    /// Throws away up to `length` bytes that wait in the socket, without copying them.
    pub(crate) fn discard(slot: u32, length: u32, user_data: u64) -> Request {
        Request(
            opcode::Recv::new(Fixed(slot), std::ptr::null_mut(), length)
                .flags(libc::MSG_DONTWAIT | libc::MSG_TRUNC)
                .build()
                .user_data(user_data),
        )
    }

    /// Completes once when the socket is ready.
    pub(crate) fn poll(slot: u32, readiness: Readiness, user_data: u64) -> Request {
        let events = match readiness {
            Readiness::Input => libc::POLLIN | libc::POLLRDHUP,
            Readiness::Output => libc::POLLOUT,
        };
        Request(
            opcode::PollAdd::new(Fixed(slot), events as u32)
                .build()
                .user_data(user_data),
        )
    }

    /// Completes whenever connections come to a listener, until cancelled.
    pub(crate) fn poll_listener(listener: RawFd, user_data: u64) -> Request {
        Request(
            opcode::PollAdd::new(Fd(listener), libc::POLLIN as u32)
                .multi(true)
                .build()
                .user_data(user_data),
        )
    }

    /// Cancels the request with that user data.
    pub(crate) fn cancel(target: u64, user_data: u64) -> Request {
        Request(
            opcode::AsyncCancel2::new(CancelBuilder::user_data(target))
                .build()
                .flags(Flags::SKIP_SUCCESS)
                .user_data(user_data),
        )
    }

    /// Lets TCP's acknowledgements wait for the next segment or for something to be sent (TCP_QUICKACK off),
    /// until the kernel thinks otherwise.
    pub(crate) fn delay_acks(slot: u32, user_data: u64) -> Request {
        static OFF: libc::c_int = 0;
        let (level, option) = (libc::IPPROTO_TCP as u32, libc::TCP_QUICKACK as u32);
        let value = (&raw const OFF).cast();
        Request(
            opcode::SetSockOpt::new(Fixed(slot), level, option, value, size_of_val(&OFF) as u32)
                .build()
                .flags(Flags::SKIP_SUCCESS)
                .user_data(user_data),
        )
    }

    /// Sends our FIN, keeping the receiving half.
    pub(crate) fn shutdown(slot: u32, user_data: u64) -> Request {
        Request(
            opcode::Shutdown::new(Fixed(slot), libc::SHUT_WR)
                .build()
                .user_data(user_data),
        )
    }

    /// Closes the slot.
    pub(crate) fn close(slot: u32, user_data: u64) -> Request {
        Request(opcode::Close::new(Fixed(slot)).build().user_data(user_data))
    }

    /// Puts the descriptor in `slot` into a free slot of the ring `target`, which gets a completion with
    /// the user data `arrival` and the slot as its result.
    pub(crate) fn hand_over(slot: u32, target: RawFd, arrival: u64, user_data: u64) -> Request {
        Request(
            opcode::MsgRingSendFd::new(
                Fd(target),
                Fixed(slot),
                DestinationSlot::auto_target(),
                arrival,
            )
            .build()
            .user_data(user_data),
        )
    }

    /// Sends `length` bytes without waiting. Completes only when not all of them went out: with the
    /// count that did, or an error.
    ///
    /// # Safety
    /// The bytes must stay until an enter has consumed the request.
    pub(crate) unsafe fn send_all(
        slot: u32,
        bytes: *const u8,
        length: u32,
        user_data: u64,
    ) -> Request {
        Request(
            opcode::Send::new(Fixed(slot), bytes, length)
                .flags(libc::MSG_DONTWAIT | libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
                .build()
                .flags(Flags::SKIP_SUCCESS)
                .user_data(user_data),
        )
    }

    /// Sends what fits of `length` bytes without waiting, and always completes with the count.
    ///
    /// # Safety
    /// The bytes must stay until an enter has consumed the request.
    pub(crate) unsafe fn send_some(
        slot: u32,
        bytes: *const u8,
        length: u32,
        user_data: u64,
    ) -> Request {
        Request(
            opcode::Send::new(Fixed(slot), bytes, length)
                .flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
                .build()
                .user_data(user_data),
        )
    }

    /// Accepts one connection into a free slot. With `wait` it stays armed until one comes, else it
    /// completes at once, which kernels before 6.10 do not know.
    ///
    /// # Safety
    /// The address and its length must stay, untouched, until the request has completed.
    pub(crate) unsafe fn accept(
        listener: RawFd,
        (address, length): (*mut libc::sockaddr, *mut libc::socklen_t),
        wait: bool,
        user_data: u64,
    ) -> Request {
        let mut entry = opcode::Accept::new(Fd(listener), address, length)
            .file_index(Some(DestinationSlot::auto_target()))
            .build()
            .user_data(user_data);
        if !wait {
            set_priority_bits(&mut entry, ACCEPT_DONTWAIT);
        }
        Request(entry)
    }

    /// Connects.
    ///
    /// # Safety
    /// The address must stay until an enter has consumed the request.
    pub(crate) unsafe fn connect(slot: u32, address: &RawAddress, user_data: u64) -> Request {
        Request(
            opcode::Connect::new(Fixed(slot), address.as_ptr(), address.length())
                .build()
                .user_data(user_data),
        )
    }

    /// Puts the descriptor `*descriptor` into a free slot and writes the slot's number to it.
    ///
    /// # Safety
    /// `descriptor` must stay until an enter has consumed the request.
    pub(crate) unsafe fn install(descriptor: *mut RawFd, user_data: u64) -> Request {
        // -1 is the kernel's IORING_FILE_INDEX_ALLOC in the 32 bits it reads.
        Request(
            opcode::FilesUpdate::new(descriptor, 1)
                .offset(-1)
                .build()
                .user_data(user_data),
        )
    }

    /// Reads an eventfd's counter.
    ///
    /// # Safety
    /// `counter` must stay until the request has completed.
    pub(crate) unsafe fn read_counter(
        eventfd: RawFd,
        counter: *mut u64,
        user_data: u64,
    ) -> Request {
        Request(
            opcode::Read::new(Fd(eventfd), counter.cast(), 8)
                .build()
                .user_data(user_data),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accept_that_does_not_wait_says_so_where_the_kernel_looks() {
        let entry = |wait| {
            let none = (std::ptr::null_mut(), std::ptr::null_mut());
            // SAFETY: the request is never queued.
            let request = unsafe { Request::accept(7, none, wait, 9) };
            format!("{:?}", request.entry())
        };
        // What the crate shows of an entry: its operation, flags and user data, and nothing else has changed.
        assert_eq!(entry(true), entry(false));
        let mut changed = opcode::Nop::new().build();
        set_priority_bits(&mut changed, ACCEPT_DONTWAIT);
        // SAFETY: an entry is 64 plain bytes.
        let bytes: [u8; 64] = unsafe { std::mem::transmute(changed) };
        assert_eq!(bytes[..4], [0, 0, 2, 0]);
    }
}
