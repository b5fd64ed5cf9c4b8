//! The ring alone, on one thread and on two. Orderings are the model checker's (`link::model`).

use std::sync::Arc;
use std::thread;

use super::ring;

#[test]
fn items_come_out_in_order_across_many_wraps() {
    let (mut producer, mut consumer) = ring(4);
    let mut expected = 0;
    for round in 0..1_000_u32 {
        for i in 0..(round % 4) + 1 {
            producer.push(round * 4 + i).expect("room for a round");
        }
        producer.publish();
        for i in 0..(round % 4) + 1 {
            assert_eq!(consumer.pop(), Some(round * 4 + i));
            expected += 1;
        }
        assert_eq!(consumer.pop(), None);
        assert!(!consumer.release());
    }
    assert_eq!(expected, 2_500);
}

#[test]
fn unpublished_items_are_unseen() {
    let (mut producer, mut consumer) = ring(4);
    producer.push(1).expect("room");
    assert_eq!(consumer.pop(), None);
    producer.publish();
    assert_eq!(consumer.pop(), Some(1));
}

#[test]
fn a_full_ring_gives_the_item_back_until_slots_are_released() {
    let (mut producer, mut consumer) = ring(2);
    assert_eq!(producer.push(1), Ok(()));
    assert_eq!(producer.push(2), Ok(()));
    assert_eq!(producer.push(3), Err(3));
    producer.publish();
    assert_eq!(consumer.pop(), Some(1));
    assert_eq!(producer.push(3), Err(3), "popped but not released");
    assert!(!consumer.release(), "nobody asked");
    assert_eq!(producer.push(3), Ok(()));
}

#[test]
fn a_wish_for_room_is_answered_once() {
    let (mut producer, mut consumer) = ring(1);
    producer.push(1).expect("room");
    producer.publish();
    producer.want_room();
    assert!(!consumer.release(), "nothing was popped");
    assert_eq!(consumer.pop(), Some(1));
    assert!(consumer.release());
    producer.push(2).expect("room");
    producer.publish();
    assert_eq!(consumer.pop(), Some(2));
    assert!(!consumer.release());
}

#[test]
fn capacity_is_rounded_up_to_a_power_of_two() {
    for (asked, got) in [(0, 1), (1, 1), (3, 4), (5, 8)] {
        let (mut producer, _consumer) = ring(asked);
        let taken = (0..100).take_while(|i| producer.push(*i).is_ok()).count();
        assert_eq!(taken, got, "capacity {asked}");
    }
}

#[test]
fn what_is_left_is_dropped_once_in_every_state() {
    for popped in 0..=3 {
        for released in [false, true] {
            for published in [false, true] {
                let probe = Arc::new(());
                let (mut producer, mut consumer) = ring(4);
                for _ in 0..3 {
                    producer.push(Arc::clone(&probe)).expect("room");
                }
                if published {
                    producer.publish();
                }
                for _ in 0..popped {
                    drop(consumer.pop());
                }
                if released {
                    let _ = consumer.release();
                }
                drop(producer);
                drop(consumer);
                assert_eq!(Arc::strong_count(&probe), 1);
            }
        }
    }
}

#[test]
fn two_threads_lose_nothing() {
    const ITEMS: u64 = 200_000;
    let (mut producer, mut consumer) = ring(8);
    let sender = thread::spawn(move || {
        for item in 0..ITEMS {
            let mut item = Box::new(item);
            while let Err(back) = producer.push(item) {
                producer.publish();
                thread::yield_now();
                item = back;
            }
            // Every third item, so that batches of all sizes occur.
            if producer.tail.is_multiple_of(3) {
                producer.publish();
            }
        }
    });
    let mut next = 0;
    while next < ITEMS {
        match consumer.pop() {
            Some(item) => {
                assert_eq!(*item, next);
                next += 1;
            }
            None => {
                let _ = consumer.release();
                thread::yield_now();
            }
        }
    }
    sender.join().expect("the sender ends");
}
