//! A table by index that grows chunk by chunk: entries never move, so that growing costs the same however
//! large the table is. A chunk is there while it has an entry, so that a crowd that has left leaves no memory behind.
//!
//! What connections and sessions are kept in.

/// Entries of a chunk: some 20 KiB of connections, so that a small broker stays small.
const CHUNK: usize = 256;

/// The table. A chunk without entries is an empty slice.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Box<[Option<T>]>>,
    /// Entries of each chunk.
    used: Vec<u16>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks {
            chunks: Vec::new(),
            used: Vec::new(),
        }
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
        chunk.get(index as usize % CHUNK)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(index as usize / CHUNK)?;
        chunk.get_mut(index as usize % CHUNK)?.as_mut()
    }

    /// Sets an entry, whose place there may not be yet; returns the one that was there.
    pub(crate) fn set(&mut self, index: u32, entry: T) -> Option<T> {
        let (number, place) = (index as usize / CHUNK, index as usize % CHUNK);
        while self.chunks.len() <= number {
            self.chunks.push(Box::default());
            self.used.push(0);
        }
        let chunk = &mut self.chunks[number];
        if chunk.is_empty() {
            *chunk = std::iter::repeat_with(|| None).take(CHUNK).collect();
        }
        let before = chunk[place].replace(entry);
        self.used[number] += u16::from(before.is_none());
        before
    }

    /// Takes an entry out.
    pub(crate) fn take(&mut self, index: u32) -> Option<T> {
        let (number, place) = (index as usize / CHUNK, index as usize % CHUNK);
        let entry = self.chunks.get_mut(number)?.get_mut(place)?.take()?;
        self.used[number] -= 1;
        if self.used[number] == 0 {
            self.chunks[number] = Box::default();
        }
        Some(entry)
    }

    /// The entries in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let chunks = (0..).step_by(CHUNK).zip(&self.chunks);
        let entries = chunks.flat_map(|(first, chunk)| (first..).zip(chunk.iter()));
        entries.filter_map(|(index, entry)| Some((index, entry.as_ref()?)))
    }

    /// Memory of the table itself, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let per_chunk = size_of::<Box<[Option<T>]>>() + size_of::<u16>();
        let used = self.used.iter().filter(|&&used| used > 0).count();
        (self.chunks.capacity() * per_chunk + used * CHUNK * size_of::<Option<T>>()) as u64
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

    #[test]
    fn a_crowd_leaves_no_memory_behind() {
        let mut table = Chunks::default();
        let many = 100 * CHUNK as u32;
        for index in 0..many {
            assert_eq!(table.set(index, u64::from(index)), None);
        }
        let full = table.bytes();
        for index in (0..many).filter(|index| *index != 7) {
            assert_eq!(table.take(index), Some(u64::from(index)));
        }
        assert!(table.bytes() < full / 20, "{} of {full}", table.bytes());
        assert_eq!((table.get(7), table.get(many - 1)), (Some(&7), None));
        assert_eq!(table.take(many - 1), None);
        assert_eq!(table.set(many - 1, 3), None);
        assert!(table.iter().eq([(7, &7), (many - 1, &3)]));
    }
}
