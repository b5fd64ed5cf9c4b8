//! Every message that was ever published, and the stamp that tells it in a payload.
//!
//! The whole payload follows from the message's position in the table, so a corrupt or invented payload
//! shows. Only an empty payload, which clears a retained message, carries no stamp.

use ringmq_codec::{Qos, ReasonCode};

use crate::oracle::expiry::Taking;
use crate::oracle::session::AttemptId;
use crate::time::Time;
use crate::topics::TopicId;

/// Position in the table of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MessageIndex(pub(crate) u32);

/// Publishes whose order counts: those of one publisher that follow each other for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StreamId(pub(crate) u32);

/// What became of a publish at its publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Not answered yet, or QoS 0.
    Sent,
    /// PUBACK or PUBREC came.
    Acknowledged(Time, ReasonCode),
    /// The publisher's session ended before the answer: it may have been taken or not.
    Abandoned,
}

/// One publish.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) attempt: AttemptId,
    pub(crate) stream: StreamId,
    pub(crate) topic: TopicId,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    /// Empty payload.
    pub(crate) clears: bool,
    pub(crate) is_will: bool,
    pub(crate) payload_len: usize,
    pub(crate) first_sent: Time,
    pub(crate) transmissions: u32,
    pub(crate) fate: Fate,
    /// Before this it has not expired.
    pub(crate) expires: Option<Time>,
    /// When the broker took it, if it expires: once per transmission.
    pub(crate) takings: Vec<Taking>,
    /// Copies that members of groups got for the first time.
    pub(crate) group_copies: u32,
    /// Shards that were given it over a link.
    pub(crate) crossed_to: u64,
    /// A record of it is on disk.
    pub(crate) durable: bool,
    /// Encoded v5 properties it was published with, expiry not included.
    pub(crate) properties: Vec<u8>,
}

const STAMP_LEN: usize = 12;

/// The payload of a message: magic, position, length, then a filler that follows from both.
pub(crate) fn payload(index: MessageIndex, len: usize) -> Vec<u8> {
    let len = len.max(STAMP_LEN);
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(b"RMQ!");
    bytes.extend_from_slice(&index.0.to_be_bytes());
    bytes.extend_from_slice(&(len as u32).to_be_bytes());
    while bytes.len() < len {
        let at = bytes.len() as u32;
        bytes.push((at.wrapping_mul(31) ^ index.0.wrapping_mul(2_654_435_761) >> 13) as u8);
    }
    bytes
}

/// The message a payload belongs to; `None` when it is nobody's.
pub(crate) fn parse(bytes: &[u8]) -> Option<MessageIndex> {
    let index = bytes.get(4..8)?.try_into().ok()?;
    let index = MessageIndex(u32::from_be_bytes(index));
    (bytes == payload(index, bytes.len())).then_some(index)
}
