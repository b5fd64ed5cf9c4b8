//! Which local address a connection starts from.
//!
//! One source address has some 28,000 ports towards one destination, and finding a free one becomes slow
//! long before. The connector asks here for the address of the n-th connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::limits::CONNECTIONS_PER_SOURCE;

/// Addresses on the loopback that `auto` spreads over: 127.0.1.1 to 127.0.250.250.
const LOOPBACK_ADDRESSES: u32 = 250 * 250;

/// A way to choose the source address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceAddresses {
    /// Leave it to the kernel.
    Kernel,
    /// Spread over 127.0.x.y, a new address every [`CONNECTIONS_PER_SOURCE`] connections.
    Loopback {
        /// Where to begin: ports of closed connections are taken for a minute, and another run may have
        /// left some.
        first: u32,
    },
    /// Take turns over these.
    List(Vec<IpAddr>),
}

impl SourceAddresses {
    /// Reads `--source-addresses` for `connections` connections to `broker`.
    pub(crate) fn parse(
        text: &str,
        broker: SocketAddr,
        connections: u32,
    ) -> Result<SourceAddresses, String> {
        match text {
            "none" => Ok(SourceAddresses::Kernel),
            "auto" => {
                let is_loopback = broker.is_ipv4() && broker.ip().is_loopback();
                Ok(if is_loopback && connections > CONNECTIONS_PER_SOURCE {
                    SourceAddresses::Loopback {
                        first: std::process::id() * 16 % LOOPBACK_ADDRESSES,
                    }
                } else {
                    SourceAddresses::Kernel
                })
            }
            list => {
                let mut addresses = Vec::new();
                for part in list.split(',') {
                    addresses.extend(parse_range(part)?);
                }
                if addresses
                    .iter()
                    .any(|address| address.is_ipv4() != broker.is_ipv4())
                {
                    return Err(format!(
                        "--source-addresses {text}: of another family than the broker's address {broker}"
                    ));
                }
                Ok(SourceAddresses::List(addresses))
            }
        }
    }

    /// The address for the n-th connection, with port 0; `None`: any.
    pub(crate) fn of(&self, connection: u32) -> Option<SocketAddr> {
        let address = match self {
            SourceAddresses::Kernel => return None,
            SourceAddresses::Loopback { first } => {
                let number = (first + connection / CONNECTIONS_PER_SOURCE) % LOOPBACK_ADDRESSES;
                let [third, fourth] = [number / 250 + 1, number % 250 + 1].map(|n| n as u8);
                IpAddr::V4(Ipv4Addr::new(127, 0, third, fourth))
            }
            SourceAddresses::List(addresses) => addresses[connection as usize % addresses.len()],
        };
        Some(SocketAddr::new(address, 0))
    }
}

/// One address, or FIRST-LAST of IPv4.
fn parse_range(text: &str) -> Result<Vec<IpAddr>, String> {
    let wrong = || format!("--source-addresses: `{text}` is neither an address nor FIRST-LAST");
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first: Ipv4Addr = first.parse().map_err(|_| wrong())?;
    let last: Ipv4Addr = last.parse().map_err(|_| wrong())?;
    let range = u32::from(first)..=u32::from(last);
    if range.is_empty() || range.clone().count() > 65_536 {
        return Err(format!(
            "--source-addresses: `{text}` must name 1 to 65,536 addresses"
        ));
    }
    Ok(range
        .map(|number| IpAddr::V4(Ipv4Addr::from(number)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, broker: &str, connections: u32) -> Result<SourceAddresses, String> {
        SourceAddresses::parse(text, broker.parse().unwrap(), connections)
    }

    #[test]
    fn many_connections_to_the_loopback_are_spread() {
        let few = parse("auto", "127.0.0.1:1883", 5_000).unwrap();
        assert_eq!(few.of(4_999), None);
        assert_eq!(
            parse("auto", "10.0.0.1:1883", 60_000),
            Ok(SourceAddresses::Kernel)
        );
        let many = parse("auto", "127.0.0.1:1883", 60_000).unwrap();
        assert!(matches!(many, SourceAddresses::Loopback { .. }));
        let many = SourceAddresses::Loopback { first: 0 };
        for (connection, address) in [
            (0, "127.0.1.1:0"),
            (4_999, "127.0.1.1:0"),
            (5_000, "127.0.1.2:0"),
            (1_250_000, "127.0.2.1:0"),
        ] {
            assert_eq!(many.of(connection), Some(address.parse().unwrap()));
        }
    }

    #[test]
    fn lists_and_ranges_take_turns() {
        let list = parse("10.0.0.9,10.0.1.254-10.0.2.1", "10.0.0.1:1", 1).unwrap();
        let found: Vec<String> = (0..6)
            .map(|n| list.of(n).unwrap().ip().to_string())
            .collect();
        assert_eq!(
            found,
            [
                "10.0.0.9",
                "10.0.1.254",
                "10.0.1.255",
                "10.0.2.0",
                "10.0.2.1",
                "10.0.0.9"
            ]
        );
        for wrong in ["x", "10.0.0.1-", "10.0.0.2-10.0.0.1", "::1", ""] {
            assert!(parse(wrong, "10.0.0.1:1", 1).is_err(), "{wrong}");
        }
    }
}
