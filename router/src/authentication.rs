//! Who a client is: the questions that a shard puts out, and the answers it takes in.
//!
//! A shard knows no passwords and no authentication methods. It asks with [`crate::Output::Authenticate`],
//! goes on with other things, and acts on the [`Verdict`] when that comes back, which may be never: the
//! bound on a CONNECT holds while it is judged, too.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;

use ringmq_codec::ReasonCode;

use crate::ListenerId;

/// What is to be judged. A connection has one question open at most.
#[derive(Debug)]
pub enum Authentication {
    /// A CONNECT without an Authentication Method: user name and password tell, or their absence. The answer
    /// is to allow or to deny it.
    Password(Claim),
    /// A CONNECT with an Authentication Method, which begins an exchange. [v5 4.12]
    Exchange {
        /// What it says beside.
        claim: Claim,
        /// Its Authentication Method.
        method: Box<str>,
        /// Its Authentication Data; empty when there is none.
        data: Box<[u8]>,
    },
    /// A connected client begins another exchange. [v5 4.12.1]
    Again {
        /// The Authentication Method of its CONNECT.
        method: Box<str>,
        /// Its Authentication Data; empty when there is none.
        data: Box<[u8]>,
        /// What the verdict that let it in left.
        memory: Memory,
    },
    /// The client's next word in the exchange that is under way.
    Step {
        /// Its Authentication Data; empty when there is none.
        data: Box<[u8]>,
        /// What [`Verdict::Continue`] left.
        memory: Memory,
    },
}

/// What a CONNECT says about its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Client identifier; empty when the broker is to assign one.
    pub client_id: Box<str>,
    /// User name, when given.
    pub user_name: Option<Box<str>>,
    /// Password, when given.
    pub password: Option<Password>,
    /// The peer's address.
    pub peer: SocketAddr,
    /// The listener it came through.
    pub listener: ListenerId,
}

/// A password as a client sent it. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub Box<[u8]>);

/// What an exchange must remember between two steps. It is kept with the connection and ends with it; the
/// shard never looks inside.
#[derive(Debug, Default)]
pub struct Memory(Option<Box<dyn Any + Send>>);

/// The answer to a question.
#[derive(Debug)]
pub enum Verdict {
    /// The client is who it says.
    Allow(Grant),
    /// The client must say more, in an AUTH packet. Only in an exchange.
    Continue {
        /// Authentication Data for the client.
        data: Box<[u8]>,
        /// Comes back with the client's next word.
        memory: Memory,
    },
    /// It is not: the reason goes into the CONNACK, or into the DISCONNECT of a connected client.
    Deny(ReasonCode),
}

/// What comes with being let in.
#[derive(Debug, Default)]
pub struct Grant {
    /// Authentication Data for the CONNACK or the last AUTH; empty for none. Only in an exchange.
    pub data: Box<[u8]>,
    /// Comes back when the client begins another exchange.
    pub memory: Memory,
}

impl Authentication {
    /// What the CONNECT says, when it is a CONNECT that is judged.
    pub fn claim(&self) -> Option<&Claim> {
        match self {
            Authentication::Password(claim) | Authentication::Exchange { claim, .. } => Some(claim),
            Authentication::Again { .. } | Authentication::Step { .. } => None,
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Password(..)")
    }
}

impl Memory {
    /// Remembers a value.
    pub fn of<T: Any + Send>(value: T) -> Memory {
        Memory(Some(Box::new(value)))
    }

    /// The value, if it was of this type.
    pub fn take<T: Any>(self) -> Option<T> {
        let value = self.0?.downcast().ok()?;
        Some(*value)
    }
}

impl Verdict {
    /// To let the client in, and nothing beside.
    pub fn allow() -> Verdict {
        Verdict::Allow(Grant::default())
    }
}
