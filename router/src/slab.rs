//! A dense table whose freed places are reused: what the index and the message store keep their entries in.
//!
//! Entries are named by a `u32`; whoever keeps such a name must drop it when the entry is removed, as the
//! place will be given to another. Using the name of a free place is a bug here and panics. Entries lie in
//! chunks and never move: growing costs the same however large the table is.

/// Marks "no entry" where a `u32` names an entry of a slab.
pub(crate) const NONE: u32 = u32::MAX;

/// Entries of a chunk.
const CHUNK: usize = 256;

/// The table.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    /// All full but the last one.
    chunks: Vec<Vec<Slot<T>>>,
    /// Head of the chain of free places, or [`NONE`].
    free: u32,
    len: u32,
}

#[derive(Debug)]
enum Slot<T> {
    Used(T),
    /// The next free place, or [`NONE`].
    Free(u32),
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab {
            chunks: Vec::new(),
            free: NONE,
            len: 0,
        }
    }
}

impl<T> Slab<T> {
    /// Entries held.
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// Places, free ones included: names are smaller.
    pub(crate) fn places(&self) -> u32 {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        (full + self.chunks.last().map_or(0, Vec::len)) as u32
    }

    /// Takes the entry in and names it.
    #[inline]
    pub(crate) fn insert(&mut self, entry: T) -> u32 {
        self.len += 1;
        if self.free == NONE {
            return self.push(entry);
        }
        let index = self.free;
        let slot = self.slot_mut(index).expect("the free chain holds places");
        let Slot::Free(next) = *slot else {
            unreachable!("the free chain holds free places only");
        };
        *slot = Slot::Used(entry);
        self.free = next;
        index
    }

    fn push(&mut self, entry: T) -> u32 {
        let index = self.places();
        assert!(
            index < NONE - CHUNK as u32,
            "fewer entries than 2^32 fit in memory"
        );
        if index as usize == self.chunks.len() * CHUNK {
            // The first chunk grows from nothing, so that a small table stays small.
            let capacity = if index == 0 { 0 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        let chunk = self.chunks.last_mut().expect("there is one now");
        chunk.push(Slot::Used(entry));
        index
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        self.chunks
            .get_mut(index as usize / CHUNK)?
            .get_mut(index as usize % CHUNK)
    }

    /// Frees the place and gives the entry back.
    pub(crate) fn remove(&mut self, index: u32) -> T {
        let freed = Slot::Free(self.free);
        let slot = self.slot_mut(index).expect("the name of an entry");
        match std::mem::replace(slot, freed) {
            Slot::Used(entry) => {
                self.free = index;
                self.len -= 1;
                entry
            }
            Slot::Free(_) => panic!("entry {index} was removed before"),
        }
    }

    /// The entry, if the place is in use.
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        match self
            .chunks
            .get(index as usize / CHUNK)?
            .get(index as usize % CHUNK)
        {
            Some(Slot::Used(entry)) => Some(entry),
            _ => None,
        }
    }

    /// The entry, to be changed, if the place is in use.
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        match self.slot_mut(index) {
            Some(Slot::Used(entry)) => Some(entry),
            _ => None,
        }
    }

    /// Entries with their names, in the order of the names.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..)
            .zip(self.chunks.iter().flatten())
            .filter_map(|(index, slot)| match slot {
                Slot::Used(entry) => Some((index, entry)),
                Slot::Free(_) => None,
            })
    }

    /// Memory of the table itself, bytes; not what entries own elsewhere.
    pub(crate) fn bytes(&self) -> u64 {
        let slots: usize = match self.chunks.len() {
            0 | 1 => self.chunks.iter().map(Vec::capacity).sum(),
            chunks => chunks * CHUNK,
        };
        let chunks = self.chunks.capacity() * size_of::<Vec<Slot<T>>>();
        (chunks + slots * size_of::<Slot<T>>()) as u64
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, index: u32) -> &T {
        self.get(index).expect("the name of a held entry")
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, index: u32) -> &mut T {
        self.get_mut(index).expect("the name of a held entry")
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Slab};

    #[test]
    fn freed_places_are_reused() {
        let mut slab = Slab::default();
        let names: Vec<u32> = (0..4).map(|entry| slab.insert(entry)).collect();
        assert_eq!(names, [0, 1, 2, 3]);
        assert_eq!(slab.remove(1), 1);
        assert_eq!(slab.remove(2), 2);
        assert_eq!((slab.len(), slab.get(1), slab.get(9)), (2, None, None));
        assert_eq!(
            (slab.insert(20), slab.insert(10), slab.insert(40)),
            (2, 1, 4)
        );
        let held: Vec<_> = slab.iter().map(|(index, &entry)| (index, entry)).collect();
        assert_eq!(held, [(0, 0), (1, 10), (2, 20), (3, 3), (4, 40)]);
    }

    #[test]
    fn names_go_on_over_chunks() {
        let mut slab = Slab::default();
        for entry in 0..10 * CHUNK as u32 + 1 {
            assert_eq!(slab.places(), entry);
            assert_eq!(slab.insert(entry), entry);
        }
        assert!(slab.iter().all(|(index, &entry)| index == entry));
        assert_eq!(
            (slab[9 * CHUNK as u32], slab.get(slab.places())),
            (9 * CHUNK as u32, None)
        );
    }

    #[test]
    #[should_panic = "removed before"]
    fn a_place_is_freed_once() {
        let mut slab = Slab::default();
        let index = slab.insert(());
        slab.insert(());
        slab.remove(index);
        slab.remove(index);
    }
}
