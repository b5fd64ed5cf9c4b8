//! From values to positions along an axis, and where its ticks stand.

use super::number::Unit;

/// An axis. Positions run from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    Linear {
        from: f64,
        to: f64,
        unit: Unit,
    },
    /// Equal factors are equal distances. Both ends above 0.
    Logarithmic {
        from: f64,
        to: f64,
        unit: Unit,
    },
    /// `1 / (1 - quantile)` on a logarithmic axis, from the median's left to so many nines.
    Quantile {
        nines: f64,
    },
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// 0 to 1.
    pub(crate) position: f64,
    /// Empty for one that only has a line.
    pub(crate) label: String,
}

/// Linear axes have about so many steps.
const STEPS: f64 = 5.0;

impl Scale {
    /// A linear axis from 0 that holds `values`.
    pub(crate) fn from_zero(values: impl Iterator<Item = f64>, unit: Unit) -> Scale {
        let max = values.fold(0.0, f64::max);
        let step = step_of(max, unit);
        Scale::Linear {
            from: 0.0,
            to: (max / step).ceil().max(1.0) * step,
            unit,
        }
    }

    /// A logarithmic axis that holds the values above 0, at least a decade, ending at 1, 2 or 5.
    pub(crate) fn logarithmic(values: impl Iterator<Item = f64>, unit: Unit) -> Scale {
        let (mut min, mut max) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|&value| value > 0.0) {
            min = min.min(value);
            max = max.max(value);
        }
        if max == 0.0 {
            (min, max) = (1.0, 10.0);
        }
        let from = floor_of(min);
        let to = ceiling_of(max.max(from * 10.0));
        Scale::Logarithmic { from, to, unit }
    }

    /// An axis of runs or releases, numbered from 1.
    pub(crate) fn runs(count: usize) -> Scale {
        Scale::Linear {
            from: 0.5,
            to: count.max(1) as f64 + 0.5,
            unit: Unit::Seconds,
        }
    }

    /// Marks for it, at most about twelve.
    pub(crate) fn run_marks(count: usize) -> Vec<(f64, String)> {
        let step = count.div_ceil(12).max(1);
        (1..=count)
            .step_by(step)
            .map(|run| (run as f64, run.to_string()))
            .collect()
    }

    /// Where a value stands; outside 0 to 1 when it is outside the axis.
    pub(crate) fn position(self, value: f64) -> f64 {
        match self {
            Scale::Linear { from, to, .. } => (value - from) / (to - from),
            Scale::Logarithmic { from, to, .. } => {
                (value.max(from / 10.0) / from).ln() / (to / from).ln()
            }
            Scale::Quantile { nines } => nines_of(value) / nines,
        }
    }

    /// A value as one reads it off.
    pub(crate) fn exact(self, value: f64) -> String {
        match self {
            Scale::Linear { unit, .. } | Scale::Logarithmic { unit, .. } => unit.exact(value),
            Scale::Quantile { .. } => quantile_label(value),
        }
    }

    /// The marks, in order.
    pub(crate) fn ticks(self) -> Vec<Tick> {
        match self {
            Scale::Linear { from, to, unit } => {
                let step = step_of(to - from, unit);
                let count = ((to - from) / step + 1e-6).floor() as u32;
                let values = (0..=count).map(|n| from + f64::from(n) * step);
                values
                    .map(|value| self.tick(value, unit.tick(value)))
                    .collect()
            }
            Scale::Logarithmic { from, to, unit } => self.logarithmic_ticks(from, to, unit),
            Scale::Quantile { nines } => {
                let mut values = vec![0.5];
                values.extend((1..=nines.floor() as i32).map(|n| 1.0 - 0.1_f64.powi(n)));
                values
                    .into_iter()
                    .map(|value| self.tick(value, quantile_label(value)))
                    .collect()
            }
        }
    }

    fn tick(self, value: f64, label: String) -> Tick {
        Tick {
            position: self.position(value),
            label,
        }
    }

    fn logarithmic_ticks(self, from: f64, to: f64, unit: Unit) -> Vec<Tick> {
        let decades = (to / from).log10();
        let first = from.log10().floor() as i32;
        let last = to.log10().ceil() as i32;
        let is_inside = |value: f64| value >= from * 0.999 && value <= to * 1.001;
        let mut ticks = Vec::new();
        for exponent in first..=last {
            for digit in [1.0, 2.0, 5.0] {
                let value = digit * 10_f64.powi(exponent);
                let has_label = digit == 1.0 || decades <= 3.2;
                if is_inside(value) {
                    let label = if has_label {
                        unit.tick(value)
                    } else {
                        String::new()
                    };
                    ticks.push(self.tick(value, label));
                }
            }
        }
        ticks
    }
}

/// How many nines a quantile has: 0.99 has two.
pub(crate) fn nines_of(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-12).log10()
}

/// `99.9 %`, with as many digits as the quantile needs.
pub(crate) fn quantile_label(quantile: f64) -> String {
    let decimals = (nines_of(quantile) + 1e-9).floor().clamp(0.0, 8.0) as usize;
    let text = format!("{:.decimals$}", quantile * 100.0);
    match text.split_once('.') {
        Some(_) => format!("{} %", text.trim_end_matches('0').trim_end_matches('.')),
        None => format!("{text} %"),
    }
}

/// A step of 1, 2 or 5 times a power of the unit's base that divides `range` into about five.
fn step_of(range: f64, unit: Unit) -> f64 {
    if range <= 0.0 {
        return 1.0;
    }
    let rough = range / STEPS;
    let base = unit.base().powf(rough.log(unit.base()).floor());
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
    base * steps
        .into_iter()
        .find(|step| step * base >= rough * 0.999)
        .unwrap_or(1000.0)
}

fn floor_of(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let digit = [5.0, 2.0]
        .into_iter()
        .find(|digit| digit * decade <= value * 1.0001);
    digit.unwrap_or(1.0) * decade
}

fn ceiling_of(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let digit = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|digit| digit * decade >= value * 0.9999);
    digit.unwrap_or(10.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_axes_have_round_steps() {
        let scale = Scale::from_zero([3.0, 87.0].into_iter(), Unit::Cpu);
        assert_eq!(
            labels(scale),
            ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
        );
        let scale = Scale::from_zero([57.0 * 1048576.0].into_iter(), Unit::Bytes);
        assert_eq!(labels(scale), ["0 B", "20 MiB", "40 MiB", "60 MiB"]);
        assert_eq!(
            labels(Scale::from_zero([].into_iter(), Unit::Seconds)),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
    }

    #[test]
    fn logarithmic_axes_end_at_round_values() {
        let scale = Scale::logarithmic([130.0, 1_700.0].into_iter(), Unit::Duration);
        assert_eq!(
            labels(scale),
            ["100 µs", "200 µs", "500 µs", "1 ms", "2 ms"]
        );
        assert_eq!(scale.position(100.0), 0.0);
        assert!((scale.position(2_000.0) - 1.0).abs() < 1e-9);
        let wide = labels(Scale::logarithmic([1.0, 1e6].into_iter(), Unit::Duration));
        assert_eq!(wide.iter().filter(|label| !label.is_empty()).count(), 7);
    }

    #[test]
    fn quantiles_are_told_by_their_nines() {
        let scale = Scale::Quantile { nines: 4.2 };
        assert_eq!(labels(scale), ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert!((scale.position(0.99) - 2.0 / 4.2).abs() < 1e-9);
        assert_eq!(quantile_label(0.75), "75 %");
    }
}
