//! Topic churn: subscriptions exchanged for others at a rate, while the load runs.
//!
//! Clients take turns. Each has at most one exchange under way, an UNSUBSCRIBE and a SUBSCRIBE sent
//! together; its latency runs to the SUBACK. A client whose last exchange is not answered yet misses its turn,
//! which is counted.

use ringmq_codec::packet::encode_unsubscribe;
use ringmq_codec::{PacketId, Properties, TopicFilter};

use crate::client::{self, State};
use crate::histogram::LatencyRecorder;
use crate::ids::{ClientId, SubscriberId};
use crate::limits::CHANGES_PER_TICK_MAX;
use crate::run::Run;

/// The SUBSCRIBE of an exchange; the ones on arrival count up from 1.
const SUBSCRIBE_ID: u16 = 65_535;
/// Its UNSUBSCRIBE.
const UNSUBSCRIBE_ID: u16 = 65_534;

/// The exchanges of one client.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    done: u32,
    /// When the one under way began; 0: none is.
    since_ns: u64,
}

/// All exchanges of a run.
#[derive(Debug)]
pub(super) struct Changes {
    rate_per_second: f64,
    start_ns: u64,
    turns_given: u64,
    turns: Vec<Turns>,
    pub(super) missed: u64,
    pub(super) latency: LatencyRecorder,
}

impl Changes {
    /// Exchanges of `subscribers` clients from `start_ns` on; `None` at a rate of 0.
    pub(super) fn new(rate_per_second: f64, subscribers: u32, start_ns: u64) -> Option<Changes> {
        (rate_per_second > 0.0 && subscribers > 0).then(|| Changes {
            rate_per_second,
            start_ns,
            turns_given: 0,
            turns: vec![Turns::default(); subscribers as usize],
            missed: 0,
            latency: LatencyRecorder::new(),
        })
    }

    /// When the next turn is due.
    pub(super) fn next_due_ns(&self) -> u64 {
        self.start_ns + (self.turns_given as f64 / self.rate_per_second * 1e9) as u64
    }
}

fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("the constants are not zero")
}

impl Run {
    /// Makes the exchanges that are due.
    pub(super) fn change_subscriptions(&mut self, now_ns: u64) {
        for _ in 0..CHANGES_PER_TICK_MAX {
            let Some(changes) = &mut self.changes else {
                return;
            };
            if changes.next_due_ns() > now_ns {
                return;
            }
            let at = changes.turns_given % changes.turns.len() as u64;
            changes.turns_given += 1;
            self.change_subscription(SubscriberId(at as u32), now_ns);
        }
    }

    fn change_subscription(&mut self, subscriber: SubscriberId, now_ns: u64) {
        let client = self.clients.get(self.clients.of_subscriber(subscriber));
        let (State::Ready, Some(connection)) = (client.state, client.connection) else {
            return;
        };
        let Some(changes) = &mut self.changes else {
            return;
        };
        let turns = &mut changes.turns[subscriber.at()];
        if turns.since_ns > 0 {
            changes.missed += 1;
            return;
        }
        let (mut old, mut new) = (String::new(), String::new());
        let topics = &self.plan.topics;
        topics.filter(subscriber, turns.done, &mut old);
        topics.filter(subscriber, turns.done + self.plan.filters_each, &mut new);
        turns.done += 1;
        turns.since_ns = now_ns.max(1);
        let (version, qos) = (self.version, self.plan.qos);
        self.outbox.send(connection, |out| {
            if let Some(old) = TopicFilter::new(&old) {
                encode_unsubscribe(version, id(UNSUBSCRIBE_ID), Properties::EMPTY, &[old], out);
            }
            // Filters of the same form were taken when the client came up.
            let _ = client::subscribe(version, id(SUBSCRIBE_ID), &[&new], qos, out);
        });
    }

    /// Takes the SUBACK of a client that is up; false when it was not asked for.
    pub(super) fn on_changed(&mut self, client: ClientId, now_ns: u64) -> bool {
        let Some(changes) = &mut self.changes else {
            return false;
        };
        let Some(turns) = changes.turns.get_mut(client.at()) else {
            return false;
        };
        if turns.since_ns == 0 {
            return false;
        }
        changes
            .latency
            .record(now_ns.saturating_sub(turns.since_ns));
        turns.since_ns = 0;
        true
    }
}
