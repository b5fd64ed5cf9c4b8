//! A client of the simulation: its side of the protocol in both versions, with delayed acknowledgements
//! and retransmission on resume. What it does and when is the workload's choice.
//!
//! It reports everything it sends and receives to the oracle, and judges what only it can see: packet
//! identifiers, acknowledgement order, receive maximum.

use std::collections::{BTreeMap, VecDeque};

use ringmq_codec::{PacketId, Properties, Qos, ReasonCode, Version};

use crate::client_alias::Aliases;
use crate::coverage::Coverage;
use crate::oracle::{AttemptId, EpochId, MessageIndex, Oracle, RecordId, Rule, StreamId};
use crate::plan::ClientPlan;
use crate::random::Random;
use crate::socket::SocketId;
use crate::time::{SECOND, Time};
use crate::topics::{FilterId, TopicId};

/// Position in the table of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClientIndex(pub(crate) u16);

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Part of the workload.
    Worker,
    /// Always connected, hears all wills.
    Watcher,
    /// Connects when all is quiet and asks for everything retained.
    Late,
    /// Takes part in the drill of a queue at its bound.
    Drill,
}

/// Where its connection stands, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No connection.
    Offline,
    /// CONNECT is out, CONNACK not in.
    Connecting,
    /// CONNACK came.
    Online,
}

/// What an outgoing publish waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaits {
    /// PUBACK.
    Ack,
    /// PUBREC.
    Rec,
    /// PUBCOMP.
    Comp,
}

/// A QoS 1 or 2 publish under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    pub(crate) packet_id: PacketId,
    pub(crate) message: MessageIndex,
    pub(crate) awaits: Awaits,
    /// It went out on this connection.
    pub(crate) sent: bool,
}

/// A SUBSCRIBE or UNSUBSCRIBE under way.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// With the record and the QoS of each filter.
    Subscribe(Vec<(RecordId, Qos)>),
    /// With its filters.
    Unsubscribe(Vec<FilterId>, Time),
}

/// An acknowledgement to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// PUBACK.
    Ack(PacketId),
    /// PUBREC.
    Rec(PacketId),
    /// PUBCOMP.
    Comp(PacketId),
}

/// A publish as the workload wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublishOrder {
    pub(crate) topic: TopicId,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) clears: bool,
    pub(crate) payload_len: usize,
    pub(crate) expiry_secs: Option<u32>,
    /// Carries user properties and a content type (v5).
    pub(crate) adorned: bool,
    pub(crate) stream: StreamId,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) index: ClientIndex,
    pub(crate) role: Role,
    pub(crate) client_id: String,
    pub(crate) plan: ClientPlan,
    pub(crate) phase: Phase,
    pub(crate) socket: Option<SocketId>,
    pub(crate) attempt: Option<AttemptId>,
    /// The session it knows of.
    pub(super) epoch: Option<EpochId>,
    /// The next CONNECT must make a new session: the last one that should was never answered.
    pub(crate) must_clean: bool,
    pub(crate) stream: StreamId,
    /// Bytes received, not yet a whole packet.
    pub(super) received: Vec<u8>,
    /// Bytes to write.
    pub(crate) out: Vec<u8>,
    /// Publishes in them that expire: where each ends, and after how many seconds it expires.
    pub(crate) expiring: Vec<(usize, MessageIndex, u32)>,
    pub(super) next_packet_id: PacketId,
    pub(crate) outgoing: VecDeque<Outgoing>,
    pub(super) requests: BTreeMap<PacketId, Request>,
    /// QoS 2 messages received and not yet released.
    pub(super) incoming: BTreeMap<PacketId, Option<MessageIndex>>,
    /// Packet ids the broker may not use for another message now.
    pub(super) in_use: BTreeMap<PacketId, Option<MessageIndex>>,
    pub(crate) replies: VecDeque<(Time, Reply)>,
    /// When the world writes them.
    pub(crate) replies_at: Option<Time>,
    /// What the broker takes unacknowledged.
    pub(super) outgoing_max: usize,
    pub(super) inflight_max: usize,
    pub(super) aliases: Aliases,
    pub(crate) pings: u32,
    pub(crate) pinged: Time,
    pub(crate) last_written: Time,
    /// In force on this connection.
    pub(crate) keep_alive_secs: u16,
    /// When the workload connects it again.
    pub(crate) connect_at: Time,
}

/// What a client needs of the world to act.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) now: Time,
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) random: &'a mut Random,
    pub(crate) coverage: &'a mut Coverage,
}

impl Client {
    /// A client that is offline.
    pub(crate) fn new(
        index: ClientIndex,
        role: Role,
        client_id: String,
        plan: ClientPlan,
    ) -> Client {
        Client {
            index,
            role,
            client_id,
            plan,
            phase: Phase::Offline,
            socket: None,
            attempt: None,
            epoch: None,
            must_clean: true,
            stream: StreamId(u32::from(index.0)),
            received: Vec::new(),
            out: Vec::new(),
            expiring: Vec::new(),
            next_packet_id: PacketId::FIRST,
            outgoing: VecDeque::new(),
            requests: BTreeMap::new(),
            incoming: BTreeMap::new(),
            in_use: BTreeMap::new(),
            replies: VecDeque::new(),
            replies_at: None,
            outgoing_max: 1,
            inflight_max: usize::from(u16::MAX),
            aliases: Aliases::default(),
            pings: 0,
            pinged: Time(0),
            last_written: Time(0),
            keep_alive_secs: 0,
            connect_at: Time(0),
        }
    }

    /// The version it speaks.
    pub(crate) fn version(&self) -> Version {
        self.plan.version
    }

    /// Whether it has room for another QoS 1 or 2 publish.
    pub(crate) fn may_publish(&self) -> bool {
        self.outgoing.len() < self.outgoing_max.min(self.plan.outgoing_max)
    }

    /// Whether everything it asked for was answered.
    pub(crate) fn is_drained(&self, now: Time) -> bool {
        self.phase == Phase::Online
            && self.outgoing.is_empty()
            && self.requests.is_empty()
            && self.incoming.is_empty()
            && self.replies.is_empty()
            && (self.pings == 0 || now.since(self.pinged) < 5 * SECOND)
            && self.out.is_empty()
    }

    /// What it waits for, for the report.
    pub(crate) fn pending(&self) -> String {
        format!(
            "{:?} outgoing {:?}, requests {:?}, incoming {:?}, replies {:?}, pings {}",
            self.phase, self.outgoing, self.requests, self.incoming, self.replies, self.pings
        )
    }

    /// A packet id that nothing outgoing uses.
    pub(super) fn packet_id(&mut self) -> PacketId {
        loop {
            let id = self.next_packet_id;
            self.next_packet_id = id.next();
            let taken = self.requests.contains_key(&id)
                || self
                    .outgoing
                    .iter()
                    .any(|outgoing| outgoing.packet_id == id);
            if !taken {
                return id;
            }
        }
    }

    /// The connection is gone, as the client sees it. The session's state stays.
    pub(crate) fn disconnected(&mut self) {
        self.phase = Phase::Offline;
        self.socket = None;
        self.received.clear();
        self.out.clear();
        self.expiring.clear();
        self.requests.clear();
        self.replies.clear();
        self.pings = 0;
    }

    /// The session is gone: nothing of it may be sent again.
    pub(super) fn forget_session(&mut self, oracle: &mut Oracle) {
        for outgoing in self.outgoing.drain(..) {
            if outgoing.awaits != Awaits::Comp {
                oracle.abandoned(outgoing.message);
            }
        }
        self.incoming.clear();
        self.in_use.clear();
    }

    /// Reports a violation that this client saw.
    pub(super) fn fail(&self, context: &mut Context<'_>, rule: Rule, detail: &str) {
        let detail = format!("client {:?} ({:?}): {detail}", self.client_id, self.index);
        context.oracle.fail(rule, detail);
    }

    /// An acknowledgement packet with no properties.
    pub(super) fn ack(packet_id: PacketId) -> ringmq_codec::packet::Ack<'static> {
        ringmq_codec::packet::Ack {
            packet_id,
            reason: ReasonCode::Success,
            properties: Properties::EMPTY,
        }
    }
}
