//! Bytes that a full socket did not take, per connection, in chunks from a pool.
//!
//! `send` appends to a queue while its connection is blocked and sends from its front when the socket has
//! room. A chunk must stay where it is while a send of it may be queued.

use std::collections::VecDeque;

use crate::limits::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_POOL_BYTES_MAX};

const CLASSES: usize =
    (CHUNK_BYTES_MAX.trailing_zeros() - CHUNK_BYTES_MIN.trailing_zeros()) as usize + 1;

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Vec<u8>>,
    /// Bytes of the first chunk that are out.
    sent: usize,
    bytes: usize,
}

/// All queues of an engine and the free chunks.
#[derive(Debug, Default)]
pub(crate) struct OutputQueues {
    queues: Vec<Queue>,
    free: Vec<u32>,
    pool: [Vec<Vec<u8>>; CLASSES],
    pool_bytes: usize,
    bytes: usize,
}

impl OutputQueues {
    /// Takes an empty queue.
    pub(crate) fn open(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.queues.push(Queue::default());
            u32::try_from(self.queues.len() - 1).expect("fewer queues than connections")
        })
    }

    /// Drops what is left in a queue and takes it back.
    pub(crate) fn close(&mut self, queue: u32) {
        let taken = std::mem::take(&mut self.queues[queue as usize]);
        self.bytes -= taken.bytes;
        for chunk in taken.chunks {
            self.recycle(chunk);
        }
        self.free.push(queue);
    }

    /// Appends bytes. Chunks already there do not move.
    pub(crate) fn append(&mut self, queue: u32, mut bytes: &[u8]) {
        self.bytes += bytes.len();
        self.queues[queue as usize].bytes += bytes.len();
        while !bytes.is_empty() {
            let chunks = &mut self.queues[queue as usize].chunks;
            let room = chunks
                .back()
                .map_or(0, |chunk| chunk.capacity() - chunk.len());
            if room == 0 {
                let class = chunks.len().min(CLASSES - 1);
                let chunk = self.chunk(class);
                self.queues[queue as usize].chunks.push_back(chunk);
                continue;
            }
            let now = room.min(bytes.len());
            let last = chunks.back_mut().expect("a chunk with room is there");
            last.extend_from_slice(&bytes[..now]);
            bytes = &bytes[now..];
        }
    }

    /// The next bytes to send; empty when nothing is queued.
    pub(crate) fn front(&self, queue: u32) -> &[u8] {
        let queue = &self.queues[queue as usize];
        queue
            .chunks
            .front()
            .map_or(&[], |chunk| &chunk[queue.sent..])
    }

    /// Takes `sent` bytes off the front, at most what [`OutputQueues::front`] returned. Returns whether the
    /// front moved on to other memory.
    pub(crate) fn advance(&mut self, queue: u32, sent: usize) -> bool {
        let entry = &mut self.queues[queue as usize];
        entry.sent += sent;
        entry.bytes -= sent;
        self.bytes -= sent;
        let done = entry
            .chunks
            .front()
            .is_some_and(|chunk| entry.sent >= chunk.len());
        if done {
            entry.sent = 0;
            if let Some(chunk) = entry.chunks.pop_front() {
                self.recycle(chunk);
            }
        }
        done
    }

    /// Bytes in one queue.
    pub(crate) fn queued(&self, queue: u32) -> usize {
        self.queues[queue as usize].bytes
    }

    /// Bytes in all queues.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn chunk(&mut self, class: usize) -> Vec<u8> {
        match self.pool[class].pop() {
            Some(chunk) => {
                self.pool_bytes -= chunk.capacity();
                chunk
            }
            None => Vec::with_capacity(CHUNK_BYTES_MIN << class),
        }
    }

    fn recycle(&mut self, mut chunk: Vec<u8>) {
        let class = (chunk.capacity() / CHUNK_BYTES_MIN).max(1).ilog2() as usize;
        if class < CLASSES && self.pool_bytes + chunk.capacity() <= CHUNK_POOL_BYTES_MAX {
            chunk.clear();
            self.pool_bytes += chunk.capacity();
            self.pool[class].push(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(queues: &mut OutputQueues, queue: u32, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while !queues.front(queue).is_empty() {
            let front = queues.front(queue);
            let now = step.min(front.len());
            out.extend_from_slice(&front[..now]);
            queues.advance(queue, now);
        }
        out
    }

    #[test]
    fn bytes_come_out_in_order_and_memory_comes_back() {
        let mut queues = OutputQueues::default();
        let queue = queues.open();
        let bytes: Vec<u8> = (0..400_000u32).map(|i| (i % 251) as u8).collect();
        for part in bytes.chunks(777) {
            queues.append(queue, part);
        }
        assert_eq!(queues.queued(queue), bytes.len());
        assert_eq!(take_all(&mut queues, queue, 1_000), bytes);
        assert_eq!(queues.bytes(), 0);
        queues.close(queue);
        assert_eq!(queues.open(), queue);
        assert!(queues.pool_bytes > 0 && queues.pool_bytes <= CHUNK_POOL_BYTES_MAX);
    }

    #[test]
    fn appending_does_not_move_what_is_being_sent() {
        let mut queues = OutputQueues::default();
        let queue = queues.open();
        queues.append(queue, b"first");
        let before = queues.front(queue).as_ptr();
        queues.append(queue, &vec![1; 200_000]);
        assert_eq!(queues.front(queue).as_ptr(), before);
        queues.close(queue);
        assert_eq!(queues.bytes(), 0);
    }

    #[test]
    fn the_pool_is_bounded() {
        let mut queues = OutputQueues::default();
        let all: Vec<u32> = (0..200).map(|_| queues.open()).collect();
        for &queue in &all {
            queues.append(queue, &vec![0; 100_000]);
        }
        for &queue in &all {
            queues.close(queue);
        }
        assert!(queues.pool_bytes <= CHUNK_POOL_BYTES_MAX);
    }
}
