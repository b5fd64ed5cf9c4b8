//! How far each publisher's shard has come with retained messages for each home, as seen from one shard.
//!
//! Two counts per pair: what has *arrived* here, which tells a retained message that came live to a
//! subscription from one that was there before; and what a home is *required* to have before it may
//! answer a replay for this shard.

use std::sync::Arc;

use crate::{ShardCount, ShardId};

/// Counts by publisher's shard and home.
#[derive(Debug)]
pub(crate) struct Matrix {
    own: ShardId,
    shards: usize,
    /// Row by row; shared with the replays that began at it until the next change.
    arrived: Arc<[u64]>,
    required: Box<[u64]>,
}

/// What had arrived at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    arrived: Arc<[u64]>,
    shards: usize,
}

impl Snapshot {
    /// The last retained message of `publisher` for `home` that had arrived.
    pub(crate) fn arrived(&self, publisher: ShardId, home: ShardId) -> u64 {
        self.arrived[usize::from(publisher.0) * self.shards + usize::from(home.0)]
    }
}

impl Matrix {
    pub(crate) fn new(own: ShardId, shards: ShardCount) -> Matrix {
        let shards = usize::from(shards.0);
        Matrix {
            own,
            shards,
            arrived: vec![0; shards * shards].into(),
            required: vec![0; shards * shards].into(),
        }
    }

    fn place(&self, publisher: ShardId, home: ShardId) -> usize {
        usize::from(publisher.0) * self.shards + usize::from(home.0)
    }

    /// Numbers a retained message published on this shard.
    pub(crate) fn publish(&mut self, home: ShardId) -> u64 {
        let place = self.place(self.own, home);
        let seq = self.arrived[place] + 1;
        self.arrive(self.own, home, seq);
        seq
    }

    /// A retained message of another shard has come, live or for this home.
    pub(crate) fn arrive(&mut self, publisher: ShardId, home: ShardId, seq: u64) {
        let place = self.place(publisher, home);
        Arc::make_mut(&mut self.arrived)[place] = seq;
        let required = &mut self.required[place];
        *required = seq.max(*required);
    }

    /// What another shard had sent to each home when it applied our interest.
    pub(crate) fn require(&mut self, publisher: ShardId, retain_sent: &[u64]) {
        for (home, sent) in (0..).zip(retain_sent) {
            let place = self.place(publisher, ShardId(home));
            let required = &mut self.required[place];
            *required = (*sent).max(*required);
        }
    }

    /// How many this shard has sent to each home.
    pub(crate) fn own_row(&self) -> &[u64] {
        let start = self.place(self.own, ShardId(0));
        &self.arrived[start..start + self.shards]
    }

    /// What the home must have from each publisher's shard before it answers.
    pub(crate) fn required_of(&self, home: ShardId) -> Arc<[u64]> {
        let column = (0..self.shards)
            .map(|publisher| self.required[publisher * self.shards + usize::from(home.0)]);
        column.collect()
    }

    /// Whether this shard, as a home, has what a query requires.
    pub(crate) fn satisfies(&self, required: &[u64]) -> bool {
        let column = (0..self.shards)
            .map(|publisher| self.arrived[publisher * self.shards + usize::from(self.own.0)]);
        column
            .zip(required)
            .all(|(arrived, required)| arrived >= *required)
    }

    /// Whether this shard, as a home, has what it would require for a replay of its own.
    pub(crate) fn has_all_required(&self) -> bool {
        let own = usize::from(self.own.0);
        let column = (0..self.shards).map(|publisher| publisher * self.shards + own);
        column
            .into_iter()
            .all(|place| self.arrived[place] >= self.required[place])
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            arrived: self.arrived.clone(),
            shards: self.shards,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Matrix;
    use crate::{ShardCount, ShardId};

    const OWN: ShardId = ShardId(1);
    const OTHER: ShardId = ShardId(2);

    #[test]
    fn a_snapshot_keeps_what_had_arrived() {
        let mut matrix = Matrix::new(OWN, ShardCount(3));
        matrix.arrive(OTHER, OWN, 4);
        let snapshot = matrix.snapshot();
        matrix.arrive(OTHER, OWN, 5);
        assert_eq!(snapshot.arrived(OTHER, OWN), 4);
        assert_eq!(matrix.snapshot().arrived(OTHER, OWN), 5);
    }

    #[test]
    fn own_publishes_are_numbered_per_home() {
        let mut matrix = Matrix::new(OWN, ShardCount(3));
        let numbers = [OTHER, OTHER, OWN, OTHER].map(|home| matrix.publish(home));
        assert_eq!(numbers, [1, 2, 1, 3]);
        assert_eq!(matrix.own_row(), [0, 1, 3]);
    }

    #[test]
    fn a_home_must_have_what_arrived_here_and_what_was_sent_there() {
        let mut asking = Matrix::new(OWN, ShardCount(3));
        asking.arrive(OTHER, OTHER, 4);
        asking.require(ShardId(0), &[9, 9, 6]);
        asking.require(OTHER, &[0, 0, 2]);
        asking.publish(OTHER);
        let required = asking.required_of(OTHER);
        assert_eq!(*required, [6, 1, 4]);
        // What was only required has not arrived.
        assert_eq!(asking.snapshot().arrived(ShardId(0), OTHER), 0);

        let mut home = Matrix::new(OTHER, ShardCount(3));
        home.arrive(ShardId(0), OTHER, 6);
        home.arrive(OWN, OTHER, 1);
        home.arrive(OTHER, OTHER, 3);
        assert!(!home.satisfies(&required));
        home.arrive(OTHER, OTHER, 4);
        assert!(home.satisfies(&required));
    }
}
