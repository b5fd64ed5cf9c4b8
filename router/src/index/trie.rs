//! The level trie: which wildcard filters match a topic, without looking at the others.
//!
//! A filter's path from the root has a node per level, `+` included; a trailing `#` is a mark on the node
//! before it. Nodes lie in one flat table, edges in one hash table keyed by (parent, level), so a match
//! costs two probes per live path and level however many children a node has. What a filter leads to is a
//! `u32` of the caller's.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::levels::{LevelId, Levels, LevelsOf};
use crate::slab::{NONE, Slab};
use crate::split_table::SplitTable;

#[derive(Debug)]
pub(super) struct LevelTrie {
    nodes: Slab<Node>,
    /// Child nodes by (parent, level); not those through `+`.
    edges: SplitTable<u32>,
    levels: Levels,
    state: FixedState,
    filters: usize,
}

/// [`NONE`] stands for "none" in each field.
#[derive(Debug)]
struct Node {
    parent: u32,
    /// Number of the level's text; none for `+` and for the root.
    level: u32,
    /// The child through `+`.
    plus: u32,
    /// Children through other levels.
    children: u32,
    /// What the filter leads to that ends here.
    end: u32,
    /// What the filter leads to that ends with `#` below here.
    hash_end: u32,
}

const ROOT: u32 = 0;

impl Node {
    fn new(parent: u32, level: u32) -> Node {
        Node {
            parent,
            level,
            plus: NONE,
            children: 0,
            end: NONE,
            hash_end: NONE,
        }
    }

    fn is_empty(&self) -> bool {
        self.plus == NONE && self.children == 0 && self.end == NONE && self.hash_end == NONE
    }
}

/// Scratch of a walk, kept between walks.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    here: Vec<u32>,
    next: Vec<u32>,
}

impl Frontier {
    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        ((self.here.capacity() + self.next.capacity()) * size_of::<u32>()) as u64
    }
}

impl LevelTrie {
    pub(super) fn new(seed: u64) -> LevelTrie {
        let mut nodes = Slab::default();
        assert!(
            nodes.insert(Node::new(NONE, NONE)) == ROOT,
            "the first place is 0"
        );
        LevelTrie {
            nodes,
            edges: SplitTable::default(),
            levels: Levels::new(seed),
            state: FixedState::with_seed(seed),
            filters: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filters == 0
    }

    /// What the filter leads to.
    pub(super) fn get(&self, filter: &str) -> Option<u32> {
        let (node, ends_with_hash) = self.node_of(filter)?;
        let node = &self.nodes[node];
        let end = if ends_with_hash {
            node.hash_end
        } else {
            node.end
        };
        (end != NONE).then_some(end)
    }

    /// Puts in a filter that is not held.
    pub(super) fn insert(&mut self, filter: &str, leads_to: u32) {
        let mut at = ROOT;
        let mut ends_with_hash = false;
        for level in filter.split('/') {
            match level {
                "#" => ends_with_hash = true,
                "+" => at = self.plus_or_new(at),
                text => at = self.child_or_new(at, text),
            }
        }
        let node = &mut self.nodes[at];
        let end = if ends_with_hash {
            &mut node.hash_end
        } else {
            &mut node.end
        };
        debug_assert!(*end == NONE && leads_to != NONE);
        *end = leads_to;
        self.filters += 1;
    }

    /// Takes out a filter that is held, and the nodes that served it alone.
    pub(super) fn remove(&mut self, filter: &str) {
        let (mut at, ends_with_hash) = self.node_of(filter).expect("a filter that is held");
        let node = &mut self.nodes[at];
        let end = if ends_with_hash {
            &mut node.hash_end
        } else {
            &mut node.end
        };
        debug_assert!(*end != NONE);
        *end = NONE;
        self.filters -= 1;
        while at != ROOT && self.nodes[at].is_empty() {
            at = self.unlink(at);
        }
    }

    /// Calls `each` with what every filter that matches the topic leads to. Wildcards at the first level
    /// stay away from topics that begin with `$`. [v3.1.1 MQTT-4.7.2-1] [v5 MQTT-4.7.2-1]
    pub(super) fn visit(&self, topic: &str, frontier: &mut Frontier, mut each: impl FnMut(u32)) {
        let Frontier { here, next } = frontier;
        here.clear();
        here.push(ROOT);
        let mut wildcards = !topic.starts_with('$');
        for level in LevelsOf::new(topic) {
            next.clear();
            let number = self.levels.find(level);
            for &at in &*here {
                let node = &self.nodes[at];
                if wildcards {
                    if node.hash_end != NONE {
                        each(node.hash_end);
                    }
                    if node.plus != NONE {
                        next.push(node.plus);
                    }
                }
                if let Some(number) = number
                    && node.children > 0
                    && let Some(child) = self.child(at, number)
                {
                    next.push(child);
                }
            }
            wildcards = true;
            std::mem::swap(here, next);
            if here.is_empty() {
                return;
            }
        }
        for &at in &*here {
            let node = &self.nodes[at];
            for end in [node.end, node.hash_end] {
                if end != NONE {
                    each(end);
                }
            }
        }
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.nodes.bytes() + self.edges.bytes() + self.levels.bytes()
    }

    /// Nodes without the root, and level texts.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.nodes.len() - 1, self.levels.len())
    }

    /// The node the filter ends at, and whether it does so with `#`.
    fn node_of(&self, filter: &str) -> Option<(u32, bool)> {
        let mut at = ROOT;
        for level in filter.split('/') {
            at = match level {
                "#" => return Some((at, true)),
                "+" => self.nodes[at].plus,
                text => self.child(at, self.levels.find(text.as_bytes())?)?,
            };
            if at == NONE {
                return None;
            }
        }
        Some((at, false))
    }

    fn child(&self, parent: u32, level: LevelId) -> Option<u32> {
        let is_it = |&child: &u32| {
            let node = &self.nodes[child];
            node.parent == parent && node.level == level.0
        };
        self.edges
            .find(hash_edge(&self.state, parent, level.0), is_it)
            .copied()
    }

    fn child_or_new(&mut self, parent: u32, text: &str) -> u32 {
        if let Some(level) = self.levels.find(text.as_bytes())
            && let Some(child) = self.child(parent, level)
        {
            return child;
        }
        let level = self.levels.take(text);
        let child = self.nodes.insert(Node::new(parent, level.0));
        self.nodes[parent].children += 1;
        let LevelTrie {
            nodes,
            edges,
            state,
            ..
        } = self;
        edges.insert_unique(hash_edge(state, parent, level.0), child, |&other| {
            let node = &nodes[other];
            hash_edge(state, node.parent, node.level)
        });
        child
    }

    fn plus_or_new(&mut self, parent: u32) -> u32 {
        if self.nodes[parent].plus == NONE {
            self.nodes[parent].plus = self.nodes.insert(Node::new(parent, NONE));
        }
        self.nodes[parent].plus
    }

    /// Removes a node that leads nowhere; returns its parent.
    fn unlink(&mut self, at: u32) -> u32 {
        let node = self.nodes.remove(at);
        if node.level == NONE {
            self.nodes[node.parent].plus = NONE;
            return node.parent;
        }
        self.nodes[node.parent].children -= 1;
        let hash = hash_edge(&self.state, node.parent, node.level);
        let LevelTrie {
            nodes,
            edges,
            state,
            ..
        } = self;
        edges.remove(
            hash,
            |&child| child == at,
            |&other| {
                let node = &nodes[other];
                hash_edge(state, node.parent, node.level)
            },
        );
        self.levels.release(LevelId(node.level));
        node.parent
    }
}

fn hash_edge(state: &FixedState, parent: u32, level: u32) -> u64 {
    state.hash_one(u64::from(parent) << 32 | u64::from(level))
}
