//! `[[listener]]`: where clients connect, and who may.
//!
//! Without a password file, whoever can reach a listener is let in. So only a loopback listener is open
//! without being told; any other needs the operator's explicit word. With one, no listener is open to
//! clients without a password unless it says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Serialize;

use super::error::{ConfigError, Problem};
use super::value::ValueError;
use crate::limits;

/// The port that is registered for MQTT without encryption.
pub const MQTT_PORT: u16 = 1883;

/// One `[[listener]]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListenerSettings {
    /// Address and port; port 0 lets the kernel choose.
    pub address: SocketAddr,
    /// Whether clients without credentials are let in. `None`: was not said.
    pub allow_anonymous: Option<bool>,
}

impl Default for ListenerSettings {
    fn default() -> ListenerSettings {
        ListenerSettings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, MQTT_PORT)),
            allow_anonymous: None,
        }
    }
}

/// Reads `HOST`, `HOST:PORT`, `[HOST]` or `[HOST]:PORT`; HOST is an IP address or `localhost`.
pub fn parse_listen_address(text: &str) -> Result<SocketAddr, ValueError> {
    let trimmed = text.trim();
    if let Ok(address) = trimmed.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, MQTT_PORT));
    }
    if let Ok(address) = trimmed.parse::<SocketAddr>() {
        return Ok(address);
    }
    let bad_address = || ValueError::Address { text: text.into() };
    let (host, port) = match trimmed.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            match port.parse() {
                Ok(port) if digits => (host, port),
                _ if is_host(host) => return Err(ValueError::Port { text: port.into() }),
                _ => return Err(bad_address()),
            }
        }
        _ => (trimmed, MQTT_PORT),
    };
    match host {
        "localhost" => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        host => host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .and_then(|host| host.parse::<Ipv6Addr>().ok())
            .map(|host| SocketAddr::from((host, port)))
            .ok_or_else(bad_address),
    }
}

fn is_host(text: &str) -> bool {
    text == "localhost"
        || text.parse::<Ipv4Addr>().is_ok()
        || (text.starts_with('[') && text.ends_with(']'))
}

/// Checks what only the whole set of listeners shows, after the command line has had its say, and settles
/// `allow_anonymous` where it was not said. `lines` are those of the file, empty when they came otherwise;
/// `has_passwords` tells whether there is a password file.
pub fn check_listeners(
    listeners: &mut [ListenerSettings],
    lines: &[usize],
    has_passwords: bool,
) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    if listeners.is_empty() {
        errors.push(ConfigError::new(None, Problem::NoListener));
    }
    if listeners.len() > limits::LISTENERS_MAX {
        let count = listeners.len();
        errors.push(ConfigError::new(None, Problem::TooManyListeners { count }));
    }
    for index in 0..listeners.len() {
        let (before, rest) = listeners.split_at_mut(index);
        let listener = &mut rest[0];
        let address = listener.address.to_string();
        let loopback = listener.address.ip().to_canonical().is_loopback();
        let other = before
            .iter()
            .find(|other| overlap(other.address, listener.address))
            .map(|other| other.address.to_string());
        let problem = match (listener.allow_anonymous, other) {
            (_, Some(other)) => Some(Problem::SameAddress { address, other }),
            (_, None) if has_passwords => None,
            (Some(false), None) => Some(Problem::NobodyAllowed { address }),
            (None, None) if !loopback => Some(Problem::OpenToStrangers { address }),
            (Some(true) | None, None) => None,
        };
        let is_open = loopback && !has_passwords;
        listener.allow_anonymous.get_or_insert(is_open);
        errors.extend(problem.map(|p| ConfigError::new(lines.get(index).copied(), p)));
    }
    errors
}

/// Whether the kernel would refuse to bind both. IPv6 listeners take no IPv4 connections, so the two
/// families never meet.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_host = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && a.is_ipv4() == b.is_ipv4() && same_host
}
