//! Links from the other shards, receiving side: what another shard says, and what follows here.
//!
//! A batch is taken whole at once, so its acceptance can be answered at once. A shard never waits here.

use ringmq_codec::TopicName;
use ringmq_codec::packet::PublishRun;

use crate::gate::Taken;
use crate::link::{Accepted, BatchData, BatchItem, LinkMessage, PublishBatch};
use crate::placement::bit;
use crate::publish_frame::Message;
use crate::run::Run;
use crate::{Output, Outputs, Shard, ShardId};

impl Shard {
    /// Another shard says something.
    pub(crate) fn on_link(&mut self, from: ShardId, message: LinkMessage, outputs: &mut Outputs) {
        match message {
            LinkMessage::Interest(update) => self.on_interest(from, &update, outputs),
            LinkMessage::InterestApplied(applied) => {
                self.on_interest_applied(from, &applied, outputs);
            }
            LinkMessage::Publishes(batch) => self.on_publishes(from, &batch, outputs),
            LinkMessage::Accepted(accepted) => self.on_accepted(from, &accepted, outputs),
            LinkMessage::RetainedQuery(query) => {
                self.on_retained_query(from, query, outputs);
            }
            LinkMessage::RetainedReply(reply) => self.on_retained_reply(reply, outputs),
            LinkMessage::Stats(stats) => self.sys.note(from, *stats),
        }
    }

    fn on_publishes(&mut self, from: ShardId, batch: &PublishBatch, outputs: &mut Outputs) {
        let mut exceptions = Vec::new();
        let mut refusals = Vec::new();
        let mut loads = Vec::new();
        let mut any_retained = false;
        let mut shared = (0..).zip(&batch.shared).peekable();
        for (position, &item) in (0..).zip(&batch.items) {
            let item = &batch.data.items[item as usize];
            any_retained |= item.retain;
            let taken = self.take_item(from, &batch.data, item, outputs);
            let is_for_members_only = item.live & bit(self.id) == 0 && !item.retain;
            if batch.seq.is_some()
                && !is_for_members_only
                && let Some(exception) = taken.exception()
            {
                exceptions.push((position, exception));
            }
            while let Some((at, delivery)) = shared.next_if(|it| it.1.position == position) {
                match self.on_shared_delivery((&batch.data, item), delivery, outputs) {
                    Ok(load) => loads.extend(load.map(|load| (at, load))),
                    Err(refusal) => refusals.push((at, refusal)),
                }
            }
        }
        if let Some(seq) = batch.seq {
            let accepted = Accepted {
                seq,
                exceptions: exceptions.into(),
                refusals: refusals.into(),
                loads: loads.into(),
            };
            outputs.list.push(Output::Link {
                to: from,
                message: LinkMessage::Accepted(accepted),
            });
        }
        if any_retained {
            self.answer_parked_queries(outputs);
        }
    }

    /// One message of a batch: to the sessions here, and into the retained store if this is its home.
    fn take_item(
        &mut self,
        from: ShardId,
        data: &BatchData,
        item: &BatchItem,
        outputs: &mut Outputs,
    ) -> Taken {
        let message = message_of(data, item);
        let mut taken = Taken::default();
        if item.live & bit(self.id) != 0 {
            let (index, mut delivery) = self.index_and_delivery(outputs);
            let matches = index.find(message.topic, message.topic_hash);
            let run = run_of(data, item);
            let messages = run.as_ref().map_or(1, |run| run.packets.packets());
            taken = if message.content().is_expired(delivery.now) {
                delivery.drop_expired(&matches, messages as u64)
            } else if let Some(run) = &run {
                delivery.take_run(&message, run, &matches)
            } else {
                delivery.fan_out(&message, &matches)
            };
        }
        if item.retain && item.retain_seq > 0 {
            let home = self.placement.home_of_topic(item.topic_hash);
            self.matrix.arrive(from, home, item.retain_seq);
            if home == self.id {
                taken.merge(self.keep_retained(&message, from, item.retain_seq, item.live));
            }
        }
        taken
    }
}

/// The run that an item is; the payload of its message is that run's packets.
fn run_of<'a>(data: &'a BatchData, item: &BatchItem) -> Option<Run<'a>> {
    let run = data.runs[item.run? as usize];
    let bytes = &data.bytes[item.payload_start as usize..item.end as usize];
    Some(Run {
        packets: PublishRun::of(bytes, run.shape),
        verbatim: run.verbatim,
    })
}

/// A message of another shard.
pub(crate) fn message_of<'a>(data: &'a BatchData, item: &BatchItem) -> Message<'a> {
    let part = |start: u32, end: u32| &data.bytes[start as usize..end as usize];
    let topic = std::str::from_utf8(part(item.topic_start, item.properties_start));
    let topic = topic.ok().and_then(TopicName::new);
    Message {
        topic: topic.expect("the publisher's shard has decoded it"),
        topic_hash: item.topic_hash,
        properties: part(item.properties_start, item.payload_start),
        payload: part(item.payload_start, item.end),
        qos: item.qos,
        retain: item.retain,
        expires: item.expires,
        publisher: None,
    }
}
