//! How far another clock is from ours, and how wrong that may be.
//!
//! The other side is asked for its time again and again; the answer with the shortest round trip bounds the
//! error best: its clock was read somewhere within that trip.

/// The other clock minus ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) offset_ns: i64,
    /// The offset is right to within this, either way.
    pub(super) error_ns: u64,
}

/// One question: when it was asked, what the other clock said, when the answer came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) asked_ns: u64,
    pub(super) other_ns: u64,
    pub(super) answered_ns: u64,
}

impl Offset {
    /// The best that the questions tell; `None` without any.
    pub(super) fn of(questions: &[Question]) -> Option<Offset> {
        let best = questions
            .iter()
            .min_by_key(|question| question.answered_ns - question.asked_ns)?;
        let trip_ns = best.answered_ns - best.asked_ns;
        let middle_ns = best.asked_ns + trip_ns / 2;
        Some(Offset {
            offset_ns: best.other_ns as i64 - middle_ns as i64,
            error_ns: trip_ns.div_ceil(2),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_true_offset_lies_within_the_error() {
        let true_offset = -7_000i64;
        // (way there, way back)
        for trips in [
            vec![(50, 50)],
            vec![(10, 90), (500, 20), (300, 300)],
            vec![(90, 10), (20, 500)],
        ] {
            let question = |(at, &(there, back)): (usize, &(u64, u64))| {
                let asked_ns = 100_000 * (at as u64 + 1);
                Question {
                    asked_ns,
                    other_ns: (asked_ns as i64 + there as i64 + true_offset) as u64,
                    answered_ns: asked_ns + there + back,
                }
            };
            let questions: Vec<_> = trips.iter().enumerate().map(question).collect();
            let offset = Offset::of(&questions).unwrap();
            assert_eq!(offset.error_ns, 50);
            assert!((offset.offset_ns - true_offset).unsigned_abs() <= offset.error_ns);
        }
        assert_eq!(Offset::of(&[]), None);
    }
}
