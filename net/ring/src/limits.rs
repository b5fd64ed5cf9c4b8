//! Every bound and pace of the engine that is not a setting, with unit and reason.
//!
//! What a user may want to change is in [`crate::EngineConfig`]; nothing here is read from outside.

use std::time::Duration;

/// Slots of one table of direct descriptors. The kernel's own bound is 2^20 and RLIMIT_NOFILE; below
/// it, a cancel walks one of 256 hash chains of the ring, so a ring of 2^16 keeps chains near 256.
pub(crate) const TABLE_SLOTS_MAX: u32 = 1 << 16;

/// Bits of a location that hold the slot; the rest hold the ring.
pub(crate) const SLOT_BITS: u32 = 20;

/// Rings of one engine: what is left of a location's 32 bits.
pub(crate) const RINGS_MAX: usize = 1 << (32 - SLOT_BITS);

/// Descriptors the engine needs beside its table: rings, eventfds, listeners, sockets being installed.
pub(crate) const DESCRIPTORS_MIN: u64 = 64;

/// Bytes gathered into scratch before the sends queued so far are submitted: stays in the L2 cache.
pub(crate) const SCRATCH_BYTES_MAX: usize = 512 * 1024;

/// Smallest and largest chunk of an output queue, in bytes. Chunks double, so a slightly blocked
/// connection holds 4 KiB and a heavily blocked one sends 64 KiB at a time.
pub(crate) const CHUNK_BYTES_MIN: usize = 4 * 1024;
/// See [`CHUNK_BYTES_MIN`].
pub(crate) const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Bytes of free chunks kept for the next blocked connection; beyond it they go to the allocator.
pub(crate) const CHUNK_POOL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Milliseconds of an epoch, the grain in which activity of a connection is remembered.
pub(crate) const EPOCH_MILLIS: u64 = 16;

/// Receives with data, each within an epoch or two of the one before, that make a connection busy:
/// about 50 messages a second. A sensor that speaks once a second stays idle.
pub(crate) const BUSY_RECEIVES: u8 = 4;

/// Epochs without data after which a busy connection is idle again: about a second.
pub(crate) const IDLE_EPOCHS: u16 = 64;

/// Bytes of acknowledgements that one connection may have held back: a dozen or so, which share a segment.
pub(crate) const HELD_BYTES_MAX: usize = 64;

/// Pause of accepting after the kernel ran out of memory or files.
pub(crate) const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Receive buffers that a ring gives the kernel at first: two turns' worth. What is not given is never touched, and
/// a broker with fifty rings would otherwise hold fifty megabytes for a burst that few of them ever see.
pub(crate) const RECEIVE_BUFFERS_AT_FIRST: u16 = 64;

/// Completions copied out of a ring at once.
pub(crate) const REAP_BATCH: usize = 128;

/// Bytes thrown away by one receive of a connection that lingers: no buffer is needed for them.
pub(crate) const DISCARD_BYTES: u32 = 1 << 20;

/// Enters that a completion may take to appear while probing; most take one.
pub(crate) const PROBE_ENTERS_MAX: usize = 16;

const _: () = assert!(TABLE_SLOTS_MAX <= 1 << SLOT_BITS);
const _: () = assert!(CHUNK_BYTES_MIN.is_power_of_two() && CHUNK_BYTES_MAX.is_power_of_two());
