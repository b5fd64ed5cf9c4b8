//! What a person reads when the broker has started: version, where it listens, its shards, how to stop it.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use crate::placement::{CpuId, Placement, ranges};

/// The few lines on standard output.
pub(crate) struct Announcement<'a> {
    pub(crate) listeners: &'a [(SocketAddr, Entry)],
    pub(crate) placement: &'a Placement,
    /// One shard for each physical core, none chosen by the operator.
    pub(crate) one_per_core: bool,
    pub(crate) process: u32,
}

/// Who may come in through a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Everyone,
    Users,
    UsersAndAnonymous,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Entry::Everyone => "no password",
            Entry::Users => "with a password",
            Entry::UsersAndAnonymous => "with or without a password",
        })
    }
}

impl fmt::Display for Announcement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "RingMQ {}", env!("CARGO_PKG_VERSION"))?;
        for (address, entry) in self.listeners {
            let reach = match address.ip() {
                ip if ip.to_canonical().is_loopback() => "this machine only",
                ip if ip.is_unspecified() => "every interface",
                _ => "other machines too",
            };
            writeln!(f, "  listening on  {address} ({reach}, {entry})")?;
        }
        writeln!(
            f,
            "  shards        {}",
            shards(self.placement, self.one_per_core)
        )?;
        writeln!(f, "  stop with     Ctrl-C or kill {}", self.process)
    }
}

/// `2 on CPUs 0-1, one per physical core`
pub(crate) fn shards(placement: &Placement, one_per_core: bool) -> String {
    let shards = placement.shards();
    let mut cpus: Vec<CpuId> = shards.iter().copied().flatten().collect();
    let pinned = cpus.len();
    cpus.sort_unstable();
    cpus.dedup();
    let mut text = shards.len().to_string();
    if cpus.is_empty() {
        return text;
    }
    let plural = if cpus.len() == 1 { "" } else { "s" };
    let shared = cpus.len() < pinned;
    let note = match (one_per_core, shared) {
        (true, _) => ", one per physical core",
        (false, true) => ", more than one on a CPU",
        (false, false) => "",
    };
    // Writing to a String cannot fail.
    let _ = write!(text, " on CPU{plural} {}{note}", ranges(&cpus));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(cpus: &[u16]) -> Placement {
        Placement::pinned(cpus.iter().copied().map(CpuId).collect())
    }

    #[test]
    fn the_text() {
        let listeners = [
            ("127.0.0.1:1883", Entry::Everyone),
            ("[::]:1884", Entry::Users),
            ("192.0.2.7:1883", Entry::UsersAndAnonymous),
        ];
        let listeners = listeners.map(|(address, entry)| (address.parse().unwrap(), entry));
        let announcement = Announcement {
            listeners: &listeners,
            placement: &pinned(&[0, 1, 2, 3]),
            one_per_core: true,
            process: 4711,
        };
        let expected = format!(
            "RingMQ {}\n\
            \x20 listening on  127.0.0.1:1883 (this machine only, no password)\n\
            \x20 listening on  [::]:1884 (every interface, with a password)\n\
            \x20 listening on  192.0.2.7:1883 (other machines too, with or without a password)\n\
            \x20 shards        4 on CPUs 0-3, one per physical core\n\
            \x20 stop with     Ctrl-C or kill 4711\n",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(announcement.to_string(), expected);
    }

    #[test]
    fn placements() {
        for (placement, one_per_core, expected) in [
            (pinned(&[3]), true, "1 on CPU 3, one per physical core"),
            (pinned(&[0, 2, 4]), false, "3 on CPUs 0,2,4"),
            (
                pinned(&[0, 1, 0]),
                false,
                "3 on CPUs 0-1, more than one on a CPU",
            ),
            (Placement::unpinned(2), false, "2"),
        ] {
            assert_eq!(shards(&placement, one_per_core), expected);
        }
    }
}
