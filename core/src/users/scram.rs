//! SCRAM-SHA-256, the server's side: the client proves that it knows its password without sending it, and
//! so does the server that it knows the client. [RFC 5802, RFC 7677]
//!
//! Two steps: the client's first message opens the exchange, its final one ends it. A stranger is led on
//! to the end and refused there, as a user with a wrong password is. There is no channel binding.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Users;
use super::mechanism::{Exchange, Mechanism, Step};
use super::scram_verifier::{SCRAM_SHA_256, SHA256_BYTES, ScramVerifier, hmac};
use crate::limits::SCRAM_NONCE_BYTES;

/// The method.
#[derive(Debug)]
pub(super) struct ScramSha256;

/// Waits for the client's final message.
struct Challenged {
    user: Box<str>,
    verifier: ScramVerifier,
    /// Whether the verifier is a user's.
    is_user: bool,
    /// What the client said of channel binding.
    gs2_header: Box<str>,
    /// Of client and server, joined.
    nonce: String,
    /// The client's first message without its header, and the answer to it.
    said: String,
}

impl Mechanism for ScramSha256 {
    fn name(&self) -> &'static str {
        SCRAM_SHA_256
    }

    fn start(&self, users: &Arc<Users>, data: &[u8]) -> Step {
        let mut random = [0; SCRAM_NONCE_BYTES];
        if getrandom::fill(&mut random).is_err() {
            return Step::Failed;
        }
        match Challenged::begin(users, data, &BASE64.encode(random)) {
            Some((challenged, answer)) => Step::Continue {
                data: answer.into_bytes(),
                exchange: Box::new(challenged),
            },
            None => Step::Failed,
        }
    }
}

impl Challenged {
    /// Answers the client's first message; `None` if it is none.
    pub(super) fn begin(
        users: &Users,
        data: &[u8],
        server_nonce: &str,
    ) -> Option<(Challenged, String)> {
        let message = std::str::from_utf8(data).ok()?;
        let (gs2_header, bare) = split_header(message)?;
        let mut attributes = bare.split(',');
        let user = unescape(attributes.next()?.strip_prefix("n=")?)?;
        let client_nonce = attributes.next()?.strip_prefix("r=")?;
        let is_printable = |byte: u8| byte.is_ascii_graphic();
        if user.is_empty() || client_nonce.is_empty() || !client_nonce.bytes().all(is_printable) {
            return None;
        }
        if let Some(authorized) = gs2_header.split(',').nth(1)?.strip_prefix("a=")
            && unescape(authorized)? != user
        {
            // To act as another is nobody's right.
            return None;
        }
        let (verifier, is_user) = users.scram_verifier(&user);
        let nonce = format!("{client_nonce}{server_nonce}");
        let (salt, iterations) = (BASE64.encode(&verifier.salt), verifier.iterations);
        let answer = format!("r={nonce},s={salt},i={iterations}");
        let challenged = Challenged {
            user: user.into(),
            verifier,
            is_user,
            gs2_header: gs2_header.into(),
            nonce,
            said: format!("{bare},{answer}"),
        };
        Some((challenged, answer))
    }

    /// The server's final message, if the client's proves that it knows the password.
    fn end(&self, data: &[u8]) -> Option<String> {
        let message = std::str::from_utf8(data).ok()?;
        let (without_proof, proof) = message.rsplit_once(",p=")?;
        let proof: [u8; SHA256_BYTES] = BASE64.decode(proof).ok()?.try_into().ok()?;
        let mut attributes = without_proof.split(',');
        let binding = BASE64.decode(attributes.next()?.strip_prefix("c=")?).ok()?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        if binding != self.gs2_header.as_bytes() || nonce != self.nonce {
            return None;
        }
        let all = format!("{},{without_proof}", self.said);
        let mut client_key = hmac(&self.verifier.stored_key, all.as_bytes());
        for (key, proof) in client_key.iter_mut().zip(proof) {
            *key ^= proof;
        }
        let stored_key: [u8; SHA256_BYTES] = Sha256::digest(client_key).into();
        let is_proved: bool = stored_key.ct_eq(&self.verifier.stored_key).into();
        if !is_proved || !self.is_user {
            return None;
        }
        let signature = hmac(&self.verifier.server_key, all.as_bytes());
        Some(format!("v={}", BASE64.encode(signature)))
    }
}

impl Exchange for Challenged {
    fn step(self: Box<Self>, data: &[u8]) -> Step {
        match self.end(data) {
            Some(answer) => Step::Done {
                user: self.user,
                data: answer.into_bytes(),
            },
            None => Step::Failed,
        }
    }
}

/// Header and rest of a client's first message: `n,,` or `y,,`, with `a=name` between the commas if the
/// client says whom it acts as. One that insists on channel binding (`p=`) cannot be served.
fn split_header(message: &str) -> Option<(&str, &str)> {
    let mut commas = message.match_indices(',');
    let (first, second) = (commas.next()?.0, commas.next()?.0);
    let (header, bare) = message.split_at(second + 1);
    let acts_as = &header[first + 1..second];
    let is_known = matches!(&header[..first], "n" | "y");
    (is_known && (acts_as.is_empty() || acts_as.starts_with("a="))).then_some((header, bare))
}

/// A user name as it was before `,` and `=` were escaped.
fn unescape(name: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, escaped)) = rest.split_once('=') {
        plain += before;
        plain.push(match escaped.get(..2)? {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        rest = &escaped[2..];
    }
    Some(plain + rest)
}

#[cfg(test)]
pub(crate) mod tests;
