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
    pub(super) fn find(&self, text: &str) -> Option<LevelId> {
        let hash = hash_text(&self.state, text);
        let found = self
            .table
            .find(hash, |&level| *self.levels[level].text == *text);
        found.copied().map(LevelId)
    }

    /// The text's number, with one more use of it.
    pub(super) fn take(&mut self, text: &str) -> LevelId {
        if let Some(level) = self.find(text) {
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
        table.insert_unique(hash_text(state, text), level, |&other| {
            hash_text(state, &levels[other].text)
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
        let hash = hash_text(&self.state, &entry.text);
        let Levels {
            levels,
            table,
            state,
            ..
        } = self;
        let rehash = |&other: &u32| hash_text(state, &levels[other].text);
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

fn hash_text(state: &FixedState, text: &str) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}
