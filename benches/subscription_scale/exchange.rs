//! Time to make and to end one subscription beside all others: from the bytes of SUBSCRIBE to those of
//! SUBACK, session included. Each session has one.

use crate::clients::Clients;
use crate::sweep::{SWEPT_CALLS, Sweep, median, nanos_of};
use crate::topics::{shuffled, wildcards_beside};

pub(crate) const HEADER: &str = "\
| exact filters | wildcard filters | what | subscribe | unsubscribe | subscribe, caches swept | unsubscribe, caches swept | 1 in 1,000 takes longer than |
|---|---|---|---|---|---|---|---|";

/// Subscriptions ended and made again for one figure.
const CALLS: u32 = 10_000;

/// Which subscriptions are exchanged: so many from this number on.
struct Kind {
    name: &'static str,
    first: u32,
    count: u32,
}

struct Exchange {
    exact: u32,
    clients: Clients,
}

impl Exchange {
    fn subscribe(&mut self, number: u32) -> u64 {
        self.clients.write_subscribe(self.exact, number);
        nanos_of(|| self.clients.send(number))
    }

    fn unsubscribe(&mut self, number: u32) -> u64 {
        self.clients.write_unsubscribe(self.exact, number);
        nanos_of(|| self.clients.send(number))
    }

    /// Medians of a call to unsubscribe and one to subscribe again, after a sweep each, and after the same
    /// of a neighbour.
    fn swept(&mut self, kind: &Kind) -> (u64, u64) {
        let mut sweep = Sweep::new();
        let mut numbers = shuffled(kind.count).cycle();
        let mut next = || kind.first + numbers.next().expect("they go round");
        let (mut ended, mut made) = (Vec::new(), Vec::new());
        for _ in 0..SWEPT_CALLS {
            let (one, other) = (next(), next());
            sweep.run();
            self.unsubscribe(other);
            ended.push(self.unsubscribe(one));
            sweep.run();
            self.subscribe(other);
            made.push(self.subscribe(one));
        }
        (median(ended), median(made))
    }

    /// The same without sweeps, and what one call in a thousand takes longer than.
    fn in_turn(&mut self, kind: &Kind) -> (u64, u64, u64) {
        let (mut ended, mut made) = (Vec::new(), Vec::new());
        let at_once = CALLS.min(kind.count / 2);
        while made.len() < CALLS as usize {
            let numbers = shuffled(kind.count).skip(made.len() % kind.count as usize);
            let numbers: Vec<u32> = numbers.take(at_once as usize).collect();
            for number in &numbers {
                ended.push(self.unsubscribe(kind.first + number));
            }
            for number in &numbers {
                made.push(self.subscribe(kind.first + number));
            }
        }
        let mut all: Vec<u64> = made.iter().chain(&ended).copied().collect();
        all.sort_unstable();
        let slow = all[all.len() - all.len() / 1_000 - 1];
        (median(ended), median(made), slow)
    }
}

pub(crate) fn print_rows(exact: u32) {
    let wildcards = wildcards_beside(exact);
    let mut exchange = Exchange {
        exact,
        clients: Clients::connect(exact + wildcards),
    };
    for number in 0..exact + wildcards {
        exchange.subscribe(number);
    }
    let kinds = [
        Kind {
            name: "an exact one",
            first: 0,
            count: exact,
        },
        Kind {
            name: "a wildcard",
            first: exact,
            count: wildcards,
        },
    ];
    for kind in kinds {
        let (ended, made, slow) = exchange.in_turn(&kind);
        let (swept_ended, swept_made) = exchange.swept(&kind);
        println!(
            "| {exact} | {wildcards} | {} | {made} ns | {ended} ns | {swept_made} ns | {swept_ended} ns | {:.0} us |",
            kind.name,
            slow as f64 / 1e3
        );
    }
}
