//! Kept runs are compared: what is refused, what is said, and the exit codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::command::run;
use crate::stub::{Fault, StubBroker};

/// Runs `loadgen ARGUMENTS`; the exit code and all it printed.
fn loadgen(arguments: &str) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(arguments.split_whitespace())
        .output()
        .expect("loadgen was built for this test");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().expect("loadgen is not killed"),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// One real run, kept under `name` of this test's folder.
fn kept(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    let broker = StubBroker::start(Fault::None);
    let arguments = format!(
        "fan-out --rate 200 --warmup 0 --duration 0.2 --drain 1 --pid {} --release old --out {}",
        std::process::id(),
        path.join("original").display()
    );
    assert_eq!(run(&broker, &arguments).code, 0);
    path
}

/// A copy of the run with other figures.
fn copy(path: &Path, name: &str, second: usize, edit: impl Fn(&mut Value)) {
    let from = path.join("original");
    let to = path.join(name).join(second.to_string());
    fs::create_dir_all(&to).unwrap();
    for file in ["latency.hlog", "connect.hlog"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let mut record: Value =
        serde_json::from_slice(&fs::read(from.join("run.json")).unwrap()).unwrap();
    // On a machine of one CPU the stub is pinned, and would be probed.
    record["results"]["broker"]["undisturbed_share"] = Value::Null;
    record["started"] = json!(format!("2026-11-21T02:00:{second:02}.000Z"));
    record["versions"]["broker"] = json!(name);
    edit(&mut record);
    fs::write(to.join("run.json"), record.to_string()).unwrap();
}

#[test]
fn a_slower_release_fails_the_build() {
    let path = kept("compared");
    for pair in 0..6 {
        let cpu = |record: &mut Value, value: f64| {
            record["results"]["broker"]["cpu_us_per_delivery"] = json!(value);
        };
        let noise = 0.01 * pair as f64;
        copy(&path, "one", 2 * pair, |it| cpu(it, 5.0 + noise));
        copy(&path, "two", 2 * pair + 1, |it| cpu(it, 5.5 + noise));
    }
    let html = path.join("compared.html");
    let folders = format!("{0}/one {0}/two", path.display());
    let (code, text) = loadgen(&format!(
        "compare {folders} --html {} --fail-above 5%",
        html.display()
    ));
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("WORSE") && text.contains("in pairs"),
        "{text}"
    );
    assert!(
        fs::read_to_string(html)
            .unwrap()
            .contains("two against one")
    );
    assert_eq!(loadgen(&format!("compare {folders} --fail-above 20")).0, 0);
    let (code, text) = loadgen(&format!("compare {0}/two --new {0}/one", path.display()));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("better"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let path = kept("refused");
    copy(&path, "one", 1, |_| ());
    copy(&path, "load", 2, |it| {
        it["scenario"]["text"] = json!("qos = 2\n");
    });
    copy(&path, "machine", 3, |it| it["machine"]["cpus"] = json!(999));
    for (name, flag) in [
        ("load", "--across-scenarios"),
        ("machine", "--across-machines"),
    ] {
        let arguments = format!("compare {0}/one {0}/{name}", path.display());
        let (code, text) = loadgen(&arguments);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(flag), "{text}");
        assert_eq!(loadgen(&format!("{arguments} {flag}")).0, 0);
    }
    let (code, text) = loadgen(&format!("compare {0}/one {0}/nothing", path.display()));
    assert_eq!(code, 1);
    assert!(text.contains("nothing"), "{text}");
    let (code, text) = loadgen(&format!("compare {}/one", path.display()));
    assert_eq!(code, 1);
    assert!(text.contains("new side"), "{text}");
}
