//! Closed loop: each publisher keeps a window of messages outstanding and sends when one completes.
//!
//! A message is complete when all its subscribers have it; above QoS 0 the broker must have acknowledged
//! it as well, which the caller knows. The rate is the broker's, and a stall of the broker delays the
//! sends instead of showing in their latency: reports say that a run was closed loop.

use std::collections::VecDeque;

use crate::ids::{PublisherId, StreamId};
use crate::pacing::DueSend;

/// A message on its way.
#[derive(Clone, Copy, Debug)]
struct Outstanding {
    /// Subscribers that do not have it yet.
    missing: u32,
    sent_ns: u64,
}

/// One publisher's window.
#[derive(Debug, Default)]
struct Window {
    /// Sequence number of the first message in `messages`.
    base: u64,
    messages: VecDeque<Outstanding>,
    outstanding: u32,
}

/// The windows of all publishers; each is one stream.
#[derive(Debug)]
pub(crate) struct ClosedLoop {
    window: u32,
    windows: Vec<Window>,
    runnable: VecDeque<PublisherId>,
    is_runnable: Vec<bool>,
    written_off: u64,
}

impl ClosedLoop {
    /// Windows of `window` messages for `publishers` publishers, all free to send.
    pub(crate) fn new(publishers: u32, window: u32) -> ClosedLoop {
        ClosedLoop {
            window,
            windows: (0..publishers).map(|_| Window::default()).collect(),
            runnable: (0..publishers).map(PublisherId).collect(),
            is_runnable: vec![true; publishers as usize],
            written_off: 0,
        }
    }

    /// The next publisher with room, and its message, which the caller then sends. `room` is what the
    /// publisher's own state allows on top (unacknowledged messages, socket).
    pub(crate) fn poll(
        &mut self,
        now_ns: u64,
        room: impl Fn(PublisherId, u32) -> bool,
        fan_out: impl Fn(StreamId) -> u32,
    ) -> Option<DueSend> {
        while let Some(&publisher) = self.runnable.front() {
            let window = &mut self.windows[publisher.at()];
            if window.outstanding >= self.window || !room(publisher, self.window) {
                self.is_runnable[publisher.at()] = false;
                self.runnable.pop_front();
                continue;
            }
            let stream = StreamId(publisher.0);
            let sequence = window.base + window.messages.len() as u64;
            let missing = fan_out(stream);
            window.messages.push_back(Outstanding {
                missing,
                sent_ns: now_ns,
            });
            window.outstanding += u32::from(missing > 0);
            return Some(DueSend {
                publisher,
                stream,
                sequence,
                due_ns: now_ns,
            });
        }
        None
    }

    /// A publisher that could not send for reasons of its own can again.
    pub(crate) fn on_release(&mut self, publisher: PublisherId) {
        if !self.is_runnable[publisher.at()] {
            self.is_runnable[publisher.at()] = true;
            self.runnable.push_back(publisher);
        }
    }

    /// One subscriber more has a message. Not to be called for duplicates.
    #[inline]
    pub(crate) fn on_delivery(&mut self, stream: StreamId, sequence: u64) {
        let window = &mut self.windows[stream.at()];
        let offset = sequence.wrapping_sub(window.base) as usize;
        let Some(message) = window.messages.get_mut(offset) else {
            return;
        };
        if message.missing == 0 {
            return;
        }
        message.missing -= 1;
        if message.missing == 0 {
            window.outstanding -= 1;
            window.discard_complete();
            self.on_release(PublisherId(stream.0));
        }
    }

    /// Gives up on messages sent before `before_ns`, so that a lost message does not stop its publisher
    /// for ever. Returns how many.
    pub(crate) fn write_off(&mut self, before_ns: u64) -> u64 {
        let mut count = 0;
        for (at, window) in self.windows.iter_mut().enumerate() {
            let mut freed = 0;
            for message in &mut window.messages {
                if message.sent_ns >= before_ns {
                    break;
                }
                if message.missing > 0 {
                    message.missing = 0;
                    freed += 1;
                }
            }
            if freed > 0 {
                window.outstanding -= freed;
                window.discard_complete();
                count += u64::from(freed);
                if !self.is_runnable[at] {
                    self.is_runnable[at] = true;
                    self.runnable.push_back(PublisherId(at as u32));
                }
            }
        }
        self.written_off += count;
        count
    }

    /// Messages given up on so far.
    pub(crate) fn written_off(&self) -> u64 {
        self.written_off
    }

    /// Messages sent of one stream.
    pub(crate) fn published(&self, stream: StreamId) -> u64 {
        let window = &self.windows[stream.at()];
        window.base + window.messages.len() as u64
    }
}

impl Window {
    fn discard_complete(&mut self) {
        while self
            .messages
            .front()
            .is_some_and(|message| message.missing == 0)
        {
            self.messages.pop_front();
            self.base += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pacing: &mut ClosedLoop, now_ns: u64) -> Vec<u64> {
        std::iter::from_fn(|| pacing.poll(now_ns, |_, _| true, |_| 2))
            .map(|send| send.sequence)
            .collect()
    }

    #[test]
    fn a_window_opens_when_every_subscriber_has_the_message() {
        let mut pacing = ClosedLoop::new(1, 3);
        assert_eq!(all(&mut pacing, 0), [0, 1, 2]);
        pacing.on_delivery(StreamId(0), 1);
        assert!(all(&mut pacing, 0).is_empty());
        pacing.on_delivery(StreamId(0), 1);
        assert_eq!(all(&mut pacing, 0), [3]);
        pacing.on_delivery(StreamId(0), 0);
        pacing.on_delivery(StreamId(0), 0);
        pacing.on_delivery(StreamId(0), 2);
        assert_eq!(all(&mut pacing, 0), [4]);
        assert_eq!(pacing.published(StreamId(0)), 5);
    }

    #[test]
    fn a_publisher_without_room_waits_for_its_release() {
        let mut pacing = ClosedLoop::new(2, 1);
        let only_second = |publisher: PublisherId, _| publisher.0 == 1;
        let send = pacing.poll(0, only_second, |_| 1).unwrap();
        assert_eq!(send.publisher, PublisherId(1));
        assert_eq!(pacing.poll(0, |_, _| true, |_| 1), None);
        pacing.on_release(PublisherId(0));
        let send = pacing.poll(0, |_, _| true, |_| 1).unwrap();
        assert_eq!(send.publisher, PublisherId(0));
    }

    #[test]
    fn a_lost_message_is_written_off_after_a_while() {
        let mut pacing = ClosedLoop::new(1, 2);
        assert_eq!(all(&mut pacing, 100), [0, 1]);
        for _ in 0..2 {
            pacing.on_delivery(StreamId(0), 1);
        }
        assert_eq!(all(&mut pacing, 200), [2]);
        assert_eq!(pacing.write_off(100), 0);
        assert_eq!(pacing.write_off(150), 1);
        assert_eq!(all(&mut pacing, 300), [3]);
        // A delivery after all changes nothing.
        pacing.on_delivery(StreamId(0), 0);
        assert!(all(&mut pacing, 300).is_empty());
        assert_eq!(pacing.written_off(), 1);
    }

    #[test]
    fn a_message_for_nobody_is_complete_at_once() {
        let mut pacing = ClosedLoop::new(1, 1);
        assert!(pacing.poll(0, |_, _| true, |_| 0).is_some());
        assert!(pacing.poll(0, |_, _| true, |_| 0).is_some());
    }
}
