//! Links to the other shards, sending side: the batch of this tick, and who waits for its acceptance.
//!
//! A message that crosses is stored once per tick whatever the number of destinations. Batches on one link
//! are accepted in order, so that waiters need no search. A full ring never stops a batch: the caller
//! keeps it, and publishers towards it pause.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::gate::{Taken, Ticket};
use crate::link::{Accepted, BatchData, BatchItem, BatchSeq, LinkMessage, PublishBatch};
use crate::placement::{bit, shards_in};
use crate::publish_frame::Message;
use crate::session::SessionId;
use crate::{ConnectionId, Output, Outputs, Shard, ShardCount, ShardId};
use ringmq_codec::Qos;

/// A publish whose acknowledgement waits for a shard's answer.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    /// Position in [`PublishBatch::items`].
    position: u32,
    session: SessionId,
    ticket: Ticket,
}

/// One link.
#[derive(Debug, Default)]
struct LinkOut {
    /// Messages of this tick that go there.
    items: Vec<u32>,
    waiters: Vec<Waiter>,
    /// Whether this tick's batch wants acceptance.
    wants_acceptance: bool,
    last_seq: u64,
    /// Batches sent and not accepted.
    unaccepted: VecDeque<(BatchSeq, Vec<Waiter>)>,
    /// Publishers paused until the ring has room.
    paused: Vec<ConnectionId>,
}

/// All links of a shard.
#[derive(Debug)]
pub(crate) struct Links {
    data: BatchData,
    links: Vec<LinkOut>,
    full: u64,
}

impl Links {
    pub(crate) fn new(shards: ShardCount) -> Links {
        Links {
            data: BatchData::default(),
            links: shards.iter().map(|_| LinkOut::default()).collect(),
            full: 0,
        }
    }

    /// Links whose ring is full, as a bit set.
    pub(crate) fn full(&self) -> u64 {
        self.full
    }

    pub(crate) fn set_full(&mut self, to: ShardId, full: bool) {
        if full {
            self.full |= bit(to);
        } else {
            self.full &= !bit(to);
        }
    }

    pub(crate) fn add_paused(&mut self, to: ShardId, connection: ConnectionId) {
        self.links[usize::from(to.0)].paused.push(connection);
    }

    pub(crate) fn take_paused(&mut self, to: ShardId) -> Vec<ConnectionId> {
        std::mem::take(&mut self.links[usize::from(to.0)].paused)
    }

    /// Adds a message to this tick's batches: the message, its place in the retained order, and the
    /// shards it goes to live.
    pub(crate) fn append(
        &mut self,
        (message, retain_seq, live): (&Message<'_>, u64, u64),
        to: u64,
        waiter: Option<(SessionId, Ticket)>,
    ) {
        let topic = message.topic.as_str().as_bytes();
        let topic_start = self.data.bytes.len();
        let properties_start = topic_start + topic.len();
        let payload_start = properties_start + message.properties.len();
        let item = self.data.items.len() as u32;
        self.data.bytes.extend_from_slice(topic);
        self.data.bytes.extend_from_slice(message.properties);
        self.data.bytes.extend_from_slice(message.payload);
        self.data.items.push(BatchItem {
            topic_start: topic_start as u32,
            properties_start: properties_start as u32,
            payload_start: payload_start as u32,
            end: self.data.bytes.len() as u32,
            qos: message.qos,
            retain: message.retain,
            expires: message.expires,
            retain_seq,
            topic_hash: message.topic_hash,
            live,
        });
        for shard in shards_in(to) {
            let link = &mut self.links[usize::from(shard.0)];
            let position = link.items.len() as u32;
            link.items.push(item);
            link.wants_acceptance |= message.qos != Qos::AtMostOnce || message.retain;
            if let Some((session, ticket)) = waiter {
                link.waiters.push(Waiter {
                    position,
                    session,
                    ticket,
                });
            }
        }
    }

    /// Puts out this tick's batches.
    pub(crate) fn flush(&mut self, outputs: &mut Outputs) {
        if self.data.items.is_empty() {
            return;
        }
        let data = Arc::new(std::mem::take(&mut self.data));
        for (shard, link) in (0..).zip(&mut self.links) {
            if link.items.is_empty() {
                continue;
            }
            let seq = link.wants_acceptance.then(|| {
                link.last_seq += 1;
                BatchSeq(link.last_seq)
            });
            if let Some(seq) = seq {
                let waiters = std::mem::take(&mut link.waiters);
                link.unaccepted.push_back((seq, waiters));
            }
            link.wants_acceptance = false;
            let batch = PublishBatch {
                seq,
                data: data.clone(),
                items: link.items.as_slice().into(),
            };
            link.items.clear();
            outputs.list.push(Output::Link {
                to: ShardId(shard),
                message: LinkMessage::Publishes(batch),
            });
        }
    }

    /// The waiters of a batch that was accepted.
    fn accept(&mut self, from: ShardId, seq: BatchSeq) -> Vec<Waiter> {
        let link = &mut self.links[usize::from(from.0)];
        match link.unaccepted.pop_front() {
            Some((expected, waiters)) => {
                debug_assert_eq!(expected, seq, "batches are accepted in order");
                waiters
            }
            None => Vec::new(),
        }
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let links = self.links.iter().map(|link| {
            let unaccepted = link
                .unaccepted
                .iter()
                .map(|(_, waiters)| waiters.capacity());
            let waiters = link.waiters.capacity() + unaccepted.sum::<usize>();
            waiters * size_of::<Waiter>() + link.items.capacity() * size_of::<u32>()
        });
        (self.data.bytes.capacity() + links.sum::<usize>()) as u64
    }
}

impl Shard {
    /// Another shard has taken a batch: acknowledgements that waited for it may leave.
    pub(crate) fn on_accepted(
        &mut self,
        from: ShardId,
        accepted: &Accepted,
        outputs: &mut Outputs,
    ) {
        let mut exceptions = accepted.exceptions.iter().peekable();
        for waiter in self.links.accept(from, accepted.seq) {
            while exceptions.next_if(|it| it.0 < waiter.position).is_some() {}
            let exception = exceptions.next_if(|it| it.0 == waiter.position);
            let taken = Taken::from_answer(exception.map(|it| it.1));
            let Some(index) = self.sessions.resolve(waiter.session) else {
                continue;
            };
            if let Some(inbound) = &mut self.sessions.get_mut(index).inbound {
                inbound.gate.answer(waiter.ticket, taken);
            }
            self.open_gate(index, outputs);
        }
    }
}
