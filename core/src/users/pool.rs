//! The threads that judge, and the questions that wait for one.
//!
//! A shard puts a question in without taking a lock and goes on; it is refused at once when too many wait.
//! The verdict goes to the shard as its orders do. The threads run below everything else on the machine, so
//! that a flood of wrong passwords costs strangers their time, not the messages.

use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};

use crossbeam::queue::ArrayQueue;
use ringmq_codec::ReasonCode;
use ringmq_ring::Waker;
use ringmq_router::{Authentication, ConnectionId, Verdict};
use tracing::warn;

use crate::limits::{AUTHENTICATION_NICE, AUTHENTICATION_THREADS_MAX, AUTHENTICATIONS_WAITING_MAX};
use crate::logging::subject;
use crate::shard::control::Control;

// Each thread is a bit of `Shared::parked`.
const _: () = assert!(AUTHENTICATION_THREADS_MAX <= 64);

/// A question and who asks.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) connection: ConnectionId,
    pub(crate) authentication: Box<Authentication>,
    pub(crate) reply: Reply,
}

/// Where the verdict goes.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) control: Arc<Control>,
    pub(crate) waker: Waker,
}

/// The threads; dropping it ends each after the judgement at hand, and does not wait for that.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
}

struct Shared {
    waiting: ArrayQueue<Question>,
    /// Threads that sleep, or are about to, as a bit set.
    parked: AtomicU64,
    threads: OnceLock<Box<[Thread]>>,
    is_closed: AtomicBool,
}

impl Pool {
    /// Starts `threads` threads that answer with `judge`.
    pub(super) fn start(
        threads: u8,
        judge: impl Fn(Authentication) -> Verdict + Send + Sync + 'static,
    ) -> io::Result<Pool> {
        let shared = Arc::new(Shared {
            waiting: ArrayQueue::new(AUTHENTICATIONS_WAITING_MAX),
            parked: AtomicU64::new(0),
            threads: OnceLock::new(),
            is_closed: AtomicBool::new(false),
        });
        let judge = Arc::new(judge);
        let mut pool = Pool {
            shared: Arc::clone(&shared),
            threads: Vec::new(),
        };
        for number in 0..threads.clamp(1, AUTHENTICATION_THREADS_MAX) {
            let (shared, judge) = (Arc::clone(&shared), Arc::clone(&judge));
            let thread = thread::Builder::new().name(format!("users-{number}"));
            let started = thread.spawn(move || {
                step_back();
                shared.work(number, &*judge);
            })?;
            pool.threads.push(started.thread().clone());
        }
        shared
            .threads
            .get_or_init(|| pool.threads.as_slice().into());
        Ok(pool)
    }

    /// Questions that wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.shared.waiting.len()
    }

    /// Puts a question in; gives it back when too many wait.
    pub(super) fn ask(&self, question: Question) -> Result<(), Question> {
        self.shared.waiting.push(question)?;
        self.shared.wake_one();
        Ok(())
    }
}

impl Shared {
    fn work(&self, number: u8, judge: &dyn Fn(Authentication) -> Verdict) {
        let me = 1_u64 << number;
        while !self.is_closed.load(Ordering::Acquire) {
            let question = self.waiting.pop().or_else(|| {
                // First the announcement, then another look: see `wake_one`.
                self.parked.fetch_or(me, Ordering::SeqCst);
                fence(Ordering::SeqCst);
                let question = self.waiting.pop();
                if question.is_none() && !self.is_closed.load(Ordering::SeqCst) {
                    thread::park();
                }
                self.parked.fetch_and(!me, Ordering::SeqCst);
                question
            });
            if let Some(question) = question {
                question.answer(judge);
            }
        }
    }

    /// Ends the sleep of one thread, if any sleeps. A thread that is not seen here has announced its sleep
    /// later than the question was put in, and looks again before it sleeps.
    fn wake_one(&self) {
        fence(Ordering::SeqCst);
        let mut parked = self.parked.load(Ordering::SeqCst);
        while parked != 0 {
            let number = parked.trailing_zeros();
            let one = 1_u64 << number;
            if self.parked.fetch_and(!one, Ordering::SeqCst) & one != 0 {
                self.wake(number as usize);
                return;
            }
            parked &= !one;
        }
    }

    fn wake(&self, number: usize) {
        let threads = self.threads.get();
        threads.expect("nobody can ask before all have started")[number].unpark();
    }
}

impl Question {
    /// A bug in judging is logged as any panic, and lets nobody in.
    fn answer(self, judge: &dyn Fn(Authentication) -> Verdict) {
        let judged = panic::catch_unwind(AssertUnwindSafe(|| judge(*self.authentication)));
        let verdict = judged.unwrap_or(Verdict::Deny(ReasonCode::UnspecifiedError));
        self.reply.control.verdict(self.connection, verdict);
        self.reply.waker.wake();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        for thread in &self.threads {
            thread.unpark();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, waiting) = (self.threads.len(), self.waiting());
        write!(f, "Pool({threads} threads, {waiting} questions)")
    }
}

/// Lets everyone else go first.
fn step_back() {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), AUTHENTICATION_NICE) {
        warn!(target: subject::BROKER, %error, "threads that check passwords run at normal priority");
    }
}
