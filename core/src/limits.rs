//! Every bound of the core that is not the router's: its unit, its default and the reason for it.

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

/// Listeners of one broker: each costs every shard a socket and its outstanding accepts.
pub const LISTENERS_MAX: usize = 64;

/// Lines of the log that wait to be written: a burst of a tenth of a second at 80,000 lines per second.
pub const LOG_LINES_MAX: usize = 8_192;
