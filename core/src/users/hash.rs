//! One hash of a password, in any of the forms a password file may hold.
//!
//! New ones are argon2id. The others are Mosquitto's, so that its file can be used as it is; they are
//! checked and kept, never made. Made and checked by the password file's owner and by the threads of the
//! authenticator: it takes tens of milliseconds.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;

use crate::limits::SALT_BYTES;

/// Bytes of a SHA-512.
const SHA512_BYTES: usize = 64;

/// The hash of a password with all that is needed to check one against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordHash {
    /// `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`, also with the other kinds of argon2.
    Argon2(Box<phc::PasswordHash>),
    /// `$7$ITERATIONS$SALT$HASH`: PBKDF2 with HMAC-SHA-512, Mosquitto's from 2.0 on.
    Pbkdf2Sha512(u32, Box<[u8]>, [u8; SHA512_BYTES]),
    /// `$6$SALT$HASH`: one SHA-512 of password and salt, Mosquitto's before.
    SaltedSha512(Box<[u8]>, [u8; SHA512_BYTES]),
}

impl PasswordHash {
    /// Hashes a password with a fresh salt.
    pub(super) fn new(password: &[u8]) -> Result<PasswordHash, getrandom::Error> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let hash = Argon2::default().hash_password_with_salt(password, &salt);
        let hash = hash.expect("the default parameters take any password and this salt");
        Ok(PasswordHash::Argon2(Box::new(hash)))
    }

    /// Reads a hash; `None` when it has none of the forms.
    pub(super) fn parse(text: &str) -> Option<PasswordHash> {
        if text.starts_with("$argon2") {
            let hash = phc::PasswordHash::new(text).ok()?;
            let is_whole = hash.salt.is_some() && hash.hash.is_some();
            let is_argon2 = argon2::Algorithm::try_from(hash.algorithm.as_str()).is_ok();
            let has_parameters = Params::try_from(&hash).is_ok();
            return (is_whole && is_argon2 && has_parameters)
                .then(|| PasswordHash::Argon2(Box::new(hash)));
        }
        let mut parts = text.strip_prefix('$')?.split('$');
        let kind = parts.next()?;
        let iterations = match kind {
            "7" => parts.next()?.parse().ok().filter(|count| *count > 0)?,
            "6" => 0,
            _ => return None,
        };
        let salt = BASE64.decode(parts.next()?).ok()?.into();
        let hash = BASE64.decode(parts.next()?).ok()?.try_into().ok()?;
        if parts.next().is_some() {
            return None;
        }
        Some(match iterations {
            0 => PasswordHash::SaltedSha512(salt, hash),
            _ => PasswordHash::Pbkdf2Sha512(iterations, salt, hash),
        })
    }

    /// Whether it is the hash of this password. Takes as long whether or not it is.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match self {
            PasswordHash::Argon2(hash) => {
                Argon2::default().verify_password(password, &**hash).is_ok()
            }
            PasswordHash::Pbkdf2Sha512(iterations, salt, hash) => {
                let mut computed = [0; SHA512_BYTES];
                pbkdf2_hmac::<Sha512>(password, salt, *iterations, &mut computed);
                computed.ct_eq(hash).into()
            }
            PasswordHash::SaltedSha512(salt, hash) => {
                let computed: [u8; SHA512_BYTES] = Sha512::new()
                    .chain_update(password)
                    .chain_update(salt)
                    .finalize()
                    .into();
                computed.ct_eq(hash).into()
            }
        }
    }

    /// What it is, in a word.
    pub(super) fn kind(&self) -> &str {
        match self {
            PasswordHash::Argon2(hash) => hash.algorithm.as_str(),
            PasswordHash::Pbkdf2Sha512(..) => "pbkdf2-sha512",
            PasswordHash::SaltedSha512(..) => "sha512",
        }
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PasswordHash::Argon2(hash) => hash.fmt(f),
            PasswordHash::Pbkdf2Sha512(iterations, salt, hash) => {
                let (salt, hash) = (BASE64.encode(salt), BASE64.encode(hash));
                write!(f, "$7${iterations}${salt}${hash}")
            }
            PasswordHash::SaltedSha512(salt, hash) => {
                write!(f, "$6${}${}", BASE64.encode(salt), BASE64.encode(hash))
            }
        }
    }
}
