//! Measures the engine alone: CPU time of the sending thread per delivered message, one sender to many
//! receivers, and resident memory of the process per idle connection inside the engine.
//!
//! ```text
//! cargo run --release -p ringmq-ring --example fanout -- [receivers] [payload bytes] [seconds]
//! cargo run --release -p ringmq-ring --example fanout -- idle [connections]
//! ```
//! The receivers are an engine on another thread that only counts. With one message outstanding the sender
//! waits until all have it; with 64 it sends 64 frames per flush. Compare figures only within one run.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringmq_ring::{ConnectionId, Engine, EngineConfig, EngineError, Event};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: u64| {
        arguments
            .get(place)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    if arguments.first().is_some_and(|first| first == "idle") {
        return Ok(measure_idle(number(1, 10_000) as u32)?);
    }
    let (receivers, payload) = (number(0, 1_000) as u32, number(1, 64) as usize);
    let time = Duration::from_secs(number(2, 3));
    let mut sender = Sender::new(receivers)?;
    println!("{receivers} receivers, {payload} B, CPU of the sending thread per delivered message");
    for outstanding in [1, 64, 1, 64] {
        let run = sender.run(outstanding, payload, time)?;
        println!(
            "  {outstanding:>3} outstanding: {:.3} us ({:.0} delivered/s, {:.4} enters each)",
            run.cpu.as_secs_f64() * 1e6 / run.delivered as f64,
            run.delivered as f64 / run.wall.as_secs_f64(),
            run.enters as f64 / run.delivered as f64,
        );
    }
    sender.stop.store(true, Ordering::Release);
    Ok(())
}

struct Run {
    cpu: Duration,
    wall: Duration,
    delivered: u64,
    enters: u64,
}

struct Sender {
    engine: Engine,
    connections: Vec<ConnectionId>,
    received_bytes: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Sender {
    fn new(receivers: u32) -> Result<Sender, EngineError> {
        let config = EngineConfig {
            connections_max: receivers + 64,
            ..EngineConfig::default()
        };
        let mut engine = Engine::new(config)?;
        let address = listen(&mut engine)?;
        let received_bytes = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (count, end) = (Arc::clone(&received_bytes), Arc::clone(&stop));
        std::thread::spawn(move || {
            receive(receivers, address, &count, &end).expect("receivers run")
        });
        let mut connections = Vec::new();
        while connections.len() < receivers as usize {
            engine.wait(Some(Duration::from_millis(10)), &mut |event| {
                if let Event::Accepted { connection, .. } = event {
                    connections.push(connection);
                }
            })?;
        }
        for &connection in &connections {
            engine.established(connection);
        }
        Ok(Sender {
            engine,
            connections,
            received_bytes,
            stop,
        })
    }

    fn run(
        &mut self,
        outstanding: u32,
        payload: usize,
        time: Duration,
    ) -> Result<Run, EngineError> {
        let arena = vec![b'x'; payload * outstanding as usize];
        let (start, cpu, enters) = (Instant::now(), thread_cpu(), self.engine.stats().enters);
        let mut due = self.received_bytes.load(Ordering::Acquire);
        let mut delivered = 0;
        while start.elapsed() < time {
            for frame in 0..outstanding {
                let from = frame * payload as u32;
                self.engine
                    .push(from..from + payload as u32, &self.connections);
            }
            self.engine.flush(&arena, &mut |_| {})?;
            delivered += u64::from(outstanding) * self.connections.len() as u64;
            due += (arena.len() * self.connections.len()) as u64;
            self.engine.wait(Some(Duration::ZERO), &mut |_| {})?;
            while self.received_bytes.load(Ordering::Acquire) < due {
                // Yielding costs CPU that no server would spend, so it sleeps.
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        Ok(Run {
            cpu: thread_cpu() - cpu,
            wall: start.elapsed(),
            delivered,
            enters: self.engine.stats().enters - enters,
        })
    }
}

fn receive(
    receivers: u32,
    address: SocketAddr,
    count: &AtomicU64,
    stop: &AtomicBool,
) -> Result<(), EngineError> {
    let config = EngineConfig {
        connections_max: receivers,
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config)?;
    for _ in 0..receivers {
        engine.connect(None, address).expect("a client connects");
    }
    while !stop.load(Ordering::Acquire) {
        let mut bytes = 0;
        engine.wait(Some(Duration::from_millis(100)), &mut |event| {
            if let Event::Received { bytes: got, .. } = event {
                bytes += got.len() as u64;
            }
        })?;
        count.fetch_add(bytes, Ordering::AcqRel);
    }
    Ok(())
}

/// Opens connections to itself, both ends in one engine, and prints what each end costs in user space.
fn measure_idle(connections: u32) -> Result<(), EngineError> {
    let config = EngineConfig {
        connections_max: 2 * connections + 64,
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config)?;
    let address = listen(&mut engine)?;
    let mut before = 0;
    for number in 0..connections {
        if number == 200 {
            before = resident_bytes();
        }
        let source = SocketAddr::from(([127, 1, (number >> 14) as u8, 1], 0));
        engine
            .connect(Some(source), address)
            .expect("a client connects");
        engine.wait(Some(Duration::ZERO), &mut |_| {})?;
    }
    let mut accepted = Vec::new();
    while engine.stats().connections < u64::from(2 * connections) {
        engine.wait(Some(Duration::from_millis(10)), &mut |event| {
            if let Event::Accepted { connection, .. } = event {
                accepted.push(connection);
            }
        })?;
    }
    let ends = 2 * u64::from(connections.saturating_sub(200)).max(1);
    let grown = resident_bytes().saturating_sub(before);
    println!(
        "{connections} connections, both ends: {} B of RSS per end",
        grown / ends
    );
    Ok(())
}

fn listen(engine: &mut Engine) -> Result<SocketAddr, EngineError> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    // SAFETY: no pointers.
    unsafe { libc::listen(listener.as_raw_fd(), 4_096) };
    let on: libc::c_int = 1;
    // SAFETY: the option's value lives across the call and its size is given.
    unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            std::ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
    let address = listener.local_addr().expect("a bound socket");
    engine.listen(listener, 0)?;
    Ok(address)
}

fn thread_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` lives across the call.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("procfs");
    let pages: u64 = text
        .split(' ')
        .nth(1)
        .and_then(|field| field.parse().ok())
        .expect("a count");
    pages * 4_096
}
