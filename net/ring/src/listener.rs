//! A socket that listens: whether connections wait on it, and how many accepts to queue for them. Its requests are
//! made, and their completions told of, by the engine's side of accepting.

use std::io;
use std::mem;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

use crate::address::set_option;

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tag: u16,
    /// Its poll is in flight.
    pub(crate) polled: bool,
    /// Connections wait, or may.
    ready: bool,
    /// The same was said since the present round was queued, perhaps later than its last accept was made: the
    /// completions of several rings come in any order.
    in_doubt: bool,
    pub(crate) stopped: bool,
    /// Accepts in flight.
    accepting: u16,
    rounds: Rounds,
}

impl Listener {
    /// Prepares a listening socket. With `after_bytes` the kernel keeps a connection back until its first bytes
    /// are there, or for about a second.
    pub(crate) fn new(socket: TcpListener, tag: u16, after_bytes: bool) -> io::Result<Listener> {
        socket.set_nonblocking(false)?;
        if after_bytes {
            set_option(&socket, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT)?;
        }
        Ok(Listener {
            socket,
            tag,
            polled: false,
            ready: false,
            in_doubt: false,
            stopped: false,
            accepting: 0,
            rounds: Rounds { size: 1, found: 0 },
        })
    }

    /// Ends listening at once. Closing the socket does not, as long as an accept in flight holds it, which can
    /// be until after the process has ended; a broker that is started anew would then find its port taken.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
        // SAFETY: a call that takes no pointers. The result is of no interest: a socket that does not listen
        // is what is wanted.
        unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_RDWR) };
    }

    /// Accepts of the next round; `None` while no connection waits, or a round is under way.
    pub(crate) fn next_round(&self) -> Option<u16> {
        let wanted = self.ready && self.accepting == 0;
        wanted.then_some(self.rounds.size)
    }

    /// Notes an accept that was queued.
    pub(crate) fn accept_queued(&mut self) {
        self.accepting += 1;
    }

    /// Whether accepts are in flight.
    pub(crate) fn is_accepting(&self) -> bool {
        self.accepting > 0
    }

    /// Notes that connections wait. `in_order`: all completions come from one ring.
    pub(crate) fn found_ready(&mut self, in_order: bool) {
        self.ready = true;
        self.in_doubt |= !in_order && self.accepting > 0;
    }

    /// Notes the end of an accept; `more`: another connection may wait. Whether there is another round is decided
    /// by the last accept of a round, or by any of them when they do not come `in_order`.
    pub(crate) fn accepted(&mut self, found: bool, more: bool, in_order: bool, accepts_max: u16) {
        self.accepting -= 1;
        self.rounds.found = self.rounds.found.saturating_add(u16::from(found));
        self.ready = more;
        self.in_doubt |= more && !in_order;
        if self.accepting == 0 {
            self.ready |= mem::take(&mut self.in_doubt);
            self.rounds.end(self.ready, accepts_max);
        }
    }

    /// Stopped, and nothing of it is in flight.
    pub(crate) fn is_over(&self) -> bool {
        self.stopped && !self.polled && self.accepting == 0
    }
}

/// How many accepts to queue at once: each that finds nothing is wasted, and each round is one more enter.
#[derive(Debug, PartialEq, Eq)]
struct Rounds {
    /// Accepts of the next round.
    size: u16,
    /// Connections found since the listener became ready.
    found: u16,
}

impl Rounds {
    /// Ends a round. What is left over is taken for few in comparison with what was found already.
    fn end(&mut self, more: bool, size_max: u16) {
        if more {
            self.size = (self.found / 2).clamp(1, size_max);
        } else {
            self.size = self.found.clamp(1, size_max);
            self.found = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts queued in each round for so many connections that wait.
    fn rounds(rounds: &mut Rounds, mut waiting: u16) -> Vec<u16> {
        let mut sizes = Vec::new();
        while waiting > 0 {
            sizes.push(rounds.size);
            let found = rounds.size.min(waiting);
            waiting -= found;
            rounds.found += found;
            rounds.end(waiting > 0, 32);
        }
        sizes
    }

    /// A listener with a round of so many accepts in flight.
    fn accepting(accepting: u16) -> Listener {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut listener = Listener::new(socket, 0, false).expect("a socket");
        listener.polled = true;
        listener.ready = true;
        listener.accepting = accepting;
        listener
    }

    #[test]
    fn a_poll_that_overtakes_an_accept_is_not_forgotten() {
        for (in_order, ready) in [(false, true), (true, false)] {
            let mut listener = accepting(1);
            // Of one ring, this is about the connection that the accept takes.
            listener.found_ready(in_order);
            listener.accepted(true, false, in_order, 32);
            assert_eq!(listener.ready, ready);
        }
    }

    #[test]
    fn the_last_accept_of_a_round_decides_unless_another_may_have_been_later() {
        for (in_order, ready) in [(false, true), (true, false)] {
            let mut listener = accepting(2);
            listener.accepted(true, true, in_order, 32);
            listener.accepted(true, false, in_order, 32);
            assert_eq!(listener.ready, ready);
            // The round after it finds nothing, and there is an end.
            listener.accepting = 1;
            listener.accepted(false, false, in_order, 32);
            assert!(!listener.ready && !listener.in_doubt);
        }
    }

    #[test]
    fn as_many_are_accepted_at_once_as_came_last_time() {
        let mut state = Rounds { size: 1, found: 0 };
        assert_eq!(rounds(&mut state, 1), [1]);
        assert_eq!(rounds(&mut state, 9), [1, 1, 1, 1, 2, 3]);
        assert_eq!(rounds(&mut state, 9), [9]);
        assert_eq!(rounds(&mut state, 3), [9], "six in vain, once");
        assert_eq!(rounds(&mut state, 3), [3]);
        let many = rounds(&mut state, 500);
        assert!(
            many.iter().all(|size| *size <= 32) && many.len() < 30,
            "{many:?}"
        );
    }
}
