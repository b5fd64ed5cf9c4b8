//! Subscription identifiers: the numbers by which a v5 client tells its subscriptions apart, one for each
//! that a message matched. [v5 MQTT-3.3.4-3] [v5 MQTT-3.3.4-4]
//!
//! The index finds them, delivery writes them, queues and windows hold them. A message has none or one
//! nearly always, and then no memory is used for it; lists of several are kept once per shard.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::slab::Slab;

/// Largest identifier: what a variable byte integer holds. [v5 3.8.2.1.2]
pub(crate) const IDENTIFIER_MAX: u32 = (1 << 28) - 1;

/// The identifiers that one message carries to one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentifierList<'a> {
    None,
    One(u32),
    /// Of overlapping subscriptions; a number that several of them share stands once for each.
    Several(&'a [u32]),
}

impl IdentifierList<'_> {
    pub(crate) fn as_slice(&self) -> &[u32] {
        match self {
            IdentifierList::None => &[],
            IdentifierList::One(identifier) => std::slice::from_ref(identifier),
            IdentifierList::Several(identifiers) => identifiers,
        }
    }
}

/// The identifiers of a message that waits, in four bytes: none (0), the only one, or beyond
/// [`IDENTIFIER_MAX`] the place of a list in [`IdentifierSets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldIdentifiers(u32);

impl HeldIdentifiers {
    pub(crate) const NONE: HeldIdentifiers = HeldIdentifiers(0);

    fn place(self) -> Option<u32> {
        self.0.checked_sub(IDENTIFIER_MAX + 1)
    }
}

/// What was held, to be read while the store changes.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    None,
    One(u32),
    Several(Arc<[u32]>),
}

impl Read {
    pub(crate) fn as_list(&self) -> IdentifierList<'_> {
        match self {
            Read::None => IdentifierList::None,
            Read::One(identifier) => IdentifierList::One(*identifier),
            Read::Several(identifiers) => IdentifierList::Several(identifiers),
        }
    }
}

/// Lists of several identifiers, each kept once however many messages carry it.
#[derive(Debug, Default)]
pub(crate) struct IdentifierSets {
    sets: Slab<Set>,
    /// Places by content.
    table: HashTable<u32>,
    hasher: FixedState,
    /// Memory of the lists, bytes.
    list_bytes: u64,
}

#[derive(Debug)]
struct Set {
    identifiers: Arc<[u32]>,
    references: u32,
}

impl IdentifierSets {
    /// No lists. The seed keeps clients from choosing lists that collide.
    pub(crate) fn new(hash_seed: u64) -> IdentifierSets {
        IdentifierSets {
            hasher: FixedState::with_seed(hash_seed),
            ..IdentifierSets::default()
        }
    }

    /// Keeps the identifiers of one more message until they are released.
    #[inline]
    pub(crate) fn hold(&mut self, list: IdentifierList<'_>) -> HeldIdentifiers {
        match list {
            IdentifierList::None => HeldIdentifiers::NONE,
            IdentifierList::One(identifier) => HeldIdentifiers(identifier),
            IdentifierList::Several(identifiers) => self.hold_several(identifiers),
        }
    }

    fn hold_several(&mut self, identifiers: &[u32]) -> HeldIdentifiers {
        let hash = self.hasher.hash_one(identifiers);
        let IdentifierSets {
            sets,
            table,
            hasher,
            list_bytes,
        } = self;
        let found = table.find(hash, |&place| *sets[place].identifiers == *identifiers);
        let place = match found {
            Some(&place) => {
                sets[place].references += 1;
                place
            }
            None => {
                *list_bytes += size_of_val(identifiers) as u64;
                let place = sets.insert(Set {
                    identifiers: identifiers.into(),
                    references: 1,
                });
                table.insert_unique(hash, place, |&other| {
                    hasher.hash_one(&*sets[other].identifiers)
                });
                place
            }
        };
        HeldIdentifiers(IDENTIFIER_MAX + 1 + place)
    }

    /// The identifiers.
    pub(crate) fn read(&self, held: HeldIdentifiers) -> Read {
        match (held.0, held.place()) {
            (0, _) => Read::None,
            (identifier, None) => Read::One(identifier),
            (_, Some(place)) => Read::Several(self.sets[place].identifiers.clone()),
        }
    }

    /// One message less carries them.
    #[inline]
    pub(crate) fn release(&mut self, held: HeldIdentifiers) {
        if let Some(place) = held.place() {
            self.release_several(place);
        }
    }

    fn release_several(&mut self, place: u32) {
        let set = &mut self.sets[place];
        set.references -= 1;
        if set.references > 0 {
            return;
        }
        let set = self.sets.remove(place);
        self.list_bytes -= size_of_val(&*set.identifiers) as u64;
        let hash = self.hasher.hash_one(&*set.identifiers);
        if let Ok(found) = self.table.find_entry(hash, |&other| other == place) {
            found.remove();
        }
    }

    /// Lists held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.sets.bytes() + self.list_bytes + self.table.allocation_size() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{HeldIdentifiers, IDENTIFIER_MAX, IdentifierList, IdentifierSets};

    #[test]
    fn what_is_held_is_read_again() {
        let mut sets = IdentifierSets::default();
        let lists = [
            IdentifierList::None,
            IdentifierList::One(1),
            IdentifierList::One(IDENTIFIER_MAX),
            IdentifierList::Several(&[1, 2]),
            IdentifierList::Several(&[2, 1]),
            IdentifierList::Several(&[1, 1, IDENTIFIER_MAX]),
        ];
        let held = lists.map(|list| sets.hold(list));
        assert_eq!(held[0], HeldIdentifiers::NONE);
        for (list, held) in lists.into_iter().zip(held) {
            assert_eq!(sets.read(held).as_list(), list);
        }
        assert_eq!(sets.len(), 3);
    }

    #[test]
    fn equal_lists_are_kept_once_and_go_with_the_last_message() {
        let mut sets = IdentifierSets::default();
        let empty = sets.bytes();
        let list = IdentifierList::Several(&[7, 8, 9]);
        let (first, second) = (sets.hold(list), sets.hold(list));
        assert_eq!(first, second);
        assert_eq!(sets.len(), 1);
        assert!(sets.bytes() > empty);
        sets.release(first);
        assert_eq!(sets.read(second).as_list(), list);
        sets.release(second);
        assert_eq!((sets.len(), sets.list_bytes), (0, 0));
        // A place that is used again is found under its new content only.
        let other = IdentifierList::Several(&[1, 2]);
        let held = sets.hold(other);
        assert_eq!(sets.read(held).as_list(), other);
        assert_eq!(sets.hold(list), sets.hold(list));
    }
}
