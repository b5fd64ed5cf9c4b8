//! Every bound of the router: its unit, its default and the reason for it.

/// Shards of one broker: the sets of shards in links and summaries are 64-bit masks.
pub const SHARDS_MAX: u8 = 64;

/// Longest time between two [`crate::Input::Timer`]s, milliseconds: the slot width of the timer wheel.
pub const TIMER_TICK_MILLIS: u64 = 1_000;

/// Largest packet, bytes: 1 MiB holds any telemetry and bounds what one connection can make a shard buffer.
pub const PACKET_SIZE_MAX_BYTES: u32 = 1 << 20;

/// Time for a CONNECT, seconds: ten times a bad mobile round trip; bounds idle strangers.
pub const CONNECT_TIMEOUT_SECS: u32 = 30;

/// Keep-alive cap, seconds; 0 leaves it to the client, as v3 clients cannot be told otherwise.
pub const KEEP_ALIVE_SECS_MAX: u16 = 0;

/// Unacknowledged messages towards one client: covers 100 ms of round trip at 1,000 messages/s with
/// tens of bytes each in flight, and bounds what a resume must send again.
pub const INFLIGHT_MAX: u16 = 100;

/// Unacknowledged publishes from one client: enough to keep a batch in flight while others are answered.
pub const RECEIVE_MAX: u16 = 1_000;

/// Messages waiting for one session: an hour of one reading every 3.6 s.
pub const QUEUE_MESSAGES_MAX: u32 = 1_000;

/// Bytes waiting for one session: 1,000 messages of 1 KiB.
pub const QUEUE_BYTES_MAX: u32 = 1 << 20;

/// Longest life of a session without a connection, seconds: a week, so that forgotten ones end.
pub const SESSION_EXPIRY_SECS_MAX: u32 = 7 * 24 * 3_600;

/// Sessions on one shard: beyond a million per core the machine's memory is the next bound.
pub const SESSIONS_MAX: u32 = 4_000_000;

/// Subscriptions of one session: a dashboard needs hundreds; more is a leak in the client.
pub const SUBSCRIPTIONS_PER_SESSION_MAX: u32 = 10_000;

/// Members of one shared subscription on one shard: a search that finds all of them busy has looked at each,
/// about 100 microseconds.
pub const GROUP_MEMBERS_MAX: u32 = 10_000;

/// Levels of a topic or filter: bounds the walk of one match.
pub const TOPIC_LEVELS_MAX: u16 = 128;

/// Longest client identifier, bytes: what MQTT can express; MQTT 3.1 names 23, which few clients keep to.
pub const CLIENT_ID_BYTES_MAX: u16 = u16::MAX;

/// Topic aliases one client may set: a device has a few topics, and what they take is bounded by as many of
/// the longest, 1 MiB.
pub const TOPIC_ALIASES_RECEIVED_MAX: u16 = 16;

/// Topic aliases one client is told: what a dashboard shows at a time; each takes its topic and 50 bytes.
pub const TOPIC_ALIASES_SENT_MAX: u16 = 64;

/// Retained messages homed on one shard.
pub const RETAINED_MESSAGES_MAX: u32 = 10_000_000;

/// Bytes of retained messages homed on one shard: 1 GiB, a share of a big machine's memory.
pub const RETAINED_BYTES_MAX: u64 = 1 << 30;

/// Seconds between two publications of `$SYS`, as Mosquitto has it.
pub const SYS_INTERVAL_SECS: u32 = 10;

/// Bytes of retained messages in one reply: one receive buffer's worth, so a replay never holds up a tick.
pub const RETAINED_REPLY_BYTES: u32 = 64 << 10;

/// Publishes of one connection that wait for other shards' acceptance before it is paused.
pub const GATE_ENTRIES_MAX: u32 = 1_000;

/// Longest topic that is remembered from one publish to the next, bytes: comparing a longer one costs as
/// much as looking at it again.
pub const KNOWN_TOPIC_BYTES_MAX: usize = 256;

/// Topics whose matches one shard remembers: the sensors of one shard, at about 100 B each.
pub const TOPIC_CACHE_ENTRIES_MAX: u32 = 1 << 16;

/// Bytes of topics and lists in that memory: 16 MiB, a few thousand lists of hundreds of subscribers.
pub const TOPIC_CACHE_BYTES_MAX: u64 = 16 << 20;

/// Longest merged list of subscribers that is remembered (128 KiB); making a longer one again costs
/// little beside delivering to it.
pub const TOPIC_CACHE_LIST_MAX: usize = 1 << 14;

/// Retained messages looked at for expiry per timer tick.
pub const RETAINED_SWEEP_TOPICS: u32 = 4_096;

/// Topics looked at for one reply, matching or not: bounds the time of a scan that finds little.
pub const RETAINED_SCAN_TOPICS: u32 = 4_096;

/// Topics noted as gone live while one piece of a replay is under way, per session; beyond it the piece is
/// asked for again.
pub const LIVE_TOPICS_MAX: u32 = 4_096;

/// Bytes put out for one session's queue in one go: a socket buffer's worth, so that a long queue cannot
/// fill a tick.
pub const DRAIN_BYTES_MAX: u32 = 256 << 10;

/// Sessions and connections whose memory is measured in one timer tick: about a millisecond.
pub const CENSUS_PLACES: u32 = 1 << 16;

/// Bytes put out for all sessions' queues in one go: sixteen sessions' turns, so that a thousand of them
/// cannot fill a tick either.
pub const TICK_DRAIN_BYTES_MAX: u32 = 4 << 20;

/// Paused connections that are read again after one input: what each has waiting is a receive or two.
pub const RESUMES_PER_INPUT: u32 = 64;

/// Bytes of answers for a peer that takes none before its connection is not read any more: thousands of
/// acknowledgements, and a bound on what a client that only writes can pile up.
pub const BLOCKED_REPLY_BYTES_MAX: u32 = 64 << 10;
