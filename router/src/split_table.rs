//! A hash table in 64 parts, so that growing moves a 64th of the entries at a time: one table of a million
//! entries would hold up a tick for tens of milliseconds.
//!
//! The calls are those of `hashbrown::HashTable`.

use hashbrown::HashTable;

const PARTS: usize = 64;

/// Where in a hash the part is read: bits that a part uses neither for the place (the lowest) nor for the
/// tag (the highest seven).
const PART_SHIFT: u32 = 40;

#[derive(Debug)]
pub(crate) struct SplitTable<T> {
    parts: Box<[HashTable<T>]>,
}

impl<T> Default for SplitTable<T> {
    fn default() -> SplitTable<T> {
        SplitTable {
            parts: std::iter::repeat_with(HashTable::new).take(PARTS).collect(),
        }
    }
}

impl<T> SplitTable<T> {
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        self.parts[part_of(hash)].find(hash, is_it)
    }

    pub(crate) fn find_mut(&mut self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&mut T> {
        self.parts[part_of(hash)].find_mut(hash, is_it)
    }

    /// Entries that may have this hash.
    pub(crate) fn iter_hash(&self, hash: u64) -> impl Iterator<Item = &T> {
        self.parts[part_of(hash)].iter_hash(hash)
    }

    pub(crate) fn insert_unique(&mut self, hash: u64, entry: T, rehash: impl Fn(&T) -> u64) {
        self.parts[part_of(hash)].insert_unique(hash, entry, rehash);
    }

    /// Removes an entry; gives memory back when little is left.
    pub(crate) fn remove(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&T) -> bool,
        rehash: impl Fn(&T) -> u64,
    ) {
        let part = &mut self.parts[part_of(hash)];
        if let Ok(found) = part.find_entry(hash, is_it) {
            found.remove();
        }
        if part.capacity() > 16 && part.len() < part.capacity() / 8 {
            part.shrink_to(part.len() * 2, rehash);
        }
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let tables: usize = self.parts.iter().map(HashTable::allocation_size).sum();
        (tables + size_of_val(&*self.parts)) as u64
    }
}

fn part_of(hash: u64) -> usize {
    (hash >> PART_SHIFT) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::SplitTable;

    /// Spreads small numbers over all bits.
    fn hash(number: &u64) -> u64 {
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[test]
    fn what_is_inserted_is_found_until_it_is_removed() {
        let mut table = SplitTable::default();
        let empty = table.bytes();
        for number in 0..50_000 {
            table.insert_unique(hash(&number), number, hash);
        }
        for number in (0..50_000).step_by(2) {
            table.remove(hash(&number), |&held| held == number, hash);
        }
        for number in 0..50_000 {
            let found = table.find(hash(&number), |&held| held == number);
            assert_eq!(found.is_some(), number % 2 == 1, "{number}");
        }
        for number in (1..50_000).step_by(2) {
            table.remove(hash(&number), |&held| held == number, hash);
        }
        assert!(table.bytes() < empty + (32 << 10), "the memory comes back");
    }
}
