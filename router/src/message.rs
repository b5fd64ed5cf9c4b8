//! Messages that wait for sessions: each stored once per shard however many sessions wait for it.
//!
//! Session queues and in-flight windows hold [`MessageIndex`]es and one reference each, beside the
//! subscription identifiers that their client is owed; the message goes when the last reference does.
//! Counts are plain integers: a store belongs to one shard.

use crate::index::GroupIndex;
use crate::link::StoredMessage;
use crate::slab::{NONE, Slab};
use crate::subscription_identifier::{HeldIdentifiers, IdentifierSets};

/// Names a message of the shard's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageIndex(pub(crate) u32);

/// The store.
#[derive(Debug, Default)]
pub(crate) struct MessageStore {
    messages: Slab<Stored>,
    /// Bytes of the stored messages, without the table.
    message_bytes: u64,
    /// Lists of identifiers that some of the sessions that wait are owed.
    pub(crate) identifiers: IdentifierSets,
}

#[derive(Debug)]
struct Stored {
    message: StoredMessage,
    references: u32,
    /// The shared subscription through which its one session got it, or [`NONE`].
    group: u32,
}

impl MessageStore {
    /// An empty store; the seed is that of [`IdentifierSets`].
    pub(crate) fn new(hash_seed: u64) -> MessageStore {
        MessageStore {
            identifiers: IdentifierSets::new(hash_seed),
            ..MessageStore::default()
        }
    }

    /// Takes a message in, with one reference.
    #[inline]
    pub(crate) fn add(&mut self, message: StoredMessage) -> MessageIndex {
        self.message_bytes += message.bytes.len() as u64;
        MessageIndex(self.messages.insert(Stored {
            message,
            references: 1,
            group: NONE,
        }))
    }

    /// Takes a message in that one session gets as a member of a shared subscription. The session must stay
    /// a member as long as the message has this mark.
    pub(crate) fn add_for_group(
        &mut self,
        message: StoredMessage,
        group: GroupIndex,
    ) -> MessageIndex {
        let index = self.add(message);
        self.messages[index.0].group = group.0;
        index
    }

    /// The shared subscription through which the message's session got it.
    pub(crate) fn group(&self, index: MessageIndex) -> Option<GroupIndex> {
        let group = self.messages[index.0].group;
        (group != NONE).then_some(GroupIndex(group))
    }

    /// The session is no member any more, but keeps the message.
    pub(crate) fn forget_group(&mut self, index: MessageIndex) {
        self.messages[index.0].group = NONE;
    }

    /// One more session waits for it.
    #[inline]
    pub(crate) fn retain(&mut self, index: MessageIndex) {
        self.messages[index.0].references += 1;
    }

    /// One session less waits for it, with the identifiers it was owed; true when that was the last and the
    /// message is gone.
    #[inline]
    pub(crate) fn release(&mut self, index: MessageIndex, identifiers: HeldIdentifiers) -> bool {
        self.identifiers.release(identifiers);
        let stored = &mut self.messages[index.0];
        stored.references -= 1;
        if stored.references > 0 {
            return false;
        }
        let stored = self.messages.remove(index.0);
        self.message_bytes -= stored.message.bytes.len() as u64;
        true
    }

    /// The message.
    pub(crate) fn get(&self, index: MessageIndex) -> &StoredMessage {
        &self.messages[index.0].message
    }

    /// Messages held.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Bytes of the messages. A message shared with another shard counts in both.
    pub(crate) fn message_bytes(&self) -> u64 {
        self.message_bytes
    }

    /// Memory of the tables, bytes.
    pub(crate) fn table_bytes(&self) -> u64 {
        self.messages.bytes() + self.identifiers.bytes()
    }
}

#[cfg(test)]
mod tests {

    use ringmq_codec::Qos;

    use super::MessageStore;
    use crate::link::StoredMessage;
    use crate::subscription_identifier::HeldIdentifiers;

    const NONE: HeldIdentifiers = HeldIdentifiers::NONE;

    fn message(len: usize) -> StoredMessage {
        StoredMessage {
            bytes: vec![0; len].into(),
            topic_len: 1,
            properties_len: 0,
            qos: Qos::AtLeastOnce,
            retain: false,
            expires: None,
        }
    }

    #[test]
    fn a_message_goes_with_its_last_reference() {
        let mut store = MessageStore::default();
        let kept = message(10);
        let index = store.add(kept.clone());
        store.retain(index);
        assert!(!store.release(index, NONE));
        assert_eq!(store.get(index), &kept);
        assert!(!kept.bytes.is_unique());
        assert!(store.release(index, NONE));
        assert!(kept.bytes.is_unique());
        assert_eq!(store.len(), 0);
    }

    #[test]
    fn places_and_bytes_come_back() {
        let mut store = MessageStore::default();
        let mut bytes_after_first_round = 0;
        for round in 0..100 {
            let held: Vec<_> = (1..100)
                .map(|len| store.add(message(len * (round + 1))))
                .collect();
            held.iter().for_each(|&index| store.retain(index));
            assert!(!held.iter().any(|&index| store.release(index, NONE)));
            assert!(held.iter().rev().all(|&index| store.release(index, NONE)));
            if round == 0 {
                bytes_after_first_round = store.table_bytes();
            }
        }
        assert_eq!((store.len(), store.message_bytes), (0, 0));
        assert_eq!(store.table_bytes(), bytes_after_first_round);
    }
}
