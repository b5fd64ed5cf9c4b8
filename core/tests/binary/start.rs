use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use rustix::process::Signal;

use crate::ringmq::{Running, command, run};

#[test]
fn the_announcement() {
    let broker = Running::start("--listen 127.0.0.1:0 --listen [::1]:0 --shards 3 --cpus 0");
    let [four, six] = broker.addresses()[..] else {
        panic!("{}", broker.announcement)
    };
    let expected = format!(
        "RingMQ {}\n\
        \x20 listening on  {four} (this machine only, no password)\n\
        \x20 listening on  {six} (this machine only, no password)\n\
        \x20 shards        3 on CPU 0, more than one on a CPU\n\
        \x20 stop with     Ctrl-C or kill {}\n",
        env!("CARGO_PKG_VERSION"),
        broker.process()
    );
    assert_eq!(broker.announcement, expected);
    TcpStream::connect(four).unwrap();
    TcpStream::connect(six).unwrap();
}

#[test]
fn a_second_broker_is_refused_and_the_first_one_named() {
    let first = Running::start("--listen 127.0.0.1:0 --shards 2");
    let address = first.addresses()[0];
    let (code, output, errors) = run(&format!("--listen {address} --shards 2"));
    assert_eq!((code, output.as_str()), (1, ""));
    let expected = format!(
        "ringmq: cannot listen on {address}: ringmq (process {}) already does; stop that, or choose another \
         address with --listen\n",
        first.process()
    );
    assert_eq!(errors, expected);
}

#[test]
fn a_port_of_another_program_is_refused() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let (code, _, errors) = run(&format!("--listen {address}"));
    assert_eq!(code, 1);
    assert!(
        errors.starts_with(&format!("ringmq: cannot listen on {address}: ")),
        "{errors}"
    );
    assert!(
        errors.contains(&format!("(process {}) already does", std::process::id())),
        "{errors}"
    );
}

#[test]
fn a_restart_right_after_the_stop_works() {
    let mut broker = Running::start("--listen 127.0.0.1:0 --shards 2");
    let address = broker.addresses()[0];
    for _ in 0..3 {
        // The broker closes the connection first, and so keeps the address in TIME_WAIT.
        let mut client = TcpStream::connect(address).unwrap();
        client
            .write_all(b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02me")
            .unwrap();
        client.read_exact(&mut [0; 4]).unwrap();
        broker.signal(Signal::TERM);
        client.read_to_end(&mut Vec::new()).unwrap();
        drop(client);
        assert_eq!(broker.end().0, 0);
        broker = Running::start(&format!("--listen {address} --shards 2"));
    }
}

#[test]
fn a_restart_right_after_a_kill_works() {
    let broker = Running::start("--listen 127.0.0.1:0 --shards 2");
    let address = broker.addresses()[0];
    let _clients: Vec<TcpStream> = (0..50)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    drop(broker);
    Running::start(&format!("--listen {address} --shards 2"));
}

#[test]
fn strangers_are_not_let_in_by_accident() {
    let (code, _, errors) = run("--listen 0.0.0.0:0");
    assert_eq!(code, 1);
    assert!(
        errors.starts_with("ringmq: listener 0.0.0.0:0 can be reached from other machines"),
        "{errors}"
    );
    let broker = Running::start("--listen 0.0.0.0:0 --allow-anonymous --shards 1");
    assert!(
        broker
            .announcement
            .contains("(every interface, no password)")
    );
}

#[test]
fn a_json_log_is_json_from_the_first_line_to_the_last() {
    let mut command = command("--listen 127.0.0.1:0 --shards 1 --log-format json");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let object = |line: String| serde_json::from_str::<serde_json::Value>(&line).unwrap();
    let started = object(log.next().unwrap().unwrap());
    assert_eq!(started["message"], "started");
    assert_eq!(started["level"], "INFO");
    assert_eq!(started["target"], "broker");
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(started["process"], child.id());
    let process = i32::try_from(child.id()).unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, Signal::TERM).unwrap();
    let rest: Vec<serde_json::Value> = log.map(|line| object(line.unwrap())).collect();
    assert_eq!(rest.last().unwrap()["message"], "stopped");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_descriptor_limit_is_raised() {
    let broker = Running::start("--listen 127.0.0.1:0 --shards 1");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", broker.process())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(fields[3], fields[4], "{line}");
}
