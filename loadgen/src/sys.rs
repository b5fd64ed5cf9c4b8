//! What the broker says of itself under `$SYS/broker/`: the messages it dropped, by reason; its version and
//! its memory.
//!
//! The observer connection feeds every `$SYS` message in. Counters are published once in an interval, so
//! a reading counts as settled when two intervals in a row end with the same figures. The uptime, which
//! changes every interval, is the beat by which intervals are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Filters the observer subscribes to.
pub(crate) const FILTERS: [&str; 6] = [
    "$SYS/broker/uptime",
    "$SYS/broker/publish/messages/dropped",
    "$SYS/broker/drops/#",
    "$SYS/broker/version",
    "$SYS/broker/memory/+",
    "$SYS/broker/heap/current",
];

const UPTIME: &str = "$SYS/broker/uptime";
const DROPPED: &str = "$SYS/broker/publish/messages/dropped";
const REASONS: &str = "$SYS/broker/drops/";
const VERSION: &str = "$SYS/broker/version";
/// RingMQ tells its memory by part, Mosquitto its heap.
const MEMORY: &str = "$SYS/broker/memory/";
const HEAP: &str = "$SYS/broker/heap/current";

/// The broker's drop counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drops {
    /// All dropped messages, as brokers since Mosquitto count them.
    pub(crate) dropped: u64,
    /// The same by reason, where the broker tells reasons.
    pub(crate) by_reason: BTreeMap<String, u64>,
}

impl Drops {
    /// What was dropped between `before` and this reading; counters only grow.
    pub(crate) fn since(&self, before: &Drops) -> Drops {
        let grown = |reason: &String, now: u64| {
            now.saturating_sub(before.by_reason.get(reason).copied().unwrap_or(0))
        };
        Drops {
            dropped: self.dropped.saturating_sub(before.dropped),
            by_reason: self
                .by_reason
                .iter()
                .map(|(reason, &now)| (reason.clone(), grown(reason, now)))
                .filter(|&(_, count)| count > 0)
                .collect(),
        }
    }

    /// The total: by reason where there are reasons, for they are the finer account.
    pub(crate) fn total(&self) -> u64 {
        match self.by_reason.is_empty() {
            true => self.dropped,
            false => self.by_reason.values().sum(),
        }
    }
}

/// Who the broker is and what memory it says it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SelfPortrait {
    pub(crate) version: Option<String>,
    /// By part, where it tells parts.
    pub(crate) memory_bytes_by_part: BTreeMap<String, u64>,
}

impl SelfPortrait {
    /// All of its memory, in bytes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes_by_part.values().sum()
    }
}

/// Follows the counters.
#[derive(Debug, Default)]
pub(crate) struct SysObserver {
    portrait: SelfPortrait,
    current: Drops,
    at_last_beat: Option<Drops>,
    beats: u32,
    settled: bool,
    last_beat_ns: Option<u64>,
    interval_ns: Option<u64>,
}

impl SysObserver {
    /// Takes one `$SYS` message. `retained` ones are left over from before the subscription.
    pub(crate) fn on_message(&mut self, topic: &str, payload: &[u8], retained: bool, now_ns: u64) {
        if topic == UPTIME {
            if !retained {
                self.on_beat(now_ns);
            }
            return;
        }
        let text = std::str::from_utf8(payload).unwrap_or("");
        if topic == VERSION {
            self.portrait.version = Some(text.to_owned());
            return;
        }
        let Ok(count) = text.trim().parse::<u64>() else {
            return;
        };
        if topic == DROPPED {
            self.current.dropped = count;
        } else if let Some(reason) = topic.strip_prefix(REASONS) {
            self.current.by_reason.insert(reason.to_owned(), count);
        } else if topic == HEAP {
            let parts = &mut self.portrait.memory_bytes_by_part;
            parts.insert("heap".to_owned(), count);
        } else if let Some(part) = topic.strip_prefix(MEMORY) {
            let parts = &mut self.portrait.memory_bytes_by_part;
            parts.insert(part.to_owned(), count);
        }
    }

    fn on_beat(&mut self, now_ns: u64) {
        if let Some(last) = self.last_beat_ns {
            self.interval_ns = Some(now_ns - last);
        }
        self.last_beat_ns = Some(now_ns);
        self.beats += 1;
        // The first beat may stand in the middle of its interval's counters; the next ones do not.
        self.settled = self.beats > 2 && self.at_last_beat.as_ref() == Some(&self.current);
        self.at_last_beat = Some(self.current.clone());
    }

    /// Begins to wait for a settled reading.
    pub(crate) fn begin(&mut self) {
        self.beats = 0;
        self.settled = false;
    }

    /// The counters, once two intervals in a row ended with them.
    pub(crate) fn settled(&self) -> Option<&Drops> {
        self.settled.then_some(&self.current)
    }

    /// The counters as last heard.
    pub(crate) fn current(&self) -> &Drops {
        &self.current
    }

    /// Who the broker says it is.
    pub(crate) fn portrait(&self) -> &SelfPortrait {
        &self.portrait
    }

    /// The broker's interval, once two beats were heard.
    pub(crate) fn interval_ns(&self) -> Option<u64> {
        self.interval_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn counters_settle_when_two_intervals_agree() {
        let mut sys = SysObserver::default();
        sys.on_message(UPTIME, b"1 seconds", true, 0);
        sys.begin();
        for (second, count) in [(1, 5), (2, 9), (3, 12)] {
            sys.on_message(
                DROPPED,
                count.to_string().as_bytes(),
                false,
                second * SECOND,
            );
            sys.on_message(UPTIME, b"2 seconds", false, second * SECOND);
            assert_eq!(sys.settled(), None);
        }
        // Brokers that publish only what changed just beat.
        sys.on_message(UPTIME, b"5 seconds", false, 4 * SECOND);
        assert_eq!(sys.settled().map(Drops::total), Some(12));
        assert_eq!(sys.interval_ns(), Some(SECOND));
        sys.begin();
        assert_eq!(sys.settled(), None);
    }

    #[test]
    fn drops_are_told_by_reason_and_since_the_start() {
        let mut sys = SysObserver::default();
        for (topic, count) in [
            (DROPPED, "7"),
            ("$SYS/broker/drops/queue-bytes", "7"),
            ("$SYS/broker/drops/x", "0"),
        ] {
            sys.on_message(topic, count.as_bytes(), true, 0);
        }
        let before = sys.current().clone();
        sys.on_message("$SYS/broker/drops/queue-bytes", b"10", false, 0);
        sys.on_message("$SYS/broker/drops/queue-messages", b"2", false, 0);
        sys.on_message(DROPPED, b"12", false, 0);
        let drops = sys.current().since(&before);
        assert_eq!(drops.total(), 5);
        assert_eq!(drops.dropped, 5);
        let reasons: Vec<_> = drops
            .by_reason
            .iter()
            .map(|(r, n)| (r.as_str(), *n))
            .collect();
        assert_eq!(reasons, [("queue-bytes", 3), ("queue-messages", 2)]);
    }

    #[test]
    fn version_and_memory_are_told() {
        let mut sys = SysObserver::default();
        for (topic, payload) in [
            ("$SYS/broker/version", "ringmq 1"),
            ("$SYS/broker/memory/sessions", "700"),
            ("$SYS/broker/memory/sessions", "900"),
            ("$SYS/broker/memory/index", "100"),
        ] {
            sys.on_message(topic, payload.as_bytes(), true, 0);
        }
        assert_eq!(sys.portrait().version.as_deref(), Some("ringmq 1"));
        assert_eq!(sys.portrait().memory_bytes(), 1_000);
    }

    #[test]
    fn other_topics_and_payloads_are_ignored() {
        let mut sys = SysObserver::default();
        sys.on_message("$SYS/broker/load", b"1", false, 0);
        sys.on_message(DROPPED, b"many", false, 0);
        assert_eq!(sys.current(), &Drops::default());
    }
}
