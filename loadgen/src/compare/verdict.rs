//! What a difference means for a metric.
//!
//! A difference counts as one only if the whole interval of confidence lies beyond what nobody cares
//! about, and as none only if the whole interval lies within it. Everything else is inconclusive, with an
//! estimate of how many runs would settle it.

use std::fmt;

use super::bootstrap::Difference;

/// Runs on each side below which nothing is concluded.
pub(crate) const RUNS_MIN: usize = 5;

/// Further runs above which more runs are not worth asking for.
const MORE_RUNS_MAX: f64 = 100.0;

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    MoreIsBetter,
    LessIsBetter,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Worse,
    Same,
    Inconclusive {
        /// Further runs on each side that would probably settle it; `None`: too many to be worth it.
        more_runs: Option<usize>,
    },
}

/// Judges a difference between `runs` runs on each side; `margin` is the share that nobody cares about.
pub(crate) fn judge(
    difference: Difference,
    direction: Direction,
    margin: f64,
    runs: usize,
) -> Verdict {
    if runs < RUNS_MIN {
        return Verdict::Inconclusive {
            more_runs: Some(RUNS_MIN - runs),
        };
    }
    let bound = (1.0 + margin).ln();
    let is_more = difference.low > bound;
    let is_less = difference.high < -bound;
    match (is_more, is_less, direction) {
        (true, _, Direction::MoreIsBetter) | (_, true, Direction::LessIsBetter) => Verdict::Better,
        (true, _, Direction::LessIsBetter) | (_, true, Direction::MoreIsBetter) => Verdict::Worse,
        _ if difference.low >= -bound && difference.high <= bound => Verdict::Same,
        _ => Verdict::Inconclusive {
            more_runs: more_runs(difference, bound, runs),
        },
    }
}

/// The width of an interval falls with the root of the runs; it is to fall below the distance between the
/// middle and the nearest bound.
fn more_runs(difference: Difference, bound: f64, runs: usize) -> Option<usize> {
    let half = (difference.high - difference.low) / 2.0;
    let distance = (difference.middle.abs() - bound).abs();
    let needed = runs as f64 * (half / distance).powi(2);
    let more = (needed - runs as f64).ceil().max(1.0);
    (more <= MORE_RUNS_MAX).then_some(more as usize)
}

impl Verdict {
    /// The same when of `asked` runs only `found` gave a figure: as many of the further ones will be in vain.
    pub(crate) fn of_some(self, found: usize, asked: usize) -> Verdict {
        let Verdict::Inconclusive {
            more_runs: Some(more),
        } = self
        else {
            return self;
        };
        let more = match found {
            0 => asked.max(RUNS_MIN),
            _ => (more * asked).div_ceil(found),
        };
        Verdict::Inconclusive {
            more_runs: Some(more),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Better => f.write_str("better"),
            Verdict::Worse => f.write_str("WORSE"),
            Verdict::Same => f.write_str("same"),
            Verdict::Inconclusive {
                more_runs: Some(runs),
            } => {
                let plural = if *runs == 1 { "" } else { "s" };
                write!(f, "inconclusive: {runs} more run{plural} a side")
            }
            Verdict::Inconclusive { more_runs: None } => {
                f.write_str("inconclusive: too close or too noisy")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(shares: [f64; 3], direction: Direction, runs: usize) -> Verdict {
        let [low, middle, high] = shares.map(|share| (1.0_f64 + share).ln());
        judge(Difference { middle, low, high }, direction, 0.03, runs)
    }

    #[test]
    fn a_verdict_needs_the_whole_interval() {
        let less = Direction::LessIsBetter;
        assert_eq!(verdict([0.06, 0.1, 0.14], less, 5), Verdict::Worse);
        assert_eq!(verdict([-0.14, -0.1, -0.06], less, 5), Verdict::Better);
        assert_eq!(verdict([-0.02, 0.0, 0.02], less, 5), Verdict::Same);
        assert_eq!(
            verdict([0.06, 0.1, 0.14], Direction::MoreIsBetter, 5),
            Verdict::Better
        );
        for unclear in [[-0.02, 0.0, 0.04], [0.02, 0.1, 0.18], [-0.2, 0.0, 0.2]] {
            assert!(matches!(
                verdict(unclear, less, 5),
                Verdict::Inconclusive { .. }
            ));
        }
    }

    #[test]
    fn an_open_question_says_how_many_runs_it_wants() {
        let less = Direction::LessIsBetter;
        assert_eq!(
            verdict([0.0, 0.0, 0.0], less, 2),
            Verdict::Inconclusive { more_runs: Some(3) }
        );
        let Verdict::Inconclusive {
            more_runs: Some(more),
        } = verdict([0.0, 0.1, 0.2], less, 10)
        else {
            panic!("it can be settled");
        };
        assert!((5..=20).contains(&more), "{more}");
        assert_eq!(
            verdict([-0.5, 0.03, 1.0], less, 10),
            Verdict::Inconclusive { more_runs: None }
        );
    }
}
