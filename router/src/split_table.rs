//! A hash table in parts of some hundred entries, so that growing moves the entries of one part at a time:
//! one table of a million entries would hold up a tick for tens of milliseconds.
//!
//! For every so many entries there is one part more (linear hashing): the parts are split in turn, each in
//! two by one more bit of the hash, and joined in the opposite order when entries go. The calls are those of
//! `hashbrown::HashTable`.

use hashbrown::HashTable;

/// Entries for each part. A part that is next to be split has twice as many, which moves in a tenth of a
/// millisecond even when each entry must be fetched from memory to be hashed again.
const PART_ENTRIES: usize = 400;

/// Where in a hash the part is read: bits that a part uses neither for the place (the lowest ten) nor for the
/// tag (the highest seven).
const PART_SHIFT: u32 = 20;

#[derive(Debug)]
pub(crate) struct SplitTable<T> {
    /// Never empty.
    parts: Vec<HashTable<T>>,
    /// Bits that tell the parts apart, as many as the largest of them needs.
    mask: usize,
    len: usize,
}

impl<T> Default for SplitTable<T> {
    fn default() -> SplitTable<T> {
        SplitTable {
            parts: vec![HashTable::new()],
            mask: 0,
            len: 0,
        }
    }
}

impl<T> SplitTable<T> {
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        // A broker of one shard asks on and on for what others want.
        if self.len == 0 {
            return None;
        }
        self.parts[self.part_of(hash)].find(hash, is_it)
    }

    pub(crate) fn find_mut(&mut self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let part = self.part_of(hash);
        self.parts[part].find_mut(hash, is_it)
    }

    /// Entries that may have this hash.
    pub(crate) fn iter_hash(&self, hash: u64) -> impl Iterator<Item = &T> {
        self.parts[self.part_of(hash)].iter_hash(hash)
    }

    pub(crate) fn insert_unique(&mut self, hash: u64, entry: T, rehash: impl Fn(&T) -> u64) {
        let part = self.part_of(hash);
        self.parts[part].insert_unique(hash, entry, &rehash);
        self.len += 1;
        if self.len > self.parts.len() * PART_ENTRIES {
            self.split(rehash);
        }
    }

    /// Removes an entry; gives memory back when little is left.
    pub(crate) fn remove(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&T) -> bool,
        rehash: impl Fn(&T) -> u64,
    ) {
        let place = self.part_of(hash);
        let part = &mut self.parts[place];
        let Ok(found) = part.find_entry(hash, is_it) else {
            return;
        };
        found.remove();
        if part.capacity() > 16 && part.len() < part.capacity() / 8 {
            part.shrink_to(part.len() * 2, &rehash);
        }
        self.len -= 1;
        if self.len < (self.parts.len() - 1) * PART_ENTRIES / 4 {
            self.join(rehash);
        }
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let tables: usize = self.parts.iter().map(HashTable::allocation_size).sum();
        (tables + self.parts.capacity() * size_of::<HashTable<T>>()) as u64
    }

    #[inline]
    fn part_of(&self, hash: u64) -> usize {
        let part = part_bits(hash) & self.mask;
        // Parts that were not split in this round are told apart by one bit less.
        if part < self.parts.len() {
            part
        } else {
            part & (self.mask >> 1)
        }
    }

    fn set_mask(&mut self) {
        self.mask = self.parts.len().next_power_of_two() - 1;
    }

    /// Moves a half of the next part's entries to a new part.
    fn split(&mut self, rehash: impl Fn(&T) -> u64) {
        let (from, bit) = origin_of(self.parts.len());
        let part = &mut self.parts[from];
        let mut new = HashTable::with_capacity(part.len() / 2);
        for entry in part.extract_if(|entry| part_bits(rehash(entry)) & bit != 0) {
            new.insert_unique(rehash(&entry), entry, &rehash);
        }
        part.shrink_to(part.len(), rehash);
        self.parts.push(new);
        self.set_mask();
    }

    /// Moves the entries of the last part to the one it came from.
    fn join(&mut self, rehash: impl Fn(&T) -> u64) {
        let last = self.parts.pop().expect("there is always a part");
        self.set_mask();
        let (to, _) = origin_of(self.parts.len());
        for entry in last {
            self.parts[to].insert_unique(rehash(&entry), entry, &rehash);
        }
        if self.parts.len() < self.parts.capacity() / 4 {
            self.parts.shrink_to(self.parts.len() * 2);
        }
    }
}

/// The bits of a hash that name its part, the lowest first.
fn part_bits(hash: u64) -> usize {
    (hash >> PART_SHIFT) as usize
}

/// The part that a new one at this place, not the first, is split from, and the bit that tells them apart.
fn origin_of(place: usize) -> (usize, usize) {
    let bit = 1 << place.ilog2();
    (place - bit, bit)
}

#[cfg(test)]
mod tests {
    use super::{PART_ENTRIES, SplitTable};

    /// Spreads small numbers over all bits.
    fn hash(number: &u64) -> u64 {
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[test]
    fn what_is_inserted_is_found_until_it_is_removed() {
        let mut table = SplitTable::default();
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
        assert!(table.bytes() < 8 << 10, "the memory comes back");
    }

    #[test]
    fn what_is_not_there_is_not_removed() {
        let mut table = SplitTable::default();
        table.insert_unique(hash(&1), 1, hash);
        table.remove(hash(&2), |&held| held == 2, hash);
        assert_eq!(table.find(hash(&1), |&held| held == 1), Some(&1));
    }

    /// No insertion moves more than two parts' entries, however many there are.
    #[test]
    fn growing_costs_the_same_however_large_the_table_is() {
        let mut table = SplitTable::default();
        let hashed = std::cell::Cell::new(0_usize);
        let rehash = |number: &u64| {
            hashed.set(hashed.get() + 1);
            hash(number)
        };
        for number in 0..200_000 {
            hashed.set(0);
            table.insert_unique(hash(&number), number, rehash);
            assert!(
                hashed.get() < 8 * PART_ENTRIES,
                "{number}: {} hashed",
                hashed.get()
            );
        }
        let each = table.bytes() / 200_000;
        assert!(each <= 20, "{each} bytes for each of 8");
    }
}
