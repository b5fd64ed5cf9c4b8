//! What a server keeps to check SCRAM-SHA-256: enough to see that a client knows the password, not enough
//! to be that client. [RFC 5802 section 3]
//!
//! Written as PostgreSQL writes it: `SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::limits::{SALT_BYTES, SCRAM_ITERATIONS};

/// The name of the mechanism, and the start of a verifier.
pub(super) const SCRAM_SHA_256: &str = "SCRAM-SHA-256";

/// Bytes of a SHA-256.
pub(super) const SHA256_BYTES: usize = 32;

/// The verifier of one password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ScramVerifier {
    pub(super) iterations: u32,
    pub(super) salt: Box<[u8]>,
    pub(super) stored_key: [u8; SHA256_BYTES],
    pub(super) server_key: [u8; SHA256_BYTES],
}

impl ScramVerifier {
    /// Of a password, with a fresh salt.
    pub(super) fn new(password: &str) -> Result<ScramVerifier, getrandom::Error> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        Ok(ScramVerifier::of(password, &salt, SCRAM_ITERATIONS))
    }

    /// Of a password. What SASLprep cannot prepare is taken as it is, as PostgreSQL does.
    pub(super) fn of(password: &str, salt: &[u8], iterations: u32) -> ScramVerifier {
        let prepared = stringprep::saslprep(password).unwrap_or(password.into());
        ScramVerifier::of_bytes(prepared.as_bytes(), salt, iterations)
    }

    fn of_bytes(password: &[u8], salt: &[u8], iterations: u32) -> ScramVerifier {
        let mut salted = [0; SHA256_BYTES];
        pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut salted);
        let client_key = hmac(&salted, b"Client Key");
        ScramVerifier {
            iterations,
            salt: salt.into(),
            stored_key: Sha256::digest(client_key).into(),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// One that no password fits, with salt and iterations like those of another.
    pub(super) fn unknowable(
        random: &[u8; SHA256_BYTES],
        like: Option<&ScramVerifier>,
    ) -> ScramVerifier {
        let salt_bytes = like
            .map_or(SALT_BYTES, |it| it.salt.len())
            .min(SHA256_BYTES);
        ScramVerifier {
            iterations: like.map_or(SCRAM_ITERATIONS, |it| it.iterations),
            salt: random[..salt_bytes].into(),
            stored_key: [0; SHA256_BYTES],
            server_key: [0; SHA256_BYTES],
        }
    }

    /// Reads one; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<ScramVerifier> {
        let rest = text.strip_prefix(SCRAM_SHA_256)?.strip_prefix('$')?;
        let (terms, keys) = rest.split_once('$')?;
        let (iterations, salt) = terms.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let bytes = |text: &str| BASE64.decode(text).ok();
        Some(ScramVerifier {
            iterations: iterations.parse().ok().filter(|count| *count > 0)?,
            salt: bytes(salt)?.into(),
            stored_key: bytes(stored_key)?.try_into().ok()?,
            server_key: bytes(server_key)?.try_into().ok()?,
        })
    }

    /// Whether it is the verifier of a password that came in plain.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let computed = match std::str::from_utf8(password) {
            Ok(password) => ScramVerifier::of(password, &self.salt, self.iterations),
            Err(_) => ScramVerifier::of_bytes(password, &self.salt, self.iterations),
        };
        computed.stored_key.ct_eq(&self.stored_key).into()
    }
}

/// HMAC-SHA-256.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; SHA256_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

impl fmt::Display for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored_key, server_key] =
            [&*self.salt, &self.stored_key, &self.server_key].map(|it| BASE64.encode(it));
        let iterations = self.iterations;
        write!(
            f,
            "{SCRAM_SHA_256}${iterations}:{salt}${stored_key}:{server_key}"
        )
    }
}

/// Without the keys: whoever has them can pretend to be the server.
impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScramVerifier({} iterations)", self.iterations)
    }
}
