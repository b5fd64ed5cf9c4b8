//! The judgement itself: what a client says, held against the users.
//!
//! Called by the authenticator's threads, and by a shard for what can be answered without work. The users
//! are replaced as a whole; a judgement that is under way ends with those it began with.

use std::sync::{Arc, PoisonError, RwLock};

use ringmq_codec::ReasonCode;
use ringmq_router::{Authentication, Claim, Grant, Memory, Verdict};

use super::Users;
use super::mechanism::{Exchange, Mechanism, Step};
use super::scram::ScramSha256;

/// Who is let in, and how it is found out.
#[derive(Debug)]
pub(super) struct Judge {
    users: RwLock<Arc<Users>>,
    /// By listener: whether clients that name no user are let in.
    allow_anonymous: Box<[bool]>,
    mechanisms: Box<[Box<dyn Mechanism>]>,
}

/// Left with a connection while its client has the word.
struct Open {
    exchange: Box<dyn Exchange>,
    /// Whom the client must prove to be, if it said that elsewhere.
    expected: Option<Box<str>>,
}

/// Left with a connection whose client has proved who it is.
struct Proved {
    user: Box<str>,
}

impl Judge {
    pub(super) fn new(users: Users, allow_anonymous: Box<[bool]>) -> Judge {
        Judge {
            users: RwLock::new(Arc::new(users)),
            allow_anonymous,
            mechanisms: Box::new([Box::new(ScramSha256)]),
        }
    }

    /// From now on these are the users.
    pub(super) fn replace(&self, users: Users) {
        *self.users.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(users);
    }

    fn users(&self) -> Arc<Users> {
        Arc::clone(&self.users.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The verdict, if it takes neither work nor a look at the users.
    pub(super) fn at_once(&self, authentication: &Authentication) -> Option<Verdict> {
        match authentication {
            Authentication::Password(claim) => self.without_user(claim),
            Authentication::Exchange { method, .. } | Authentication::Again { method, .. } => {
                let is_unknown = self.mechanism(method).is_none();
                // [v5 MQTT-4.12.0-1]
                is_unknown.then_some(Verdict::Deny(ReasonCode::BadAuthenticationMethod))
            }
            Authentication::Step { .. } => None,
        }
    }

    /// The verdict on a client that names no user.
    fn without_user(&self, claim: &Claim) -> Option<Verdict> {
        if claim.user_name.is_some() {
            return None;
        }
        let listener = usize::from(claim.listener.0);
        let is_allowed = self.allow_anonymous.get(listener).copied().unwrap_or(false);
        Some(match claim.password {
            // A password of nobody's proves nothing.
            Some(_) => Verdict::Deny(ReasonCode::BadUserNameOrPassword),
            None if is_allowed => Verdict::allow(),
            None => Verdict::Deny(ReasonCode::NotAuthorized),
        })
    }

    /// The verdict. May take tens of milliseconds.
    pub(super) fn judge(&self, authentication: Authentication) -> Verdict {
        if let Some(verdict) = self.at_once(&authentication) {
            return verdict;
        }
        match authentication {
            Authentication::Password(claim) => self.judge_password(&claim),
            Authentication::Exchange {
                claim,
                method,
                data,
            } => self.start(&method, &data, claim.user_name),
            Authentication::Again {
                method,
                data,
                memory,
            } => match memory.take::<Proved>() {
                // Who a client is does not change while it is connected.
                Some(proved) => self.start(&method, &data, Some(proved.user)),
                None => Verdict::Deny(ReasonCode::NotAuthorized),
            },
            Authentication::Step { data, memory } => match memory.take::<Open>() {
                Some(open) => verdict(open.exchange.step(&data), open.expected),
                None => Verdict::Deny(ReasonCode::NotAuthorized),
            },
        }
    }

    fn judge_password(&self, claim: &Claim) -> Verdict {
        let name = claim.user_name.as_deref().unwrap_or_default();
        let password = claim.password.as_ref().map_or(&[][..], |it| &it.0);
        if self.users().has_password(name, password) {
            Verdict::allow()
        } else {
            Verdict::Deny(ReasonCode::BadUserNameOrPassword)
        }
    }

    fn start(&self, method: &str, data: &[u8], expected: Option<Box<str>>) -> Verdict {
        match self.mechanism(method) {
            Some(mechanism) => verdict(mechanism.start(&self.users(), data), expected),
            None => Verdict::Deny(ReasonCode::BadAuthenticationMethod),
        }
    }

    fn mechanism(&self, name: &str) -> Option<&dyn Mechanism> {
        let mut all = self.mechanisms.iter();
        all.find(|it| it.name() == name).map(|it| &**it)
    }
}

fn verdict(step: Step, expected: Option<Box<str>>) -> Verdict {
    match step {
        Step::Continue { data, exchange } => Verdict::Continue {
            data: data.into(),
            memory: Memory::of(Open { exchange, expected }),
        },
        Step::Done { user, data } if expected.is_none_or(|it| it == user) => {
            Verdict::Allow(Grant {
                data: data.into(),
                memory: Memory::of(Proved { user }),
            })
        }
        Step::Done { .. } | Step::Failed => Verdict::Deny(ReasonCode::NotAuthorized),
    }
}
