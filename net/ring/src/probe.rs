//! Whether this kernel has what the engine uses. Features are tried on two small rings and a pair of Unix
//! sockets, not read off a version number.
//!
//! The program calls [`probe`] once, before it makes engines, for a clear message; it leaves nothing behind.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use io_uring::{Probe, opcode};

use crate::config::EngineConfig;
use crate::connect::put_into_table;
use crate::error::EngineError;
use crate::limits::PROBE_ENTERS_MAX;
use crate::ring::{Completion, Ring};
use crate::submission::Request;

const RECEIVE: u64 = 1;
const HAND_OVER: u64 = 2;
const ARRIVAL: u64 = 3;

/// Operations the engine uses, with the kernel release that brought each.
const OPERATIONS: [(u8, &str, &str); 11] = [
    (opcode::PollAdd::CODE, "IORING_OP_POLL_ADD", "5.1"),
    (opcode::Accept::CODE, "IORING_OP_ACCEPT", "5.5"),
    (opcode::AsyncCancel::CODE, "IORING_OP_ASYNC_CANCEL", "5.5"),
    (opcode::Connect::CODE, "IORING_OP_CONNECT", "5.5"),
    (opcode::Close::CODE, "IORING_OP_CLOSE", "5.6"),
    (opcode::FilesUpdate::CODE, "IORING_OP_FILES_UPDATE", "5.6"),
    (opcode::Read::CODE, "IORING_OP_READ", "5.6"),
    (opcode::Send::CODE, "IORING_OP_SEND", "5.6"),
    (opcode::Recv::CODE, "IORING_OP_RECV", "5.6"),
    (opcode::Shutdown::CODE, "IORING_OP_SHUTDOWN", "5.11"),
    (opcode::MsgRingData::CODE, "IORING_OP_MSG_RING", "5.18"),
];

/// Checks every kernel feature the engine uses. The error names the first one that is missing and the
/// kernel release that brought it.
pub fn probe() -> Result<(), EngineError> {
    let config = EngineConfig {
        receive_buffers: 4,
        receive_buffer_bytes: 64,
        submission_entries: 8,
        completion_entries: 16,
        ..EngineConfig::default()
    };
    let mut ring = Ring::new(&config, 4)?;
    let mut other = Ring::new(&config, 4)?;
    features(&ring)?;
    operations(&ring)?;
    let pair =
        UnixStream::pair().map_err(|e| EngineError::system("making a pair of sockets", e))?;
    let slot = put_into_table(&mut ring, pair.0.as_raw_fd())?.map_err(|_| {
        EngineError::FeatureMissing {
            feature: "automatic slots for direct descriptors",
            kernel: "5.19",
        }
    })?;
    receive_multi(&mut ring, slot, &pair.1)?;
    hand_over(&mut ring, slot, &mut other)
}

fn features(ring: &Ring) -> Result<(), EngineError> {
    let parameters = ring.io().params();
    let all = [
        (parameters.is_feature_nodrop(), "IORING_FEAT_NODROP", "5.5"),
        (
            parameters.is_feature_submit_stable(),
            "IORING_FEAT_SUBMIT_STABLE",
            "5.5",
        ),
        (
            parameters.is_feature_fast_poll(),
            "IORING_FEAT_FAST_POLL",
            "5.7",
        ),
        (
            parameters.is_feature_ext_arg(),
            "IORING_FEAT_EXT_ARG",
            "5.11",
        ),
        (
            parameters.is_feature_skip_cqe_on_success(),
            "IORING_FEAT_CQE_SKIP",
            "5.17",
        ),
    ];
    first_missing(&all)
}

fn operations(ring: &Ring) -> Result<(), EngineError> {
    let mut known = Probe::new();
    ring.io()
        .submitter()
        .register_probe(&mut known)
        .map_err(|_| EngineError::FeatureMissing {
            feature: "IORING_REGISTER_PROBE",
            kernel: "5.6",
        })?;
    first_missing(&OPERATIONS.map(|(code, name, kernel)| (known.is_supported(code), name, kernel)))
}

fn first_missing(all: &[(bool, &'static str, &'static str)]) -> Result<(), EngineError> {
    match all.iter().find(|(present, ..)| !present) {
        Some(&(_, feature, kernel)) => Err(EngineError::FeatureMissing { feature, kernel }),
        None => Ok(()),
    }
}

fn receive_multi(ring: &mut Ring, slot: u32, mut peer: &UnixStream) -> Result<(), EngineError> {
    peer.write_all(b"x")
        .map_err(|e| EngineError::system("writing to a socket", e))?;
    ring.queue(&Request::receive_multi(slot, RECEIVE))?;
    let received = next(ring, RECEIVE)?;
    if received.is_some_and(|c| c.result == 1 && c.more() && c.buffer().is_some()) {
        return Ok(());
    }
    Err(EngineError::FeatureMissing {
        feature: "multishot receive",
        kernel: "6.0",
    })
}

fn hand_over(ring: &mut Ring, slot: u32, other: &mut Ring) -> Result<(), EngineError> {
    ring.queue(&Request::hand_over(slot, other.fd(), ARRIVAL, HAND_OVER))?;
    ring.submit()?;
    let arrived = next(other, ARRIVAL)?.is_some_and(|c| c.result >= 0);
    let sent = next(ring, HAND_OVER)?.is_some_and(|c| c.result >= 0);
    if arrived && sent {
        return Ok(());
    }
    Err(EngineError::FeatureMissing {
        feature: "IORING_MSG_SEND_FD with an automatic slot",
        kernel: "6.3",
    })
}

/// The completion with that user data, if it comes within a few enters.
fn next(ring: &mut Ring, user_data: u64) -> Result<Option<Completion>, EngineError> {
    let mut completions = Vec::new();
    for _ in 0..PROBE_ENTERS_MAX {
        ring.run()?;
        completions.clear();
        ring.pick(&mut completions, |other| other == user_data)?;
        if let Some(&completion) = completions.first() {
            return Ok(Some(completion));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_missing_feature_is_named() {
        let all = [(true, "a", "5.1"), (false, "b", "5.2"), (false, "c", "5.3")];
        let error = first_missing(&all).expect_err("b is missing");
        assert_eq!(error.to_string(), "the kernel lacks b (needs Linux 5.2)");
        assert!(first_missing(&all[..1]).is_ok());
    }

    #[test]
    fn probing_again_and_again_leaves_nothing_behind() {
        let open = || std::fs::read_dir("/proc/self/fd").expect("procfs").count();
        if let Err(reason) = probe() {
            panic!("these tests need io_uring: {reason}");
        }
        let before = open();
        for _ in 0..50 {
            assert!(probe().is_ok());
        }
        assert!(open() < before + 50);
    }
}
