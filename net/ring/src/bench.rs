//! Which bytes each connection is sent, on its own, for the benches; no part of the engine's interface. The
//! requests for the kernel are left out, and with them the kernel.

use std::hint::black_box;
use std::ops::Range;

use crate::event::ConnectionId;
use crate::frame_sets::EMPTY;
use crate::send::Output;
use crate::table::{Location, Phase, Table};

/// The output side of an engine that has no ring.
#[derive(Debug)]
pub struct BenchOutput {
    table: Table,
    output: Output,
    connections: Vec<ConnectionId>,
}

impl BenchOutput {
    /// With so many established connections.
    pub fn new(connections: u32) -> BenchOutput {
        let mut table = Table::default();
        let connections = (0..connections)
            .map(|slot| table.insert(Location::new(0, slot), Phase::Established))
            .collect();
        BenchOutput {
            table,
            output: Output::default(),
            connections,
        }
    }

    /// All of them.
    pub fn connections(&self) -> Vec<ConnectionId> {
        self.connections.clone()
    }

    /// As [`crate::Engine::push`].
    pub fn push(&mut self, frame: Range<u32>, targets: &[ConnectionId]) {
        self.output.push(&mut self.table, frame, targets);
    }

    /// As [`crate::Engine::flush`], with no send: the bytes of each connection that has any are gathered.
    /// Returns how many bytes that were, counted per connection.
    pub fn gather(&mut self, arena: &[u8]) -> u64 {
        let mut bytes = 0;
        let mut pending = std::mem::take(&mut self.output.pending);
        for &index in &pending {
            let slot = self.table.at(index);
            let set = std::mem::replace(&mut slot.frame_set, EMPTY);
            if !self.output.sets.fits(set) {
                self.output.sets.restart();
            }
            bytes += black_box(self.output.sets.gather(set, arena)).len() as u64;
        }
        pending.clear();
        self.output.pending = pending;
        self.output.sets.clear();
        bytes
    }
}
