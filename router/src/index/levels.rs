//! The texts of topic levels, each stored once and numbered; the trie compares numbers.
//!
//! Counted by use: a level's text goes, and its number is reused, when the last node that uses it does.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use crate::slab::Slab;
use crate::split_table::SplitTable;

/// Numbers a level's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LevelId(pub(super) u32);

#[derive(Debug)]
pub(super) struct Levels {
    levels: Slab<Level>,
    /// Level numbers by text.
    table: SplitTable<u32>,
    state: FixedState,
    text_bytes: u64,
}

#[derive(Debug)]
struct Level {
    text: Box<str>,
    uses: u32,
}

impl Levels {
    pub(super) fn new(seed: u64) -> Levels {
        Levels {
            levels: Slab::default(),
            table: SplitTable::default(),
            state: FixedState::with_seed(seed),
            text_bytes: 0,
        }
    }

    /// The number of a text that is in use.
    #[inline]
    pub(super) fn find(&self, text: &[u8]) -> Option<LevelId> {
        let hash = hash_text(&self.state, text);
        let found = self
            .table
            .find(hash, |&level| *self.levels[level].text.as_bytes() == *text);
        found.copied().map(LevelId)
    }

    /// The text's number, with one more use of it.
    pub(super) fn take(&mut self, text: &str) -> LevelId {
        if let Some(level) = self.find(text.as_bytes()) {
            self.levels[level.0].uses += 1;
            return level;
        }
        let level = self.levels.insert(Level {
            text: text.into(),
            uses: 1,
        });
        let Levels {
            levels,
            table,
            state,
            ..
        } = self;
        table.insert_unique(hash_text(state, text.as_bytes()), level, |&other| {
            hash_text(state, levels[other].text.as_bytes())
        });
        self.text_bytes += text.len() as u64;
        LevelId(level)
    }

    /// One use less.
    pub(super) fn release(&mut self, level: LevelId) {
        let entry = &mut self.levels[level.0];
        entry.uses -= 1;
        if entry.uses > 0 {
            return;
        }
        let entry = self.levels.remove(level.0);
        self.text_bytes -= entry.text.len() as u64;
        let hash = hash_text(&self.state, entry.text.as_bytes());
        let Levels {
            levels,
            table,
            state,
            ..
        } = self;
        let rehash = |&other: &u32| hash_text(state, levels[other].text.as_bytes());
        table.remove(hash, |&other| other == level.0, rehash);
    }

    /// Texts in use.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.levels.bytes() + self.table.bytes() + self.text_bytes
    }
}

fn hash_text(state: &FixedState, text: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(text);
    hasher.finish()
}

/// The levels of a topic, in order.
pub(super) struct LevelsOf<'t> {
    /// What follows the last separator, unless that was the last level.
    rest: Option<&'t [u8]>,
}

impl<'t> LevelsOf<'t> {
    pub(super) fn new(topic: &'t str) -> LevelsOf<'t> {
        LevelsOf {
            rest: Some(topic.as_bytes()),
        }
    }
}

impl<'t> Iterator for LevelsOf<'t> {
    type Item = &'t [u8];

    #[inline]
    fn next(&mut self) -> Option<&'t [u8]> {
        let rest = self.rest?;
        let end = separator(rest);
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(end.map_or(rest, |end| &rest[..end]))
    }
}

/// Where the first separator is. Levels are short: a call of `memchr`, and more so the searcher of
/// `str::split`, takes longer than a look at each byte.
#[inline]
fn separator(text: &[u8]) -> Option<usize> {
    const NEAR: usize = 16;
    let (near, far) = text.split_at(text.len().min(NEAR));
    let found = near.iter().position(|&byte| byte == b'/');
    if found.is_some() || far.is_empty() {
        return found;
    }
    memchr::memchr(b'/', far).map(|at| at + NEAR)
}

#[cfg(test)]
mod tests {
    use super::LevelsOf;

    #[test]
    fn levels_end_at_each_separator() {
        let long = "x".repeat(40);
        let topics = ["", "/", "a", "a/", "/a", "a//b/c", "sixteen-bytes---/b"];
        let longer = [format!("{long}/{long}"), format!("{long}//"), long];
        for topic in topics.into_iter().chain(longer.iter().map(|it| &**it)) {
            let levels: Vec<&[u8]> = LevelsOf::new(topic).collect();
            let expected: Vec<&[u8]> = topic.split('/').map(str::as_bytes).collect();
            assert_eq!(levels, expected, "{topic}");
        }
    }
}
