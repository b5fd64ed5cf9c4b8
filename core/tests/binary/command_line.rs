use ringmq_router::DropReason;

use crate::ringmq::run;

#[test]
fn the_version_is_one_line() {
    let (code, output, errors) = run("--version");
    assert_eq!((code, errors.as_str()), (0, ""));
    assert_eq!(output, format!("ringmq {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_help_has_every_option_and_the_exit_codes() {
    let (code, output, _) = run("--help");
    assert_eq!(code, 0);
    for part in [
        "--listen <HOST[:PORT]>",
        "--allow-anonymous",
        "--shards <COUNT>",
        "--cpus <LIST>",
        "-c, --config <FILE>",
        "--check-config",
        "--log-level <LEVEL>",
        "--log-format <FORMAT>",
        "--sys-interval-secs <SECONDS>",
        "--hash-seed <NUMBER>",
        "127.0.0.1:1883",
        "Exit codes:",
    ] {
        assert!(output.contains(part), "{part} is missing in:\n{output}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_why() {
    for (arguments, reason) in [
        ("--lisen ::1", "a similar argument exists: '--listen'"),
        ("--shards 0", "'0' is not \"auto\" or a number from 1 to 64"),
        (
            "--shards 65",
            "'65' is not \"auto\" or a number from 1 to 64",
        ),
        ("--cpus 5-2", "the range '5-2' ends before it begins"),
        ("--listen example.org", "is not an IP address"),
        ("--listen 127.0.0.1:99999", "is not a port number"),
        ("--log-level inf", "did you mean 'info'?"),
        ("--log-format xml", "'xml' is not \"text\" or \"json\""),
    ] {
        let (code, output, errors) = run(arguments);
        assert_eq!((code, output.as_str()), (2, ""), "{arguments}");
        assert!(errors.contains(reason), "{arguments}:\n{errors}");
    }
}

const MANUAL: &str = include_str!("../../../docs/OPERATING.md");

#[test]
fn every_drop_reason_is_documented() {
    for reason in DropReason::ALL {
        let name = format!("`{}`", reason.name());
        assert!(MANUAL.contains(&name), "docs/OPERATING.md lacks {name}");
    }
}

#[test]
fn every_option_is_documented() {
    let (_, help, _) = run("--help");
    let options = help
        .split_whitespace()
        .filter(|word| word.starts_with("--"));
    for option in options.map(|option| option.trim_end_matches(['.', ',', ';'])) {
        assert!(MANUAL.contains(option), "docs/OPERATING.md lacks {option}");
    }
}
