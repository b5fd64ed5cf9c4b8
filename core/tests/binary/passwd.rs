//! `ringmq passwd`: what it prints, what it writes, and what it refuses.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::ringmq::{command, run};

fn fresh(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It may be left from an earlier run.
    let _ = fs::remove_file(&path);
    path
}

/// Runs with something on standard input: exit code, standard output, standard error.
fn with_input(arguments: &str, input: &str) -> (i32, String, String) {
    let mut command = command(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

#[test]
fn users_come_change_and_go() {
    let file = fresh("users-1");
    let path = file.display();
    let (code, output, errors) = with_input(&format!("passwd {path} add -c anna --stdin"), "one\n");
    assert_eq!((code, errors.as_str()), (0, ""));
    let expected = format!("added 'anna' in {path}; a running broker reads it on SIGHUP\n");
    assert_eq!(output, expected);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let anna = fs::read_to_string(&file).unwrap();

    let secret = fresh("secret-1");
    fs::write(&secret, "two\r\nmore").unwrap();
    let secret = secret.display();
    let add = format!("passwd {path} add bert --from-file {secret} --without-scram");
    assert_eq!(run(&add).0, 0);
    let (_, list, _) = run(&format!("passwd {path} list"));
    assert_eq!(
        list,
        "anna\targon2id, SCRAM-SHA-256 (15000 iterations)\nbert\targon2id\n"
    );

    assert_eq!(
        with_input(&format!("passwd {path} change anna --stdin"), "new").0,
        0
    );
    let changed = fs::read_to_string(&file).unwrap();
    assert!(changed.starts_with("anna:") && !changed.contains(anna.trim_end()));
    assert_eq!(run(&format!("passwd {path} delete anna")).0, 0);
    assert_eq!(run(&format!("passwd {path} list")).1, "bert\targon2id\n");
}

#[test]
fn refusals_change_nothing_and_say_the_way_out() {
    let file = fresh("users-2");
    let path = file.display();
    let missing = format!("ringmq: {path}: there is no such file; 'add NAME --create' makes it\n");
    assert_eq!(
        run(&format!("passwd {path} list")),
        (1, String::new(), missing.clone())
    );
    assert_eq!(run(&format!("passwd {path} add anna --stdin")).2, missing);
    fs::write(&file, "anna:$6$AAAAAAAAAAAAAAAA$UmVhbGx5\n").unwrap();
    let (_, _, errors) = run(&format!("passwd {path} list"));
    let start = format!("ringmq: {path}:1: what follows 'anna' is no password hash");
    assert!(errors.starts_with(&start), "{errors}");

    fs::remove_file(&file).unwrap();
    assert_eq!(
        with_input(&format!("passwd {path} add -c anna --stdin"), "one").0,
        0
    );
    let before = fs::read_to_string(&file).unwrap();
    for (arguments, start) in [
        (
            "add anna --stdin",
            "there is a user 'anna' already; 'change' gives",
        ),
        (
            "add -c bert --stdin",
            &*format!("{path}: exists already; leave out --create"),
        ),
        (
            "add a:b --stdin",
            "'a:b' cannot be a user name in a password file",
        ),
        (
            "add # --stdin",
            "'#' cannot be a user name in a password file",
        ),
        (
            "change bert --stdin",
            "there is no user 'bert'; 'list' shows all",
        ),
        ("delete bert", "there is no user 'bert'; 'list' shows all"),
        ("add bert --stdin", "the password is empty"),
        (
            "add bert --from-file /nonexistent",
            "cannot read the password from /nonexistent: No such",
        ),
    ] {
        let (code, output, errors) = with_input(&format!("passwd {path} {arguments}"), "\n");
        assert_eq!((code, output.as_str()), (1, ""), "{arguments}");
        assert!(
            errors.starts_with(&format!("ringmq: {start}")),
            "{arguments}: {errors}"
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(run(&format!("passwd {path}")).0, 2);
    assert_eq!(run(&format!("--shards 1 passwd {path} list")).0, 2);
}
