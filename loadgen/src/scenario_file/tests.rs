//! Every preset becomes a plan; what is wrong with a file is said so that it can be put right.

use super::*;
use crate::cli::ConnectArgs;
use crate::scenario::Pace;

fn plans_of(text: &str, settings: &[&str]) -> Result<Vec<crate::scenario::Plan>, String> {
    let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
    let file = ScenarioFile::parse(text, &settings)?;
    plans(&file, &ConnectArgs::default(), &Explicit::default())
}

#[test]
fn every_preset_becomes_a_plan_under_its_name() {
    for preset in presets() {
        let file = ScenarioFile::parse(preset.text, &[]).unwrap();
        assert_eq!(file.name, preset.name);
        assert!(!file.description.is_empty(), "{}", preset.name);
        let (connect, explicit) = (ConnectArgs::default(), Explicit::default());
        if reach(&file, &connect, &explicit).unwrap().is_some() {
            continue;
        }
        let plans = plans_of(preset.text, &[]);
        assert!(plans.is_ok(), "{}: {:?}", preset.name, plans.err());
    }
}

#[test]
fn what_is_reached_stands_in_the_file() {
    let text = preset("million").unwrap().text;
    let (connect, explicit) = (ConnectArgs::default(), Explicit::default());
    let file = ScenarioFile::parse(text, &["load.chosen=7".to_owned()]).unwrap();
    let args = reach(&file, &connect, &explicit).unwrap().unwrap();
    assert_eq!(
        (args.connections, args.chosen, args.rounds),
        (1_000_000, 7, 3)
    );
    assert_eq!((args.hold, args.connect.keep_alive), (300.0, 60));
    for (setting, why) in [
        ("load.rounds=256", "at most 255"),
        ("load.chosen=0", "at least 1"),
    ] {
        let file = ScenarioFile::parse(text, &[setting.to_owned()]);
        let error = file.and_then(|file| reach(&file, &connect, &explicit).map(|_| ()));
        assert!(error.unwrap_err().contains(why), "{setting}");
    }
    let beside = format!("{PAIRS}[[load]]\nkind = \"reach\"\n");
    let file = ScenarioFile::parse(&beside, &[]).unwrap();
    let error = reach(&file, &connect, &explicit).unwrap_err();
    assert!(error.contains("runs alone"), "{error}");
}

#[test]
fn every_file_of_the_folder_is_a_preset() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let preset = preset(name.trim_end_matches(".toml"));
        assert!(preset.is_some(), "{name} is not in the list");
    }
}

#[test]
fn a_scenario_survives_being_written() {
    for preset in presets() {
        let file = ScenarioFile::parse(preset.text, &[]).unwrap();
        let again = ScenarioFile::parse(&file.to_text(), &[]).unwrap();
        assert_eq!(again, file, "{}", preset.name);
    }
}

const PAIRS: &str = "name = \"x\"\n[[load]]\nkind = \"pairs\"\npublishers = 3\nwindow = 2\n";

/// Parses `PAIRS` with a line added and checks what is said about it.
fn check_refused(line: &str, parts: &[&str]) {
    let error = ScenarioFile::parse(&format!("{PAIRS}{line}\n"), &[]).unwrap_err();
    for part in parts {
        assert!(error.contains(part), "{part} in: {error}");
    }
}

#[test]
fn mistakes_name_the_line_and_the_nearest_key() {
    check_refused("subscriber = 3", &["line 6", "did you mean `subscribers`?"]);
    check_refused("[runn]", &["did you mean `run`?"]);
    check_refused("[run]\nduration = 5", &["did you mean `duration_secs`?"]);
    check_refused("[mqtt]\nuser = 5", &["did you mean `user_name`?"]);
    check_refused("group = 2", &["did you mean `groups`?"]);
    check_refused("groups = 2", &["does not belong to kind \"pairs\""]);
    check_refused("qos = 3", &["load `pairs`", "0, 1 or 2"]);
    check_refused("payload_bytes = 8", &["between 16"]);
    check_refused("filter = \"#\"", &["does not belong to kind \"pairs\""]);
    check_refused("rate_per_second = 2", &["one of rate_per_second"]);
    check_refused("[[load]]\nkind = \"fanout\"", &["did you mean `fan-out`?"]);
    check_refused("[mqtt]\nversion = \"4\"", &["line 7"]);
}

#[test]
fn settings_change_keys_and_only_known_ones() {
    let plans = plans_of(PAIRS, &["load.publishers=7", "run.duration_secs=2"]).unwrap();
    assert_eq!(plans[0].layout.publishers, 7);
    assert_eq!(plans[0].phases.duration, 2.0);
    for wrong in ["load.publisher=7", "load.3.window=1", "window", "name.x=1"] {
        let error = plans_of(PAIRS, &[wrong]).err();
        assert!(error.unwrap().contains("--set"), "{wrong}");
    }
}

#[test]
fn weights_share_the_rate_out_and_loads_are_kept_apart() {
    let text = "name = \"x\"\n[run]\nrate_per_second = 1000\n\
        [[load]]\nkind = \"fan-out\"\nweight = 3\n[[load]]\nkind = \"fan-in\"\nweight = 1\n";
    let plans = plans_of(text, &[]).unwrap();
    let rates: Vec<Pace> = plans.iter().map(|plan| plan.pace).collect();
    let open = |rate_per_second| Pace::Open { rate_per_second };
    assert_eq!(rates, [open(750.0), open(250.0)]);
    assert_ne!(plans[0].connect.topic_prefix, plans[1].connect.topic_prefix);
    assert_ne!(
        plans[0].connect.client_prefix,
        plans[1].connect.client_prefix
    );
}

#[test]
fn properties_need_mqtt_5() {
    let properties = "[mqtt.properties]\ncontent_type = \"text\"\nuser = [[\"a\", \"b\"]]\n";
    let error = plans_of(&format!("{PAIRS}{properties}"), &[]).err();
    assert!(error.unwrap().contains("need MQTT 5"));
    let v5 = format!("{PAIRS}[mqtt]\nversion = \"5\"\n{properties}");
    let plans = plans_of(&v5, &[]).unwrap();
    assert!(
        !plans[0]
            .mqtt
            .properties
            .encoded()
            .as_properties()
            .is_empty()
    );
}

#[test]
fn the_command_line_wins() {
    let text = format!("{PAIRS}[mqtt]\nkeep_alive_secs = 300\n[connect]\nrate_per_second = 5\n");
    let file = ScenarioFile::parse(&text, &[]).unwrap();
    let connect = ConnectArgs {
        keep_alive: 7,
        ..ConnectArgs::default()
    };
    let given = Explicit(["keep_alive".to_owned()].into());
    let plans = plans(&file, &connect, &given).unwrap();
    assert_eq!(plans[0].mqtt.keep_alive_secs, 7);
    assert_eq!(plans[0].connect.connect_rate, 5);
}

#[test]
fn the_examples_of_the_documentation_are_scenarios() {
    let page = include_str!("../../../docs/LOADGEN.md");
    let blocks = page.split("```toml\n").skip(1);
    let texts: Vec<&str> = blocks.filter_map(|it| it.split("```").next()).collect();
    assert!(texts.len() >= 2);
    for text in texts {
        let name = if text.starts_with("name") {
            ""
        } else {
            "name = \"x\"\n"
        };
        if let Err(error) = ScenarioFile::parse(&format!("{name}{text}"), &[]) {
            panic!("{text}\n{error}");
        }
    }
}
