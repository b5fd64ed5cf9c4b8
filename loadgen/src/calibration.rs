//! What loadgen cannot measure below: how late the machine wakes it, what a message costs it, and what the
//! loopback takes without any broker. Measured at the start of every run, in some 50 ms.
//!
//! It must not touch the broker, nor fail the run: what cannot be measured is left out.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use ringmq_ring::{Engine, EngineConfig};
use serde::Serialize;

use crate::histogram::LatencyRecorder;
use crate::ids::StreamId;
use crate::limits::{CALIBRATION_ROUNDS, LATE_SEND_NS, STAMP_BYTES};
use crate::machine;
use crate::run::Clock;
use crate::stamp::Stamp;

/// The wait that is asked for to see how late it ends.
const TIMER: Duration = Duration::from_millis(1);
/// How often.
const TIMER_ROUNDS: u32 = 25;
/// Messages stamped and read to see what one costs.
const MESSAGES: u32 = 2_000;

/// The tool's own floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Calibration {
    /// How much later than asked for a wait of the engine ends, in microseconds.
    pub(crate) timer_late_p50_us: f64,
    pub(crate) timer_late_max_us: f64,
    /// Reading the clock, writing a stamp and checking it, in nanoseconds a message.
    pub(crate) message_ns: f64,
    /// 64 bytes over the loopback to a thread and back, halved, in microseconds.
    pub(crate) loopback_p50_us: f64,
    pub(crate) loopback_p99_us: f64,
}

impl Calibration {
    /// Measures, on a thread prepared as that of a run is.
    pub(crate) fn measure() -> Calibration {
        let measured = std::thread::spawn(|| {
            machine::sharpen_timers();
            let mut calibration = Calibration::default();
            calibration.measure_timer();
            calibration.measure_message();
            calibration.measure_loopback();
            calibration
        });
        measured.join().unwrap_or_default()
    }

    /// What the reader should be warned of.
    pub(crate) fn warning(&self) -> Option<String> {
        let late_ns = self.timer_late_p50_us * 1e3;
        (late_ns > LATE_SEND_NS as f64).then(|| {
            format!(
                "this machine wakes loadgen {:.1} ms late: sends and latencies are no better than that",
                late_ns / 1e6
            )
        })
    }

    fn measure_timer(&mut self) {
        let Ok(mut engine) = Engine::new(EngineConfig {
            connections_max: 1,
            ..EngineConfig::default()
        }) else {
            return;
        };
        let mut late = LatencyRecorder::new();
        for _ in 0..TIMER_ROUNDS {
            let began = Instant::now();
            if engine.wait(Some(TIMER), &mut |_| ()).is_err() {
                return;
            }
            let late_by = began.elapsed().saturating_sub(TIMER);
            late.record(late_by.as_nanos() as u64);
        }
        let late = late.finish();
        self.timer_late_p50_us = late.value_at_quantile(0.5) as f64 / 1e3;
        self.timer_late_max_us = late.max() as f64 / 1e3;
    }

    fn measure_message(&mut self) {
        let clock = Clock::start();
        let mut payload = [b'.'; 2 * STAMP_BYTES];
        let began = Instant::now();
        for number in 0..MESSAGES {
            let stamp = Stamp {
                run: 1,
                stream: StreamId(number),
                sequence: u64::from(number),
                due_ns: clock.now_ns(),
            };
            stamp.write_raw(&mut payload);
            let read = Stamp::read(std::hint::black_box(&payload));
            debug_assert_eq!(read, Ok(stamp));
        }
        self.message_ns = began.elapsed().as_nanos() as f64 / f64::from(MESSAGES);
    }

    fn measure_loopback(&mut self) {
        if let Ok(round_trips) = echo_rounds() {
            self.loopback_p50_us = round_trips.value_at_quantile(0.5) as f64 / 2e3;
            self.loopback_p99_us = round_trips.value_at_quantile(0.99) as f64 / 2e3;
        }
    }
}

/// Round trips in nanoseconds to a thread that answers with what it gets.
fn echo_rounds() -> std::io::Result<hdrhistogram::Histogram<u64>> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let echo = std::thread::spawn(move || {
        let mut bytes = [0; 64];
        while far.read_exact(&mut bytes).is_ok() && far.write_all(&bytes).is_ok() {}
    });
    let mut round_trips = LatencyRecorder::new();
    let mut bytes = [7; 64];
    for _ in 0..CALIBRATION_ROUNDS {
        let began = Instant::now();
        near.write_all(&bytes)?;
        near.read_exact(&mut bytes)?;
        round_trips.record(began.elapsed().as_nanos() as u64);
    }
    drop(near);
    // It ends with its connection.
    let _ = echo.join();
    Ok(round_trips.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_measured() {
        let calibration = Calibration::measure();
        assert!(calibration.timer_late_max_us > 0.0, "{calibration:?}");
        assert!(calibration.message_ns > 0.0, "{calibration:?}");
        assert!(calibration.loopback_p99_us >= calibration.loopback_p50_us);
        assert!(calibration.loopback_p50_us > 0.0, "{calibration:?}");
    }

    #[test]
    fn only_a_late_timer_is_worth_a_warning() {
        let late = |timer_late_p50_us| Calibration {
            timer_late_p50_us,
            ..Calibration::default()
        };
        assert_eq!(late(60.0).warning(), None);
        assert!(late(4_000.0).warning().unwrap().contains("4.0 ms late"));
    }
}
