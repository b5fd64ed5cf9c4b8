//! The machine a run was made on, as far as it matters to whether two runs can be compared.

use std::fs;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

/// What is known of a machine. A figure that cannot be read is empty or 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MachineRecord {
    pub(crate) host_name: String,
    pub(crate) cpu_model: String,
    /// CPUs of the machine.
    pub(crate) cpus: u32,
    /// CPUs this process may use.
    pub(crate) cpus_usable: u32,
    pub(crate) memory_bytes: u64,
    /// Name and release, such as `Linux 6.18.44`.
    pub(crate) kernel: String,
}

impl MachineRecord {
    /// This machine.
    pub(crate) fn here() -> MachineRecord {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let system = rustix::system::uname();
        MachineRecord {
            host_name: system.nodename().to_string_lossy().into_owned(),
            cpu_model: value_of(&cpuinfo, "model name")
                .unwrap_or_default()
                .to_owned(),
            cpus: cpus_of(
                &fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default(),
            ),
            cpus_usable: available_parallelism().map_or(0, |count| count.get() as u32),
            memory_bytes: value_of(&meminfo, "MemTotal")
                .and_then(|text| text.strip_suffix(" kB")?.trim().parse::<u64>().ok())
                .map_or(0, |kib| kib * 1024),
            kernel: format!(
                "{} {}",
                system.sysname().to_string_lossy(),
                system.release().to_string_lossy()
            ),
        }
    }
}

/// The value behind the colon of the first line that begins with `key`.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.split_once(':')?.1.trim())
}

/// How many CPUs a list such as `0-3,8` names.
fn cpus_of(list: &str) -> u32 {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(to.parse::<u32>().ok()? - from.parse::<u32>().ok()? + 1)
    };
    list.trim().split(',').filter_map(range).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_values_are_read() {
        assert_eq!(cpus_of("0-3,8\n"), 5);
        assert_eq!(cpus_of("0"), 1);
        assert_eq!(cpus_of(""), 0);
        assert_eq!(
            value_of("a\t: 1\nmodel name\t: X 2\n", "model name"),
            Some("X 2")
        );
    }

    #[test]
    fn this_machine_has_a_cpu_and_memory() {
        let machine = MachineRecord::here();
        assert!(machine.cpus >= 1 && machine.cpus_usable >= 1);
        assert!(machine.memory_bytes > 1 << 20);
        assert!(machine.kernel.starts_with("Linux "));
    }
}
