//! Every bound of the core that is not the router's: its unit, its default and the reason for it.

use std::time::Duration;

/// Connections of the whole broker: what the design was measured with on 24 GiB.
pub const CONNECTIONS_MAX: u32 = 1_000_000;

/// Time between the order to stop and the end of the process, seconds: enough to flush to every client
/// that still reads, below the 10 s after which containers are killed.
pub const SHUTDOWN_SECS: u32 = 5;

/// Connections that wait in the kernel for one listening socket to accept them. The kernel lowers it to
/// `net.core.somaxconn`, which is 4,096 by default.
pub const LISTEN_BACKLOG: i32 = 4_096;

/// Items in the message ring from one shard to another: one item per tick and destination, so this is
/// how many ticks a shard may fall behind before its senders wait.
pub const LINK_CAPACITY: u32 = 1_024;

/// Listeners of one broker: each costs every shard a socket and a poll.
pub const LISTENERS_MAX: usize = 64;

/// Lines of the log that wait to be written: a burst of a tenth of a second at 80,000 lines per second.
pub const LOG_LINES_MAX: usize = 8_192;

/// Questions to the authenticator that wait for a thread. At 23 ms for an argon2id hash one thread answers
/// the last of them within the 30 s that a client has for its CONNECT; more would be answered to nobody.
pub const AUTHENTICATIONS_WAITING_MAX: usize = 1_024;

/// Threads that check passwords: each uses 19 MiB while it hashes.
pub const AUTHENTICATION_THREADS_MAX: u8 = 64;

/// Nice value of those threads: below all others, as a login may wait and a message may not.
pub const AUTHENTICATION_NICE: i32 = 19;

/// Salt of a new password hash, bytes: no two passwords share one.
pub const SALT_BYTES: usize = 16;

/// Rounds of PBKDF2 in a new SCRAM-SHA-256 verifier: what RFC 7677 asks for where devices can do it. The
/// client pays for them at each login, the server never.
pub const SCRAM_ITERATIONS: u32 = 15_000;

/// Random bytes in the server's part of a SCRAM nonce: beyond guessing.
pub const SCRAM_NONCE_BYTES: usize = 18;

/// Longest password, bytes: what an MQTT packet can carry.
pub const PASSWORD_BYTES_MAX: usize = 65_535;

// What one tick of a shard may do before it sends.

/// Completions of the rings that one look at them handles. One-to-one traffic is cheapest at 20 to 30
/// connections a tick, receive to send, while their sockets are in the cache.
pub(crate) const COMPLETIONS_PER_LOOK: u32 = 32;

/// Looks at the rings in one tick while many receives feed few sends: each look more lets more messages
/// share a segment, up to 512 completions.
pub(crate) const LOOKS_PER_TICK: u32 = 16;

/// Events that a look must have brought for another one before the next sleep, on a shard that lets completions gather
/// in its sleep: half of what a look handles.
pub(crate) const EVENTS_PER_LOOK_MIN: usize = COMPLETIONS_PER_LOOK as usize / 2;

/// Events per connection with output from which on a tick looks again before it sends.
pub(crate) const EVENTS_PER_SEND_MIN: usize = 4;

/// Sends from which on a shard that shares its CPU gives way to the others first: they take 60 us and more, giving way
/// 1 us and what the others have to do anyway.
pub(crate) const GIVE_WAY_SENDS_MIN: usize = 16;

/// Ticks that an acknowledgement waits at most for company while input keeps coming: enough for every busy
/// client to have had its turn.
pub(crate) const HELD_TICKS_MAX: u32 = 16;

/// Least time of a sleep while many receives feed few sends, microseconds: several times what a wake-up costs,
/// and little beside the time that a message spends in a socket when so many come.
pub(crate) const GATHER_MICROS: u64 = 200;

/// Ticks after which what they did counts half.
pub(crate) const PACE_TICKS: u32 = 64;

/// Receives of a busy shard after which PUBRELs have waited long enough for the next message to the same client that
/// were there at the last such moment, so that each waits for one to two times as many: a few from each of several
/// hundred busy clients. Were all to go at once, those that have just begun to wait would go alone.
pub(crate) const HELD_ROUND_RECEIVES: usize = 1_024;

/// How much of the last time is not read, milliseconds, when a shard is behind: what a client with the shortest
/// keep-alive, 1 s, may be late itself.
pub(crate) const BEHIND_MILLIS_MIN: u64 = 500;

/// Looks in a row that found all there was until that is read: one for a poll, one for its receive, and one more
/// for a receive that had to be armed again.
pub(crate) const LOOKS_TO_READ: usize = 3;

/// Longest time that is not read yet and still counts for clients, milliseconds, in a shard that stays behind: one
/// shard reads and answers a million PINGREQs in it.
pub(crate) const UNREAD_MILLIS_MAX: u64 = 10_000;

/// Timers of a shard that has just fallen behind, however far, before that bound holds: as long as it is.
pub(crate) const CATCH_UP_TIMERS: u32 =
    (UNREAD_MILLIS_MAX / ringmq_router::limits::TIMER_TICK_MILLIS) as u32;

/// Shortest time between two lines of the log that a shard is behind, milliseconds: one that is at its limit falls
/// behind many times a minute.
pub(crate) const TELL_BEHIND_MILLIS: u64 = 60_000;

/// Time without input after which it waits no longer.
pub(crate) const HELD_MOMENT: Duration = Duration::from_micros(50);

/// Bytes of frames that a tick gathers before it sends in its midst: what a second-level cache holds, and
/// far below the 4 GiB that a frame's range can name.
pub(crate) const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// Capacity that the buffer of frames keeps when a burst is over, bytes.
pub(crate) const OUTPUT_BYTES_KEPT: usize = 4 << 20;

/// Items taken from one other shard in one tick, so that no neighbour keeps a shard from its own clients.
pub(crate) const LINK_ITEMS_PER_TICK: u32 = 64;

/// Time for the second half of a connection between shards to come, milliseconds. Both halves take
/// microseconds; a half that is alone for this long has lost its other half.
pub(crate) const HAND_OVER_MILLIS: u64 = 10_000;

/// Time that peers have to close their side when a stop has told them everything, milliseconds. Closing
/// over what they still send would be a reset, which can cost them our last words.
pub(crate) const STOP_PEERS_MILLIS: u64 = 500;

/// While a shard stops it looks this often whether its last connection is closed, milliseconds.
pub(crate) const STOP_LOOK_MILLIS: u64 = 10;

/// Commands of the control plane that wait for one shard.
pub(crate) const COMMANDS_MAX: usize = 1_024;

/// Connections that each of several shards has room for beyond its share and a quarter of it, so that
/// small limits are not missed by chance.
pub(crate) const SHARD_CONNECTIONS_SPARE: u32 = 256;

/// Open files of the process beside its shards: standard streams, signals, the log, and reading /proc.
pub const DESCRIPTORS_BASE: u64 = 32;

/// Open files of one shard beside its listeners and rings: wake-ups, and sockets that are being accepted.
pub const DESCRIPTORS_PER_SHARD: u64 = 16;

/// Open files of one io_uring ring.
pub const DESCRIPTORS_PER_RING: u64 = 2;

/// Time given to the log to write its last lines when the process ends, milliseconds. More than a healthy
/// output needs; a stuck one must not keep the process.
pub const LOG_FLUSH_MILLIS: u64 = 500;

/// Time beyond [`SHUTDOWN_SECS`] after which a stop that hangs ends the process, seconds.
pub const SHUTDOWN_GRACE_SECS: u64 = 5;

/// Time that a starting broker gives to a killed one's sockets to go, milliseconds. The kernel closes them
/// within a second even for many connections.
pub const PORT_WAIT_MILLIS: u64 = 3_000;

/// While it waits, it looks this often, milliseconds.
pub const PORT_LOOK_MILLIS: u64 = 20;

/// Open files of a process that are looked at to find who holds a port. Programs open their listeners
/// early, and a process may have very many connections.
pub const HOLDER_DESCRIPTORS_MAX: usize = 1_024;
