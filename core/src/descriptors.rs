//! The process's limit of open files. Connections do not count towards it (the engine keeps them in tables
//! of its own, as many as it needs), but the size of one such table does, and rings and listeners are files.

use std::fmt;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::{DESCRIPTORS_BASE, DESCRIPTORS_PER_RING, DESCRIPTORS_PER_SHARD};

/// What RLIMIT_NOFILE was and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorLimit {
    /// The soft limit the process was started with.
    pub before: u64,
    /// The soft limit now.
    pub now: u64,
}

/// The limit leaves no room for what a broker of this size opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewDescriptors {
    /// The limit.
    pub limit: u64,
    /// What is needed.
    pub needed: u64,
    /// For so many connections, which share rings of as many as the limit.
    pub connections_max: u32,
}

/// Raises the soft limit to the hard one, which needs no privilege.
pub fn raise() -> DescriptorLimit {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let before = current.unwrap_or(u64::MAX);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let now = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum.unwrap_or(u64::MAX),
        Err(_) => before,
    };
    DescriptorLimit { before, now }
}

/// Whether so many shards, listeners and connections fit under the limit.
pub fn check(
    limit: DescriptorLimit,
    shards: usize,
    listeners: usize,
    connections_max: u32,
) -> Result<(), TooFewDescriptors> {
    let limit = limit.now;
    let shards = shards as u64;
    let connections_per_shard = u64::from(connections_max).div_ceil(shards.max(1));
    let rings = connections_per_shard.div_ceil(limit.max(1));
    let per_shard = DESCRIPTORS_PER_SHARD + listeners as u64 + rings * DESCRIPTORS_PER_RING;
    let needed = DESCRIPTORS_BASE + shards * per_shard;
    if needed <= limit {
        return Ok(());
    }
    Err(TooFewDescriptors {
        limit,
        needed,
        connections_max,
    })
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooFewDescriptors {
            limit,
            needed,
            connections_max,
        } = self;
        write!(
            f,
            "the limit of open files is {limit}, and these shards and listeners with up to {connections_max} \
             connections need {needed}; raise the hard limit (ulimit -Hn, or LimitNOFILE= of a systemd unit), \
             or lower the shards or connections_max"
        )
    }
}

impl std::error::Error for TooFewDescriptors {}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(now: u64) -> DescriptorLimit {
        DescriptorLimit { before: now, now }
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let raised = raise();
        assert!(raised.now >= raised.before);
        assert_eq!(
            getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX),
            raised.now
        );
    }

    #[test]
    fn connections_do_not_need_descriptors_of_their_own() {
        check(limit(20_000), 2, 1, 60_000).unwrap();
        check(limit(20_000), 64, 4, 1_000_000).unwrap();
        check(limit(u64::MAX), 64, 64, 16_000_000).unwrap();
    }

    #[test]
    fn a_limit_without_room_is_named() {
        let error = check(limit(64), 4, 1, 1_000).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the limit of open files is 64, and these")
        );
    }
}
