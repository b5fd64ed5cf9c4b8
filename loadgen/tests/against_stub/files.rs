//! Scenarios from files: every kind of load runs, finds what it should, and leaves nothing behind.

use crate::command::{Run, output, run, run_at};
use crate::stub::{Fault, StubBroker};

const TIMES: &str = "[run]\nwarmup_secs = 0.1\nduration_secs = 0.4\ndrain_secs = 2\n";

/// Writes a scenario to a file of its own and runs it.
fn run_file(broker: &StubBroker, name: &str, text: &str) -> Run {
    let path = format!("{}/{name}.toml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, format!("name = \"{name}\"\n{text}")).unwrap();
    run(broker, &path)
}

/// Runs one load against a faultless broker and compares the expected deliveries per publish.
fn check(name: &str, load: &str, fan_out: u64) -> Run {
    let broker = StubBroker::start(Fault::None);
    let run = run_file(&broker, name, &format!("{TIMES}[[load]]\n{load}"));
    run.check(0, [0; 5]);
    assert_eq!(run.count("expected"), fan_out * run.count("published"));
    assert_eq!(run.report["scenario"]["name"], name);
    run
}

#[test]
fn a_shared_message_goes_to_one_member_of_each_group() {
    let load = "kind = \"shared\"\npublishers = 4\nsubscribers = 6\ngroups = 2\nqos = 1\nrate_per_second = 400\n";
    check("shared", load, 2);
    let broker = StubBroker::start(Fault::Repeat(20));
    let twice = run_file(&broker, "shared-twice", &format!("{TIMES}[[load]]\n{load}"));
    twice.check(2, [0, 1, 0, 0, 0]);
    assert!(
        twice.errors.contains("exactly one member"),
        "{}",
        twice.errors
    );
}

#[test]
fn a_shared_group_closes_its_loop() {
    let load = "kind = \"shared\"\npublishers = 4\nsubscribers = 3\n";
    for qos in 0..=1 {
        let name = format!("shared-window-{qos}");
        check(&name, &format!("{load}qos = {qos}\nwindow = 3\n"), 1);
    }
}

#[test]
fn retained_messages_are_fetched_through_a_filter_of_ones_own() {
    let load = "kind = \"retained-replay\"\ntopics = 20\nsubscribers = 2\nrate_per_second = 500\n";
    check("retained-all", &format!("{load}filter = \"#\"\n"), 2);
}

#[test]
fn retained_messages_are_fetched_and_removed() {
    let load = "kind = \"retained-replay\"\ntopics = 50\npublishers = 3\nsubscribers = 4\nrate_per_second = 500\n";
    let broker = StubBroker::start(Fault::None);
    for qos in 0..=2 {
        let run = run_file(
            &broker,
            &format!("retained-{qos}"),
            &format!("{TIMES}[[load]]\n{load}qos = {qos}\n"),
        );
        // What the run before left behind would be unexpected here.
        run.check(0, [0; 5]);
        assert_eq!((run.count("published"), run.count("expected")), (50, 200));
        assert_eq!(run.report["returns"]["returned"], 4);
    }
}

#[test]
fn a_backlog_waits_for_sessions_that_are_away() {
    let load = "kind = \"session-backlog\"\ntopics = 5\nmessages_each = 8\nsubscribers = 3\nrate_per_second = 400\n";
    let run = check("backlog", load, 3);
    assert_eq!(run.count("published"), 40);
    assert_eq!(run.report["returns"]["sessions_lost"], 0);
    assert!(run.report["latency_us"]["count"].as_u64() == Some(120));
}

#[test]
fn storms_throw_everyone_out_and_bring_them_back() {
    let broker = StubBroker::start(Fault::None);
    let load = "kind = \"reconnect-storm\"\nconnections = 40\nrounds = 3\n";
    let run = run_file(&broker, "storm", &format!("{TIMES}[[load]]\n{load}"));
    assert_eq!(run.code, 0, "{}", run.errors);
    assert_eq!(run.report["returns"]["returned"], 120);
    assert_eq!(run.count("connections_answered"), 40);
}

#[test]
fn fleets_speak_every_form() {
    for (form, value) in [
        (
            "json",
            "{ model = \"sine\", mean = 1, amplitude = 2, period_secs = 9, noise = 0.1 }",
        ),
        ("cbor", "{ model = \"on-off\", on_secs = 1, off_secs = 2 }"),
        (
            "raw",
            "{ model = \"steps\", levels = [1, 2], dwell_secs = 1 }",
        ),
    ] {
        let load = format!(
            "kind = \"fleet\"\nsensors = 60\ngateways = 7\nsubscribers = 6\nsites = 3\n\
             kinds = [\"a\", \"b\"]\ninterval_secs = 0.25\njitter = 0.5\nphase = \"random\"\n\
             qos = 1\npayload = \"{form}\"\nvalue = {value}\n"
        );
        let run = check(&format!("fleet-{form}"), &load, 2);
        assert_eq!(run.count("published"), 120);
    }
}

#[test]
fn all_that_was_due_before_the_end_is_sent() {
    // Everyone speaks twice: at the start, and 0.1 ms before the end, when one tick cannot send it all.
    let load = "kind = \"fleet\"\nsensors = 5000\ngateways = 20\nsubscribers = 1\nsites = 1\n\
                interval_secs = 0.4999\nphase = \"together\"\n";
    let run = check("fleet-end", load, 1);
    assert_eq!((run.count("published"), run.count("unsent")), (10_000, 0));
}

#[test]
fn subscriptions_are_exchanged_beside_a_load() {
    let broker = StubBroker::start(Fault::None);
    let text = format!(
        "{TIMES}[[load]]\nkind = \"fan-out\"\nsubscribers = 3\nrate_per_second = 200\n\
         [[load]]\nname = \"others\"\nkind = \"background\"\nconnections = 4\nfilters_each = 250\n\
         changes_per_second = 100\n"
    );
    let run = run_file(&broker, "exchanged", &text);
    run.check(0, [0; 5]);
    let changes = &run.report["loads"][1]["changes"];
    let turns = changes["changed"].as_u64().unwrap() + changes["missed"].as_u64().unwrap();
    assert!((1..=51).contains(&turns), "{changes}");
}

#[test]
fn loads_side_by_side_are_judged_apart() {
    // Of two publishers' deliveries in turn, one is lost: at QoS 0 it may, at QoS 1 not.
    let text = format!(
        "{TIMES}rate_per_second = 400\n\
         [[load]]\nname = \"loose\"\nkind = \"pairs\"\nweight = 1\nqos = 0\npublishers = 2\n\
         [[load]]\nname = \"strict\"\nkind = \"pairs\"\nweight = 1\nqos = 1\npublishers = 2\n"
    );
    let broker = StubBroker::start(Fault::Drop(30));
    let run = run_file(&broker, "apart", &text);
    assert_eq!(run.count("lost"), 1);
    let strict_lost = run.report["loads"][1]["lost"].as_u64().unwrap();
    assert_eq!(
        run.code,
        if strict_lost == 1 { 2 } else { 0 },
        "{}",
        run.errors
    );
    let sum = |key: &str| -> u64 {
        let loads = run.report["loads"].as_array().unwrap();
        loads.iter().map(|load| load[key].as_u64().unwrap()).sum()
    };
    assert_eq!(run.count("delivered"), sum("delivered"));
    assert_eq!(run.count("published"), sum("published"));
}

#[test]
fn threads_share_a_load() {
    let text = format!(
        "{TIMES}threads = 3\n\
         [[load]]\nkind = \"fan-out\"\npublishers = 2\nsubscribers = 7\nqos = 1\nrate_per_second = 300\n"
    );
    let broker = StubBroker::start(Fault::None);
    let run = run_file(&broker, "threads", &text);
    run.check(0, [0; 5]);
    assert_eq!(run.count("connections"), 9);
    assert_eq!(run.count("expected"), 7 * run.count("published"));
}

#[test]
fn properties_aliases_and_names_are_sent() {
    let text = format!(
        "{TIMES}[mqtt]\nversion = \"5\"\nuser_name = \"u\"\npassword = \"p\"\ntopic_aliases_max = 5\n\
         [mqtt.properties]\ncontent_type = \"text\"\nuser = [[\"a\", \"b\"]]\n\
         [[load]]\nkind = \"fan-in\"\npublishers = 3\nsubscribers = 2\nqos = 1\nexact_filters = true\n\
         payload_bytes = 16\nrate_per_second = 300\n"
    );
    let broker = StubBroker::start(Fault::None);
    run_file(&broker, "v5", &text).check(0, [0; 5]);
}

#[test]
fn presets_are_listed_shown_and_run() {
    let broker = StubBroker::start(Fault::None);
    let run = run_at(
        broker.address(),
        "pairs --set load.publishers=4 --set load.rate_per_second=200 --duration 0.3 --warmup 0.1",
    );
    run.check(0, [0; 5]);
    let wrong = output("pears");
    assert_eq!(wrong.status.code(), Some(1));
    let wrong = output("pairs --set load.publisher=4");
    let errors = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(errors.contains("did you mean `publishers`?"), "{errors}");
}
