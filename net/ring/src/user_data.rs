//! What the 64 bits of a request say about it when it completes: the operation, the connection's index
//! and the low bits of its generation.
//!
//! A completion whose generation does not fit the connection's is stale and only gives its buffer back.

/// The operations the engine has in flight. The number is the top byte of the user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Operation {
    /// Accept; the index is that of its address cell.
    Accept = 1,
    /// Single-shot receive.
    ReceiveOnce,
    /// Single-shot poll for input.
    PollIn,
    /// Multishot receive.
    ReceiveMulti,
    /// A send out of the shared scratch; completes only when it was short or failed.
    Send,
    /// A send out of the connection's queue.
    Drain,
    /// Single-shot poll for room in the socket.
    PollOut,
    /// Close of the slot.
    Close,
    /// Cancel of another request; its own result is of no interest.
    Cancel,
    /// The descriptor on its way to another engine.
    HandOver,
    /// A descriptor from another engine; the low 56 bits are the ticket.
    Arrival,
    /// Connect of a client socket.
    Connect,
    /// A client socket put into the table.
    Install,
    /// End of our half of the stream.
    Shutdown,
    /// Read of the waker's eventfd.
    Wake,
    /// Read of the eventfd of the rings beside ring 0.
    Siblings,
    /// Multishot poll of a listener; the index is its number.
    Listen,
    /// TCP's acknowledgements to a peer told to wait; completes only when that was refused.
    DelayAcks,
}

const OPERATIONS: [Operation; 18] = [
    Operation::Accept,
    Operation::ReceiveOnce,
    Operation::PollIn,
    Operation::ReceiveMulti,
    Operation::Send,
    Operation::Drain,
    Operation::PollOut,
    Operation::Close,
    Operation::Cancel,
    Operation::HandOver,
    Operation::Arrival,
    Operation::Connect,
    Operation::Install,
    Operation::Shutdown,
    Operation::Wake,
    Operation::Siblings,
    Operation::Listen,
    Operation::DelayAcks,
];

const OPERATION_SHIFT: u32 = 56;
const GENERATION_SHIFT: u32 = 32;
const GENERATION_MASK: u32 = 0x00ff_ffff;

/// Largest ticket of a hand-over: the top byte of the user data names the operation.
pub(crate) const TICKET_MAX: u64 = (1 << OPERATION_SHIFT) - 1;

/// Packs an operation of a connection.
pub(crate) fn pack(operation: Operation, index: u32, generation: u32) -> u64 {
    (operation as u64) << OPERATION_SHIFT
        | u64::from(generation & GENERATION_MASK) << GENERATION_SHIFT
        | u64::from(index)
}

/// Packs the ticket that travels with a handed-over descriptor.
pub(crate) fn pack_arrival(ticket: u64) -> u64 {
    (Operation::Arrival as u64) << OPERATION_SHIFT | (ticket & TICKET_MAX)
}

/// The operation, or `None` for a number that the engine never packs.
pub(crate) fn operation(user_data: u64) -> Option<Operation> {
    let number = (user_data >> OPERATION_SHIFT) as usize;
    OPERATIONS.get(number.wrapping_sub(1)).copied()
}

/// The index.
pub(crate) fn index(user_data: u64) -> u32 {
    user_data as u32
}

/// The ticket of an arrival.
pub(crate) fn ticket(user_data: u64) -> u64 {
    user_data & TICKET_MAX
}

/// Whether the request was made for this generation of its index.
pub(crate) fn is_of(user_data: u64, generation: u32) -> bool {
    (user_data >> GENERATION_SHIFT) as u32 & GENERATION_MASK == generation & GENERATION_MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_survives_packing() {
        for operation_in in OPERATIONS {
            let packed = pack(operation_in, 0xdead_beef, 0x1234_5678);
            assert_eq!(operation(packed), Some(operation_in));
            assert_eq!(index(packed), 0xdead_beef);
            assert!(is_of(packed, 0x1234_5678));
            assert!(is_of(packed, 0x0034_5678));
            assert!(!is_of(packed, 0x1234_5679));
        }
        assert_eq!(operation(0), None);
        assert_eq!(operation(u64::MAX), None);
    }

    #[test]
    fn a_ticket_travels_whole() {
        let packed = pack_arrival(TICKET_MAX);
        assert_eq!(operation(packed), Some(Operation::Arrival));
        assert_eq!(ticket(packed), TICKET_MAX);
    }
}
