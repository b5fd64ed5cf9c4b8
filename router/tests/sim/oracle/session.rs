//! The model of connections and sessions: which connection attempts the broker accepted, which session
//! each belongs to, when sessions end, and what session present must say.
//!
//! The order of things is the broker's own (`Output::Established`, `Output::Close`); what must follow
//! from it is the specification's.

use std::collections::{BTreeMap, HashMap};

use ringmq_codec::{ReasonCode, Version};
use ringmq_router::{CloseCause, CloseReason, ShardId};

use super::delivery::Delivered;
use super::will::Will;
use super::{Oracle, Rule};
use crate::client::ClientIndex;
use crate::oracle::{MessageIndex, RecordId, StreamId};
use crate::time::{SECOND, Time};
use crate::topics::TopicId;

/// One connection attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AttemptId(pub(crate) u32);

/// One session of one client, from the CONNECT that made it to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EpochId(pub(crate) u32);

/// How long past its due time an expiry or a will may come: a wheel slot, a late timer and a slow tick.
pub(crate) const TIMER_SLACK: u64 = 3 * SECOND;

/// What ended a connection at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The broker closed it.
    ByBroker(CloseReason),
    /// It was told that the transport is gone.
    ByPeer(CloseCause),
}

/// A connection attempt as the client made it, and what the broker did with it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) client: ClientIndex,
    pub(crate) client_id: String,
    pub(crate) version: Version,
    pub(crate) clean: bool,
    /// Life of the session after the connection, seconds; a v5 DISCONNECT may change it.
    pub(crate) expiry_secs: u32,
    pub(crate) keep_alive_secs: u16,
    pub(crate) packet_max: u32,
    pub(crate) receive_max: u16,
    pub(crate) will: Option<Will>,
    pub(crate) established: Option<Time>,
    pub(crate) ended: Option<(Time, Ended)>,
    /// What the broker said of its session.
    pub(crate) present: bool,
    pub(crate) epoch: Option<EpochId>,
    /// A DISCONNECT that keeps the will back was sent.
    pub(crate) said_goodbye: bool,
    /// The session's life that the v5 DISCONNECT asks for.
    pub(crate) goodbye_expiry_secs: Option<u32>,
    /// The client broke the protocol on purpose.
    pub(crate) sent_garbage: bool,
    /// Its CONNECT was judged, and refused for this reason.
    pub(crate) refused: Option<ReasonCode>,
    /// The operator wants it closed.
    pub(crate) thrown_out: bool,
    /// The reason of the DISCONNECT that its client got.
    pub(crate) disconnect: Option<ReasonCode>,
    /// SUBSCRIBEs sent before CONNACK, to be attached to the session.
    pub(crate) early_records: Vec<RecordId>,
    /// Per stream and topic: position of the latest publish seen on this connection.
    pub(crate) latest: HashMap<(StreamId, TopicId), MessageIndex>,
    /// Per retained topic: the latest value seen on this connection.
    pub(crate) latest_retained: HashMap<TopicId, MessageIndex>,
    pub(crate) seen_here: HashMap<MessageIndex, u32>,
    pub(crate) saw_packet_id: bool,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub(crate) client: ClientIndex,
    pub(crate) shard: ShardId,
    pub(crate) ended: Option<Time>,
    /// The connection it has, or had last.
    pub(crate) attempt: AttemptId,
    pub(crate) records: Vec<RecordId>,
    pub(crate) delivered: HashMap<MessageIndex, Delivered>,
    pub(crate) latest: HashMap<(StreamId, TopicId), MessageIndex>,
    /// Last value received per retained topic: a message, or `None` for a clearing one.
    pub(crate) retained: HashMap<TopicId, Option<MessageIndex>>,
    pub(crate) attempts: u32,
}

/// What the broker holds for a client identifier.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) epoch: EpochId,
    pub(crate) attempt: AttemptId,
}

/// What session present may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Yes,
    No,
    Either,
}

/// Client identifiers with a session that may still live.
pub(crate) type KnownSessions = BTreeMap<String, Known>;

impl Oracle {
    /// A client connects.
    pub(crate) fn attempt(&mut self, attempt: Attempt) -> AttemptId {
        self.attempts.push(attempt);
        AttemptId(self.attempts.len() as u32 - 1)
    }

    /// The broker accepted a CONNECT on `shard` and says that the session is present or not.
    pub(crate) fn established(&mut self, attempt: AttemptId, shard: ShardId, present: bool) {
        let now = self.now;
        let client_id = self.attempts[attempt.0 as usize].client_id.clone();
        let known = self.known.remove(&client_id);
        if let Some(known) = &known
            && self.attempts[known.attempt.0 as usize].ended.is_none()
        {
            self.ended(known.attempt, Ended::ByBroker(CloseReason::TakenOver));
        }
        let presence = self.presence(attempt, shard, known.as_ref());
        let legal = match presence {
            Presence::Yes => present,
            Presence::No => !present,
            Presence::Either => true,
        };
        if !legal {
            self.fail(
                Rule::SessionPresent,
                format!(
                    "client {client_id:?}: session present {present}, expected {presence:?}; before: {:?}",
                    known.map(|known| &self.attempts[known.attempt.0 as usize]).map(|before| {
                        (before.clean, before.expiry_secs, before.established, before.ended)
                    })
                ),
            );
            return;
        }
        if let Some(known) = &known {
            self.wills_at_connect(known.attempt, shard, present);
        }
        let epoch = match known {
            Some(known) if present => known.epoch,
            known => {
                if let Some(known) = known {
                    self.end_epoch(known.epoch);
                }
                self.new_epoch(attempt, shard)
            }
        };
        let records = std::mem::take(&mut self.attempts[attempt.0 as usize].early_records);
        let held = &mut self.epochs[epoch.0 as usize];
        held.records.extend(records);
        held.attempt = attempt;
        held.ended = None;
        held.attempts += 1;
        let this = &mut self.attempts[attempt.0 as usize];
        this.established = Some(now);
        this.epoch = Some(epoch);
        self.known.insert(client_id, Known { epoch, attempt });
    }

    fn new_epoch(&mut self, attempt: AttemptId, shard: ShardId) -> EpochId {
        self.epochs.push(Epoch {
            client: self.attempts[attempt.0 as usize].client,
            shard,
            ended: None,
            attempt,
            records: Vec::new(),
            delivered: HashMap::new(),
            latest: HashMap::new(),
            retained: HashMap::new(),
            attempts: 0,
        });
        EpochId(self.epochs.len() as u32 - 1)
    }

    fn presence(&self, attempt: AttemptId, shard: ShardId, known: Option<&Known>) -> Presence {
        if self.attempts[attempt.0 as usize].clean {
            return Presence::No;
        }
        let Some(known) = known else {
            return Presence::No;
        };
        let before = &self.attempts[known.attempt.0 as usize];
        let Some((ended, why)) = before.ended else {
            return Presence::Yes;
        };
        if before.expiry_secs == 0 {
            // A takeover ends and resumes the session in one step; either order is defensible.
            return match why {
                Ended::ByBroker(CloseReason::TakenOver) => Presence::Either,
                _ => Presence::No,
            };
        }
        let due = ended.plus_secs(before.expiry_secs);
        if self.now.plus(2_000) < due {
            Presence::Yes
        } else if self.now > self.done_by(due, shard) {
            Presence::No
        } else {
            Presence::Either
        }
    }

    /// When a shard has done what is due at a time: one that is behind waits, since the client may be back.
    pub(crate) fn done_by(&self, due: Time, shard: ShardId) -> Time {
        let behind_until = self.behind_until[usize::from(shard.0)];
        due.max(behind_until).plus(TIMER_SLACK)
    }

    pub(crate) fn end_epoch(&mut self, epoch: EpochId) {
        let now = self.now;
        self.epochs[epoch.0 as usize].ended.get_or_insert(now);
    }

    /// A connection ended at the broker.
    pub(crate) fn ended(&mut self, attempt: AttemptId, how: Ended) {
        let now = self.now;
        let this = &mut self.attempts[attempt.0 as usize];
        if this.ended.is_some() {
            return;
        }
        this.ended = Some((now, how));
        if how == Ended::ByBroker(CloseReason::ClientDisconnected)
            && let Some(secs) = this.goodbye_expiry_secs
        {
            this.expiry_secs = secs;
        }
        let caused = match how {
            Ended::ByBroker(CloseReason::Refused(reason)) => {
                this.sent_garbage || this.refused == Some(reason)
            }
            Ended::ByBroker(CloseReason::Malformed(_)) => this.sent_garbage,
            Ended::ByBroker(CloseReason::Administrative) => this.thrown_out,
            _ => true,
        };
        if !caused {
            let detail = format!("client {:?} was closed with {how:?}", this.client_id);
            self.fail(Rule::ClosedWithoutCause, detail);
            return;
        }
        let this = &self.attempts[attempt.0 as usize];
        if let Some(epoch) = this.epoch {
            if this.expiry_secs == 0 {
                self.end_epoch(epoch);
            }
            self.will_at_end(attempt, how);
        }
    }

    /// What the DISCONNECT before a close by the broker must say, to v5; `None` where none is owed.
    fn owed(&self, attempt: AttemptId) -> Option<ReasonCode> {
        let this = &self.attempts[attempt.0 as usize];
        let (_, Ended::ByBroker(how)) = this.ended? else {
            return None;
        };
        this.established?;
        match how {
            CloseReason::ClientDisconnected | CloseReason::ConnectTimeout => None,
            CloseReason::Refused(reason) => Some(reason),
            CloseReason::Malformed(error) => Some(error.reason()),
            CloseReason::KeepAlive => Some(ReasonCode::KeepAliveTimeout),
            CloseReason::TakenOver => Some(ReasonCode::SessionTakenOver),
            CloseReason::Shutdown => Some(ReasonCode::ServerShuttingDown),
            CloseReason::Administrative => Some(ReasonCode::AdministrativeAction),
        }
    }

    /// A DISCONNECT came at a v5 client.
    pub(crate) fn disconnect_received(&mut self, attempt: AttemptId, reason: ReasonCode) {
        let owed = self.owed(attempt);
        self.attempts[attempt.0 as usize].disconnect = Some(reason);
        if owed != Some(reason) {
            let ended = self.attempts[attempt.0 as usize].ended;
            let detail = format!("DISCONNECT {reason:?} came, owed {owed:?}, {ended:?}");
            self.fail(Rule::Disconnect, detail);
        }
    }

    /// A client read the end of what the broker sent.
    pub(crate) fn end_received(&mut self, attempt: AttemptId) {
        let this = &self.attempts[attempt.0 as usize];
        let owed = self.owed(attempt).filter(|_| this.version.is_v5());
        if owed.is_some() && this.disconnect.is_none() {
            let detail = format!("{:?} was closed without {owed:?}", this.client_id);
            self.fail(Rule::Disconnect, detail);
        }
    }

    /// Whether the session lives on one connection since before `since`, up to now.
    pub(crate) fn connected_since(&self, epoch: EpochId, since: Time) -> bool {
        let attempt = &self.attempts[self.epochs[epoch.0 as usize].attempt.0 as usize];
        attempt.ended.is_none() && attempt.established.is_some_and(|at| at < since)
    }
}
