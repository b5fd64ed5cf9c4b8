//! A flat list whose entries are also found by key: by looking through it while it is short, by a table of
//! positions once that would cost more. Taking an entry out fills its place with the last one.
//!
//! What a filter keeps its subscribers in, and a session its filters: one of either may have a million.

use hashbrown::HashTable;

/// Entries up to which the list is searched from the front.
const SEARCHED_MAX: usize = 32;

/// Something with a number that no other entry of its list has.
pub(crate) trait Keyed {
    fn key(&self) -> u32;
}

#[derive(Debug)]
pub(crate) struct KeyedList<T> {
    entries: Vec<T>,
    /// Positions in `entries` by key, while there are more than [`SEARCHED_MAX`], and until there are half
    /// as many.
    positions: Option<Box<HashTable<u32>>>,
}

impl<T: Keyed> KeyedList<T> {
    /// The first two entries; one alone needs no list.
    pub(crate) fn of_two(first: T, second: T) -> KeyedList<T> {
        KeyedList {
            entries: vec![first, second],
            positions: None,
        }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.entries
    }

    /// Where the entry with this key is.
    pub(crate) fn position(&self, key: u32) -> Option<usize> {
        let Some(positions) = &self.positions else {
            return self.entries.iter().position(|entry| entry.key() == key);
        };
        let is_it = |&position: &u32| self.entries[position as usize].key() == key;
        let found = positions.find(hash_key(key), is_it);
        found.map(|&position| position as usize)
    }

    /// Adds the entry or replaces the one with its key; true when there was one.
    pub(crate) fn insert(&mut self, entry: T) -> bool {
        if let Some(position) = self.position(entry.key()) {
            self.entries[position] = entry;
            return true;
        }
        self.push(entry);
        false
    }

    /// Adds an entry whose key is not in the list.
    pub(crate) fn push(&mut self, entry: T) {
        self.entries.push(entry);
        let indexed = match &self.positions {
            None if self.entries.len() <= SEARCHED_MAX => return,
            None => 0,
            Some(_) => self.entries.len() - 1,
        };
        let KeyedList { entries, positions } = self;
        let positions = positions.get_or_insert_default();
        for position in indexed..entries.len() {
            let key = entries[position].key();
            positions.insert_unique(hash_key(key), position as u32, |&other| {
                hash_key(entries[other as usize].key())
            });
        }
    }

    /// Takes the entry with this key out; false when there is none. Gives memory back when little is left.
    pub(crate) fn remove(&mut self, key: u32) -> bool {
        let Some(position) = self.position(key) else {
            return false;
        };
        let KeyedList { entries, positions } = self;
        if let Some(positions) = positions {
            let last = entries.len() - 1;
            if let Ok(found) =
                positions.find_entry(hash_key(key), |&other| other as usize == position)
            {
                found.remove();
            }
            let moved = hash_key(entries[last].key());
            if let Some(place) = positions.find_mut(moved, |&other| other as usize == last) {
                *place = position as u32;
            }
        }
        entries.swap_remove(position);
        if entries.len() <= SEARCHED_MAX / 2 {
            *positions = None;
        }
        if entries.capacity() > 8 && entries.len() < entries.capacity() / 4 {
            entries.shrink_to(entries.len() * 2);
            if let Some(positions) = positions {
                positions.shrink_to(positions.len() * 2, |&other| {
                    hash_key(entries[other as usize].key())
                });
            }
        }
        true
    }

    /// Memory beyond the value itself, bytes.
    pub(crate) fn heap_bytes(&self) -> u64 {
        let entries = self.entries.capacity() * size_of::<T>();
        let positions = self.positions.as_ref().map_or(0, |positions| {
            size_of::<HashTable<u32>>() + positions.allocation_size()
        });
        (entries + positions) as u64
    }
}

/// Keys are dense numbers that clients do not choose, but one list may hold every thousandth of them. A
/// multiplication carries low bits up; folding brings them down again, where the table takes its place from.
fn hash_key(key: u32) -> u64 {
    let product = u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ product >> 32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Keyed, KeyedList, hash_key};

    impl Keyed for (u32, u8) {
        fn key(&self) -> u32 {
            self.0
        }
    }

    /// The list holds what the map holds, and finds it.
    fn check(list: &KeyedList<(u32, u8)>, expected: &BTreeMap<u32, u8>) {
        let held: BTreeMap<u32, u8> = list.as_slice().iter().copied().collect();
        assert_eq!(&held, expected);
        assert_eq!(list.as_slice().len(), expected.len());
        for (key, value) in expected {
            let position = list.position(*key).expect("it is there");
            assert_eq!(list.as_slice()[position], (*key, *value));
        }
    }

    proptest! {
        #[test]
        fn entries_are_found_by_key(
            steps in prop::collection::vec((0..100_u32, any::<u8>(), any::<bool>()), 1..600),
        ) {
            let mut list = KeyedList::of_two((1_000, 0), (1_001, 0));
            let mut expected = BTreeMap::from([(1_000, 0), (1_001, 0)]);
            for (key, value, goes) in steps {
                if goes {
                    prop_assert_eq!(list.remove(key), expected.remove(&key).is_some());
                } else {
                    prop_assert_eq!(list.insert((key, value)), expected.insert(key, value).is_some());
                }
                prop_assert_eq!(list.position(key).is_some(), expected.contains_key(&key));
            }
            check(&list, &expected);
        }
    }

    #[test]
    fn a_long_list_gives_its_memory_back() {
        let mut list = KeyedList::of_two((0, 0), (1, 0));
        for key in 2..10_000 {
            list.push((key, 0));
        }
        let long = list.heap_bytes();
        for key in 2..10_000 {
            assert!(list.remove(key));
        }
        assert!(list.heap_bytes() < long / 100, "{}", list.heap_bytes());
    }

    /// Sessions of one filter, or filters of one session, often lie a power of two apart.
    #[test]
    fn keys_with_equal_low_bits_are_spread() {
        for step in [1, 8, 1_024, 65_536] {
            let places = (0..1_000_u32).map(|number| hash_key(number * step) % 4_096);
            let places: std::collections::BTreeSet<u64> = places.collect();
            assert!(places.len() > 700, "{} places at {step}", places.len());
        }
    }
}
