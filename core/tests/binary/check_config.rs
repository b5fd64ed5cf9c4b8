use crate::ringmq::{config_file, run};

#[test]
fn good_settings_are_printed_as_they_take_effect() {
    let path = config_file("good.toml", "[broker]\nshards = 3\nshutdown_secs = 9\n");
    let path = path.display();
    let (code, output, errors) = run(&format!(
        "--check-config --config {path} --shards 2 --listen [::1]"
    ));
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(output.starts_with("ok\n"), "{output}");
    for line in [
        "shards = 2",
        "shutdown_secs = 9",
        "address = \"[::1]:1883\"",
        "allow_anonymous = true",
        "queue_messages_max = 1000",
        "level = \"info\"",
    ] {
        assert!(
            output.lines().any(|printed| printed == line),
            "{line} is missing in:\n{output}"
        );
    }
}

#[test]
fn all_errors_are_printed_with_their_lines() {
    let text = "[broker]\nshard = 2\nconnections_max = 0\n\n[[listener]]\naddress = \"0.0.0.0\"\n\n[limits]\nqueue_byte_max = 5\n";
    let path = config_file("bad.toml", text);
    let path = path.display();
    for check in ["--check-config", ""] {
        let (code, output, errors) = run(&format!("{check} --config {path}"));
        assert_eq!((code, output.as_str()), (1, ""));
        let lines: Vec<&str> = errors.lines().collect();
        assert_eq!(lines.len(), 4, "{errors}");
        for (line, start) in lines.iter().zip([
            "2: unknown key 'shard' in [broker]; did you mean 'shards'?",
            "3: [broker] connections_max = 0 is out of range: 1 to 16000000",
            "5: listener 0.0.0.0:1883 can be reached from other machines",
            "9: unknown key 'queue_byte_max' in [limits]; did you mean 'queue_bytes_max'?",
        ]) {
            assert!(
                line.starts_with(&format!("ringmq: {path}:{start}")),
                "{line}"
            );
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    let (code, _, errors) = run("--check-config --config /nonexistent/ringmq.toml");
    assert_eq!(code, 1);
    assert_eq!(
        errors,
        "ringmq: /nonexistent/ringmq.toml: cannot be read: No such file or directory (os error 2)\n"
    );
}

#[test]
fn the_command_line_can_open_the_files_listener() {
    let path = config_file("open.toml", "[[listener]]\naddress = \"0.0.0.0\"\n");
    let path = path.display();
    assert_eq!(run(&format!("--check-config --config {path}")).0, 1);
    assert_eq!(
        run(&format!("--check-config --config {path} --allow-anonymous")).0,
        0
    );
    assert_eq!(
        run(&format!("--check-config --config {path} --listen ::1")).0,
        0
    );
    assert_eq!(run("--check-config --listen 0.0.0.0").0, 1);
    assert_eq!(
        run("--check-config --listen 0.0.0.0 --allow-anonymous").0,
        0
    );
}

#[test]
fn a_cpu_that_does_not_exist_is_named() {
    let (code, _, errors) = run("--check-config --cpus 0,9999");
    assert_eq!(code, 1);
    assert!(
        errors.starts_with("ringmq: cpus: there is no CPU 9999 on this machine; it has 0"),
        "{errors}"
    );
}
