//! Methods of enhanced authentication: what each must be able to do. [v5 4.12]
//!
//! A method is named in a CONNECT and run by the authenticator's threads. An exchange is a value that goes
//! with its connection from step to step, so whoever goes away in the middle leaves nothing behind.

use std::fmt;
use std::sync::Arc;

use super::Users;

/// A method of authentication.
pub(super) trait Mechanism: fmt::Debug + Send + Sync {
    /// Its name, as clients write it in the Authentication Method.
    fn name(&self) -> &'static str;

    /// Begins an exchange with the client's first data, which may be empty.
    fn start(&self, users: &Arc<Users>, data: &[u8]) -> Step;
}

/// An exchange that waits for the client's next word.
pub(super) trait Exchange: Send {
    /// Goes on with the client's data.
    fn step(self: Box<Self>, data: &[u8]) -> Step;
}

/// What comes of a word of the client.
pub(super) enum Step {
    /// The client must say more.
    Continue {
        /// For the client.
        data: Vec<u8>,
        /// Waits for the answer.
        exchange: Box<dyn Exchange>,
    },
    /// The client has proved who it is.
    Done {
        /// Its user name.
        user: Box<str>,
        /// For the client.
        data: Vec<u8>,
    },
    /// It has not.
    Failed,
}
