//! Fan-out: one message to the sessions of this shard that want it.
//!
//! Called for every publish, local or from another shard, and for retained replays. A QoS 0 message to a
//! session that can take it at once touches 16 bytes of the session and allocates nothing; everything
//! else goes through [`Delivery::offer`]. Order per session is kept: once a message waits, all later ones
//! wait behind it.

use foldhash::fast::FixedState;
use ringmq_codec::{Qos, Version};

use crate::gate::Taken;
use crate::ids::SessionIndex;
use crate::index::{GroupIndex, Matches, Subscriber};
use crate::live_topics::LiveTopics;
use crate::message::{MessageIndex, MessageStore};
use crate::outgoing::Queued;
use crate::own_frame::OwnFrame;
use crate::publish_frame::{self, Content, Envelope, Message};
use crate::send::Sent;
use crate::session::{Flag, Hot};
use crate::sessions::{SessionId, Sessions};
use crate::subscription_identifier::IdentifierList;
use crate::{ConnectionId, DropReason, Millis, Outputs, Settings, Stats};

/// Receivers of one encoded form of a message, gathered during a fan-out and reused.
#[derive(Debug)]
pub(crate) struct FanOutScratch {
    /// By [`variant_of`].
    pub(crate) receivers: [Vec<ConnectionId>; 4],
    /// Encoded frames by [`form_of`], of the message whose [`Shared`] says which are there.
    templates: [Template; 8],
    /// Receivers of frames that have something of the client's own.
    pub(crate) own: Vec<OwnFrame>,
    /// The shared subscriptions that the message at hand is still to be routed to, the next one last.
    pub(crate) groups: Vec<GroupIndex>,
    /// Where each packet ends of the run that is dealt to a shared subscription.
    pub(crate) ends: Vec<usize>,
    /// Of topics, for the aliases clients were told.
    pub(crate) hasher: FixedState,
}

impl FanOutScratch {
    /// No memory yet. The seed keeps clients from choosing topics that collide.
    pub(crate) fn new(hash_seed: u64) -> FanOutScratch {
        FanOutScratch {
            receivers: Default::default(),
            templates: Default::default(),
            own: Vec::new(),
            groups: Vec::new(),
            ends: Vec::new(),
            hasher: FixedState::with_seed(hash_seed),
        }
    }
}

/// Which receivers get the same frame of QoS 0: by version and retain flag.
pub(crate) fn variant_of(version: Version, retain: bool) -> usize {
    usize::from(version.is_v5()) | usize::from(retain) << 1
}

/// Which template fits: by version, retain flag and QoS 1 or 2.
fn form_of(version: Version, retain: bool, qos: Qos) -> usize {
    variant_of(version, retain) | usize::from(qos == Qos::ExactlyOnce) << 2
}

/// The parts of a shard that take messages towards clients.
pub(crate) struct Delivery<'a> {
    pub(crate) now: Millis,
    pub(crate) settings: &'a Settings,
    pub(crate) sessions: &'a mut Sessions,
    pub(crate) messages: &'a mut MessageStore,
    /// Topics that replays must not repeat, as they went live meanwhile.
    pub(crate) live_topics: &'a mut LiveTopics,
    /// Sessions whose queues are drained on in the next tick.
    pub(crate) draining: &'a mut Vec<SessionId>,
    pub(crate) scratch: &'a mut FanOutScratch,
    pub(crate) stats: &'a mut Stats,
    pub(crate) outputs: &'a mut Outputs,
}

/// A message during one fan-out: stored, and encoded per form, only when a session asks for it.
pub(crate) struct Shared<'a> {
    pub(crate) content: Content<'a>,
    source: Source<'a>,
    /// Which of the templates are this message's, by [`form_of`].
    encoded: u8,
    /// The shared subscription it is for; nobody else gets this copy.
    group: Option<GroupIndex>,
}

enum Source<'a> {
    Live(&'a Message<'a>),
    Stored(MessageIndex),
}

/// An encoded frame to be copied.
#[derive(Clone, Copy, Debug, Default)]
struct Template {
    /// In the bytes of the outputs.
    start: usize,
    end: usize,
    /// Place of the packet identifier within the frame.
    packet_id_at: usize,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(message: &'a Message<'a>) -> Shared<'a> {
        Shared {
            content: message.content(),
            source: Source::Live(message),
            encoded: 0,
            group: None,
        }
    }

    /// For the one member of a shared subscription that gets it.
    pub(crate) fn for_group(message: &'a Message<'a>, group: GroupIndex) -> Shared<'a> {
        Shared {
            group: Some(group),
            ..Shared::new(message)
        }
    }

    /// A reference to the stored message for one more session.
    pub(crate) fn store(&mut self, terms: Terms<'_>, messages: &mut MessageStore) -> Queued {
        let message = match self.source {
            Source::Stored(index) => {
                messages.retain(index);
                index
            }
            Source::Live(message) => {
                let stored = message.to_stored();
                let index = match self.group {
                    None => messages.add(stored),
                    Some(group) => messages.add_for_group(stored, group),
                };
                self.source = Source::Stored(index);
                index
            }
        };
        Queued {
            message,
            qos: terms.qos,
            retain: terms.retain,
            identifiers: messages.identifiers.hold(terms.identifiers),
        }
    }
}

/// Whether the subscriber takes the message at once and as everyone does, with nothing of its own.
#[inline]
pub(crate) fn is_plain(qos: Qos, hot: &Hot, subscriber: Subscriber) -> bool {
    qos == Qos::AtMostOnce && hot.is_plain() && subscriber.options.identifier() == 0
}

/// Under what terms a message goes to one session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) identifiers: IdentifierList<'a>,
}

impl<'a> Terms<'a> {
    /// The envelope of a first delivery to a client of this version.
    pub(crate) fn envelope(&self, version: Version) -> Envelope<'a> {
        Envelope {
            identifiers: self.identifiers,
            ..Envelope::plain(version, self.qos, self.retain)
        }
    }
}

impl Delivery<'_> {
    /// The time of these messages was over before they reached the subscribers; they count as taken, as one
    /// that expires in a queue does. [v5 MQTT-3.3.2-5]
    pub(crate) fn drop_expired(&mut self, matches: &Matches<'_>, messages: u64) -> Taken {
        let dropped = matches.subscribers.len() as u64 * messages;
        self.stats.drops.add(DropReason::Expired, dropped);
        match dropped {
            0 => Taken::default(),
            _ => Taken::YES,
        }
    }

    /// Gives the message to each subscriber. [v5 MQTT-3.3.4-2]
    pub(crate) fn fan_out(&mut self, message: &Message<'_>, matches: &Matches<'_>) -> Taken {
        if let [only] = matches.subscribers
            && (self.send_plain(message, *only) || self.send_plain_in_window(message, *only))
        {
            return Taken::YES;
        }
        let mut taken = Taken::default();
        let mut shared = Shared::new(message);
        let frame_lens = publish_frame::plain_lens(&shared.content, message.payload.len());
        for subscriber in matches.subscribers {
            let (session, options) = (subscriber.session, subscriber.options);
            if message.is_kept_from(*subscriber) {
                continue;
            }
            if message.retain && self.sessions.hot(session).is(Flag::Replaying) {
                self.live_topics.insert(session, message.topic_hash);
            }
            if self.gather_plain(message, *subscriber, &frame_lens) {
                taken.taken = true;
                continue;
            }
            let terms = Terms {
                qos: message.qos.min(options.qos()),
                retain: message.retain && options.retain_as_published(),
                identifiers: matches.identifiers(*subscriber),
            };
            let hot = self.sessions.hot(session);
            let goes_now = terms.qos == Qos::AtMostOnce && hot.is_direct();
            taken.merge(if goes_now {
                self.gather_own(*subscriber, terms, &shared.content)
            } else {
                self.offer(session, terms, &mut shared)
            });
        }
        self.send_to_gathered(&shared.content);
        self.send_own(&shared.content, matches);
        taken
    }

    /// Notes the subscriber among those that get one and the same frame, if it takes the message at once and
    /// as everyone does. `frame_lens` are [`publish_frame::plain_lens`].
    #[inline]
    pub(crate) fn gather_plain(
        &mut self,
        message: &Message<'_>,
        subscriber: Subscriber,
        frame_lens: &[usize; 2],
    ) -> bool {
        let options = subscriber.options;
        let hot = self.sessions.hot(subscriber.session);
        let len = frame_lens[usize::from(hot.version.is_v5())];
        let is_plain = is_plain(message.qos.min(options.qos()), hot, subscriber)
            && len <= hot.packet_size_max as usize;
        if is_plain {
            let retain = message.retain && options.retain_as_published();
            self.scratch.receivers[variant_of(hot.version, retain)].push(hot.connection);
        }
        is_plain
    }

    /// Sends a message that has one subscriber, if nothing is special about either. Nothing is done
    /// otherwise.
    #[inline]
    fn send_plain(&mut self, message: &Message<'_>, subscriber: Subscriber) -> bool {
        let options = subscriber.options;
        let hot = self.sessions.hot(subscriber.session);
        let is_plain = is_plain(message.qos.min(options.qos()), hot, subscriber)
            && !message.retain
            && !message.is_kept_from(subscriber);
        let (content, to) = (message.content(), hot.connection);
        let envelope = Envelope::plain(hot.version, Qos::AtMostOnce, false);
        if !is_plain || !publish_frame::fits(&content, &envelope, hot.packet_size_max) {
            return false;
        }
        self.send_publish(to, &content, &envelope);
        true
    }

    /// Sends each encoded form once, to all receivers gathered for it.
    fn send_to_gathered(&mut self, content: &Content<'_>) {
        for version in [Version::V311, Version::V5] {
            for retain in [false, true] {
                let receivers = &mut self.scratch.receivers[variant_of(version, retain)];
                if receivers.is_empty() {
                    continue;
                }
                let envelope = Envelope::plain(version, Qos::AtMostOnce, retain);
                let start = self.outputs.bytes.len();
                publish_frame::encode(content, &envelope, self.now, &mut self.outputs.bytes);
                let sent = Sent::one(content, receivers.len() as u64);
                self.outputs.send_to_all(start, receivers);
                receivers.clear();
                self.count_publishes(start, sent);
            }
        }
    }

    /// Gives the message to one session: now if it can take it, later if it has room, or not at all.
    pub(crate) fn offer(
        &mut self,
        index: SessionIndex,
        terms: Terms<'_>,
        shared: &mut Shared<'_>,
    ) -> Taken {
        if self.send_in_window(index, terms, shared) {
            return Taken::YES;
        }
        let qos = terms.qos;
        let hot = *self.sessions.hot(index);
        if !hot.is(Flag::Connected) {
            if qos == Qos::AtMostOnce {
                self.stats.drops.add(DropReason::OfflineQos0, 1);
                return Taken::YES;
            }
        } else if publish_frame::frame_len(&shared.content, &terms.envelope(hot.version))
            > hot.packet_size_max as usize
        {
            // As if it had been delivered. [v5 MQTT-3.1.2-25]
            self.stats.drops.add(DropReason::PacketTooLarge, 1);
            return Taken::YES;
        } else if hot.is_direct() && (qos == Qos::AtMostOnce || self.sessions.get(index).has_room())
        {
            self.send_own_form(index, terms, shared);
            return Taken::YES;
        }
        self.enqueue(index, terms, shared)
    }

    /// Puts the message behind what waits already, within the bounds of the queue.
    fn enqueue(&mut self, index: SessionIndex, terms: Terms<'_>, shared: &mut Shared<'_>) -> Taken {
        let outgoing = self
            .sessions
            .get_mut(index)
            .outgoing
            .get_or_insert_default();
        if outgoing.queue.len() >= self.settings.queue_messages_max as usize {
            self.stats.drops.add(DropReason::QueueMessages, 1);
            return Taken::DROPPED;
        }
        if outgoing.queue_bytes + shared.content.bytes() > u64::from(self.settings.queue_bytes_max)
        {
            self.stats.drops.add(DropReason::QueueBytes, 1);
            return Taken::DROPPED;
        }
        self.push_queued(index, terms, shared);
        Taken::YES
    }

    /// Puts the message behind what waits already, whatever the bounds.
    pub(crate) fn push_queued(
        &mut self,
        index: SessionIndex,
        terms: Terms<'_>,
        shared: &mut Shared<'_>,
    ) {
        let session = self.sessions.get_mut(index);
        let outgoing = session.outgoing.get_or_insert_default();
        outgoing.queue_bytes += shared.content.bytes();
        let queued = shared.store(terms, self.messages);
        outgoing.queue.push_back(queued);
        self.stats.queued_messages += 1;
        self.sessions.hot_mut(index).set(Flag::Queued, true);
    }

    /// Sends the message in a form that may be the session's own.
    fn send_own_form(&mut self, index: SessionIndex, terms: Terms<'_>, shared: &mut Shared<'_>) {
        let hot = *self.sessions.hot(index);
        let mut envelope = terms.envelope(hot.version);
        if terms.qos != Qos::AtMostOnce {
            let queued = shared.store(terms, self.messages);
            envelope.packet_id = self.put_in_flight(index, queued);
        }
        self.name_topic(index, &shared.content, &mut envelope);
        self.send_publish(hot.connection, &shared.content, &envelope);
    }

    /// Encodes a message of QoS 1 or 2 that has nothing of a client's own but the packet identifier: once per
    /// form, and then copied.
    #[inline]
    pub(crate) fn write_shared(&mut self, envelope: &Envelope<'_>, shared: &mut Shared<'_>) {
        let form = form_of(envelope.version, envelope.retain, envelope.qos);
        let start = self.outputs.bytes.len();
        if shared.encoded & 1 << form == 0 {
            let out = &mut self.outputs.bytes;
            let at = publish_frame::encode(&shared.content, envelope, self.now, out);
            self.scratch.templates[form] = Template {
                start,
                end: out.len(),
                packet_id_at: at - start,
            };
            shared.encoded |= 1 << form;
        } else {
            let template = self.scratch.templates[form];
            let out = &mut self.outputs.bytes;
            out.extend_from_within(template.start..template.end);
            let at = start + template.packet_id_at;
            out[at..at + 2].copy_from_slice(&envelope.packet_id.get().to_be_bytes());
        }
    }
}
