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

    /// Cancels the request with that user data.
    pub(crate) fn cancel(target: u64, user_data: u64) -> Request {
        Request(
            opcode::AsyncCancel2::new(CancelBuilder::user_data(target))
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

    /// Accepts one connection into a free slot.
    ///
    /// # Safety
    /// The address and its length must stay, untouched, until the request has completed.
    pub(crate) unsafe fn accept(
        listener: RawFd,
        address: *mut libc::sockaddr,
        length: *mut libc::socklen_t,
        user_data: u64,
    ) -> Request {
        Request(
            opcode::Accept::new(Fd(listener), address, length)
                .file_index(Some(DestinationSlot::auto_target()))
                .build()
                .user_data(user_data),
        )
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
