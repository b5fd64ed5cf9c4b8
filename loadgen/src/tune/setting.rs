//! What is tried: how many shards, on which CPUs.

use std::fmt;

use rustix::thread::{CpuSet, sched_getaffinity};

use crate::cli::TuneArgs;

/// A setting of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// `None`: as many as the broker chooses.
    pub(crate) shards: Option<u32>,
    /// A list as the broker takes it, or `all`.
    pub(crate) cpus: String,
}

impl Setting {
    /// What the broker does when nobody tells it anything.
    pub(crate) fn automatic() -> Setting {
        Setting {
            shards: None,
            cpus: "all".to_owned(),
        }
    }

    /// Arguments of the broker.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--cpus".to_owned(), self.cpus.clone()];
        if let Some(shards) = self.shards {
            arguments.extend(["--shards".to_owned(), shards.to_string()]);
        }
        arguments
    }

    /// For the runs' folder.
    pub(crate) fn folder_name(&self) -> String {
        let shards = self.shards.map_or("auto".to_owned(), |it| it.to_string());
        format!("shards-{shards}-cpus-{}", self.cpus.replace(',', "+"))
    }

    /// The lines for the broker's configuration.
    pub(crate) fn config(&self) -> String {
        let shards = self
            .shards
            .map_or("\"auto\"".to_owned(), |it| it.to_string());
        format!("[broker]\nshards = {shards}\ncpus = \"{}\"\n", self.cpus)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shards {
            None => f.write_str("shards as the broker chooses")?,
            Some(1) => f.write_str("1 shard")?,
            Some(shards) => write!(f, "{shards} shards")?,
        }
        match self.cpus.as_str() {
            "all" => f.write_str(" on all CPUs"),
            cpus => write!(f, " on CPUs {cpus}"),
        }
    }
}

/// The settings to try: what was asked for, else powers of two up to the CPUs, on all CPUs and on all but
/// the last one. Unless asked for, no more shards than CPUs.
pub(crate) fn all(args: &TuneArgs) -> Vec<Setting> {
    let usable = usable_cpus();
    let placements = if args.cpus.is_empty() {
        default_placements(&usable)
    } else {
        let own = |list: &String| (list.clone(), cpus_of(list).unwrap_or(usable.len()));
        args.cpus.iter().map(own).collect()
    };
    let mut settings = Vec::new();
    for (cpus, count) in placements {
        let shards = if args.shards.is_empty() {
            default_shards(count)
        } else {
            args.shards.clone()
        };
        settings.extend(shards.into_iter().map(|shards| Setting {
            shards: Some(shards),
            cpus: cpus.clone(),
        }));
    }
    settings
}

/// 1, 2, 4 and so on up to `cpus`, and `cpus` itself.
fn default_shards(cpus: usize) -> Vec<u32> {
    let cpus = cpus.clamp(1, 64) as u32;
    let mut shards: Vec<u32> = (0..7)
        .map(|power| 1 << power)
        .filter(|&it| it < cpus)
        .collect();
    shards.push(cpus);
    shards
}

/// Lists of CPUs, with how many each names.
fn default_placements(usable: &[usize]) -> Vec<(String, usize)> {
    let mut placements = vec![("all".to_owned(), usable.len())];
    if let Some((_, rest)) = usable.split_last()
        && !rest.is_empty()
    {
        let list: Vec<String> = rest.iter().map(usize::to_string).collect();
        placements.push((list.join(","), rest.len()));
    }
    placements
}

fn usable_cpus() -> Vec<usize> {
    match sched_getaffinity(None) {
        Ok(set) => (0..CpuSet::MAX_CPU)
            .filter(|&cpu| set.is_set(cpu))
            .collect(),
        Err(_) => vec![0],
    }
}

/// How many CPUs a list such as `0,2-5` names; `None` for `all`.
fn cpus_of(list: &str) -> Option<usize> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        Some((to + 1).saturating_sub(from))
    };
    list.split(',').map(range).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_grow_with_the_machine() {
        assert_eq!(default_shards(1), [1]);
        assert_eq!(default_shards(6), [1, 2, 4, 6]);
        assert_eq!(default_placements(&[0]), [("all".to_owned(), 1)]);
        assert_eq!(
            default_placements(&[0, 2, 3]),
            [("all".to_owned(), 3), ("0,2".to_owned(), 2)]
        );
        assert_eq!(cpus_of("0,2-5"), Some(5));
        assert_eq!(cpus_of("all"), None);
    }

    #[test]
    fn a_setting_speaks_to_the_broker_and_to_people() {
        let setting = Setting {
            shards: Some(2),
            cpus: "0,3".to_owned(),
        };
        assert_eq!(setting.arguments(), ["--cpus", "0,3", "--shards", "2"]);
        assert_eq!(setting.to_string(), "2 shards on CPUs 0,3");
        assert_eq!(setting.config(), "[broker]\nshards = 2\ncpus = \"0,3\"\n");
        assert_eq!(setting.folder_name(), "shards-2-cpus-0+3");
        assert_eq!(Setting::automatic().arguments(), ["--cpus", "all"]);
    }
}
