//! Alarms: when a connection or a session must be looked at again, and what is found then.
//!
//! Each place of the two tables has one timer at most that counts, whoever comes and goes there: it is
//! never later than the earliest deadline of who is there now, and who is there is asked when it fires.
//! So a flood of short connections leaves no timers behind.

use crate::connection::Connection;
use crate::ids::SessionIndex;
use crate::limits::{RETAINED_SWEEP_TOPICS, TIMER_TICK_MILLIS};
use crate::session::Flag;
use crate::timer::Wheel;
use crate::will::Will;
use crate::{CloseReason, LogEvent, Millis, Output, Outputs, Settings, Shard};

/// A place to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Of the connection table, by index.
    Connection(u32),
    /// Of the session table.
    Session(SessionIndex),
}

/// An alarm in four bytes, as the wheel holds one for each connection: the index, and in the lowest bit which table.
#[derive(Clone, Copy, Debug)]
struct Packed(u32);

impl From<Alarm> for Packed {
    fn from(alarm: Alarm) -> Packed {
        let (index, table) = match alarm {
            Alarm::Connection(index) => (index, 0),
            Alarm::Session(SessionIndex(index)) => (index, 1),
        };
        debug_assert!(index < 1 << 31, "tables have fewer places");
        Packed(index << 1 | table)
    }
}

impl From<Packed> for Alarm {
    fn from(Packed(bits): Packed) -> Alarm {
        match bits & 1 {
            0 => Alarm::Connection(bits >> 1),
            _ => Alarm::Session(SessionIndex(bits >> 1)),
        }
    }
}

/// The wheel, and the tick of each place's next timer; 0 is none.
#[derive(Debug)]
pub(crate) struct Alarms {
    wheel: Wheel<Packed>,
    connections: Vec<u32>,
    sessions: Vec<u32>,
    /// What is due; empty between inputs.
    due: Vec<Alarm>,
}

impl Alarms {
    pub(crate) fn new() -> Alarms {
        Alarms {
            wheel: Wheel::new(Millis(0)),
            connections: Vec::new(),
            sessions: Vec::new(),
            due: Vec::new(),
        }
    }

    fn place(&mut self, alarm: Alarm) -> &mut u32 {
        let (table, index) = match alarm {
            Alarm::Connection(index) => (&mut self.connections, index as usize),
            Alarm::Session(index) => (&mut self.sessions, index.0 as usize),
        };
        if table.len() <= index {
            table.resize(index + 1, 0);
        }
        &mut table[index]
    }

    /// Has the place looked at no later than one tick after `at`.
    pub(crate) fn set(&mut self, alarm: Alarm, at: Millis) {
        let tick = at.0.div_ceil(TIMER_TICK_MILLIS).max(1) as u32;
        let next = self.place(alarm);
        if *next == 0 || tick < *next {
            *next = tick;
            self.wheel.insert(at, alarm.into());
        }
    }

    /// The places to look at now.
    fn take_due(&mut self, now: Millis) -> Vec<Alarm> {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.advance(now, |alarm| due.push(alarm.into()));
        let now_tick = (now.0 / TIMER_TICK_MILLIS) as u32;
        // A later timer counts for the place, or this one was met twice.
        due.retain(|alarm| {
            let next = self.place(*alarm);
            let counts = *next != 0 && *next <= now_tick;
            if counts {
                *next = 0;
            }
            counts
        });
        due
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let places = self.connections.capacity() + self.sessions.capacity();
        self.wheel.bytes() + (places * size_of::<u32>()) as u64
    }
}

/// When the connection is to be given up, if it stays as silent as it is. Time in which the broker does not
/// want to read it does not count.
pub(crate) fn deadline(
    connection: &Connection,
    now: Millis,
    settings: &Settings,
) -> Option<Millis> {
    let millis = |secs: u64| secs * 1_000;
    if connection.session().is_none() {
        let timeout = millis(u64::from(settings.connect_timeout_secs));
        return Some(Millis(connection.active.0 + timeout));
    }
    let keep_alive = millis(u64::from(connection.keep_alive_secs)) * 3 / 2;
    let since = if connection.is_stopped() {
        now
    } else {
        connection.active
    };
    (keep_alive != 0).then_some(Millis(since.0 + keep_alive))
}

impl Shard {
    /// Looks at what was due when all that had come was read: later, a client may have spoken, or be back.
    pub(crate) fn on_timer(&mut self, read_until: Millis, outputs: &mut Outputs) {
        let by = read_until.min(self.now);
        let mut due = self.alarms.take_due(by);
        for alarm in due.drain(..) {
            match alarm {
                Alarm::Connection(index) => self.look_at_connection(index, by, outputs),
                Alarm::Session(index) => self.look_at_session(index, by, outputs),
            }
        }
        self.alarms.due = due;
        self.home.store.sweep(self.now, RETAINED_SWEEP_TOPICS);
        self.census.step(&self.sessions, &self.connections);
        self.publish_sys(outputs);
    }

    /// Closes the connection if no CONNECT came in time, or nothing for 1.5 times the keep-alive.
    /// [v5 MQTT-3.1.2-22] [v3.1.1 MQTT-3.1.2-24]
    fn look_at_connection(&mut self, index: u32, by: Millis, outputs: &mut Outputs) {
        let Some(id) = self.connections.id_at(index) else {
            return;
        };
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        match deadline(connection, self.now, &self.settings) {
            Some(deadline) if deadline > by => {
                self.alarms.set(Alarm::Connection(index), deadline);
            }
            Some(_) if connection.session().is_none() => {
                self.close(id, CloseReason::ConnectTimeout, outputs);
            }
            Some(_) => self.close(id, CloseReason::KeepAlive, outputs),
            None => {}
        }
    }

    /// Publishes a will whose delay is over, and ends a session whose time without a connection is.
    fn look_at_session(&mut self, index: SessionIndex, by: Millis, outputs: &mut Outputs) {
        if self.sessions.at(index.0).is_none() || self.sessions.hot(index).is(Flag::Connected) {
            return;
        }
        self.publish_due_will(index, by, outputs);
        let session = self.sessions.get(index);
        match session.ends() {
            Some(end) if end <= by => {
                self.stats.sessions_expired_total += 1;
                outputs.list.push(Output::Log(LogEvent::SessionExpired {
                    client_id: session.client_id.clone(),
                }));
                self.end_session(index, outputs);
            }
            _ => self.watch_session(index),
        }
    }

    /// Has a session without a connection looked at when its will is due or its time is over.
    pub(crate) fn watch_session(&mut self, index: SessionIndex) {
        let session = self.sessions.get(index);
        let will_due = session.will().and_then(Will::due);
        let deadlines = [session.ends(), will_due].into_iter().flatten();
        if let Some(first) = deadlines.min() {
            self.alarms.set(Alarm::Session(index), first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alarm, Alarms};
    use crate::Millis;
    use crate::ids::SessionIndex;

    const PLACE: Alarm = Alarm::Connection(3);

    #[test]
    fn a_place_is_looked_at_once_at_its_earliest_time() {
        let mut alarms = Alarms::new();
        alarms.set(PLACE, Millis(9_000));
        alarms.set(PLACE, Millis(4_000));
        alarms.set(PLACE, Millis(6_000));
        assert_eq!(alarms.take_due(Millis(3_999)), []);
        assert_eq!(alarms.take_due(Millis(4_000)), [PLACE]);
        // The later one counts no more, unless it is asked for again.
        assert_eq!(alarms.take_due(Millis(20_000)), []);
        alarms.set(PLACE, Millis(21_000));
        assert_eq!(alarms.take_due(Millis(21_000)), [PLACE]);
    }

    #[test]
    fn packing_keeps_table_and_index() {
        for index in [0, 1, 77, (1 << 31) - 1] {
            for alarm in [
                Alarm::Connection(index),
                Alarm::Session(SessionIndex(index)),
            ] {
                assert_eq!(Alarm::from(super::Packed::from(alarm)), alarm);
            }
        }
    }

    #[test]
    fn an_old_timer_does_not_stand_in_for_a_later_one() {
        let mut alarms = Alarms::new();
        alarms.set(PLACE, Millis(9_000));
        alarms.set(PLACE, Millis(2_000));
        assert_eq!(alarms.take_due(Millis(2_000)), [PLACE]);
        alarms.set(PLACE, Millis(15_000));
        assert_eq!(alarms.take_due(Millis(9_000)), []);
        assert_eq!(alarms.take_due(Millis(15_000)), [PLACE]);
    }

    #[test]
    fn a_flood_of_short_connections_leaves_no_timers_behind() {
        let mut alarms = Alarms::new();
        for millis in 0..100_000 {
            alarms.set(PLACE, Millis(millis + 30_000));
        }
        let bytes = alarms.bytes();
        assert!(bytes < 20_000, "{bytes} bytes");
    }
}
