//! The model checker's view of rings and parking: every interleaving of a few shards up to a bound of
//! preemptions, with the weakest memory order the atomics allow. A lost wake-up is a deadlock here, a lost,
//! doubled or reordered item a failed assertion, a double free or a leak loom's own report.

use loom::sync::{Arc, Notify};
use loom::thread;
use ringmq_router::{ShardCount, ShardId};

use super::port::{Port, mesh};
use super::ring::ring;

/// Preemptions per execution; the bugs of such protocols need two or three.
const PREEMPTIONS_MAX: usize = 3;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.check(model);
}

/// Stands in for the engine's waker: a wake-up that comes before the sleep ends it at once.
type Sleepers = Arc<Vec<Notify>>;

fn sleepers(shards: u8) -> Sleepers {
    Arc::new((0..shards).map(|_| Notify::new()).collect())
}

fn commit<T>(port: &mut Port<T>, sleepers: &Sleepers) {
    port.commit(|to| sleepers[usize::from(to.0)].notify());
}

/// One tick that sends nothing of its own.
fn tick<T>(port: &mut Port<T>, sleepers: &Sleepers, mut on_item: impl FnMut(ShardId, T)) {
    port.begin(8);
    while let Some((from, item)) = port.receive() {
        on_item(from, item);
    }
    port.take_ready();
    commit(port, sleepers);
}

/// Sleeps if that is allowed.
fn sleep<T>(me: ShardId, port: &mut Port<T>, sleepers: &Sleepers) {
    if port.park() {
        sleepers[usize::from(me.0)].wait();
        port.sleep().end();
    }
}

/// Receives until `items` have come, sleeping in between.
fn receive_all(me: ShardId, mut port: Port<Arc<u32>>, sleepers: &Sleepers, items: u32) {
    let mut got = 0;
    loop {
        tick(&mut port, sleepers, |_, item| {
            assert_eq!(*item, got, "in order, none lost");
            got += 1;
        });
        if got == items {
            return;
        }
        sleep(me, &mut port, sleepers);
    }
}

/// Sends `items`, `per_tick` in each tick, then goes on until nothing waits for room, sleeping in between.
fn send_all(
    me: ShardId,
    mut port: Port<Arc<u32>>,
    sleepers: &Sleepers,
    to: ShardId,
    items: u32,
    per_tick: u32,
) {
    let mut sent = 0;
    while sent < items {
        for _ in 0..per_tick.min(items - sent) {
            port.send(to, Arc::new(sent));
            sent += 1;
        }
        commit(&mut port, sleepers);
    }
    while port.overflow_items() > 0 {
        sleep(me, &mut port, sleepers);
        tick(&mut port, sleepers, |_, _| unreachable!());
    }
}

fn run_pair(capacity: usize, items: u32, per_tick: u32) {
    check(move || {
        let mut ports = mesh(ShardCount(2), capacity);
        let b = ports.pop().expect("two");
        let a = ports.pop().expect("two");
        let sleepers = sleepers(2);
        let others = Arc::clone(&sleepers);
        let sender =
            thread::spawn(move || send_all(ShardId(0), a, &others, ShardId(1), items, per_tick));
        receive_all(ShardId(1), b, &sleepers, items);
        sender.join().expect("the sender ends");
    });
}

#[test]
fn a_sleeping_receiver_hears_of_every_tick() {
    run_pair(4, 2, 1);
}

#[test]
fn a_full_ring_of_one_slot_drains_in_order() {
    run_pair(1, 3, 3);
}

#[test]
fn a_full_ring_of_one_slot_drains_in_order_over_several_ticks() {
    run_pair(1, 2, 1);
}

#[test]
fn a_full_ring_of_two_slots_drains_in_order() {
    run_pair(2, 4, 2);
}

#[test]
fn two_senders_wake_one_receiver() {
    check(|| {
        let mut ports = mesh::<Arc<u32>>(ShardCount(3), 1);
        let mut c = ports.pop().expect("three");
        let sleepers = sleepers(3);
        let senders: Vec<_> = ports
            .into_iter()
            .enumerate()
            .map(|(me, port)| {
                let sleepers = Arc::clone(&sleepers);
                let me = ShardId(me as u8);
                thread::spawn(move || send_all(me, port, &sleepers, ShardId(2), 1, 1))
            })
            .collect();
        let mut got = 0;
        loop {
            tick(&mut c, &sleepers, |_, _| got += 1);
            if got == 2 {
                break;
            }
            sleep(ShardId(2), &mut c, &sleepers);
        }
        for sender in senders {
            sender.join().expect("the sender ends");
        }
    });
}

#[test]
fn two_shards_with_full_rings_towards_each_other_go_on() {
    fn both_ways(me: ShardId, to: ShardId, mut port: Port<Arc<u32>>, sleepers: &Sleepers) {
        for item in 0..2 {
            port.send(to, Arc::new(item));
        }
        commit(&mut port, sleepers);
        let mut got = 0;
        loop {
            tick(&mut port, sleepers, |_, item| {
                assert_eq!(*item, got);
                got += 1;
            });
            if got == 2 && port.overflow_items() == 0 {
                return;
            }
            sleep(me, &mut port, sleepers);
        }
    }
    check(|| {
        let mut ports = mesh(ShardCount(2), 1);
        let b = ports.pop().expect("two");
        let a = ports.pop().expect("two");
        let sleepers = sleepers(2);
        let others = Arc::clone(&sleepers);
        let other = thread::spawn(move || both_ways(ShardId(0), ShardId(1), a, &others));
        both_ways(ShardId(1), ShardId(0), b, &sleepers);
        other.join().expect("the other ends");
    });
}

#[test]
fn items_left_in_a_ring_are_freed_once() {
    check(|| {
        let (mut producer, mut consumer) = ring(2);
        let sender = thread::spawn(move || {
            for item in 0..3_u32 {
                // Published or not, given back or not: loom counts the Arcs.
                drop(producer.push(Arc::new(item)));
                if item != 1 {
                    producer.publish();
                }
            }
        });
        if let Some(item) = consumer.pop() {
            assert_eq!(*item, 0);
        }
        drop(consumer);
        sender.join().expect("the sender ends");
    });
}
