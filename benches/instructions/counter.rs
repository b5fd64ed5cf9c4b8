//! What is counted of a case: the span that callgrind collects in, and the units in it.

use std::hint::black_box;

/// One case.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// Area and what is done.
    pub(crate) name: &'static str,
    /// What one unit is; the stored figure is instructions per unit.
    pub(crate) unit: &'static str,
    /// Prepares, and counts.
    pub(crate) run: fn(&mut Counter),
}

/// Units counted so far.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    units: u64,
}

impl Counter {
    /// Does the work, which is so many units, and counts its instructions. Work of a few units should be
    /// counted a few times over, so that the call of this costs nothing beside it.
    pub(crate) fn count<T>(&mut self, units: u64, mut work: impl FnMut() -> T) -> T {
        self.units += units;
        let mut result = None;
        counted_by_callgrind(&mut || result = Some(work()));
        result.expect("the work was done")
    }

    /// The same, for a step of an exchange of which only some steps are counted.
    pub(crate) fn count_if<T>(
        &mut self,
        is_counted: bool,
        units: u64,
        mut work: impl FnMut() -> T,
    ) -> T {
        if is_counted {
            return self.count(units, work);
        }
        work()
    }

    /// Units counted.
    pub(crate) fn units(&self) -> u64 {
        self.units
    }
}

/// Callgrind collects from the entry of this function to its end; `scripts/instructions` names it.
#[inline(never)]
fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
    // Not the last call of the function, or it would be a jump and the end never come.
    black_box(());
}
