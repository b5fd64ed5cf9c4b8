//! Finds out which process listens on a port, to name it in an error. Only looks at what /proc shows this
//! user; whatever is missing there means that nobody can be named.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::limits::HOLDER_DESCRIPTORS_MAX;

/// A process that listens on the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Name of its program.
    pub program: String,
    /// Its process id.
    pub process: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.program, self.process)
    }
}

/// State LISTEN, as /proc/net/tcp has it.
const LISTENING: &str = "0A";

pub(super) fn of_port(port: u16) -> Option<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts = tables
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    let links: Vec<String> = texts
        .flat_map(|text| inodes(&text, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    for process in processes.filter(|_| !links.is_empty()) {
        let id = process.file_name().to_str().and_then(|id| id.parse().ok());
        if let Some(id) = id
            && holds(&process.path(), &links)
        {
            let program = fs::read_to_string(process.path().join("comm")).ok()?;
            return Some(Holder {
                program: program.trim().to_owned(),
                process: id,
            });
        }
    }
    None
}

fn holds(process: &Path, links: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    let descriptors = descriptors.take(HOLDER_DESCRIPTORS_MAX);
    let mut targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.any(|target| links.iter().any(|link| target.as_os_str() == link.as_str()))
}

/// The sockets of /proc/net/tcp that listen on the port, by inode.
fn inodes(table: &str, port: u16) -> Vec<u64> {
    let suffix = format!(":{port:04X}");
    let socket = |line: &str| -> Option<u64> {
        let mut fields = line.split_ascii_whitespace();
        let local = fields.nth(1)?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?.parse().ok()?;
        (local.ends_with(&suffix) && state == LISTENING).then_some(inode)
    };
    table.lines().skip(1).filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_table_of_sockets_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0\n\
            \x20  1: 0100007F:075B 0100007F:9C4A 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 20 4\n\
            \x20  2: 0100007F:075C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0 100 0\n";
        assert_eq!(inodes(table, 1883), [4242]);
        assert_eq!(inodes(table, 1), [0_u64; 0]);
    }

    #[test]
    fn this_process_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = of_port(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.process, std::process::id());
    }
}
