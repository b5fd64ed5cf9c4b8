//! The authenticator: judges clients by a password file, off the shards.
//!
//! One for the whole broker. Shards ask it, the thread for signals gives it new users. Whoever asks goes on
//! at once; see [`super::pool`].

use std::io;
use std::sync::Arc;

use ringmq_codec::ReasonCode;
use ringmq_router::Verdict;

use super::Users;
use super::judge::Judge;
use super::pool::{Pool, Question};

/// What an authenticator needs to start.
#[derive(Debug)]
pub struct AuthenticatorConfig {
    /// Who may connect.
    pub users: Users,
    /// By listener: whether clients that name no user are let in.
    pub allow_anonymous: Box<[bool]>,
    /// Threads that check passwords; one at least.
    pub threads: u8,
}

/// Judges clients. Dropping it ends its threads.
#[derive(Debug)]
pub struct Authenticator {
    judge: Arc<Judge>,
    pool: Pool,
}

impl Authenticator {
    /// Starts the threads.
    pub fn start(config: AuthenticatorConfig) -> io::Result<Authenticator> {
        let judge = Arc::new(Judge::new(config.users, config.allow_anonymous));
        let pool = Pool::start(config.threads, {
            let judge = Arc::clone(&judge);
            move |authentication| judge.judge(authentication)
        })?;
        Ok(Authenticator { judge, pool })
    }

    /// From now on these are the users. Who is connected stays.
    pub fn replace(&self, users: Users) {
        self.judge.replace(users);
    }

    /// Questions that wait for a thread.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// Asks: the verdict comes back at once, or with the shard's orders. Never waits.
    pub(crate) fn ask(&self, question: Question) -> Option<Verdict> {
        if let Some(verdict) = self.judge.at_once(&question.authentication) {
            return Some(verdict);
        }
        let is_full = self.pool.ask(question).is_err();
        is_full.then_some(Verdict::Deny(ReasonCode::QuotaExceeded))
    }
}
