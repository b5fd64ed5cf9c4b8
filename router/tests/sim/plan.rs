//! The knobs of one run, all drawn from its seed: how many shards and clients, how slow the network is,
//! how tight the bounds are, how often things go wrong.

use ringmq_codec::Version;
use ringmq_router::{AuthenticationMode, Settings, SharedStrategy};

use crate::random::{Concern, Random};

/// Events a run handles at least, `Timer` and `EndOfTick` not counted.
pub(crate) const EVENTS_MIN: u64 = 20_000;

/// Seconds of quiet at the end of each round: longer than any will delay or wheel slot.
pub(crate) const QUIET_SECS: u32 = 16;

/// Longest will delay and shortest-lived sessions' expiry in the workload, seconds.
pub(crate) const DELAY_SECS_MAX: u32 = 4;

/// A bound that no queue of a run reaches, messages.
const QUEUE_MESSAGES_FAR: u32 = 100_000;

/// The same in bytes.
const QUEUE_BYTES_FAR: u32 = 64 << 20;

/// How a client of the workload behaves.
#[derive(Clone, Debug)]
pub(crate) struct ClientPlan {
    pub(crate) version: Version,
    /// The broker names it (v5) or it has no session (v3.1.1): a new client identifier each time.
    pub(crate) assigned: bool,
    /// How often it asks for a session that outlives the connection, per mille of its connects.
    pub(crate) persistent: u64,
    pub(crate) keep_alive_secs: u16,
    /// v5 Receive Maximum, when it names one.
    pub(crate) receive_max: Option<u16>,
    /// v5 Maximum Packet Size, when it names one.
    pub(crate) packet_max: Option<u32>,
    /// v5 Topic Alias Maximum.
    pub(crate) alias_max: u16,
    /// Publishes it keeps unacknowledged at most.
    pub(crate) outgoing_max: usize,
    /// Mean time until it acknowledges, microseconds.
    pub(crate) ack_delay: u64,
}

/// How often faults strike, per mille of a client's steps.
#[derive(Clone, Debug)]
pub(crate) struct FaultRates {
    pub(crate) reset: u64,
    pub(crate) fin: u64,
    pub(crate) half_open: u64,
    pub(crate) takeover: u64,
    pub(crate) stall: u64,
    pub(crate) garbage: u64,
    pub(crate) storm: u64,
    /// Of a shard's timers: it does not get to what waits for it.
    pub(crate) behind: u64,
}

/// What surrounds the broker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    /// Per mille of workers' CONNECTs that are refused, when each is judged outside.
    pub(crate) refused: u64,
    /// Mean time of a judgement, microseconds.
    pub(crate) verdict_delay: u64,
    /// Mean time until a record of the log is durable, microseconds.
    pub(crate) durable_delay: u64,
    /// An operator changes settings, asks for counters and throws clients out.
    pub(crate) operator: bool,
    /// The broker is shut down at the end, under load.
    pub(crate) shutdown: bool,
}

/// Everything that shapes one run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) shards: u8,
    pub(crate) clients: Vec<ClientPlan>,
    pub(crate) settings: Settings,
    pub(crate) link_capacity: usize,
    pub(crate) link_delay: u64,
    pub(crate) network_delay: u64,
    pub(crate) activation_delay: u64,
    pub(crate) inputs_per_tick: u64,
    /// Per mille of arrivals that are cut in two.
    pub(crate) split: u64,
    /// A shard whose ticks come twenty times as late.
    pub(crate) slow_shard: Option<u8>,
    /// Bytes a socket holds towards a client.
    pub(crate) socket_capacity: usize,
    pub(crate) step_mean: u64,
    pub(crate) retained_per_client: u16,
    pub(crate) retained_payload_max: u64,
    pub(crate) payload_max: u64,
    pub(crate) burst_max: u64,
    /// Per mille of v5 publishes that carry an expiry.
    pub(crate) expiring: u64,
    /// Per mille of workers' subscriptions and publishes that are for groups.
    pub(crate) sharing: u64,
    pub(crate) faults: FaultRates,
    pub(crate) surroundings: Surroundings,
    /// Events of one round before it becomes quiet.
    pub(crate) round_events: u64,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(seed: u64) -> Plan {
        let mut random = Random::new(seed, Concern::Plan);
        let shards = 1 + (seed % 5) as u8;
        let workers = random.within(5..=10);
        let tight = random.chance(400);
        let clients = (0..workers).map(|_| client(&mut random, tight)).collect();
        let heavy = random.chance(200);
        let link_slow = random.chance(400);
        let link_delay = if link_slow {
            random.within(2_000..=30_000)
        } else {
            random.within(5..=500)
        };
        let slow_shard = random
            .chance(300)
            .then(|| random.below(u64::from(shards)) as u8);
        let mut settings = settings(&mut random, tight);
        let mut surroundings = surroundings(seed, &mut settings);
        let sharing = sharing(seed, &mut settings, &mut surroundings);
        Plan {
            seed,
            shards,
            clients,
            settings,
            surroundings,
            sharing,
            link_capacity: *random.pick(&[1, 2, 4, 8, 64]),
            link_delay,
            network_delay: *random.pick(&[20, 200, 2_000, 10_000]),
            activation_delay: *random.pick(if slow_shard.is_some() {
                &[5, 50]
            } else {
                &[5, 50, 1_000]
            }),
            inputs_per_tick: *random.pick(&[1, 4, 32, 128]),
            split: *random.pick(&[20, 200, 600]),
            slow_shard,
            socket_capacity: *random.pick(&[256, 2_048, 65_536]),
            step_mean: random.within(20_000..=80_000),
            retained_per_client: if heavy { 12 } else { 3 },
            retained_payload_max: if heavy { 6_000 } else { 60 },
            payload_max: *random.pick(&[16, 60, 400, 4_000]),
            burst_max: *random.pick(&[4, 16, 60]),
            expiring: if random.chance(300) { 200 } else { 0 },
            faults: faults(&mut random),
            round_events: random.within(4_000..=8_000),
        }
    }
}

impl Plan {
    /// Whether some queue may be full at some time.
    pub(crate) fn queues_are_bounded(&self) -> bool {
        self.surroundings.operator || self.settings.queue_messages_max < QUEUE_MESSAGES_FAR
    }
}

fn client(random: &mut Random, tight: bool) -> ClientPlan {
    let version = *random.pick(&[
        Version::V5,
        Version::V5,
        Version::V5,
        Version::V311,
        Version::V311,
        Version::V31,
    ]);
    let v5 = version.is_v5();
    let assigned = version != Version::V31 && random.chance(120);
    ClientPlan {
        version,
        assigned,
        persistent: if assigned {
            0
        } else {
            *random.pick(&[300, 700, 950])
        },
        keep_alive_secs: *random.pick(&[0, 2, 5, 60]),
        receive_max: (v5 && random.chance(400)).then(|| *random.pick(&[1, 1, 2, 3, 6, 12])),
        packet_max: (v5 && random.chance(150)).then_some(180),
        alias_max: if v5 {
            *random.pick(&[0, 0, 1, 2, 10])
        } else {
            0
        },
        outgoing_max: random.within(1..=20) as usize,
        ack_delay: if tight {
            *random.pick(&[100, 5_000, 200_000])
        } else {
            *random.pick(&[0, 100, 5_000])
        },
    }
}

fn settings(random: &mut Random, tight: bool) -> Settings {
    let mut settings = Settings {
        sys_interval_secs: 0,
        ..Settings::default()
    };
    if tight {
        settings.queue_messages_max = random.within(3..=40) as u32;
        settings.inflight_max = random.within(1..=10) as u16;
        settings.receive_max = random.within(1..=20) as u16;
        if random.chance(500) {
            settings.queue_bytes_max = random.within(500..=4_000) as u32;
        }
    } else {
        settings.queue_messages_max = QUEUE_MESSAGES_FAR;
        settings.queue_bytes_max = QUEUE_BYTES_FAR;
    }
    if random.chance(60) {
        settings.retained_messages_max = random.within(1..=4) as u32;
    }
    settings.session_expiry_secs_max = *random.pick(&[2, 30, 3_600]);
    if random.chance(300) {
        settings.sys_interval_secs = 2;
    }
    settings
}

/// How much is for groups, and how it is shared. Where queues may be full a message may find no member, so half
/// of the runs give them all room: then every one must arrive.
fn sharing(seed: u64, settings: &mut Settings, surroundings: &mut Surroundings) -> u64 {
    let mut random = Random::new(seed, Concern::Sharing);
    settings.shared_strategy = *random.pick(&SharedStrategy::ALL);
    if random.chance(500) {
        let other = *random.pick(&SharedStrategy::ALL);
        settings.shared_strategy_by_group.insert("b".into(), other);
    }
    let sharing = *random.pick(&[0, 150, 400]);
    if sharing > 0 && random.chance(500) {
        settings.queue_messages_max = QUEUE_MESSAGES_FAR;
        settings.queue_bytes_max = QUEUE_BYTES_FAR;
        surroundings.operator = false;
    }
    sharing
}

fn surroundings(seed: u64, settings: &mut Settings) -> Surroundings {
    let mut random = Random::new(seed, Concern::Surroundings);
    if random.chance(300) {
        settings.authentication = AuthenticationMode::External;
    }
    settings.log = random.chance(300);
    settings.keep_alive_secs_max = *random.pick(&[0, 0, 0, 3]);
    Surroundings {
        refused: *random.pick(&[0, 50, 200]),
        verdict_delay: *random.pick(&[10, 2_000, 200_000]),
        durable_delay: *random.pick(&[50, 5_000, 100_000]),
        operator: random.chance(400),
        shutdown: random.chance(300),
    }
}

fn faults(random: &mut Random) -> FaultRates {
    let scale = *random.pick(&[0, 1, 1, 3]);
    FaultRates {
        reset: 8 * scale,
        fin: 6 * scale,
        half_open: 3 * scale,
        takeover: 5 * scale,
        stall: 8 * scale,
        garbage: 2 * scale,
        storm: 2 * scale,
        behind: 10 * scale,
    }
}
