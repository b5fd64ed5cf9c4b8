//! The end of all shards together: no engine goes while another shard could still give it a socket.
//!
//! Every shard that ran holds a [`Departure`] and waits in it when its own run is over. A shard that panics
//! only counts itself out, since its engine goes with it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// How many shards still run.
#[derive(Debug)]
pub(crate) struct Running {
    shards: Mutex<usize>,
    none: Condvar,
}

impl Running {
    /// `shards` shards, none of which has ended.
    pub(crate) fn new(shards: usize) -> Arc<Running> {
        Arc::new(Running {
            shards: Mutex::new(shards),
            none: Condvar::new(),
        })
    }

    /// Counts one shard out. The count is right even if a thread panicked beside it.
    fn count_out(&self) {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        *shards -= 1;
        if *shards == 0 {
            self.none.notify_all();
        }
    }
}

/// One running shard, counted out when this is dropped.
#[derive(Debug)]
pub(crate) struct Departure(Arc<Running>);

impl Departure {
    /// For one of the shards of `running`.
    pub(crate) fn of(running: &Arc<Running>) -> Departure {
        Departure(Arc::clone(running))
    }

    /// Counts the shard out and waits until all are.
    pub(crate) fn wait_for_all(self) {
        let running = Arc::clone(&self.0);
        drop(self);
        let shards = running
            .shards
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        drop(running.none.wait_while(shards, |shards| *shards > 0));
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        self.0.count_out();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn nobody_leaves_before_the_last_has_ended_and_a_panic_counts() {
        let running = Running::new(4);
        let ended = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let departure = Departure::of(&running);
                let ended = Arc::clone(&ended);
                thread::spawn(move || {
                    ended.fetch_add(1, Ordering::SeqCst);
                    departure.wait_for_all();
                    ended.load(Ordering::SeqCst)
                })
            })
            .collect();
        let departure = Departure::of(&running);
        let panicked = thread::spawn({
            let ended = Arc::clone(&ended);
            move || {
                let _departure = departure;
                ended.fetch_add(1, Ordering::SeqCst);
                panic!("as a shard might");
            }
        });
        assert!(panicked.join().is_err());
        for thread in threads {
            assert_eq!(thread.join().expect("it waits and ends"), 4);
        }
    }
}
