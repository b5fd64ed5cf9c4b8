//! The oracle: a global view of what clients sent and received, and the rules that must hold.
//!
//! Clients and the world report to it as things happen; it judges each delivery at once and everything
//! else when all is quiet. It knows nothing of the router's inside beyond `Stats` and the messages
//! between shards.

mod acknowledge;
mod delivery;
mod expiry;
mod group;
mod identifier;
mod message;
mod quiet;
mod replay;
mod retained;
mod session;
mod subscription;
mod will;

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

pub(crate) use delivery::Received;
pub(crate) use message::{Fate, Message, MessageIndex, StreamId, parse, payload};
pub(crate) use session::{Attempt, AttemptId, Ended, EpochId, TIMER_SLACK};
pub(crate) use subscription::RecordId;
pub(crate) use will::{Will, WillState};

use crate::client::ClientIndex;
use crate::coverage::Coverage;
use crate::plan::Plan;
use crate::time::Time;
use crate::topics::{TopicId, Topics};

/// The rules, each named as a failing run names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A payload or properties nobody published.
    Corrupt,
    /// A message at two members of a group that only one may get, or at none.
    Group,
    /// A message to a client that did not ask for it.
    NoMatch,
    /// Wrong QoS or retain flag.
    Flags,
    /// A topic alias that stands for nothing, or is not allowed.
    Alias,
    /// Subscription identifiers other than those of the subscriptions that matched.
    Identifiers,
    /// A repetition that the QoS forbids.
    Repeated,
    /// A publisher's messages in another order.
    Order,
    /// A due message did not come and no drop is counted.
    Lost,
    /// More due messages are missing than drops are counted, or more drops counted than can have been.
    Ledger,
    /// An old retained value after a newer one, or as the last.
    StaleRetained,
    /// An acknowledgement before it was due, or with the wrong reason.
    Gate,
    /// An acknowledgement nobody waits for, out of order, or with an error.
    Acknowledgement,
    /// A will too early, too late, too often or not at all.
    Will,
    /// Session present is wrong.
    SessionPresent,
    /// A packet id towards a client that is in use, or not counted up.
    PacketId,
    /// An expired message, or one with a wrong remaining time.
    Expiry,
    /// More unacknowledged messages than the client allows.
    ReceiveMaximum,
    /// A packet larger than the client allows.
    PacketSize,
    /// A client let in that was not judged, or judged twice.
    Authentication,
    /// A connection closed without the DISCONNECT that v5 is owed, or with a wrong reason.
    Disconnect,
    /// A connection closed by the broker that did nothing wrong.
    ClosedWithoutCause,
    /// A silent connection not closed, or a lively one closed.
    KeepAlive,
    /// Two connections of one client at a time.
    TakeOver,
    /// A request that is never answered.
    Stuck,
    /// Something is still held when everyone has gone.
    Leak,
    /// The client could not read what came.
    Protocol,
    /// The router put out something its contract forbids.
    Contract,
    /// The router panicked.
    Panic,
    /// Two runs of one seed differ.
    Determinism,
}

/// A rule that did not hold.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) at: Time,
    pub(crate) detail: String,
}

/// Everything known of one run.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) now: Time,
    pub(crate) topics: Rc<Topics>,
    pub(crate) messages: Vec<Message>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) epochs: Vec<session::Epoch>,
    records: Vec<subscription::Record>,
    known: session::KnownSessions,
    /// Retained topics that someone has cleared.
    pub(crate) cleared: BTreeSet<TopicId>,
    /// The session that hears all wills.
    pub(crate) watcher: Option<EpochId>,
    /// Clients that subscribe when all is quiet.
    pub(crate) late_clients: Vec<ClientIndex>,
    /// Until when each shard does not get to what waits for it.
    pub(crate) behind_until: Vec<Time>,
    /// Acknowledgements wait for the log.
    logs: bool,
    /// Queues may be full.
    bounded: bool,
    missed: HashSet<(EpochId, MessageIndex)>,
    /// Messages judged, when, and how many drops they can account for.
    judged: usize,
    judged_at: Time,
    excused: u64,
    /// What deliveries met.
    pub(crate) met: Coverage,
    pub(crate) violation: Option<Violation>,
}

impl Oracle {
    /// An oracle that has seen nothing.
    pub(crate) fn new(topics: Rc<Topics>, plan: &Plan) -> Oracle {
        Oracle {
            now: Time(0),
            topics,
            messages: Vec::new(),
            attempts: Vec::new(),
            epochs: Vec::new(),
            records: Vec::new(),
            known: session::KnownSessions::new(),
            cleared: BTreeSet::new(),
            watcher: None,
            late_clients: Vec::new(),
            behind_until: vec![Time(0); usize::from(plan.shards)],
            logs: plan.settings.log,
            bounded: plan.queues_are_bounded(),
            missed: HashSet::new(),
            judged: 0,
            judged_at: Time(0),
            excused: 0,
            met: Coverage::default(),
            violation: None,
        }
    }

    /// Notes the first violation; the run ends with it.
    pub(crate) fn fail(&mut self, rule: Rule, detail: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation {
                rule,
                at: self.now,
                detail,
            });
        }
    }

    /// A new publish is about to be sent for the first time.
    pub(crate) fn publish(&mut self, message: Message) -> MessageIndex {
        if message.clears {
            self.cleared.insert(message.topic);
        }
        if self.kept_back(&message) {
            self.met.hit("publish that no local keeps back");
        }
        self.messages.push(message);
        MessageIndex(self.messages.len() as u32 - 1)
    }
}
