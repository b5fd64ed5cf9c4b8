//! Who may connect: the password file, what stands in it, and who judges a client by it.
//!
//! The file is read at the start, on SIGHUP and by `ringmq passwd`, never by a shard. A shard asks the
//! [`Authenticator`], whose threads hash passwords; what a client proves in more than one step is a
//! `Mechanism`.

mod authenticator;
mod file;
mod hash;
mod judge;
mod mechanism;
pub mod passwd;
mod pool;
mod scram;
mod scram_verifier;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use authenticator::{Authenticator, AuthenticatorConfig};
pub use file::{FileError, LineProblem, is_readable_by_all};
pub(crate) use pool::{Question, Reply};

use file::{Line, PasswordFile};
use hash::PasswordHash;
use scram_verifier::ScramVerifier;

/// Everyone in a password file, as it was when it was read.
#[derive(Debug)]
pub struct Users {
    users: Vec<Secrets>,
    by_name: HashMap<Box<str>, usize>,
    secret: Secret,
}

/// What the broker keeps to itself, so that nobody can tell users from strangers by what it answers to a
/// stranger. Drawn when the process starts.
#[derive(Clone)]
pub struct Secret([u8; 32]);

/// What a user's password is checked against; one of the two at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secrets {
    hash: Option<PasswordHash>,
    scram: Option<ScramVerifier>,
}

impl Users {
    /// Reads a password file.
    pub fn read(path: &Path, secret: &Secret) -> Result<Users, FileError> {
        Ok(Users::of(&PasswordFile::read(path)?, secret))
    }

    fn of(file: &PasswordFile, secret: &Secret) -> Users {
        let mut users = Vec::new();
        let mut by_name = HashMap::new();
        for line in file.lines() {
            if let Line::User { name, secrets } = line {
                by_name.insert(name.as_str().into(), users.len());
                users.push(secrets.clone());
            }
        }
        Users {
            users,
            by_name,
            secret: secret.clone(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Whether this is the user's password. Takes as long for a stranger as for a user: his password is
    /// checked against another's hash, and the answer is no whatever comes of it.
    pub(crate) fn has_password(&self, name: &str, password: &[u8]) -> bool {
        match self.by_name.get(name) {
            Some(at) => self.users[*at].matches(password),
            None => {
                if let Some(decoy) = self.decoy(name, |_| true) {
                    std::hint::black_box(decoy.matches(password));
                }
                false
            }
        }
    }

    /// What a user proves by SCRAM to know; for a stranger, and for a user without it, a verifier of which
    /// nobody knows the password, always the same for a name. Its second half is whether it is real.
    pub(crate) fn scram_verifier(&self, name: &str) -> (ScramVerifier, bool) {
        let user = self.by_name.get(name).map(|at| &self.users[*at]);
        if let Some(scram) = user.and_then(|user| user.scram.as_ref()) {
            return (scram.clone(), true);
        }
        let like = self.decoy(name, |user| user.scram.is_some());
        let like = like.and_then(|user| user.scram.as_ref());
        let salt = self.secret.of("salt", name);
        (ScramVerifier::unknowable(&salt, like), false)
    }

    /// Another user, always the same one for a name.
    fn decoy(&self, name: &str, fits: impl Fn(&Secrets) -> bool) -> Option<&Secrets> {
        let bytes = self.secret.of("decoy", name);
        let number = bytes
            .iter()
            .take(8)
            .fold(0, |n, byte| n << 8 | usize::from(*byte));
        let start = number.checked_rem(self.users.len())?;
        let (before, after) = self.users.split_at(start);
        after.iter().chain(before).find(|user| fits(user))
    }
}

impl Secrets {
    /// Of a new password, with fresh salts.
    fn new(password: &str, with_scram: bool) -> Result<Secrets, getrandom::Error> {
        let scram = match with_scram {
            true => Some(ScramVerifier::new(password)?),
            false => None,
        };
        Ok(Secrets {
            hash: Some(PasswordHash::new(password.as_bytes())?),
            scram,
        })
    }

    fn matches(&self, password: &[u8]) -> bool {
        match (&self.hash, &self.scram) {
            (Some(hash), _) => hash.matches(password),
            (None, Some(scram)) => scram.matches(password),
            (None, None) => false,
        }
    }
}

impl Secret {
    /// Draws one.
    pub fn draw() -> Result<Secret, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Secret(bytes))
    }

    /// Bytes that only this process can tell for a name.
    fn of(&self, purpose: &str, name: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(name.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret(..)")
    }
}
