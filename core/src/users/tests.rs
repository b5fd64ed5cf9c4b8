use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use ringmq_codec::ReasonCode;
use ringmq_router::{Authentication, Claim, ListenerId, Memory, Password, Verdict};

use super::judge::Judge;
use super::*;

/// Two lines of Mosquitto 2.0.11's mosquitto_passwd, two of the reference implementation of argon2, and one
/// of PostgreSQL.
const FILE: &str = "\
# users
anna:$7$101$JbWQW3bWjmzvAnFg$qzCBrn2VzQOcCPaH8B93HSvLB+nT3zMGr160BHinIfQA4GLUpPqYsgPq65IYeH0YNE7WvdAq3PfYwpXniyEyMA==
bert:$6$Dbjzh6tqAZvfxRMF$0UM4w+LWlWaOQbeL2/VrOYQdgKbLuZ8mNk300UZI+UPW0OOoh4csrV6zfypJYk5s2M1zrWM3Wxy70ob7jZFESg==

carl:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4
dora:$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc
user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=
";

pub(super) fn users(text: &str) -> Users {
    Users::of(&PasswordFile::parse(text).unwrap(), &Secret([7; 32]))
}

fn problems(text: &str) -> Vec<(usize, LineProblem)> {
    PasswordFile::parse(text).unwrap_err()
}

#[test]
fn passwords_are_checked_in_every_form() {
    let users = users(FILE);
    for (name, password) in [
        ("anna", "geheim"),
        ("bert", "secret"),
        ("carl", "password"),
        ("dora", "password"),
        ("user", "pencil"),
    ] {
        assert!(users.has_password(name, password.as_bytes()), "{name}");
        assert!(!users.has_password(name, b""), "{name}");
        assert!(!users.has_password(name, b"Password\xff"), "{name}");
        assert!(!users.has_password("nobody", password.as_bytes()));
    }
    assert!(!Users::of(&PasswordFile::default(), &Secret([7; 32])).has_password("x", b""));
}

#[test]
fn a_file_is_written_as_it_was_read() {
    assert_eq!(PasswordFile::parse(FILE).unwrap().to_string(), FILE);
}

#[test]
fn new_secrets_stand_beside_each_other_and_are_read_again() {
    let mut file = PasswordFile::default();
    file.put("anna", Secrets::new("Tür zu", true).unwrap());
    file.put("bert", Secrets::new("Tür zu", false).unwrap());
    let text = file.to_string();
    let (anna, bert) = text.split_once('\n').unwrap();
    assert!(
        anna.starts_with("anna:$argon2id$v=19$m=19456,t=2,p=1$"),
        "{anna}"
    );
    assert!(anna.contains(":SCRAM-SHA-256$15000:"), "{anna}");
    assert!(!bert.contains("SCRAM"), "{bert}");
    let users = users(&text);
    assert!(users.has_password("anna", "Tür zu".as_bytes()));
    let (scram, is_user) = users.scram_verifier("anna");
    assert!(is_user && scram.matches("Tür zu".as_bytes()));
    assert!(!users.scram_verifier("bert").1);
}

#[test]
fn all_bad_lines_are_named() {
    let name = || "anna".to_owned();
    for (line, problem) in [
        ("anna", LineProblem::NoName),
        (":$7$1$AA==$AA==", LineProblem::NoName),
        ("anna:", LineProblem::NoHash { name: name() }),
        ("anna:plain", LineProblem::NoHash { name: name() }),
        ("anna:$5$AAAA$AAAA", LineProblem::NoHash { name: name() }),
        ("anna:$7$0$AAAA$AAAA", LineProblem::NoHash { name: name() }),
        ("anna:$6$AAAA$AAAA", LineProblem::NoHash { name: name() }),
        (
            "anna:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
            LineProblem::NoHash { name: name() },
        ),
        (
            "anna:SCRAM-SHA-256$4096:AAAA$AAAA:AAAA",
            LineProblem::NoVerifier { name: name() },
        ),
    ] {
        assert_eq!(
            problems(&format!("# one\n{line}\n")),
            [(2, problem)],
            "{line}"
        );
    }
    let twice = format!("{FILE}x\n{}\n", FILE.lines().nth(1).unwrap());
    let expected = [
        (8, LineProblem::NoName),
        (9, LineProblem::Twice { name: name() }),
    ];
    assert_eq!(problems(&twice), expected);
}

#[test]
fn a_stranger_cannot_be_told_from_a_user_by_the_terms_of_scram() {
    let users = users(FILE);
    let (known, _) = users.scram_verifier("user");
    let (stranger, is_user) = users.scram_verifier("nobody");
    assert!(!is_user);
    assert_eq!(stranger.iterations, known.iterations);
    assert_eq!(stranger.salt.len(), known.salt.len());
    assert_eq!(
        users.scram_verifier("nobody").0,
        stranger,
        "the same each time"
    );
    assert_ne!(users.scram_verifier("noone").0.salt, stranger.salt);
    // A user whose password is only hashed is a stranger to SCRAM.
    assert!(!users.scram_verifier("anna").1);
}

fn path(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ringmq-users-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

#[test]
fn writers_come_one_after_the_other_and_keep_the_mode() {
    let path = path("many");
    PasswordFile::default().create(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(matches!(
        PasswordFile::default().create(&path),
        Err(FileError::Exists { .. })
    ));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let line = FILE.lines().nth(1).unwrap();
    let secrets = Secrets {
        hash: PasswordHash::parse(line.split_once(':').unwrap().1),
        scram: None,
    };
    // A new file appears under the lock of the one before it; who waits for that one may go on at once.
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let (path, secrets) = (path.clone(), secrets.clone());
            thread::spawn(move || {
                PasswordFile::edit(&path, |file| {
                    file.put(&format!("user-{number}"), secrets);
                    Ok::<(), FileError>(())
                })
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap().unwrap();
    }
    assert_eq!(PasswordFile::read(&path).unwrap().lines().len(), 8);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    let folder = path.parent().unwrap();
    let left: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert_eq!(left, ["many"], "no other file is left");
    fs::remove_dir_all(folder).unwrap();
}

fn claim(listener: u16, user_name: Option<&str>, password: Option<&str>) -> Claim {
    Claim {
        client_id: "c".into(),
        user_name: user_name.map(Into::into),
        password: password.map(|it| Password(it.as_bytes().into())),
        peer: ([127, 0, 0, 1], 5).into(),
        listener: ListenerId(listener),
    }
}

/// The reason of a refusal; `None` for being let in.
fn judged(judge: &Judge, authentication: Authentication) -> Option<ReasonCode> {
    match judge.judge(authentication) {
        Verdict::Allow(_) => None,
        Verdict::Deny(reason) => Some(reason),
        Verdict::Continue { .. } => panic!("more is asked for"),
    }
}

#[test]
fn who_is_let_in() {
    let judge = Judge::new(users(FILE), Box::new([false, true]));
    let bad = Some(ReasonCode::BadUserNameOrPassword);
    for (listener, user, password, expected) in [
        (0, Some("anna"), Some("geheim"), None),
        (1, Some("anna"), Some("geheim"), None),
        (0, Some("anna"), Some("wrong"), bad),
        (1, Some("anna"), Some("wrong"), bad),
        (1, Some("anna"), None, bad),
        (1, Some("nobody"), Some("geheim"), bad),
        (1, Some(""), Some("geheim"), bad),
        (1, None, Some("geheim"), bad),
        (0, None, None, Some(ReasonCode::NotAuthorized)),
        (1, None, None, None),
        (9, None, None, Some(ReasonCode::NotAuthorized)),
    ] {
        let claim = claim(listener, user, password);
        let found = judged(&judge, Authentication::Password(claim.clone()));
        assert_eq!(found, expected, "{claim:?} {listener}");
    }
    judge.replace(users(""));
    let gone = Authentication::Password(claim(0, Some("anna"), Some("geheim")));
    assert_eq!(judged(&judge, gone), bad);
}

fn exchange(user_name: Option<&str>, method: &str, data: &str) -> Authentication {
    Authentication::Exchange {
        claim: claim(0, user_name, None),
        method: method.into(),
        data: data.as_bytes().into(),
    }
}

/// The next question, with an answer to the challenge of `pencil`'s owner.
fn answered(judge: &Judge, question: Authentication, password: &str) -> Authentication {
    let Verdict::Continue { data, memory } = judge.judge(question) else {
        panic!("no challenge");
    };
    let challenge = String::from_utf8(data.into()).unwrap();
    let data = scram::tests::client_final("n=user,r=abc", &challenge, password);
    Authentication::Step {
        data: data.into_bytes().into(),
        memory,
    }
}

#[test]
fn exchanges_go_on_from_memory_to_memory() {
    let judge = Judge::new(users(FILE), Box::new([false]));
    let first = "n,,n=user,r=abc";
    let denied = Some(ReasonCode::NotAuthorized);
    let unknown = exchange(None, "PLAIN", first);
    assert_eq!(
        judged(&judge, unknown),
        Some(ReasonCode::BadAuthenticationMethod)
    );
    assert_eq!(judged(&judge, exchange(None, "SCRAM-SHA-256", "")), denied);

    let step = answered(&judge, exchange(None, "SCRAM-SHA-256", first), "pencil");
    let Verdict::Allow(grant) = judge.judge(step) else {
        panic!("refused");
    };
    assert!(grant.data.starts_with(b"v="));
    let again = Authentication::Again {
        method: "SCRAM-SHA-256".into(),
        data: first.as_bytes().into(),
        memory: grant.memory,
    };
    let step = answered(&judge, again, "pencil");
    assert_eq!(judged(&judge, step), None);

    let step = answered(&judge, exchange(None, "SCRAM-SHA-256", first), "pencils");
    assert_eq!(judged(&judge, step), denied);
    // Who names another user in the CONNECT, or becomes another, is refused.
    let step = answered(
        &judge,
        exchange(Some("anna"), "SCRAM-SHA-256", first),
        "pencil",
    );
    assert_eq!(judged(&judge, step), denied);
    let lost = Authentication::Step {
        data: Box::default(),
        memory: Memory::default(),
    };
    assert_eq!(judged(&judge, lost), denied);
}
