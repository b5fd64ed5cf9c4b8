//! What shards say to each other. Per ordered pair of shards messages arrive in order; between pairs
//! nothing is promised.
//!
//! **Interest.** Each shard indexes only its own subscribers and tells all others which filters it wants
//! ([`LinkMessage::Interest`]); a SUBACK waits until each has answered [`LinkMessage::InterestApplied`].
//!
//! **Publishes.** A publisher's shard sends each message once to every other shard with interest
//! ([`LinkMessage::Publishes`], one batch per tick and destination). A batch with QoS above 0 or retained
//! messages is answered by [`LinkMessage::Accepted`]; the publisher's PUBACK or PUBREC waits for it.
//!
//! **Shared subscriptions.** Interest in `$share/group/filter` is told as numbers of members
//! ([`InterestChange::Members`]). The publisher's shard asks one shard per group, beside the batch's items
//! ([`SharedDelivery`]). A batch that asks is always answered; what was refused ([`Accepted::refusals`]) is
//! then asked of another shard.
//!
//! **Retained messages** live on the shard that `hash(topic)` names, their home. Every retained publish
//! goes there ([`BatchItem::retain_seq`] numbers them per publisher's shard and home). A shard that wants
//! a replay says how far the home must have come with each publisher's shard before it may answer
//! ([`RetainedQuery::seen`]), so a replay is never older than what the subscriber may already have missed.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::{ListenerId, Stats};

/// One message between two shards.
#[derive(Debug)]
pub enum LinkMessage {
    /// Changes of the sender's interest; must be answered by `InterestApplied` when `barrier` is set.
    Interest(InterestUpdate),
    /// The interest of that barrier is applied at the sender.
    InterestApplied(InterestApplied),
    /// Messages the receiver has interest in, or is the retained home of.
    Publishes(PublishBatch),
    /// A batch was taken by the sender's sessions.
    Accepted(Accepted),
    /// Asks the home for retained messages.
    RetainedQuery(RetainedQuery),
    /// A piece of the answer.
    RetainedReply(RetainedReply),
    /// The sender's counters, for the shard that publishes `$SYS`.
    Stats(Box<Stats>),
}

/// What the accepting shard passes on with a connection's descriptor.
#[derive(Debug)]
pub struct Handover {
    /// The listener it came through.
    pub listener: ListenerId,
    /// Who it is.
    pub peer: SocketAddr,
    /// Everything received so far, the CONNECT first.
    pub bytes: Box<[u8]>,
}

/// Changes of one shard's interest, in order.
#[derive(Debug)]
pub struct InterestUpdate {
    /// Set when SUBACKs wait for this update; numbers grow per sender.
    pub barrier: Option<BarrierId>,
    /// What changed.
    pub changes: Arc<[InterestChange]>,
}

/// Names an interest update of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BarrierId(pub u64);

/// One change of interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterestChange {
    /// The shard has a first subscriber for exact filters with this fingerprint.
    AddExact(Fingerprint),
    /// It has none any more.
    RemoveExact(Fingerprint),
    /// The shard has a first subscriber for this wildcard filter.
    AddWildcard(Box<str>),
    /// It has none any more.
    RemoveWildcard(Box<str>),
    /// The shard's members of a shared subscription are now so many.
    Members(GroupMembers),
}

/// How many members of a shared subscription a shard has; none at all withdraws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMembers {
    /// The whole `$share/group/filter`.
    pub filter: Arc<str>,
    /// What the sender calls the group.
    pub name: GroupName,
    /// Members with a connection.
    pub connected: u32,
    /// Members whose sessions wait for their clients.
    pub away: u32,
}

/// Names a shared subscription on the shard that has given the name; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// Its place there.
    pub index: u32,
    /// Tells it from others that had the place before.
    pub generation: u32,
}

/// The keyed hash of a topic, the same on all shards (the key is the broker's seed): evenly spread over
/// [`Fingerprint::BITS`] bits, the upper ones are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Width; eight bits less than the number that holds it, so that a shard fits beside it.
    pub const BITS: u32 = 56;

    /// The shard that keeps the topic's retained message: by the high bits, as tables use the low ones.
    pub fn home(self, shards: crate::ShardCount) -> crate::ShardId {
        crate::ShardId(((self.0 * u64::from(shards.0)) >> Fingerprint::BITS) as u8)
    }
}

/// Answer to an [`InterestUpdate`] with a barrier.
#[derive(Debug)]
pub struct InterestApplied {
    /// The update's.
    pub barrier: BarrierId,
    /// For each home shard: the number of retained publishes the sender had sent there before it applied
    /// the interest. A replay must not be answered before the home has them.
    pub retain_sent: Box<[u64]>,
}

/// Position of a batch on its link; grows by one per batch that wants acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchSeq(pub u64);

/// The messages of one tick from one shard to another.
#[derive(Debug)]
pub struct PublishBatch {
    /// Set when the sender waits for acceptance.
    pub seq: Option<BatchSeq>,
    /// All messages that crossed to any shard in this tick, shared by reference.
    pub data: Arc<BatchData>,
    /// Which of them are for the receiver, in order.
    pub items: Box<[u32]>,
    /// Which of those are for members of shared subscriptions, in order of the positions.
    pub shared: Box<[SharedDelivery]>,
}

/// Asks the receiver to give a message to one of its members of a shared subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedDelivery {
    /// Position in [`PublishBatch::items`].
    pub position: u32,
    /// The receiver's name of the group.
    pub group: GroupName,
    /// Which of its connected members is asked first.
    pub member: u32,
    /// Whether a member that cannot take the message now may queue it.
    pub may_queue: bool,
}

/// Why no member of a shard has taken a message of a shared subscription; of several reasons the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The shard has no member any more.
    NoMember,
    /// Its members are away and the message would have QoS 0 for them.
    Offline,
    /// The message is too long for its members.
    TooLarge,
    /// The queues of its members hold their maximum of bytes.
    QueueBytes,
    /// The queues of its members hold their maximum of messages.
    QueueMessages,
    /// A member that is away may queue it, if asked to.
    Away,
    /// A connected member may queue it, if asked to.
    Busy,
}

/// The messages a shard sent to others in one tick.
#[derive(Debug, Default)]
pub struct BatchData {
    /// Topics, properties and payloads, named by the items' ranges.
    pub bytes: Vec<u8>,
    /// The messages.
    pub items: Vec<BatchItem>,
    /// Of items that are runs.
    pub runs: Vec<BatchRun>,
}

/// Several messages that differ in nothing but their payloads.
#[derive(Clone, Copy, Debug)]
pub struct BatchRun {
    /// Where the packets have what.
    pub shape: ringmq_codec::packet::RunShape,
    /// The version for whose clients the packets are as they must be.
    pub verbatim: Option<ringmq_codec::Version>,
}

/// One message of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem {
    /// First byte of the topic in [`BatchData::bytes`].
    pub topic_start: u32,
    /// First byte of the forwarded properties (v5, encoded, without expiry and alias).
    pub properties_start: u32,
    /// First byte of the payload; of a run, of its packets.
    pub payload_start: u32,
    /// One past the payload, or the packets.
    pub end: u32,
    /// The place in [`BatchData::runs`] of a run, which is of QoS 0 and not retained.
    pub run: Option<u32>,
    /// QoS it was published with.
    pub qos: ringmq_codec::Qos,
    /// Whether the publisher set the retain flag.
    pub retain: bool,
    /// When it expires, if it does (publisher's message expiry turned into a point in time).
    pub expires: Option<crate::Millis>,
    /// For a retained message: how many retained publishes the sender has sent to the topic's home,
    /// this one included. Zero otherwise, and when another shard's members are asked for it again.
    pub retain_seq: u64,
    /// Fingerprint of the topic.
    pub topic_hash: Fingerprint,
    /// Shards whose ordinary subscribers it is for, as a bit set. One whose bit is missing has it as the
    /// home, or for members of shared subscriptions.
    pub live: u64,
}

/// Answer to a [`PublishBatch`] with a `seq`: everything was taken but for the exceptions.
#[derive(Debug)]
pub struct Accepted {
    /// The batch's.
    pub seq: BatchSeq,
    /// Positions in [`PublishBatch::items`] that no session took, with why.
    pub exceptions: Box<[(u32, NotTaken)]>,
    /// Positions in [`PublishBatch::shared`] that no member took, with why.
    pub refusals: Box<[(u32, Refusal)]>,
    /// For groups that choose by load: positions in [`PublishBatch::shared`] that were taken, each with the
    /// smallest load of a member after it.
    pub loads: Box<[(u32, u32)]>,
}

/// Why a shard's sessions took nothing of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// No subscription matched after all.
    NoMatch,
    /// Every session it was for had to drop it.
    Dropped,
}

/// Asks a home for retained messages that match a filter.
#[derive(Debug)]
pub struct RetainedQuery {
    /// Comes back in the reply.
    pub query: QueryId,
    /// The filter, as subscribed.
    pub filter: Box<str>,
    /// Go on after this topic, in the home's order; from the start when `None`.
    pub after: Option<Box<str>>,
    /// For each publisher's shard: how many of its retained publishes the home must have before it answers.
    pub seen: Arc<[u64]>,
    /// At most this many bytes of messages in the reply (at least one message is sent).
    pub reply_bytes_max: u32,
}

/// Names a replay under way on one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueryId(pub u64);

/// A piece of the answer to a [`RetainedQuery`], in topic order.
#[derive(Debug)]
pub struct RetainedReply {
    /// The query's.
    pub query: QueryId,
    /// The messages.
    pub items: Vec<RetainedItem>,
    /// Where to go on ([`RetainedQuery::after`]); `None` when there is nothing more.
    pub more_after: Option<Box<str>>,
}

/// One retained message, as its home has it.
#[derive(Clone, Debug)]
pub struct RetainedItem {
    /// Topic, forwarded properties, payload.
    pub message: StoredMessage,
    /// The shard whose client published it.
    pub origin: crate::ShardId,
    /// [`BatchItem::retain_seq`] it came with.
    pub retain_seq: u64,
    /// Shards it went to live.
    pub live: u64,
}

/// A message that outlives its tick: one shared allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Topic, properties and payload back to back.
    pub bytes: Bytes,
    /// Length of the topic.
    pub topic_len: u16,
    /// Length of the properties.
    pub properties_len: u32,
    /// QoS it was published with.
    pub qos: ringmq_codec::Qos,
    /// The publisher's retain flag.
    pub retain: bool,
    /// When it expires.
    pub expires: Option<crate::Millis>,
}
