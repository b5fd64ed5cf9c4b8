use std::io;

use super::topology::CoreId;
use super::*;

/// A made-up machine: the core of each CPU, and which CPUs the process may use.
struct Machine {
    cores: Vec<usize>,
    allowed: Vec<u16>,
}

impl Topology for Machine {
    fn online(&self) -> Vec<Cpu> {
        let cpus = (0..).map(CpuId).zip(&self.cores);
        cpus.map(|(id, core)| Cpu {
            id,
            core: CoreId(0, 0, *core),
        })
        .collect()
    }

    fn allowed(&self) -> io::Result<Vec<CpuId>> {
        Ok(self.allowed.iter().copied().map(CpuId).collect())
    }
}

/// Four cores with two threads each, numbered as Intel and AMD servers do: siblings are 4 apart.
fn four_cores() -> Machine {
    Machine {
        cores: vec![0, 1, 2, 3, 0, 1, 2, 3],
        allowed: (0..8).collect(),
    }
}

fn check(machine: &Machine, shards: &str, cpus: &str, expected: &[u16]) {
    let shards = shards.parse().unwrap();
    let placement = place(machine, shards, &cpus.parse().unwrap()).unwrap();
    let cpus: Vec<u16> = placement
        .shards()
        .iter()
        .map(|cpu| cpu.unwrap().0)
        .collect();
    assert_eq!(cpus, expected);
}

fn check_error(machine: &Machine, cpus: &str, expected: &str) {
    let error = place(machine, Shards::Auto, &cpus.parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn one_shard_per_physical_core() {
    check(&four_cores(), "auto", "all", &[0, 1, 2, 3]);
    let siblings_are_neighbours = Machine {
        cores: vec![0, 0, 1, 1],
        allowed: (0..4).collect(),
    };
    check(&siblings_are_neighbours, "auto", "all", &[0, 2]);
}

#[test]
fn more_shards_use_the_second_threads_and_then_wrap_round() {
    check(&four_cores(), "6", "all", &[0, 1, 2, 3, 4, 5]);
    check(&four_cores(), "10", "all", &[0, 1, 2, 3, 4, 5, 6, 7, 0, 1]);
    check(&four_cores(), "2", "all", &[0, 1]);
}

#[test]
fn a_list_of_cpus_narrows_the_choice() {
    check(&four_cores(), "auto", "5-7", &[5, 6, 7]);
    check(&four_cores(), "auto", "1,5", &[1]);
    check(&four_cores(), "3", "1,5", &[1, 5, 1]);
}

#[test]
fn placement_stays_within_the_affinity() {
    let mut machine = four_cores();
    machine.allowed = vec![2, 6, 7];
    check(&machine, "auto", "all", &[2, 7]);
    check(&machine, "3", "all", &[2, 7, 6]);
    check_error(
        &machine,
        "2,3",
        "this process may not run on CPU 3: its affinity (taskset, cpuset or container) allows 2,6-7",
    );
}

#[test]
fn a_cpu_that_does_not_exist_is_named() {
    check_error(
        &four_cores(),
        "0,2-9",
        "there is no CPU 8 on this machine; it has 0-7",
    );
}

#[test]
fn a_machine_with_more_cores_than_shards_can_be() {
    let machine = Machine {
        cores: (0..128).collect(),
        allowed: (0..128).collect(),
    };
    check(&machine, "auto", "all", &(0..64).collect::<Vec<_>>());
}

#[test]
fn this_machine_has_a_place_for_a_shard() {
    let placement = Placement::choose(Shards::Auto, &CpuList::All).unwrap();
    assert!(!placement.shards().is_empty());
    let cpu = placement.shards()[0].unwrap();
    std::thread::spawn(move || pin_current_thread(cpu).unwrap())
        .join()
        .unwrap();
}

#[test]
fn ranges_read_as_they_are_written() {
    for text in ["0", "0,2-5", "1-2,4,6-7"] {
        let CpuList::Only(cpus) = text.parse().unwrap() else {
            panic!("{text}")
        };
        assert_eq!(ranges(&cpus), text);
    }
}
