//! Retained replays, subscriber's side: what is retained for a new subscription, piece by piece, each
//! asked for when the session has taken the one before.
//!
//! A session's replays run one at a time. An item is left out when its message came, or is on its way, to
//! the subscription live: either the item itself, told by its number, or a later one of its topic, noted
//! in [`crate::live_topics`] while the piece was under way. So no replay follows a newer value of its topic.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use ringmq_codec::{Qos, TopicFilter};

use crate::ids::SessionIndex;
use crate::index::PackedOptions;
use crate::limits::{DRAIN_BYTES_MAX, RETAINED_REPLY_BYTES};
use crate::link::{Fingerprint, LinkMessage, QueryId, RetainedItem, RetainedQuery, RetainedReply};
use crate::matrix::Snapshot;
use crate::outgoing::Queued;
use crate::placement::bit;
use crate::publish_frame::{self, Content, Envelope};
use crate::session::Flag;
use crate::sessions::SessionId;
use crate::{DropReason, Output, Outputs, Shard, ShardId};

/// Pieces that this shard answers itself in one go: each may have looked at many topics in vain.
const PIECES_PER_TURN: u32 = 4;

/// A replay for one subscription.
#[derive(Debug)]
pub(crate) struct Replay {
    filter: Box<str>,
    options: PackedOptions,
    /// What had arrived when the subscription began.
    at_subscribe: Snapshot,
    /// The home that is asked now, and the last one to be asked.
    home: ShardId,
    last_home: ShardId,
    /// Where the next piece of this home begins.
    after: Option<Box<str>>,
}

impl Replay {
    /// The filter of its subscription.
    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }
}

/// The replays of one session.
#[derive(Debug)]
struct SessionReplays {
    session: SessionId,
    /// The first is under way.
    replays: VecDeque<Replay>,
    /// The query whose answer is awaited.
    query: Option<QueryId>,
    /// The rest of the present piece.
    held: VecDeque<RetainedItem>,
    /// Where the piece after it begins; `None` inside when the home has no more.
    next: Option<Option<Box<str>>>,
}

/// All replays of a shard.
#[derive(Debug)]
pub(crate) struct Replays {
    by_session: hashbrown::HashMap<SessionIndex, SessionReplays, FixedState>,
    by_query: hashbrown::HashMap<QueryId, SessionId, FixedState>,
    last_query: u64,
}

impl Replays {
    pub(crate) fn new(hash_seed: u64) -> Replays {
        let hasher = FixedState::with_seed(hash_seed);
        Replays {
            by_session: hashbrown::HashMap::with_hasher(hasher.clone()),
            by_query: hashbrown::HashMap::with_hasher(hasher),
            last_query: 0,
        }
    }

    fn forget(&mut self, session: SessionIndex) {
        if let Some(replays) = self.by_session.remove(&session)
            && let Some(query) = replays.query
        {
            self.by_query.remove(&query);
        }
    }

    /// Memory of the tables, bytes; the pieces held share their messages with the store.
    pub(crate) fn table_bytes(&self) -> u64 {
        (self.by_session.allocation_size() + self.by_query.allocation_size()) as u64
    }
}

/// What to do next for a session with replays.
enum Step {
    /// Hand out the first item of the piece.
    Item,
    /// Ask for a piece.
    Ask,
    /// Nothing now.
    Wait,
    /// All replays are over.
    Over,
}

impl Shard {
    /// A replay of what is retained for the filter, as of now.
    pub(crate) fn new_replay(&self, filter: TopicFilter<'_>, options: PackedOptions) -> Replay {
        let (home, last_home) = if filter.has_wildcard() {
            (ShardId(0), ShardId(self.shards.0 - 1))
        } else {
            let home = self
                .placement
                .home_of_topic(self.index.fingerprint(filter.as_str()));
            (home, home)
        };
        Replay {
            filter: filter.as_str().into(),
            options,
            at_subscribe: self.matrix.snapshot(),
            home,
            last_home,
            after: None,
        }
    }

    /// Whether a replay that began now would end at once with nothing: the only home to be asked is this shard,
    /// it has all that it would have to wait for, and no message. Only for a filter whose interest every
    /// shard knows, so that what is published from now on comes live.
    pub(crate) fn has_nothing_to_replay(
        &self,
        filter: TopicFilter<'_>,
        fingerprint: Fingerprint,
    ) -> bool {
        let store = &self.home.store;
        let (home_is_here, is_empty) = if filter.has_wildcard() {
            (self.shards.0 == 1, store.len() == 0)
        } else {
            let home = self.placement.home_of_topic(fingerprint);
            (home == self.id, !store.has(filter.as_str()))
        };
        home_is_here && is_empty && self.matrix.has_all_required()
    }

    /// The SUBACK has left: the replays may begin.
    pub(crate) fn start_replays(
        &mut self,
        index: SessionIndex,
        replays: Vec<Replay>,
        outputs: &mut Outputs,
    ) {
        if replays.is_empty() {
            return;
        }
        self.stats.retained_replays_total += replays.len() as u64;
        let session = self.sessions.id(index);
        let entry = self.replays.by_session.entry(index);
        let replaying = entry.or_insert_with(|| SessionReplays {
            session,
            replays: VecDeque::new(),
            query: None,
            held: VecDeque::new(),
            next: None,
        });
        for replay in replays {
            // One that waits for the same filter would only come twice; the first is under way.
            let mut place = 0;
            replaying.replays.retain(|waiting| {
                place += 1;
                place == 1 || waiting.filter != replay.filter
            });
            replaying.replays.push_back(replay);
        }
        self.sessions.hot_mut(index).set(Flag::Replaying, true);
        self.feed_replays(index, outputs);
    }

    /// Goes on with the session's replays as far as it has room.
    pub(crate) fn feed_replays(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        let start = outputs.bytes.len();
        let mut pieces = 0;
        loop {
            let bytes = outputs.bytes.len() - start;
            if bytes >= DRAIN_BYTES_MAX as usize || pieces == PIECES_PER_TURN {
                self.delivery(outputs).drain_on_later(index);
                return;
            }
            match self.next_step(index) {
                Step::Item => self.replay_item(index, outputs),
                Step::Ask => {
                    pieces += 1;
                    self.ask_for_piece(index, outputs);
                }
                Step::Wait => return,
                Step::Over => {
                    self.end_replays(index);
                    return;
                }
            }
        }
    }

    fn next_step(&mut self, index: SessionIndex) -> Step {
        let Some(replaying) = self.replays.by_session.get_mut(&index) else {
            return Step::Over;
        };
        if replaying.query.is_some() {
            return Step::Wait;
        }
        let hot = self.sessions.hot(index);
        if !hot.is_direct() {
            return Step::Wait;
        }
        if self.live_topics.has_overflowed(index) {
            // What the piece may repeat is not known: the same piece again, from where it stands.
            replaying.held.clear();
            replaying.next = None;
            return Step::Ask;
        }
        if let Some(item) = replaying.held.front() {
            let options = replaying.replays.front().map(|replay| replay.options);
            let qos = options.map_or(Qos::AtMostOnce, |it| it.qos().min(item.message.qos));
            let has_room = qos == Qos::AtMostOnce || self.sessions.get(index).has_room();
            return if has_room { Step::Item } else { Step::Wait };
        }
        if let Some(next) = replaying.next.take()
            && let Some(replay) = replaying.replays.front_mut()
        {
            let home_is_done = next.is_none();
            replay.after = next;
            if home_is_done && replay.home == replay.last_home {
                replaying.replays.pop_front();
            } else if home_is_done {
                replay.home = ShardId(replay.home.0 + 1);
            }
        }
        if replaying.replays.is_empty() {
            Step::Over
        } else {
            Step::Ask
        }
    }

    fn ask_for_piece(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        let Some(replaying) = self.replays.by_session.get_mut(&index) else {
            return;
        };
        let Some(replay) = replaying.replays.front() else {
            return;
        };
        self.replays.last_query += 1;
        let id = QueryId(self.replays.last_query);
        replaying.query = Some(id);
        self.replays.by_query.insert(id, replaying.session);
        // From here on a later value of a topic in the piece is noted again.
        self.live_topics.forget(index);
        let home = replay.home;
        let query = RetainedQuery {
            query: id,
            filter: replay.filter.clone(),
            after: replay.after.clone(),
            seen: self.matrix.required_of(home),
            reply_bytes_max: RETAINED_REPLY_BYTES,
        };
        if home == self.id {
            self.on_retained_query(home, query, outputs);
        } else {
            let message = LinkMessage::RetainedQuery(query);
            outputs.list.push(Output::Link { to: home, message });
        }
    }

    /// A piece has come from another shard.
    pub(crate) fn on_retained_reply(&mut self, reply: RetainedReply, outputs: &mut Outputs) {
        if let Some(index) = self.note_retained_reply(reply) {
            self.feed_replays(index, outputs);
        }
    }

    /// Keeps a piece for its session.
    pub(crate) fn note_retained_reply(&mut self, reply: RetainedReply) -> Option<SessionIndex> {
        let session = self.replays.by_query.remove(&reply.query)?;
        let index = self.sessions.resolve(session)?;
        let replaying = self.replays.by_session.get_mut(&index)?;
        replaying.query = None;
        replaying.held = reply.items.into();
        replaying.next = Some(reply.more_after);
        Some(index)
    }

    /// Hands out the first item of the piece, unless its message goes live to the subscription.
    fn replay_item(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        let Some(replaying) = self.replays.by_session.get_mut(&index) else {
            return;
        };
        let (Some(item), Some(replay)) =
            (replaying.held.pop_front(), replaying.replays.front_mut())
        else {
            return;
        };
        let content = Content::of(&item.message);
        let Ok(topic) = std::str::from_utf8(content.topic) else {
            return;
        };
        replay.after = Some(topic.into());
        let goes_live = item.live & bit(self.id) != 0
            && item.retain_seq > replay.at_subscribe.arrived(item.origin, replay.home);
        let fingerprint = self.index.fingerprint(topic);
        if goes_live || self.live_topics.contains(index, fingerprint) {
            self.stats.retained_suppressed_total += 1;
            return;
        }
        if content.is_expired(self.now) {
            return;
        }
        let options = replay.options;
        self.send_retained(index, &item, options, outputs);
    }

    fn send_retained(
        &mut self,
        index: SessionIndex,
        item: &RetainedItem,
        options: PackedOptions,
        outputs: &mut Outputs,
    ) {
        let qos = options.qos().min(item.message.qos);
        let hot = *self.sessions.hot(index);
        let content = Content::of(&item.message);
        let mut envelope = Envelope {
            identifiers: options.identifiers(),
            ..Envelope::plain(hot.version, qos, true)
        };
        if publish_frame::frame_len(&content, &envelope) > hot.packet_size_max as usize {
            self.stats.drops.add(DropReason::PacketTooLarge, 1);
            return;
        }
        let mut delivery = self.delivery(outputs);
        if qos != Qos::AtMostOnce {
            let queued = Queued {
                message: delivery.messages.add(item.message.clone()),
                qos,
                retain: true,
                identifiers: delivery.messages.identifiers.hold(envelope.identifiers),
            };
            envelope.packet_id = delivery.put_in_flight(index, queued);
        }
        delivery.name_topic(index, &content, &mut envelope);
        delivery.send_publish(hot.connection, &content, &envelope);
    }

    /// The session unsubscribed: its replays of that filter stop.
    pub(crate) fn stop_replays_of(&mut self, index: SessionIndex, filter: TopicFilter<'_>) {
        let Some(replaying) = self.replays.by_session.get_mut(&index) else {
            return;
        };
        let stops = |replay: &Replay| *replay.filter == *filter.as_str();
        if replaying.replays.front().is_some_and(stops) {
            replaying.held.clear();
            replaying.next = None;
            if let Some(query) = replaying.query.take() {
                self.replays.by_query.remove(&query);
            }
        }
        replaying.replays.retain(|replay| !stops(replay));
        let session = replaying.session;
        let hot = self.sessions.hot_mut(index);
        // What is left goes on with the end of this tick.
        if !hot.is(Flag::Draining) {
            hot.set(Flag::Draining, true);
            self.draining.push(session);
        }
    }

    /// Forgets the session's replays.
    pub(crate) fn end_replays(&mut self, index: SessionIndex) {
        self.replays.forget(index);
        self.live_topics.forget(index);
        self.sessions.hot_mut(index).set(Flag::Replaying, false);
    }
}
