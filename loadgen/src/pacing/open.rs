//! Open loop: sends are due at fixed times, whatever the broker does.
//!
//! Streams take turns, so that each has an even rhythm and all of them together an even rate. A publisher
//! that cannot send (its socket or its window is full) falls behind and makes up for it later, in order,
//! each message still stamped with the time it was due: a stall of the broker shows in the latency of
//! everything that should have been sent meanwhile. Constant memory per publisher.

use std::collections::VecDeque;

use crate::ids::{PublisherId, StreamId};
use crate::layout::Layout;
use crate::pacing::DueSend;

/// The timetable and how far each publisher got.
#[derive(Debug)]
pub(crate) struct OpenLoop {
    layout: Layout,
    interval_ns: f64,
    start_ns: u64,
    total: u64,
    cursor: u64,
    sent: Vec<u64>,
    released: VecDeque<PublisherId>,
}

impl OpenLoop {
    /// `rate_per_second` over all streams from `start_ns` on, for `duration_ns`.
    pub(crate) fn new(
        layout: Layout,
        rate_per_second: f64,
        start_ns: u64,
        duration_ns: u64,
    ) -> OpenLoop {
        let interval_ns = 1e9 / rate_per_second;
        OpenLoop {
            layout,
            interval_ns,
            start_ns,
            total: (duration_ns as f64 / interval_ns).ceil() as u64,
            cursor: 0,
            sent: vec![0; layout.publishers as usize],
            released: VecDeque::new(),
        }
    }

    fn due_ns(&self, number: u64) -> u64 {
        self.start_ns + (number as f64 * self.interval_ns) as u64
    }

    /// When the next send is due that was not looked at yet; `None` after the last one.
    pub(crate) fn next_due_ns(&self) -> Option<u64> {
        (self.cursor < self.total).then(|| self.due_ns(self.cursor))
    }

    /// The next send that is due and that its publisher can make, which the caller then makes.
    pub(crate) fn poll(
        &mut self,
        now_ns: u64,
        is_open: impl Fn(PublisherId) -> bool,
    ) -> Option<DueSend> {
        while let Some(&publisher) = self.released.front() {
            let sent = self.sent[publisher.at()];
            if sent < self.due_count(publisher, self.cursor) && is_open(publisher) {
                return Some(self.take(publisher, sent));
            }
            self.released.pop_front();
        }
        while self.cursor < self.total && self.due_ns(self.cursor) <= now_ns {
            let stream = StreamId((self.cursor % u64::from(self.layout.streams)) as u32);
            self.cursor += 1;
            let publisher = self.layout.publisher_of(stream);
            let sent = self.sent[publisher.at()];
            if sent + 1 == self.due_count(publisher, self.cursor) && is_open(publisher) {
                return Some(self.take(publisher, sent));
            }
        }
        None
    }

    /// A publisher that could not send can again.
    pub(crate) fn on_release(&mut self, publisher: PublisherId) {
        if self.sent[publisher.at()] < self.due_count(publisher, self.cursor) {
            self.released.push_back(publisher);
        }
    }

    /// How many of the first `cursor` sends are a publisher's.
    fn due_count(&self, publisher: PublisherId, cursor: u64) -> u64 {
        let streams = self.layout.streams_of(publisher);
        let round = u64::from(self.layout.streams);
        let in_this_round = (cursor % round).saturating_sub(u64::from(streams.start));
        let count = streams.len() as u64;
        cursor / round * count + in_this_round.min(count)
    }

    /// Hands out the publisher's send number `sent`.
    fn take(&mut self, publisher: PublisherId, sent: u64) -> DueSend {
        self.sent[publisher.at()] += 1;
        let streams = self.layout.streams_of(publisher);
        let count = streams.len() as u64;
        let stream = streams.start + (sent % count) as u32;
        let sequence = sent / count;
        let number = sequence * u64::from(self.layout.streams) + u64::from(stream);
        DueSend {
            publisher,
            stream: StreamId(stream),
            sequence,
            due_ns: self.due_ns(number),
        }
    }

    /// Messages sent of one stream: one more than its last sequence number.
    pub(crate) fn published(&self, stream: StreamId) -> u64 {
        let publisher = self.layout.publisher_of(stream);
        let streams = self.layout.streams_of(publisher);
        let sent = self.sent[publisher.at()];
        let count = streams.len() as u64;
        sent / count + u64::from(u64::from(stream.0 - streams.start) < sent % count)
    }

    /// Sends of the whole timetable that were not made, of the publishers that are `owned`.
    pub(crate) fn unsent(&self, owned: impl Fn(PublisherId) -> bool) -> u64 {
        let publishers = (0..self.layout.publishers).map(PublisherId);
        let unsent = |publisher: PublisherId| {
            self.due_count(publisher, self.total) - self.sent[publisher.at()]
        };
        publishers.filter(|&p| owned(p)).map(unsent).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(streams: u32, publishers: u32) -> Layout {
        Layout {
            streams,
            publishers,
            subscribers: 1,
            groups: 1,
            shares: 0,
        }
    }

    fn all(
        pacing: &mut OpenLoop,
        now_ns: u64,
        is_open: impl Fn(PublisherId) -> bool,
    ) -> Vec<DueSend> {
        std::iter::from_fn(|| pacing.poll(now_ns, &is_open)).collect()
    }

    #[test]
    fn sends_are_due_by_the_clock_alone() {
        let mut pacing = OpenLoop::new(layout(4, 4), 1_000.0, 5_000_000, 1_000_000_000);
        assert_eq!(pacing.next_due_ns(), Some(5_000_000));
        assert!(all(&mut pacing, 4_999_999, |_| true).is_empty());
        // The caller comes 10 ms late: everything due meanwhile is there, with the time it was due.
        let sends = all(&mut pacing, 15_500_000, |_| true);
        let due: Vec<u64> = sends.iter().map(|send| send.due_ns).collect();
        assert_eq!(due, (5..=15).map(|ms| ms * 1_000_000).collect::<Vec<_>>());
        let streams: Vec<u32> = sends.iter().map(|send| send.stream.0).collect();
        assert_eq!(streams, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]);
        assert_eq!(sends[8].sequence, 2);
        assert_eq!(pacing.next_due_ns(), Some(16_000_000));
    }

    #[test]
    fn the_total_is_rate_times_duration() {
        let mut pacing = OpenLoop::new(layout(3, 3), 500.0, 0, 2_000_000_000);
        assert_eq!(all(&mut pacing, u64::MAX, |_| true).len(), 1_000);
        assert_eq!(pacing.next_due_ns(), None);
        assert_eq!(
            (0..3).map(|s| pacing.published(StreamId(s))).sum::<u64>(),
            1_000
        );
        assert_eq!(pacing.unsent(|_| true), 0);
    }

    #[test]
    fn a_stalled_publisher_makes_up_in_order_with_the_old_due_times() {
        let mut pacing = OpenLoop::new(layout(6, 2), 1_000.0, 0, 1_000_000_000);
        let others = all(&mut pacing, 17_000_000, |publisher| publisher.0 == 1);
        assert_eq!(others.len(), 9);
        assert!(others.iter().all(|send| send.publisher.0 == 1));
        assert_eq!(pacing.unsent(|_| true), 1_000 - 9);
        pacing.on_release(PublisherId(0));
        let made_up = all(&mut pacing, 17_000_000, |_| true);
        let due: Vec<u64> = made_up.iter().map(|send| send.due_ns / 1_000_000).collect();
        assert_eq!(due, [0, 1, 2, 6, 7, 8, 12, 13, 14]);
        let sequences: Vec<u64> = made_up.iter().map(|send| send.sequence).collect();
        assert_eq!(sequences, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
        assert_eq!(pacing.unsent(|_| true), 1_000 - 18);
        assert_eq!(all(&mut pacing, 18_000_000, |_| true).len(), 1);
    }

    #[test]
    fn published_counts_each_stream() {
        let mut pacing = OpenLoop::new(layout(5, 2), 1_000.0, 0, 1_000_000_000);
        let sends = all(&mut pacing, 12_000_000, |publisher| publisher.0 == 0);
        for stream in (0..5).map(StreamId) {
            let counted = sends.iter().filter(|send| send.stream == stream).count() as u64;
            assert_eq!(pacing.published(stream), counted, "{stream:?}");
        }
    }
}
