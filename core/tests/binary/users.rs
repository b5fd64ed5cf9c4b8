//! A running broker with a password file: who is let in, who is not, and SIGHUP.

use std::fs;
use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::ringmq::{Running, config_file, run};

/// `geheim` and `secret`, by Mosquitto's mosquitto_passwd.
const ANNA: &str = "anna:$7$101$JbWQW3bWjmzvAnFg$qzCBrn2VzQOcCPaH8B93HSvLB+nT3zMGr160BHinIfQA4GLUpPqYsgPq65IYeH0YNE7WvdAq3PfYwpXniyEyMA==\n";
const BERT: &str = "bert:$6$Dbjzh6tqAZvfxRMF$0UM4w+LWlWaOQbeL2/VrOYQdgKbLuZ8mNk300UZI+UPW0OOoh4csrV6zfypJYk5s2M1zrWM3Wxy70ob7jZFESg==\n";

/// A CONNECT with a clean start and an assigned or named client identifier.
fn connect_packet(level: u8, user: Option<&str>, password: Option<&str>) -> Vec<u8> {
    let mut flags = 2;
    let mut fields = Vec::new();
    let id = format!("c-{level}-{}", user.unwrap_or("nobody"));
    for (text, flag) in [(Some(&*id), 0), (user, 0x80), (password, 0x40)] {
        if let Some(text) = text {
            flags |= flag;
            fields.extend_from_slice(&(text.len() as u16).to_be_bytes());
            fields.extend_from_slice(text.as_bytes());
        }
    }
    let mut body = b"\x00\x04MQTT".to_vec();
    body.extend_from_slice(&[level, flags, 0, 0]);
    if level == 5 {
        body.push(0);
    }
    body.extend_from_slice(&fields);
    let mut packet = vec![0x10, body.len() as u8];
    packet.append(&mut body);
    packet
}

/// The code of the CONNACK, and the connection.
fn connect(
    address: SocketAddr,
    level: u8,
    user: Option<&str>,
    password: Option<&str>,
) -> (u8, TcpStream) {
    let mut client = TcpStream::connect(address).unwrap();
    client
        .write_all(&connect_packet(level, user, password))
        .unwrap();
    let mut connack = [0; 4];
    client.read_exact(&mut connack).unwrap();
    assert_eq!(connack[0], 0x20, "CONNACK");
    (connack[3], client)
}

fn is_alive(client: &mut TcpStream) -> bool {
    client.write_all(&[0xC0, 0]).unwrap();
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(&[0xD0, 0]) {
        match client.read(&mut one) {
            Ok(1) => bytes.push(one[0]),
            _ => return false,
        }
    }
    true
}

#[test]
fn only_users_with_their_password_come_in() {
    let users = config_file("users-3", &format!("{ANNA}{BERT}"));
    let users = users.display();
    let text = format!(
        "[users]\npassword_file = \"{users}\"\n[[listener]]\naddress = \"0.0.0.0:0\"\n\
         [[listener]]\naddress = \"127.0.0.1:0\"\nallow_anonymous = true\n"
    );
    let config = config_file("users-3.toml", &text);
    let broker = Running::start(&format!("--config {} --shards 2", config.display()));
    assert!(
        broker
            .announcement
            .contains("(every interface, with a password)")
            && broker
                .announcement
                .contains("(this machine only, with or without a password)"),
        "{}",
        broker.announcement
    );
    let closed = SocketAddr::from(([127, 0, 0, 1], broker.addresses()[0].port()));
    let open = broker.addresses()[1];
    for (address, user, password, v3, v5) in [
        (closed, Some("anna"), Some("geheim"), 0, 0),
        (closed, Some("bert"), Some("secret"), 0, 0),
        (closed, Some("anna"), Some("secret"), 4, 0x86),
        (closed, Some("carl"), Some("geheim"), 4, 0x86),
        (closed, Some("anna"), None, 4, 0x86),
        (closed, None, None, 5, 0x87),
        (open, Some("anna"), Some("geheim"), 0, 0),
        (open, Some("anna"), Some("wrong"), 4, 0x86),
        (open, None, None, 0, 0),
    ] {
        for (level, expected) in [(4, v3), (5, v5)] {
            let (code, mut client) = connect(address, level, user, password);
            assert_eq!(code, expected, "{address} {level} {user:?} {password:?}");
            assert_eq!(is_alive(&mut client), code == 0);
        }
    }
    // Only v5 may send a password without a user name, and it proves nothing.
    assert_eq!(connect(open, 5, None, Some("geheim")).0, 0x86);
    broker.signal(Signal::TERM);
    assert_eq!(broker.end().0, 0);
}

#[test]
fn sighup_brings_new_users_and_a_bad_file_changes_nothing() {
    let users = config_file("users-4", ANNA);
    fs::set_permissions(&users, fs::Permissions::from_mode(0o644)).unwrap();
    let path = users.display();
    let mut broker = Running::start(&format!(
        "--listen 127.0.0.1:0 --shards 1 --password-file {path}"
    ));
    let address = broker.addresses()[0];
    let mut log = broker.log();
    let mut next_line = |wanted: &str| {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert_ne!(
                log.read_line(&mut line).unwrap(),
                0,
                "no line says {wanted}"
            );
        }
    };
    next_line("every user of this machine can read the password file");
    let (code, mut anna) = connect(address, 5, Some("anna"), Some("geheim"));
    assert_eq!(code, 0);
    assert_eq!(connect(address, 4, Some("bert"), Some("secret")).0, 4);

    fs::write(&users, BERT).unwrap();
    broker.signal(Signal::HUP);
    next_line("SIGHUP: password file read");
    assert_eq!(connect(address, 4, Some("bert"), Some("secret")).0, 0);
    assert_eq!(connect(address, 4, Some("anna"), Some("geheim")).0, 4);
    assert!(is_alive(&mut anna), "who is in stays");

    for bad in ["bert\n", "\u{0}"] {
        fs::write(&users, bad).unwrap();
        broker.signal(Signal::HUP);
        next_line("the users stay as they were");
    }
    fs::remove_file(&users).unwrap();
    broker.signal(Signal::HUP);
    next_line("the users stay as they were");
    assert_eq!(connect(address, 4, Some("bert"), Some("secret")).0, 0);
    broker.signal(Signal::TERM);
    assert_eq!(broker.end().0, 0);
}

#[test]
fn a_broker_without_its_users_does_not_start() {
    let users = config_file("users-5", "anna\nbert:plain\n");
    let path = users.display();
    for check in ["--check-config", ""] {
        let arguments = format!("{check} --listen 127.0.0.1:0 --password-file {path}");
        let (code, output, errors) = run(&arguments);
        assert_eq!((code, output.as_str()), (1, ""));
        let lines: Vec<&str> = errors
            .lines()
            .filter(|it| it.starts_with("ringmq: "))
            .collect();
        assert_eq!(lines.len(), 2, "{errors}");
        assert!(lines[0].starts_with(&format!("ringmq: {path}:1: is no 'name:hash'")));
        assert!(lines[1].starts_with(&format!("ringmq: {path}:2: what follows 'bert'")));
    }
    let (code, _, errors) = run("--check-config --password-file /nonexistent");
    let expected = "ringmq: /nonexistent: cannot be read: No such file or directory (os error 2)\n";
    assert_eq!((code, errors.as_str()), (1, expected));
    let good = config_file("users-6", ANNA);
    let arguments = format!(
        "--check-config --listen 0.0.0.0 --password-file {}",
        good.display()
    );
    let (code, output, errors) = run(&arguments);
    assert_eq!((code, errors.as_str()), (0, ""));
    let line = format!("password_file = \"{}\"", good.display());
    assert!(
        output.contains(&line) && output.contains("allow_anonymous = false"),
        "{output}"
    );
}
