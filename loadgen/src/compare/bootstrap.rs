//! By how much two sets of runs differ, with an interval of confidence, by resampling the runs.
//!
//! The unit is the run, not the message: messages of one run share its circumstances, so a million of them
//! say little about the next run. Factors are what runs differ by, so all of this happens on logarithms.
//! The middle is the Hodges-Lehmann estimator, which one odd run moves little. Pure and seeded: the same
//! runs always give the same answer.

/// A relative difference in logarithms: 0 is none, `ln 1.1` a tenth more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) middle: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Difference {
    /// From a logarithm to a share: 0.1 is a tenth more.
    pub(crate) fn share(logarithm: f64) -> f64 {
        logarithm.exp() - 1.0
    }
}

/// Standard deviations to both sides that hold 95 % of a normal distribution: the confidence of all
/// intervals here.
const NORMAL_REACH: f64 = 1.959_964;

/// Resamples drawn. The ends of an interval over five runs lie near the thousandth part.
const RESAMPLES: usize = 10_000;

const SEED: u64 = 0x52_49_4e_47;

/// The difference of runs made in pairs, `new` right beside `base`, so that what both share falls out.
pub(crate) fn paired(base: &[f64], new: &[f64]) -> Difference {
    let logs: Vec<f64> = base
        .iter()
        .zip(new)
        .map(|(base, new)| (new / base).ln())
        .collect();
    let mut draws = Draws::new(SEED);
    let mut sample = vec![0.0; logs.len()];
    let middles = (0..RESAMPLES).map(|_| {
        draws.fill(&mut sample, &logs);
        middle_of_one(&sample)
    });
    interval(
        middle_of_one(&logs),
        middles.collect(),
        logs.len(),
        logs.len() - 1,
    )
}

/// The difference of runs that have nothing to do with each other.
pub(crate) fn unpaired(base: &[f64], new: &[f64]) -> Difference {
    let logs = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| value.ln()).collect() };
    let (base, new) = (logs(base), logs(new));
    let mut draws = Draws::new(SEED);
    let (mut some_base, mut some_new) = (base.clone(), new.clone());
    let middles = (0..RESAMPLES).map(|_| {
        draws.fill(&mut some_base, &base);
        draws.fill(&mut some_new, &new);
        middle_of_two(&some_base, &some_new)
    });
    let runs = base.len().min(new.len());
    let middle = middle_of_two(&base, &new);
    interval(middle, middles.collect(), runs, base.len() + new.len() - 2)
}

/// The median of the means of all pairs, each value with itself included.
fn middle_of_one(values: &[f64]) -> f64 {
    let pairs = (0..values.len()).flat_map(|a| (a..values.len()).map(move |b| (a, b)));
    median(pairs.map(|(a, b)| (values[a] + values[b]) / 2.0).collect())
}

/// The median of the differences of all pairs.
fn middle_of_two(base: &[f64], new: &[f64]) -> f64 {
    let differences = new
        .iter()
        .flat_map(|new| base.iter().map(move |base| new - base));
    median(differences.collect())
}

/// The middle value, or the mean of the two middle ones; 0 of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    let count = values.len();
    if count == 0 {
        return 0.0;
    }
    let (below, &mut upper, _) = values.select_nth_unstable_by(count / 2, f64::total_cmp);
    if count % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, upper)
}

/// The percentiles of the resamples, widened as few runs demand: resampling n runs sees only (n - 1)/n of
/// their variance, and their spread is itself uncertain, which Student's t accounts for.
fn interval(middle: f64, mut middles: Vec<f64>, runs: usize, freedom: usize) -> Difference {
    middles.sort_by(f64::total_cmp);
    let runs = runs as f64;
    let reach = (runs / (runs - 1.0)).sqrt() * student_t(freedom as f64);
    let tail = normal_share_below(-reach);
    let at = ((tail * middles.len() as f64) as usize).min(middles.len() / 2);
    Difference {
        middle,
        low: middles[at],
        high: middles[middles.len() - 1 - at],
    }
}

/// The value that Student's t exceeds, on both sides together, in one of twenty cases; by the
/// expansion of Cornish and Fisher, right to 0.01 from four degrees of freedom on.
fn student_t(freedom: f64) -> f64 {
    let z = NORMAL_REACH;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
}

/// The share of a normal distribution below `z`, by Abramowitz and Stegun 26.2.17; right to 1e-7.
fn normal_share_below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let terms = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let polynomial = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial;
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// A random stream: SplitMix64.
pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Draws {
        Draws { state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Fills `sample` from `values`, with repetition.
    fn fill(&mut self, sample: &mut [f64], values: &[f64]) {
        for slot in sample {
            let at = (u128::from(self.next()) * values.len() as u128) >> 64;
            *slot = values[at as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_statistics_are_met() {
        for (freedom, expected) in [(4.0, 2.776), (9.0, 2.262), (30.0, 2.042)] {
            assert!((student_t(freedom) - expected).abs() < 0.01);
        }
        for (z, expected) in [
            (-3.0, 0.001_350),
            (-1.959_964, 0.025),
            (0.0, 0.5),
            (1.0, 0.841_345),
        ] {
            assert!((normal_share_below(z) - expected).abs() < 1e-6, "{z}");
        }
    }

    #[test]
    fn one_odd_run_moves_the_middle_little() {
        let even = [1.0, 1.01, 0.99, 1.0, 1.0, 1.0, 1.0];
        let odd = [1.0, 1.01, 0.99, 3.0, 1.0, 1.0, 1.0];
        let base = [1.0; 7];
        assert!((paired(&base, &odd).middle - paired(&base, &even).middle).abs() < 0.01);
        assert!((unpaired(&base, &odd).middle - unpaired(&base, &even).middle).abs() < 0.01);
    }

    #[test]
    fn an_interval_holds_its_middle_and_pairs_cancel_what_they_share() {
        let base = [1.0, 1.3, 0.8, 1.1, 0.9, 1.2];
        let new = base.map(|value| value * 1.1);
        let difference = paired(&base, &new);
        assert!((Difference::share(difference.low) - 0.1).abs() < 1e-9);
        assert!((Difference::share(difference.high) - 0.1).abs() < 1e-9);
        let wide = unpaired(&base, &new);
        assert!(wide.low < 0.0 && wide.middle > 0.0 && wide.high > 0.1);
        assert_eq!(paired(&base, &new), difference);
    }
}
