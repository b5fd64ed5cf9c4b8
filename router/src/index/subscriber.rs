//! One subscription as the index keeps it: eight bytes.

use ringmq_codec::{Qos, SubscriptionOptions};

use crate::ids::SessionIndex;
use crate::subscription_identifier::{IDENTIFIER_MAX, IdentifierList};

/// A session that wants a filter's messages, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscriber {
    pub(crate) session: SessionIndex,
    pub(crate) options: PackedOptions,
}

/// What delivery needs of a subscription's options. Bits 0 and 1: maximum QoS; 2: no local; 3: retain as
/// published; 4 to 31: the subscription identifier, or 0. In a merged list the last stand for the place of
/// all identifiers of the session, see [`super::merge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedOptions(u32);

const NO_LOCAL: u32 = 1 << 2;
const RETAIN_AS_PUBLISHED: u32 = 1 << 3;
const IDENTIFIER_SHIFT: u32 = 4;

impl PackedOptions {
    /// Packs what delivery needs; retain handling matters only at SUBSCRIBE.
    pub(crate) fn new(options: SubscriptionOptions) -> PackedOptions {
        let mut bits = options.qos as u32;
        if options.no_local {
            bits |= NO_LOCAL;
        }
        if options.retain_as_published {
            bits |= RETAIN_AS_PUBLISHED;
        }
        PackedOptions(bits)
    }

    /// The same with a subscription identifier, or with 0 for none.
    pub(crate) fn with_identifier(self, identifier: u32) -> PackedOptions {
        debug_assert!(identifier <= IDENTIFIER_MAX);
        PackedOptions(self.0 & ((1 << IDENTIFIER_SHIFT) - 1) | identifier << IDENTIFIER_SHIFT)
    }

    /// The subscription identifier, or 0; in a merged list the place of several.
    #[inline]
    pub(crate) fn identifier(self) -> u32 {
        self.0 >> IDENTIFIER_SHIFT
    }

    /// The identifier as the list it is, but in a merged list.
    pub(crate) fn identifiers(self) -> IdentifierList<'static> {
        match self.identifier() {
            0 => IdentifierList::None,
            identifier => IdentifierList::One(identifier),
        }
    }

    /// Maximum QoS.
    pub(crate) fn qos(self) -> Qos {
        match self.0 & 3 {
            0 => Qos::AtMostOnce,
            1 => Qos::AtLeastOnce,
            _ => Qos::ExactlyOnce,
        }
    }

    /// Whether the session's own publishes stay away from it.
    pub(crate) fn no_local(self) -> bool {
        self.0 & NO_LOCAL != 0
    }

    /// Whether the retain flag stays as the publisher set it.
    pub(crate) fn retain_as_published(self) -> bool {
        self.0 & RETAIN_AS_PUBLISHED != 0
    }

    /// Options of one delivery for two subscriptions of a session that match the same topic: the highest
    /// QoS [v5 MQTT-3.3.4-2]; own publishes and the retain flag as the more willing of them has it. Has no
    /// identifier.
    pub(crate) fn merge(self, other: PackedOptions) -> PackedOptions {
        let qos = (self.0 & 3).max(other.0 & 3);
        let no_local = self.0 & other.0 & NO_LOCAL;
        let retain_as_published = (self.0 | other.0) & RETAIN_AS_PUBLISHED;
        PackedOptions(qos | no_local | retain_as_published)
    }
}
