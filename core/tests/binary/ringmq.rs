//! One run of the binary.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// A command that runs the binary.
pub(crate) fn command(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringmq"));
    command.args(arguments.split_whitespace());
    command
}

/// Runs the binary to its end: exit code, standard output, standard error.
pub(crate) fn run(arguments: &str) -> (i32, String, String) {
    let output = command(arguments).output().unwrap();
    texts(output)
}

fn texts(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("not killed by a signal");
    (code, text(output.stdout), text(output.stderr))
}

/// A configuration file of this test process.
pub(crate) fn config_file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A broker that runs; killed when the test ends early.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said when it had started.
    pub(crate) announcement: String,
}

impl Running {
    /// Starts a broker and waits until it says that it has started.
    pub(crate) fn start(arguments: &str) -> Running {
        Running::spawn(command(arguments))
    }

    pub(crate) fn spawn(mut command: Command) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut announcement = String::new();
        while !announcement.contains("stop with") {
            if stdout.read_line(&mut announcement).unwrap() == 0 {
                let mut errors = String::new();
                child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut errors)
                    .unwrap();
                panic!("did not start: {announcement}{errors}");
            }
        }
        Running {
            child,
            stdout,
            announcement,
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where its listeners are, in order.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let lines = self
            .announcement
            .lines()
            .filter(|line| line.contains("listening on"));
        let address = |line: &str| line.split_whitespace().nth(2)?.parse().ok();
        lines
            .map(|line| address(line).expect("an address"))
            .collect()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = i32::try_from(self.process()).unwrap();
        let process = rustix::process::Pid::from_raw(process).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Its log from here on, to read line by line.
    pub(crate) fn log(&mut self) -> BufReader<std::process::ChildStderr> {
        BufReader::new(self.child.stderr.take().unwrap())
    }

    /// Waits for the end: exit code, and what it wrote after its announcement.
    pub(crate) fn end(mut self) -> (i32, String, String) {
        let (mut output, mut errors) = (String::new(), String::new());
        self.stdout.read_to_string(&mut output).unwrap();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut errors).unwrap();
        }
        let code = self.child.wait().unwrap().code();
        (code.expect("not killed by a signal"), output, errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
