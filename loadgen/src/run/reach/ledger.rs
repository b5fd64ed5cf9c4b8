//! The books of a run that reaches connections: who was to get what, and what came to whom.
//!
//! A few bytes for each connection, as there may be a million of them. Asked and told by `packets` and `steps`;
//! it knows no time and no bytes.

/// What is kept of one connection.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// Its own message is, or will be, published.
    is_chosen: bool,
    /// Its own message came.
    is_reached: bool,
    /// Messages to all that came, in their order.
    rounds: u8,
    /// Keep-alives answered, up to 255.
    pongs: u8,
}

/// The books.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    /// Own messages that came to whom they were for.
    pub(super) reached: u64,
    /// Messages to all that came, over all connections.
    pub(super) rounds: u64,
    /// Messages that came again, out of turn, or to somebody they were not for.
    pub(super) unexpected: u64,
}

impl Ledger {
    pub(super) fn new(connections: u32) -> Ledger {
        Ledger {
            entries: vec![Entry::default(); connections as usize],
            reached: 0,
            rounds: 0,
            unexpected: 0,
        }
    }

    /// Chooses `count` connections at random, each once, in random order.
    pub(super) fn choose(&mut self, count: u32, seed: u64) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..self.entries.len() as u32).collect();
        let mut state = seed | 1;
        for at in 0..(count as usize).min(numbers.len()) {
            // xorshift: what is drawn matters to nobody, but not all of it may lie together.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let other = at + (state % (numbers.len() - at) as u64) as usize;
            numbers.swap(at, other);
        }
        numbers.truncate(count as usize);
        numbers.shrink_to_fit();
        for &number in &numbers {
            self.entries[number as usize].is_chosen = true;
        }
        numbers
    }

    /// The message for connection `named` came to `client`; true when it was to.
    pub(super) fn on_own(&mut self, client: u32, named: u32) -> bool {
        let is_due = match self.entries.get_mut(client as usize) {
            Some(entry) if named == client && entry.is_chosen && !entry.is_reached => {
                entry.is_reached = true;
                true
            }
            _ => false,
        };
        self.reached += u64::from(is_due);
        self.unexpected += u64::from(!is_due);
        is_due
    }

    /// The message to all of a round, counted from 0, came to `client`; true when it was to.
    pub(super) fn on_round(&mut self, client: u32, round: u64) -> bool {
        let is_due = match self.entries.get_mut(client as usize) {
            Some(entry) if u64::from(entry.rounds) == round => {
                entry.rounds += 1;
                true
            }
            _ => false,
        };
        self.rounds += u64::from(is_due);
        self.unexpected += u64::from(!is_due);
        is_due
    }

    /// A keep-alive of the client was answered.
    pub(super) fn on_pong(&mut self, client: u32) {
        if let Some(entry) = self.entries.get_mut(client as usize) {
            entry.pongs = entry.pongs.saturating_add(1);
        }
    }

    /// Keep-alives that each connection had answered, at least.
    pub(super) fn pongs_min(&self) -> u8 {
        self.entries.iter().map(|it| it.pongs).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_is_chosen_once() {
        let mut ledger = Ledger::new(1_000);
        let few = ledger.choose(10, 7);
        assert_eq!(few.len(), 10);
        assert!(few.iter().any(|&number| number > 100), "{few:?}");
        let mut all = Ledger::new(1_000).choose(1_000, 7);
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1_000));
    }

    #[test]
    fn messages_are_due_once_to_whom_they_are_for() {
        let mut ledger = Ledger::new(5);
        let [chosen, other] = ledger.choose(2, 1)[..] else {
            panic!("two were asked for");
        };
        assert!(ledger.on_own(chosen, chosen));
        assert!(!ledger.on_own(chosen, chosen), "again");
        assert!(!ledger.on_own(chosen, other), "another's");
        let nobody = (0..5).find(|it| ![chosen, other].contains(it)).unwrap();
        assert!(!ledger.on_own(nobody, nobody), "not chosen");
        assert_eq!((ledger.reached, ledger.unexpected), (1, 3));
    }

    #[test]
    fn rounds_come_in_order() {
        let mut ledger = Ledger::new(2);
        assert!(ledger.on_round(0, 0) && ledger.on_round(0, 1) && ledger.on_round(1, 0));
        assert!(!ledger.on_round(0, 1), "again");
        assert!(!ledger.on_round(1, 2), "one is missing");
        assert!(!ledger.on_round(9, 0), "nobody");
        assert_eq!((ledger.rounds, ledger.unexpected), (3, 3));
        ledger.on_pong(1);
        assert_eq!(ledger.pongs_min(), 0);
        ledger.on_pong(0);
        assert_eq!(ledger.pongs_min(), 1);
    }
}
