//! One io_uring with its buffers: queueing requests, entering the kernel, taking completions out.
//!
//! It knows nothing of connections. Completions taken out while the engine was after something else wait
//! in a backlog, in order.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use io_uring::IoUring;
use io_uring::types::{SubmitArgs, Timespec};

use crate::buffers::Buffers;
use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::submission::Request;

/// A completion, copied out of the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) user_data: u64,
    pub(crate) result: i32,
    pub(crate) flags: u32,
}

impl Completion {
    /// The provided buffer that holds the received bytes.
    pub(crate) fn buffer(&self) -> Option<u16> {
        io_uring::cqueue::buffer_select(self.flags)
    }

    /// Whether the request stays armed.
    pub(crate) fn more(&self) -> bool {
        io_uring::cqueue::more(self.flags)
    }

    /// Whether bytes were left in the socket.
    pub(crate) fn socket_nonempty(&self) -> bool {
        io_uring::cqueue::sock_nonempty(self.flags)
    }
}

/// How long a sleep may go on after its first completion so that more come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gathering {
    /// So many are enough.
    pub(crate) completions: u32,
    /// From the start of the sleep.
    pub(crate) micros: u32,
}

/// `struct io_uring_getevents_arg` of the kernel, io_uring_enter(2).
#[repr(C)]
struct WaitArgument {
    sigmask: u64,
    sigmask_sz: u32,
    min_wait_usec: u32,
    ts: u64,
}

/// From io_uring_enter(2): wait for completions, and take a [`WaitArgument`].
const WAIT_WITH_ARGUMENT: u32 = 1 << 0 | 1 << 3;

/// One ring. Field order matters: the ring goes before the memory it shares.
pub(crate) struct Ring {
    io: IoUring,
    pub(crate) buffers: Buffers,
    backlog: VecDeque<Completion>,
    /// Requests not yet handed to the kernel.
    queued: u32,
    can_gather: bool,
    pub(crate) enters: u64,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring")
            .field("fd", &self.io.as_raw_fd())
            .finish_non_exhaustive()
    }
}

/// Makes an io_uring with the flags the engine relies on.
pub(crate) fn set_up(submission_entries: u32, completion_entries: u32) -> io::Result<IoUring> {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_coop_taskrun()
        .setup_taskrun_flag()
        .setup_submit_all()
        .setup_cqsize(completion_entries)
        .build(submission_entries)
}

impl Ring {
    /// Makes a ring with a table of `slots` direct descriptors.
    pub(crate) fn new(config: &EngineConfig, slots: u32) -> Result<Ring, EngineError> {
        let io = set_up(config.submission_entries, config.completion_entries)
            .map_err(EngineError::from_set_up)?;
        io.submitter()
            .register_files_sparse(slots)
            .map_err(|e| EngineError::from_register("a sparse table of direct descriptors", e))?;
        let buffers = Buffers::register(&io, config.receive_buffers, config.receive_buffer_bytes)
            .map_err(|e| EngineError::from_register("rings of provided buffers", e))?;
        let can_gather = io.params().is_feature_min_timeout();
        Ok(Ring {
            io,
            buffers,
            backlog: VecDeque::new(),
            queued: 0,
            can_gather,
            enters: 0,
        })
    }

    /// Whether an accept can be told not to wait, and tells if another connection does: since Linux 6.10.
    pub(crate) fn can_accept_at_once(&self) -> bool {
        // The nearest feature that the kernel announces came with 6.12.
        self.can_gather
    }

    /// The io_uring itself, to ask what it can do.
    pub(crate) fn io(&self) -> &IoUring {
        &self.io
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }

    /// Signals `eventfd` whenever this ring has something to run or to report.
    pub(crate) fn signal(&self, eventfd: RawFd) -> io::Result<()> {
        self.io.submitter().register_eventfd(eventfd)
    }

    /// Queues a request, entering the kernel first when the queue is full.
    pub(crate) fn queue(&mut self, request: &Request) -> Result<(), EngineError> {
        loop {
            // SAFETY: whoever built a request that points to memory has promised that it stays.
            if unsafe { self.io.submission().push(request.entry()) }.is_ok() {
                self.queued += 1;
                return Ok(());
            }
            self.submit()?;
        }
    }

    /// Whether the kernel has work of this ring that only [`Ring::run`] makes it do.
    pub(crate) fn must_run(&mut self) -> bool {
        let submission = self.io.submission();
        submission.taskrun() || submission.cq_overflow()
    }

    /// Whether completions are there to be taken.
    pub(crate) fn has_completions(&mut self) -> bool {
        !self.backlog.is_empty() || !self.io.completion().is_empty()
    }

    /// Hands every queued request to the kernel. It does what it can do at once, but runs no deferred
    /// work: what comes in must not outrun what is handled, or the receive buffers run out.
    pub(crate) fn submit(&mut self) -> Result<(), EngineError> {
        while self.queued > 0 {
            self.enters += 1;
            // SAFETY: no argument is passed, and no flag that would ask for one.
            match unsafe { self.io.submitter().enter::<()>(self.queued, 0, 0, None) } {
                Ok(_) => self.queued = self.io.submission().len() as u32,
                Err(e) => {
                    self.tolerate(e)?;
                    self.run_some()?;
                }
            }
        }
        Ok(())
    }

    /// Hands every queued request to the kernel and lets it run deferred work: about 20 pieces, or as many
    /// as it takes for one completion.
    pub(crate) fn run(&mut self) -> Result<(), EngineError> {
        self.run_some()?;
        self.submit()
    }

    fn run_some(&mut self) -> Result<(), EngineError> {
        self.enters += 1;
        if let Err(e) = self.io.submit() {
            self.tolerate(e)?;
        }
        self.queued = self.io.submission().len() as u32;
        Ok(())
    }

    /// As [`Ring::run`], but returns only when a completion is there or `timeout` has passed. With `gathering`
    /// it returns when enough completions are there, or when its time has passed and any is there; without a
    /// timeout, and before Linux 6.12, which knows nothing of it, nothing gathers. Does not wait when there is
    /// something to do already, but to gather more of it.
    pub(crate) fn submit_and_wait(
        &mut self,
        timeout: Option<Duration>,
        gathering: Option<Gathering>,
    ) -> Result<(), EngineError> {
        // A timespec of the kernel is signed, and nobody waits for centuries.
        let timeout = timeout.filter(|timeout| timeout.as_secs() < 1 << 32);
        let gathering = gathering.filter(|_| self.can_gather && timeout.is_some());
        if gathering.is_none() && (self.has_completions() || self.must_run()) {
            return self.submit();
        }
        self.enters += 1;
        let result = match (timeout, gathering) {
            (None, _) => self.io.submit_and_wait(1),
            (Some(timeout), Some(gathering)) => self.gather(timeout, gathering),
            (Some(timeout), None) => {
                let timespec = Timespec::from(timeout);
                let args = SubmitArgs::new().timespec(&timespec);
                self.io.submitter().submit_with_args(1, &args)
            }
        };
        match result {
            Ok(_) => {}
            Err(e) if e.raw_os_error() == Some(libc::ETIME) => {}
            Err(e) => self.tolerate(e)?,
        }
        self.queued = self.io.submission().len() as u32;
        self.submit()
    }

    /// The kernel takes the time of gathering for the whole timeout when no other is given with it.
    /// It does not count completions that were there before, so with those the time of gathering is the timeout.
    fn gather(&mut self, timeout: Duration, gathering: Gathering) -> io::Result<usize> {
        if self.has_completions() {
            let time = Duration::from_micros(gathering.micros.into()).min(timeout);
            let timespec = Timespec::from(time);
            let args = SubmitArgs::new().timespec(&timespec);
            let wanted = gathering.completions as usize;
            return self.io.submitter().submit_with_args(wanted, &args);
        }
        let timespec = Timespec::from(timeout);
        let argument = WaitArgument {
            sigmask: 0,
            sigmask_sz: 0,
            min_wait_usec: gathering.micros,
            ts: (&raw const timespec) as u64,
        };
        let submitter = self.io.submitter();
        let wanted = gathering.completions;
        // SAFETY: the argument has the layout that the flags announce, and it and the timespec it points to live
        // beyond the call; there is no signal mask.
        unsafe { submitter.enter(self.queued, wanted, WAIT_WITH_ARGUMENT, Some(&argument)) }
    }

    /// Decides whether an enter may be tried again. A full completion queue is emptied into the backlog.
    fn tolerate(&mut self, error: io::Error) -> Result<(), EngineError> {
        match error.raw_os_error() {
            Some(libc::EINTR | libc::ETIME) => Ok(()),
            Some(libc::EAGAIN | libc::EBUSY) => {
                self.stash();
                Ok(())
            }
            _ => Err(EngineError::system("entering the io_uring", error)),
        }
    }

    fn stash(&mut self) {
        for entry in self.io.completion() {
            self.backlog.push_back(copy(&entry));
        }
    }

    /// Takes up to `max` completions, oldest first.
    pub(crate) fn take(&mut self, into: &mut Vec<Completion>, max: usize) {
        while into.len() < max {
            match self.backlog.pop_front() {
                Some(completion) => into.push(completion),
                None => break,
            }
        }
        if into.len() < max {
            let room = max - into.len();
            into.extend(self.io.completion().take(room).map(|entry| copy(&entry)));
        }
    }

    /// Takes all completions that `wanted` picks; the others go to the backlog in order.
    pub(crate) fn pick(
        &mut self,
        into: &mut Vec<Completion>,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<(), EngineError> {
        loop {
            for entry in self.io.completion() {
                let completion = copy(&entry);
                if wanted(completion.user_data) {
                    into.push(completion);
                } else {
                    self.backlog.push_back(completion);
                }
            }
            // Completions beyond the queue's size come only by another enter.
            if !self.io.submission().cq_overflow() {
                return Ok(());
            }
            self.run()?;
        }
    }
}

fn copy(entry: &io_uring::cqueue::Entry) -> Completion {
    Completion {
        user_data: entry.user_data(),
        result: entry.result(),
        flags: entry.flags(),
    }
}
