//! The simulation's own random numbers: one independent stream per concern, all drawn from the seed.
//!
//! Every part of the simulation that chooses something holds its own [`Random`], so that a change in
//! one (a new fault, say) does not reshuffle the others. It must never draw from anywhere else.

/// A concern with a random stream of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Concern {
    /// The knobs of a run.
    Plan = 1,
    /// Delays, splits, scheduling of shards.
    Network = 2,
    /// What clients do.
    Workload = 3,
    /// What goes wrong.
    Faults = 4,
    /// Seeds given to the shards.
    Shards = 5,
    /// What surrounds a broker: who judges CONNECTs, the disk, the operator.
    Surroundings = 6,
    /// Shared subscriptions.
    Sharing = 7,
}

/// xoshiro256++, seeded by splitmix64.
#[derive(Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// The stream of one concern of one seed.
    pub(crate) fn new(seed: u64, concern: Concern) -> Random {
        let mut mix = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((concern as u64) << 56);
        let mut next = || {
            mix = mix.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = mix;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        Random {
            state: [next(), next(), next(), next()],
        }
    }

    /// Any 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let shifted = b << 17;
        let c = c ^ a;
        let d = d ^ b;
        self.state = [a ^ d, b ^ c, c ^ shifted, d.rotate_left(45)];
        result
    }

    /// From 0 to `bound - 1`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// From `range.start()` to `range.end()`, both included.
    pub(crate) fn within(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// True in `per_mille` of 1,000 cases.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A waiting time around `mean`: mostly short, sometimes five times as long.
    pub(crate) fn around(&mut self, mean: u64) -> u64 {
        let long = self.chance(50);
        let top = if long { mean * 5 } else { mean * 2 };
        self.below(top + 1)
    }
}
