//! Links to the other shards, sending side: the batch of this tick, and who waits for its acceptance.
//!
//! A message that crosses is stored once per tick whatever the number of destinations. Batches on one link
//! are accepted in order, so that waiters need no search. Data that members of shared subscriptions were
//! asked with is kept until then, as it may have to be asked of another shard. A full ring never stops a batch: the caller
//! keeps it, and publishers towards it pause.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::gate::{Taken, Ticket};
use crate::link::{
    Accepted, BatchData, BatchItem, BatchRun, BatchSeq, LinkMessage, PublishBatch, SharedDelivery,
};
use crate::placement::{bit, shards_in};
use crate::publish_frame::Message;
use crate::run::Run;
use crate::sessions::SessionId;
use crate::shared::Asked;
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

/// A message of this tick's data on its way to one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination {
    pub(crate) shard: ShardId,
    pub(crate) item: u32,
}

/// What a batch that was sent has left behind.
#[derive(Debug)]
struct Unaccepted {
    seq: BatchSeq,
    waiters: Vec<Waiter>,
    /// In the order of [`PublishBatch::shared`].
    asked: Vec<Asked>,
    /// The batch's data, if anything was asked.
    data: Option<Arc<BatchData>>,
}

/// One link.
#[derive(Debug, Default)]
struct LinkOut {
    /// Messages of this tick that go there.
    items: Vec<u32>,
    waiters: Vec<Waiter>,
    shared: Vec<SharedDelivery>,
    asked: Vec<Asked>,
    /// Whether this tick's batch wants acceptance.
    wants_acceptance: bool,
    last_seq: u64,
    /// Batches sent and not accepted.
    unaccepted: VecDeque<Unaccepted>,
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

    /// Adds a message to this tick's data and returns its place there: the message, its number in the
    /// retained order, and the shards it goes to live. It goes nowhere yet.
    pub(crate) fn append(&mut self, (message, retain_seq, live): (&Message<'_>, u64, u64)) -> u32 {
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
            run: None,
            qos: message.qos,
            retain: message.retain,
            expires: message.expires,
            retain_seq,
            topic_hash: message.topic_hash,
            live,
        });
        item
    }

    /// Adds a whole run, whose first message is `message`, as [`Links::append`] adds one.
    pub(crate) fn append_run(&mut self, message: &Message<'_>, run: &Run<'_>, live: u64) -> u32 {
        let packets = message.with_payload(run.packets.as_bytes());
        let item = self.append((&packets, 0, live));
        let place = self.data.runs.len() as u32;
        self.data.runs.push(BatchRun {
            shape: run.packets.shape(),
            verbatim: run.verbatim,
        });
        self.data.items[item as usize].run = Some(place);
        item
    }

    /// Sends the message that was appended last to the ordinary subscribers of these shards, and to a home
    /// among them.
    pub(crate) fn send(&mut self, item: u32, to: u64, waiter: Option<(SessionId, Ticket)>) {
        let BatchItem { qos, retain, .. } = self.data.items[item as usize];
        for shard in shards_in(to) {
            let link = &mut self.links[usize::from(shard.0)];
            let position = link.items.len() as u32;
            link.items.push(item);
            link.wants_acceptance |= qos != Qos::AtMostOnce || retain;
            if let Some((session, ticket)) = waiter {
                link.waiters.push(Waiter {
                    position,
                    session,
                    ticket,
                });
            }
        }
    }

    /// Asks a shard to give the message that was appended last to a member; the delivery's position is set
    /// here.
    pub(crate) fn ask(&mut self, to: Destination, delivery: SharedDelivery, asked: Asked) {
        let link = &mut self.links[usize::from(to.shard.0)];
        if link.items.last() != Some(&to.item) {
            link.items.push(to.item);
        }
        let position = link.items.len() as u32 - 1;
        link.wants_acceptance = true;
        link.shared.push(SharedDelivery {
            position,
            ..delivery
        });
        link.asked.push(asked);
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
                let asked = std::mem::take(&mut link.asked);
                link.unaccepted.push_back(Unaccepted {
                    seq,
                    waiters: std::mem::take(&mut link.waiters),
                    data: (!asked.is_empty()).then(|| data.clone()),
                    asked,
                });
            }
            link.wants_acceptance = false;
            let batch = PublishBatch {
                seq,
                data: data.clone(),
                items: link.items.as_slice().into(),
                shared: link.shared.as_slice().into(),
            };
            link.shared.clear();
            link.items.clear();
            outputs.list.push(Output::Link {
                to: ShardId(shard),
                message: LinkMessage::Publishes(batch),
            });
        }
    }

    /// What a batch that was accepted has left behind.
    fn accept(&mut self, from: ShardId, seq: BatchSeq) -> Option<Unaccepted> {
        let unaccepted = self.links[usize::from(from.0)].unaccepted.pop_front()?;
        debug_assert_eq!(unaccepted.seq, seq, "batches are accepted in order");
        Some(unaccepted)
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let links = self.links.iter().map(|link| {
            let unaccepted = link.unaccepted.iter();
            let held = unaccepted.map(|it| {
                let asked = it.asked.capacity() * size_of::<Asked>();
                asked + it.waiters.capacity() * size_of::<Waiter>()
            });
            let waiters = link.waiters.capacity() * size_of::<Waiter>() + held.sum::<usize>();
            waiters + link.items.capacity() * size_of::<u32>()
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
        let Some(unaccepted) = self.links.accept(from, accepted.seq) else {
            return;
        };
        let mut exceptions = accepted.exceptions.iter().peekable();
        for waiter in unaccepted.waiters {
            while exceptions.next_if(|it| it.0 < waiter.position).is_some() {}
            let exception = exceptions.next_if(|it| it.0 == waiter.position);
            let taken = Taken::from_answer(exception.map(|it| it.1));
            self.answer_publisher(waiter.session, waiter.ticket, taken, outputs);
        }
        if let Some(data) = unaccepted.data {
            self.on_shared_answers(unaccepted.asked, &data, accepted, outputs);
        }
    }

    /// One of the shards that a publish waits for has answered.
    pub(crate) fn answer_publisher(
        &mut self,
        session: SessionId,
        ticket: Ticket,
        taken: Taken,
        outputs: &mut Outputs,
    ) {
        let Some(index) = self.sessions.resolve(session) else {
            return;
        };
        if let Some(inbound) = &mut self.sessions.get_mut(index).inbound {
            inbound.gate.answer(ticket, taken);
        }
        self.open_gate(index, outputs);
    }
}
