//! The short way of a message of QoS 1 or 2: to sessions that take it at once and as everyone does.
//!
//! Nothing waits for such a session, its window has room, and its frame has nothing of its own but the packet
//! identifier. It is looked up once. Delivery tries this first and takes care of all other sessions itself.

use ringmq_codec::Qos;

use crate::deliver::{Delivery, Shared, Terms};
use crate::ids::SessionIndex;
use crate::index::Subscriber;
use crate::publish_frame::{self, Message};
use crate::send::Sent;
use crate::subscription_identifier::IdentifierList;

impl Delivery<'_> {
    /// Sends a message that has one subscriber, if nothing is special about either. Nothing is done
    /// otherwise.
    #[inline(never)]
    pub(crate) fn send_plain_in_window(
        &mut self,
        message: &Message<'_>,
        subscriber: Subscriber,
    ) -> bool {
        let options = subscriber.options;
        if message.retain || options.identifier() != 0 || message.is_kept_from(subscriber) {
            return false;
        }
        let terms = Terms {
            qos: message.qos.min(options.qos()),
            retain: false,
            identifiers: IdentifierList::None,
        };
        self.send_in_window(subscriber.session, terms, &mut Shared::new(message))
    }

    /// Sends the message if there is nothing special about the session. Nothing is done otherwise.
    #[inline]
    pub(crate) fn send_in_window(
        &mut self,
        index: SessionIndex,
        terms: Terms<'_>,
        shared: &mut Shared<'_>,
    ) -> bool {
        let hot = *self.sessions.hot(index);
        let is_plain = terms.qos != Qos::AtMostOnce
            && hot.is_plain()
            && terms.identifiers == IdentifierList::None;
        let mut envelope = terms.envelope(hot.version);
        if !is_plain || !publish_frame::fits(&shared.content, &envelope, hot.packet_size_max) {
            return false;
        }
        let session = self.sessions.get_mut(index);
        if !session.has_room() {
            return false;
        }
        let queued = shared.store(terms, self.messages);
        envelope.packet_id = session.put_in_flight(queued);
        self.stats.inflight_messages += 1;
        let start = self.outputs.bytes.len();
        self.write_shared(&envelope, shared);
        self.count_publishes(start, Sent::one(&shared.content, 1));
        self.outputs.send_to(start, hot.connection);
        true
    }
}
