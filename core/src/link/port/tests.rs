//! Ports on one thread, and a storm on several with rings of one slot.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ringmq_router::{ShardCount, ShardId};

use super::{Port, mesh, shards_of};

const A: ShardId = ShardId(0);
const B: ShardId = ShardId(1);

fn pair(capacity: usize) -> (Port<u32>, Port<u32>) {
    let mut ports = mesh(ShardCount(2), capacity);
    let b = ports.pop().expect("two");
    (ports.pop().expect("two"), b)
}

fn drain(port: &mut Port<u32>, items_max: u32) -> Vec<u32> {
    port.begin(items_max);
    std::iter::from_fn(|| port.receive())
        .map(|(_, item)| item)
        .collect()
}

#[test]
fn items_are_seen_after_commit_and_wake_only_a_sleeper() {
    let (mut a, mut b) = pair(4);
    assert!(!a.send(B, 1));
    assert!(drain(&mut b, 10).is_empty());
    a.commit(|_| panic!("b is awake"));
    assert!(!b.park());
    assert_eq!(drain(&mut b, 10), [1]);
    b.commit(|_| panic!("nothing to say"));

    assert!(b.park());
    a.send(B, 2);
    a.send(B, 3);
    let mut woken = Vec::new();
    a.commit(|to| woken.push(to));
    a.send(B, 4);
    a.commit(|to| woken.push(to));
    assert_eq!(woken, [B], "once");
    assert_eq!(drain(&mut b, 10), [2, 3, 4]);
}

#[test]
fn overflow_keeps_order_and_reports_full_and_ready_once() {
    let (mut a, mut b) = pair(2);
    let full: Vec<bool> = (0..6).map(|i| a.send(B, i)).collect();
    assert_eq!(full, [false, false, true, false, false, false]);
    assert_eq!(a.overflow_items(), 4);
    a.commit(|_| ());
    assert!(a.park(), "nothing to do until b makes room");

    let mut got = Vec::new();
    let mut readies = 0;
    for _ in 0..4 {
        got.extend(drain(&mut b, 10));
        b.commit(|to| assert_eq!(to, A));
        drain(&mut a, 10);
        readies += a.take_ready().count_ones();
        a.commit(|_| ());
    }
    assert_eq!(got, [0, 1, 2, 3, 4, 5]);
    assert_eq!(readies, 1);
    assert_eq!(a.overflow_items(), 0);
}

#[test]
fn a_bounded_round_leaves_the_rest_and_forbids_sleep() {
    let (mut a, mut b) = pair(8);
    for i in 0..5 {
        a.send(B, i);
    }
    a.commit(|_| ());
    assert_eq!(drain(&mut b, 2), [0, 1]);
    b.commit(|_| ());
    assert!(!b.park());
    assert_eq!(drain(&mut b, 2), [2, 3]);
    assert_eq!(drain(&mut b, 2), [4]);
    b.commit(|_| ());
    assert!(b.park());
}

#[test]
fn the_bound_of_a_round_is_per_sender() {
    let mut ports = mesh::<u32>(ShardCount(3), 8);
    let mut receiver = ports.pop().expect("three");
    for (from, port) in ports.iter_mut().enumerate() {
        for i in 0..4 {
            port.send(ShardId(2), from as u32 * 10 + i);
        }
        port.commit(|_| ());
    }
    assert_eq!(drain(&mut receiver, 2), [0, 1, 10, 11]);
    assert_eq!(drain(&mut receiver, 2), [2, 3, 12, 13]);
}

#[test]
fn full_again_before_ready_was_told_is_no_news() {
    let (mut a, mut b) = pair(1);
    assert!(!a.send(B, 0));
    assert!(a.send(B, 1));
    a.commit(|_| ());
    assert_eq!(drain(&mut b, 10), [0]);
    b.commit(|_| ());
    drain(&mut a, 10);
    assert!(!a.send(B, 2), "still full for those who ask");
    assert_eq!(a.take_ready(), 0);
}

#[test]
fn sets_of_shards_list_in_order() {
    let listed: Vec<u8> = shards_of(1 | 1 << 5 | 1 << 63).map(|s| s.0).collect();
    assert_eq!(listed, [0, 5, 63]);
}

/// Each thread sends to each other in bursts over rings of one slot and sleeps whenever it may.
#[test]
fn a_storm_over_tiny_rings_arrives_whole_and_in_order() {
    const SHARDS: u8 = 4;
    const ITEMS: u64 = 5_000;
    let ports = mesh::<u64>(ShardCount(SHARDS), 1);
    let (wakers, sleepers): (Vec<_>, Vec<_>) =
        (0..SHARDS).map(|_| mpsc::sync_channel::<()>(1)).unzip();
    let wakers = Arc::new(wakers);
    let threads: Vec<_> = ports
        .into_iter()
        .zip(sleepers)
        .enumerate()
        .map(|(me, (port, sleeper))| {
            let wakers = Arc::clone(&wakers);
            thread::spawn(move || storm(ShardId(me as u8), port, &wakers, &sleeper))
        })
        .collect();
    for thread in threads {
        thread.join().expect("every shard gets everything");
    }

    fn storm(
        me: ShardId,
        mut port: Port<u64>,
        wakers: &[mpsc::SyncSender<()>],
        sleeper: &mpsc::Receiver<()>,
    ) {
        let mut sent = 0;
        let mut next = [0_u64; SHARDS as usize];
        let due = ITEMS * u64::from(SHARDS - 1);
        loop {
            port.begin(3);
            while let Some((from, item)) = port.receive() {
                assert_eq!(item, next[usize::from(from.0)], "from {from:?} to {me:?}");
                next[usize::from(from.0)] += 1;
            }
            port.take_ready();
            for _ in 0..(sent % 5 + 1).min(ITEMS - sent) {
                for to in (0..SHARDS).map(ShardId).filter(|to| *to != me) {
                    port.send(to, sent);
                }
                sent += 1;
            }
            port.commit(|to| {
                let _ = wakers[usize::from(to.0)].try_send(());
            });
            let done = next.iter().sum::<u64>() == due && port.overflow_items() == 0;
            if done && sent == ITEMS {
                return;
            }
            if sent == ITEMS && port.park() {
                sleeper
                    .recv_timeout(Duration::from_secs(60))
                    .expect("a wake-up");
            }
        }
    }
}
