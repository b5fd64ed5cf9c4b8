//! What simulated sensors measure: values that move as those of real ones do.
//!
//! Each model keeps at most eight bytes for a sensor. Randomness comes from one small generator with a fixed
//! seed: what is drawn matters to nobody, but two runs draw the same.

use serde::{Deserialize, Serialize};

use crate::ids::StreamId;

/// How values move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ValueModel {
    /// Each reading moves by up to `step`, between `min` and `max`.
    RandomWalk {
        start: f32,
        step: f32,
        min: f32,
        max: f32,
    },
    /// A wave around `mean`, each sensor somewhere else on it, with up to `noise` added.
    Sine {
        mean: f32,
        amplitude: f32,
        period_secs: f64,
        noise: f32,
    },
    /// One of `levels`, exchanged for another after about `dwell_secs`.
    Steps { levels: Vec<f32>, dwell_secs: f64 },
    /// 1 for about `on_secs`, 0 for about `off_secs`.
    OnOff { on_secs: f64, off_secs: f64 },
}

impl Default for ValueModel {
    fn default() -> ValueModel {
        ValueModel::RandomWalk {
            start: 21.0,
            step: 0.05,
            min: -20.0,
            max: 60.0,
        }
    }
}

impl ValueModel {
    /// Checks that its figures make sense.
    pub(super) fn check(&self) -> Result<(), String> {
        let is_fine = match self {
            ValueModel::RandomWalk { min, max, .. } => min <= max,
            ValueModel::Sine { period_secs, .. } => *period_secs > 0.0,
            ValueModel::Steps { levels, dwell_secs } => !levels.is_empty() && *dwell_secs > 0.0,
            ValueModel::OnOff { on_secs, off_secs } => *on_secs > 0.0 && *off_secs > 0.0,
        };
        match is_fine {
            true => Ok(()),
            false => Err(
                "value: min must not be above max, times must be above 0, and steps need levels"
                    .to_owned(),
            ),
        }
    }
}

/// What is kept of a sensor.
#[derive(Clone, Copy, Debug)]
struct Held {
    value: f32,
    /// Readings until it changes, where it dwells.
    readings_left: u32,
}

/// The values of all sensors.
#[derive(Debug)]
pub(super) struct Values {
    model: ValueModel,
    /// Empty where values follow from the time alone.
    held: Vec<Held>,
    interval_secs: f64,
    random: u64,
}

impl Values {
    /// Values of `sensors` sensors that are read every `interval_secs`.
    pub(super) fn new(model: ValueModel, sensors: u32, interval_secs: f64) -> Values {
        let count = match model {
            ValueModel::Sine { .. } => 0,
            _ => sensors as usize,
        };
        let value = match model {
            ValueModel::RandomWalk { start, .. } => start,
            _ => 0.0,
        };
        let held = Held {
            value,
            readings_left: 0,
        };
        Values {
            model,
            held: vec![held; count],
            interval_secs,
            random: 0x2545_F491_4F6C_DD1D,
        }
    }

    /// The next reading of a sensor, due at this time of the run.
    pub(super) fn next(&mut self, sensor: StreamId, due_ns: u64) -> f32 {
        let unit = self.draw();
        if let ValueModel::Sine {
            mean,
            amplitude,
            period_secs,
            noise,
        } = self.model
        {
            let turns = due_ns as f64 / 1e9 / period_secs + f64::from(sensor.0) * GOLDEN;
            let wave = (turns * std::f64::consts::TAU).sin() as f32;
            return mean + amplitude * wave + noise * (2.0 * unit - 1.0);
        }
        let dwell = self.draw();
        let held = &mut self.held[sensor.at()];
        match &self.model {
            ValueModel::RandomWalk { step, min, max, .. } => {
                held.value = (held.value + (2.0 * unit - 1.0) * step).clamp(*min, *max);
            }
            _ if held.readings_left > 0 => held.readings_left -= 1,
            ValueModel::Steps { levels, dwell_secs } => {
                let at = (unit * levels.len() as f32) as usize;
                held.value = levels[at.min(levels.len() - 1)];
                held.readings_left = readings(*dwell_secs, self.interval_secs, dwell);
            }
            ValueModel::OnOff { on_secs, off_secs } => {
                held.value = 1.0 - held.value;
                let secs = if held.value > 0.5 { on_secs } else { off_secs };
                held.readings_left = readings(*secs, self.interval_secs, dwell);
            }
            ValueModel::Sine { .. } => {}
        }
        held.value
    }

    /// Between 0 and 1, by xorshift.
    fn draw(&mut self) -> f32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Bytes that are kept for all sensors.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.held.capacity() * size_of::<Held>()
    }
}

/// Spreads sensors evenly over a wave, whatever their number.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// Readings beyond the first that last about `secs`: half to one and a half times of it.
fn readings(secs: f64, interval_secs: f64, unit: f32) -> u32 {
    ((0.5 + f64::from(unit)) * secs / interval_secs) as u32
}
