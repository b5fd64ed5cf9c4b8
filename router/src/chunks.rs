//! A table by index that grows chunk by chunk: entries never move, so that growing costs the same however
//! large the table is, and at most one chunk is to spare.
//!
//! What connections and sessions are kept in.

/// Entries of a chunk: some 20 KiB of connections, so that a small broker stays small.
const CHUNK: usize = 256;

/// The table. Entries that were never set are `None`.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Box<[Option<T>]>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks { chunks: Vec::new() }
    }
}

impl<T> Chunks<T> {
    /// Places there are, used or not.
    pub(crate) fn places(&self) -> u32 {
        (self.chunks.len() * CHUNK) as u32
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let chunk = self.chunks.get(index as usize / CHUNK)?;
        chunk[index as usize % CHUNK].as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(index as usize / CHUNK)?;
        chunk[index as usize % CHUNK].as_mut()
    }

    /// Sets an entry, whose place there may not be yet; returns the one that was there.
    pub(crate) fn set(&mut self, index: u32, entry: T) -> Option<T> {
        while self.places() <= index {
            let chunk: Vec<Option<T>> = std::iter::repeat_with(|| None).take(CHUNK).collect();
            self.chunks.push(chunk.into());
        }
        self.chunks[index as usize / CHUNK][index as usize % CHUNK].replace(entry)
    }

    /// Takes an entry out.
    pub(crate) fn take(&mut self, index: u32) -> Option<T> {
        let chunk = self.chunks.get_mut(index as usize / CHUNK)?;
        chunk[index as usize % CHUNK].take()
    }

    /// The entries in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let entries = self.chunks.iter().flatten();
        (0..)
            .zip(entries)
            .filter_map(|(index, entry)| Some((index, entry.as_ref()?)))
    }

    /// Memory of the table itself, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let chunks = self.chunks.capacity() * size_of::<Box<[Option<T>]>>();
        (chunks + self.chunks.len() * CHUNK * size_of::<Option<T>>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Chunks};

    #[test]
    fn entries_are_set_taken_and_met_in_order() {
        let mut table = Chunks::default();
        let far = CHUNK as u32 * 2 + 1;
        assert_eq!(table.set(far, 'b'), None);
        assert_eq!(table.set(3, 'x'), None);
        assert_eq!(table.set(3, 'a'), Some('x'));
        assert_eq!(table.places(), CHUNK as u32 * 3);
        assert_eq!((table.get(3), table.get(4)), (Some(&'a'), None));
        assert_eq!(table.get(table.places()), None);
        let entries: Vec<_> = table.iter().map(|(index, entry)| (index, *entry)).collect();
        assert_eq!(entries, [(3, 'a'), (far, 'b')]);
        assert_eq!((table.take(far), table.take(far)), (Some('b'), None));
    }
}
