//! Which shards share a CPU, and how a broker ends, with shards that are not there.

use super::*;
use crate::shard::thread::Failure;

/// A broker that only hears reports.
fn broker_that_hears(reports: Vec<(u8, Result<(), Failure>)>) -> Broker {
    let (_answers, answered) = mpsc::channel();
    let (reporter, reported) = mpsc::channel();
    let threads = reports.iter().map(|_| std::thread::spawn(|| ())).collect();
    for (shard, ended) in reports {
        reporter
            .send((ShardId(shard), Report::Ended(ended)))
            .expect("it listens");
    }
    // What has not ended would report later.
    std::mem::forget(reporter);
    Broker {
        handle: BrokerHandle {
            controls: [].into(),
            wakers: [].into(),
            asking: Arc::new(Mutex::new(Asking {
                next: CommandId(0),
                answers: answered,
            })),
        },
        threads,
        reports: reported,
    }
}

#[test]
fn a_panic_of_one_shard_ends_the_wait_with_its_reason() {
    let panicked = Failure::Panicked("index out of bounds (at router/src/x.rs:1:2)".into());
    let mut broker = broker_that_hears(vec![(0, Ok(())), (2, Err(panicked))]);
    // Another shard runs on; nobody waits for it.
    broker.threads.push(std::thread::spawn(|| {
        loop {
            std::thread::park()
        }
    }));
    let error = broker.wait().expect_err("a shard panicked");
    assert_eq!(
        error.to_string(),
        "shard 2 panicked: index out of bounds (at router/src/x.rs:1:2)"
    );
}

#[test]
fn all_shards_must_end() {
    let broker = broker_that_hears(vec![(0, Ok(())), (1, Ok(()))]);
    assert!(broker.wait().is_ok());
}

#[test]
fn connections_are_shared_with_headroom() {
    let share = |max, shards| connections_per_shard(max, ShardCount(shards));
    assert_eq!(share(1_000, 1), 1_000);
    assert_eq!(share(0, 1), 1);
    assert_eq!(share(100, 4), 100, "never more than all");
    assert_eq!(share(40_000, 4), 12_756);
}

#[test]
fn only_shards_pinned_to_the_same_cpu_share_it() {
    let share = |cpus: &[Option<u16>]| -> Vec<bool> {
        let cpus: Vec<_> = cpus.iter().map(|cpu| cpu.map(CpuId)).collect();
        let shards = (0..cpus.len() as u8).map(ShardId);
        shards.map(|shard| share_cpu(&cpus, shard)).collect()
    };
    assert_eq!(share(&[Some(0), Some(1), Some(0)]), [true, false, true]);
    assert_eq!(share(&[Some(0)]), [false]);
    assert_eq!(share(&[None, None]), [false, false]);
}
