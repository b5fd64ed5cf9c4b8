//! QoS 0 frames that have something of the client's own: subscription identifiers, a topic alias.
//!
//! A fan-out gathers their receivers here instead of among the plain ones. Receivers whose frames are equal
//! share one, so that a thousand dashboards with the same identifier cost one frame, and clients that know the
//! topic by the same alias another.

use std::cmp::Ordering;

use ringmq_codec::{Qos, Version};

use crate::deliver::{Delivery, Terms};
use crate::gate::Taken;
use crate::index::{Matches, Subscriber};
use crate::publish_frame::{self, Content, Envelope, TopicForm};
use crate::send::Sent;
use crate::{ConnectionId, DropReason};

/// A receiver and what is its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnFrame {
    connection: ConnectionId,
    version: Version,
    retain: bool,
    topic: TopicForm,
    /// As the matches have it.
    subscriber: Subscriber,
}

impl OwnFrame {
    /// The same for frames that are equal.
    fn compare(&self, other: &OwnFrame, matches: &Matches<'_>) -> Ordering {
        let parts = |it: &OwnFrame| (it.version.is_v5(), it.retain, it.topic);
        let identifiers = |it: &OwnFrame| matches.identifiers(it.subscriber);
        let by_identifiers = || {
            identifiers(self)
                .as_slice()
                .cmp(identifiers(other).as_slice())
        };
        parts(self).cmp(&parts(other)).then_with(by_identifiers)
    }
}

impl Delivery<'_> {
    /// Notes a subscriber whose connection takes the message now.
    pub(crate) fn gather_own(
        &mut self,
        subscriber: Subscriber,
        terms: Terms<'_>,
        content: &Content<'_>,
    ) -> Taken {
        let hot = self.sessions.hot(subscriber.session);
        let mut envelope = terms.envelope(hot.version);
        if publish_frame::frame_len(content, &envelope) > hot.packet_size_max as usize {
            // As if it had been delivered. [v5 MQTT-3.1.2-25]
            self.stats.drops.add(DropReason::PacketTooLarge, 1);
            return Taken::YES;
        }
        let (connection, version) = (hot.connection, hot.version);
        self.name_topic(subscriber.session, content, &mut envelope);
        self.scratch.own.push(OwnFrame {
            connection,
            version,
            retain: terms.retain,
            topic: envelope.topic,
            subscriber,
        });
        Taken::YES
    }

    /// Sends each frame once, to all receivers gathered for it.
    pub(crate) fn send_own(&mut self, content: &Content<'_>, matches: &Matches<'_>) {
        if self.scratch.own.is_empty() {
            return;
        }
        let mut own = std::mem::take(&mut self.scratch.own);
        own.sort_unstable_by(|a, b| a.compare(b, matches));
        for group in own.chunk_by(|a, b| a.compare(b, matches).is_eq()) {
            let first = &group[0];
            let terms = Terms {
                qos: Qos::AtMostOnce,
                retain: first.retain,
                identifiers: matches.identifiers(first.subscriber),
            };
            let envelope = Envelope {
                topic: first.topic,
                ..terms.envelope(first.version)
            };
            let start = self.outputs.bytes.len();
            publish_frame::encode(content, &envelope, self.now, &mut self.outputs.bytes);
            let receivers = &mut self.scratch.receivers[0];
            receivers.extend(group.iter().map(|it| it.connection));
            self.outputs.send_to_all(start, receivers);
            receivers.clear();
            self.count_publishes(start, Sent::one(content, group.len() as u64));
        }
        own.clear();
        self.scratch.own = own;
    }
}
