//! This shard as the home of retained messages: it keeps the last one of each topic that hashes here, and
//! answers replays.
//!
//! A query waits until everything it requires has come, so that no answer is older than what its
//! subscriber may have missed. The order in which messages arrive here is the order that counts.

use ringmq_codec::TopicFilter;

use crate::gate::Taken;
use crate::ids::SessionIndex;
use crate::limits::RETAINED_SCAN_TOPICS;
use crate::link::{LinkMessage, RetainedItem, RetainedQuery, RetainedReply};
use crate::publish_frame::Message;
use crate::retained::{RetainedBounds, RetainedStore, ScanBounds};
use crate::{Output, Outputs, Shard, ShardId};

/// The store and the queries that wait for it.
#[derive(Debug, Default)]
pub(crate) struct Home {
    pub(crate) store: RetainedStore,
    parked: Vec<(ShardId, RetainedQuery)>,
}

impl Shard {
    /// Makes the message its topic's retained one; an empty payload removes it.
    /// [v5 MQTT-3.3.1-5] [v5 MQTT-3.3.1-6] [v3.1.1 MQTT-3.3.1-10]
    pub(crate) fn keep_retained(
        &mut self,
        message: &Message<'_>,
        origin: ShardId,
        retain_seq: u64,
        live: u64,
    ) -> Taken {
        if message.payload.is_empty() {
            self.home.store.clear(message.topic);
            return Taken::default();
        }
        let item = RetainedItem {
            message: message.to_stored(),
            origin,
            retain_seq,
            live,
        };
        let bounds = RetainedBounds {
            messages_max: self.settings.retained_messages_max,
            bytes_max: self.settings.retained_bytes_max,
        };
        match self.home.store.set(item, bounds) {
            Ok(()) => Taken::default(),
            Err(reason) => {
                self.stats.drops.add(reason, 1);
                Taken::DROPPED
            }
        }
    }

    /// Another shard, or this one for a session of its own, asks for a piece. Returns the session when it
    /// is one of this shard and has got its piece.
    pub(crate) fn on_retained_query(
        &mut self,
        from: ShardId,
        query: RetainedQuery,
        outputs: &mut Outputs,
    ) -> Option<SessionIndex> {
        if !self.matrix.satisfies(&query.seen) {
            self.home.parked.push((from, query));
            return None;
        }
        let reply = self.retained_piece(&query);
        if from == self.id {
            return self.note_retained_reply(reply);
        }
        let message = LinkMessage::RetainedReply(reply);
        outputs.list.push(Output::Link { to: from, message });
        None
    }

    /// Answers the queries that what has come meanwhile satisfies.
    pub(crate) fn answer_parked_queries(&mut self, outputs: &mut Outputs) {
        if self.home.parked.is_empty() {
            return;
        }
        for (from, query) in std::mem::take(&mut self.home.parked) {
            if let Some(index) = self.on_retained_query(from, query, outputs) {
                self.feed_replays(index, outputs);
            }
        }
    }

    fn retained_piece(&self, query: &RetainedQuery) -> RetainedReply {
        let mut items = Vec::new();
        let filter =
            TopicFilter::new(&query.filter).expect("the subscriber's shard has decoded it");
        let bounds = ScanBounds {
            bytes_max: u64::from(query.reply_bytes_max),
            topics_max: RETAINED_SCAN_TOPICS,
        };
        let after = query.after.as_deref();
        let more_after = self
            .home
            .store
            .scan(filter, after, self.now, bounds, |item| {
                items.push(item.clone());
            });
        RetainedReply {
            query: query.query,
            items,
            more_after,
        }
    }
}
