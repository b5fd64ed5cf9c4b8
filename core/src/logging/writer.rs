//! The thread that writes the log, and the bounded queue towards it.
//!
//! A line that finds the queue full is dropped and counted; the count is itself logged when there is room
//! again. Nothing here makes the thread that logs wait.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::{self, Receiver, Sender, TrySendError};
use tracing_subscriber::fmt::MakeWriter;

use super::subject;
use crate::limits::LOG_LINES_MAX;

enum Item {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(Sender<()>),
}

/// The queue towards the thread that writes the log.
#[derive(Clone, Debug)]
pub struct LogWriter {
    lines: Lines,
}

/// Where threads put their lines.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    queue: Sender<Item>,
    lost: Arc<AtomicU64>,
}

impl LogWriter {
    /// Starts the thread. It lives as long as the process.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<LogWriter> {
        let (queue, items) = channel::bounded(LOG_LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_lines(&items, BufWriter::new(output), &counter))?;
        Ok(LogWriter {
            lines: Lines { queue, lost },
        })
    }

    pub(super) fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// Waits until what was logged so far is written, but no longer than `timeout`.
    pub fn flush(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let (done, written) = channel::bounded(1);
        let queue = &self.lines.queue;
        if queue.send_deadline(Item::Flush(done), deadline).is_ok() {
            // An error is the timeout: the output does not read, and the lines are lost.
            let _ = written.recv_deadline(deadline);
        }
    }
}

fn write_lines(items: &Receiver<Item>, mut output: BufWriter<impl Write>, lost: &AtomicU64) {
    for first in items {
        for item in std::iter::once(first).chain(items.try_iter()) {
            // There is nowhere to report that the log cannot be written.
            match item {
                Item::Line(line) => _ = output.write_all(&line),
                Item::Flush(done) => {
                    _ = output.flush();
                    _ = done.send(());
                }
            }
        }
        _ = output.flush();
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(target: subject::BROKER, lost, "lines of this log were lost: it is not read fast enough");
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> &'a Lines {
        self
    }
}

impl Write for &Lines {
    /// Takes one whole line, or drops it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Item::Line(line.to_vec())) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Writes nothing while the gate is locked.
    #[derive(Clone, Default)]
    struct Gated {
        gate: Arc<Mutex<()>>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_arrive_in_order() {
        let output = Gated::default();
        let writer = LogWriter::start(output.clone()).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            (&writer.lines).write_all(line.as_bytes()).unwrap();
        }
        writer.flush(Duration::from_secs(60));
        assert_eq!(*output.written.lock().unwrap(), b"one\ntwo\nthree\n");
    }

    #[test]
    fn an_output_that_does_not_read_costs_lines_and_no_time() {
        let output = Gated::default();
        let writer = LogWriter::start(output.clone()).unwrap();
        let closed = output.gate.lock().unwrap();
        let line = [b'x'; 1_000];
        let sent = LOG_LINES_MAX * 2;
        for _ in 0..sent {
            (&writer.lines).write_all(&line).unwrap();
        }
        writer.flush(Duration::from_millis(1));
        let lost = writer.lines.lost.load(Ordering::Relaxed) as usize;
        assert!(lost > 0 && lost <= sent - LOG_LINES_MAX, "{lost}");
        drop(closed);
        writer.flush(Duration::from_secs(60));
        let written = output.written.lock().unwrap().len() / line.len();
        assert_eq!(written + lost, sent);
    }
}
