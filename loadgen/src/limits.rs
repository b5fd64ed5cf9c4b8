//! Every bound and default of loadgen that is not an option, with its unit and its reason.
//!
//! All modules read from here. Nothing here may depend on a run.

use std::time::Duration;

/// Bytes of a stamped payload at least: magic, run, publisher, sequence, due time, checksum.
pub(crate) const STAMP_BYTES: usize = 32;

/// Bytes of the compact stamp, for payloads that are shorter than that.
pub(crate) const STAMP_BYTES_MIN: usize = 16;

/// Bytes of a payload at most. Keeps one tick's arena far below the 4 GiB that a frame's range can name.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// The longest packet taken from a broker, in bytes: the largest payload and a generous header.
pub(crate) const PACKET_SIZE_MAX: u32 = 2 << 20;

/// Latencies above this are recorded as this. One hour: no run waits longer.
pub(crate) const LATENCY_NS_MAX: u64 = 3_600 * 1_000_000_000;

/// Ranges of missing sequence numbers remembered for each publisher and subscriber. What arrives later
/// than so many further losses counts as duplicated.
pub(crate) const GAPS_MAX: usize = 64;

/// The same for each stream and shared subscription: its members take turns and overtake each other, so
/// that gaps open and close all the time.
pub(crate) const GAPS_OF_SHARE_MAX: usize = 4_096;

/// Pairs of member and stream of shared subscriptions up to which the order that each member sees is
/// judged: 4 bytes each, 64 MiB.
pub(crate) const ORDER_PAIRS_MAX: usize = 16 << 20;

/// Publishes sent in one tick at most, so that receiving is never starved by sending.
pub(crate) const SENDS_PER_TICK_MAX: usize = 1_024;

/// Ticks after the end of the load in which what was due before it is sent, at most: what is due in a tick that
/// took a tenth of a second, at 160,000 a second. More than that is a load that cannot be sent.
pub(crate) const ENDING_TICKS_MAX: u32 = 16;

/// Bytes written in one tick at most; the engine's buffers are flushed when it is reached.
pub(crate) const ARENA_BYTES_MAX: usize = 4 << 20;

/// A send this much later than it was due counts as late, in nanoseconds. Well above the timer's own
/// error, well below what a percentile would hide.
pub(crate) const LATE_SEND_NS: u64 = 1_000_000;

/// Share of late sends above which the report warns.
pub(crate) const LATE_SHARE_WARN: f64 = 0.01;

/// Share of one CPU used by loadgen itself above which the report warns that it is the bottleneck.
pub(crate) const OWN_CPU_WARN: f64 = 0.90;

/// QoS 1 and 2 publishes in flight on one connection when the broker names no Receive Maximum: all
/// packet identifiers but the one SUBSCRIBE uses. [v5 3.2.2.3.3]
pub(crate) const IN_FLIGHT_MAX: u16 = 65_535;

/// Connections per source address before `--source-addresses auto` takes the next one. The search for a
/// free port slows down long before the 28,000 of the default port range are used up.
pub(crate) const CONNECTIONS_PER_SOURCE: u32 = 5_000;

/// Slots of the engine beyond the connections of the run: the observer of `$SYS` and closing sockets.
pub(crate) const SPARE_SLOTS: u32 = 64;

/// Bytes of one receive buffer of the engine.
pub(crate) const RECEIVE_BUFFER_BYTES: u32 = 16 * 1024;

/// How long one wait for events lasts at most when nothing is due, so that phases end in time.
pub(crate) const WAIT_MAX: Duration = Duration::from_millis(50);

/// Wait before trying again when the engine has not let go of closed connections yet.
pub(crate) const SLOT_WAIT: Duration = Duration::from_millis(2);

/// Filters in one SUBSCRIBE at most: brokers bound the packet's size, some the filters in it.
pub(crate) const FILTERS_PER_SUBSCRIBE: usize = 100;

/// Filters of one subscriber at most: each SUBSCRIBE of its arrival has a packet identifier of its own.
pub(crate) const FILTERS_EACH_MAX: u32 = 1_000_000;

/// Exchanges of subscriptions in one tick at most.
pub(crate) const CHANGES_PER_TICK_MAX: u32 = 1_024;

/// How long brokers are asked to keep the sessions of clients that are away. They are removed at the end of
/// the run; this is for runs that are broken off.
pub(crate) const SESSION_EXPIRY_SECS: u32 = 3_600;

/// How often a loop looks whether the others are ready, in nanoseconds.
pub(crate) const START_LOOK_NS: u64 = 1_000_000;

/// Loops that may carry out one load: more than any machine has use for.
pub(crate) const THREADS_MAX: u32 = 64;

/// Messages on each topic of a backlog when the scenario does not say.
pub(crate) const MESSAGES_EACH_DEFAULT: u32 = 10;

/// How long an agent may take to answer a question, and to be reached.
pub(crate) const AGENT_REPLY_WITHIN: Duration = Duration::from_secs(10);

/// How long coordinator and agent wait for each other's next message before they look at other things.
pub(crate) const AGENT_LOOK: Duration = Duration::from_millis(10);

/// Questions for an agent's clock: the best of so many bounds the error of its offset.
pub(crate) const AGENT_CLOCK_QUESTIONS: u32 = 100;

/// How far ahead the common start lies, so that every agent hears of it before.
pub(crate) const AGENT_START_IN: Duration = Duration::from_millis(200);

/// Bytes of one message between coordinator and agent at most: the histograms of a day of seconds.
pub(crate) const AGENT_LINE_BYTES_MAX: usize = 1 << 30;

/// Round trips over the loopback that the calibration makes.
pub(crate) const CALIBRATION_ROUNDS: u32 = 200;

/// Factors of a scenario's rate between which the highest is searched.
pub(crate) const LIMIT_FACTOR_MIN: f64 = 1.0 / 1024.0;
pub(crate) const LIMIT_FACTOR_MAX: f64 = 1024.0;

/// The search ends when the lowest rate that failed is less than so many times the highest that passed.
pub(crate) const LIMIT_GAP: f64 = 1.05;

/// How often the running figures are shown.
pub(crate) const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// How often they are printed where standard error is no terminal.
pub(crate) const PROGRESS_LINE_EVERY: Duration = Duration::from_secs(5);

/// How often the broker's CPU is probed. Other tenants come and go within a tenth of a second and more.
pub(crate) const PROBE_EVERY: Duration = Duration::from_millis(20);

/// Pieces of a probe's work, of which the middle one counts, and rounds of each. Together some 50 us on a core
/// of 2.5 GHz: a quarter percent of the CPU, and far above what reading the clock takes.
pub(crate) const PROBE_PIECES: usize = 3;
pub(crate) const PROBE_ROUNDS: u32 = 96;

/// Probes kept of a run on each CPU: eleven hours, 80 MiB. Later ones are not made.
pub(crate) const PROBES_MAX: usize = 2_000_000;

/// A CPU counts as undisturbed while its probes take at most this share longer than its quick ones. A core
/// shared with somebody is slower by a third and more; an undisturbed one varies by 2 %.
pub(crate) const PROBE_QUICK_WITHIN: f64 = 0.12;

/// The quick time of a CPU is that of the probe with this share of quicker ones, but at least so many. Well below
/// [`UNDISTURBED_SHARE_MIN`], so that few undisturbed ones are found; not the least, which may be a fluke.
pub(crate) const PROBE_QUICK_QUANTILE: f64 = 0.005;
pub(crate) const PROBE_QUICK_RANK_MIN: usize = 2;

/// Probes that may be missing between two whose interval counts.
pub(crate) const PROBE_SLOTS_MISSED_MAX: u64 = 1;

/// Undisturbed time that a figure needs: below it a few messages decide.
pub(crate) const UNDISTURBED_MIN: Duration = Duration::from_millis(200);

/// Share of the measured phase that must be undisturbed. With less the quick probes themselves are in doubt.
pub(crate) const UNDISTURBED_SHARE_MIN: f64 = 0.02;

/// Share of the broker's CPU time that threads without a probe may use.
pub(crate) const OTHER_THREADS_SHARE_MAX: f64 = 0.05;

/// Share by which the quick probes of a run may be slower than those of the runs it is compared with. Above it,
/// the run never saw its CPU undisturbed.
pub(crate) const QUICK_DIFFERS_MAX: f64 = 0.10;

/// Share of what was measured by which two runs may begin apart and still be runs at the same time. Begun by one
/// script they are some ten milliseconds apart, a hundredth of the shortest run worth comparing.
pub(crate) const AT_ONCE_APART_MAX: f64 = 0.1;

/// CPUs probed at most: on more of them hardly any moment is undisturbed on all.
pub(crate) const PROBED_CPUS_MAX: usize = 8;

/// Threads of the broker looked at at most: each look takes some microseconds.
pub(crate) const PROBED_THREADS_MAX: usize = 64;

/// Interval of `$SYS` assumed until two of its publications were seen; Mosquitto's default.
pub(crate) const SYS_INTERVAL: Duration = Duration::from_secs(10);

/// Bytes of the messages to connections that are reached: those of the other scenarios.
pub(crate) const REACH_PAYLOAD_BYTES: usize = 64;

/// How long one wait for events lasts at most while many connections are held: keep-alives leave in small
/// groups instead of a thousand at once.
pub(crate) const REACH_WAIT_MAX: Duration = Duration::from_millis(5);

/// PINGREQs sent in one tick when idle connections are asked whether they still answer.
pub(crate) const PINGS_PER_TICK_MAX: u32 = 2_000;

/// Different reasons of failures kept apart; further ones are counted together.
pub(crate) const FAILURE_REASONS_MAX: usize = 16;
