use std::collections::BTreeSet;

use ringmq_router::{Settings, SharedStrategy};

use super::file::all_keys;
use super::*;
use crate::placement::CpuId;

const EXAMPLE: &str = include_str!("../../ringmq.example.toml");

/// All that is wrong with a file, a line each.
fn errors(text: &str) -> Vec<String> {
    let ConfigFile {
        mut config,
        listener_lines,
        mut errors,
    } = ConfigFile::parse(text);
    let has_passwords = config.users.password_file.is_some();
    let listeners = &mut config.listeners;
    errors.extend(check_listeners(listeners, &listener_lines, has_passwords));
    errors.sort_by_key(|error| error.line);
    let line = |error: &ConfigError| match error.line {
        Some(line) => format!("{line}: {}", error.problem),
        None => error.problem.to_string(),
    };
    errors.iter().map(line).collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(errors(text), expected, "{text}");
}

fn parse(text: &str) -> Config {
    let file = ConfigFile::parse(text);
    assert_eq!(file.errors, []);
    file.config
}

#[test]
fn the_example_says_exactly_the_defaults() {
    check(EXAMPLE, &[]);
    let settled = |mut config: Config| {
        check_listeners(&mut config.listeners, &[], false);
        config
    };
    assert_eq!(settled(parse(EXAMPLE)), settled(Config::default()));
    assert_eq!(parse(""), Config::default());
}

#[test]
fn the_example_has_every_key_and_explains_it() {
    let mut seen = BTreeSet::new();
    let mut previous = "";
    for line in EXAMPLE.lines() {
        if let Some((key, _)) = line.split_once(" = ")
            && !line.starts_with('#')
        {
            assert!(previous.starts_with("# "), "'{key}' has no comment");
            seen.insert(key.to_owned());
        }
        previous = line;
    }
    let known: BTreeSet<String> = all_keys().into_iter().map(|(key, _)| key).collect();
    assert_eq!(seen, known);
}

/// The comments of the example name the ranges; a value beyond them is refused with the same numbers.
#[test]
fn the_example_names_the_ranges() {
    let flat = EXAMPLE.replace("\n# ", " ");
    let numbers = |section: &str| {
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        let table = defaults[section].as_table().unwrap().clone();
        let numbers = table.into_iter().filter(|(_, value)| value.is_integer());
        numbers.map(|(key, _)| key).collect::<Vec<_>>()
    };
    for section in ["broker", "users", "limits", "sys"] {
        for key in numbers(section) {
            let text = format!("[{section}]\n{key} = -1");
            let problem = ConfigFile::parse(&text).errors.remove(0).problem;
            let Problem::OutOfRange { min, max, .. } = problem else {
                panic!("{key}: {problem:?}")
            };
            let range = format!("{min} to {max}");
            let comment = flat
                .lines()
                .take_while(|line| !line.starts_with(&format!("{key} = ")));
            assert!(comment.last().unwrap().contains(&range), "{key}: {range}");
        }
    }
}

#[test]
fn the_effective_settings_are_a_file_that_sets_them() {
    assert_eq!(parse(&Config::default().to_toml()), Config::default());
    let text = "[broker]\nshards = 3\ncpus = \"0,2-5\"\n[log]\nlevel = \"warn,client=debug\"\nformat = \"json\"\n\
                [[listener]]\naddress = \"[::1]\"\nallow_anonymous = true\n[limits]\nretained_bytes_max = 0";
    let config = parse(text);
    assert_ne!(config, Config::default());
    assert_eq!(parse(&config.to_toml()), config);
}

/// A setting of the router that no section knows does not compile here.
#[test]
fn every_setting_of_the_router_is_set() {
    let config = Config::default();
    let Settings {
        authentication: _, // follows from the password file
        log: _,            // no durable log exists
        packet_size_max,
        connect_timeout_secs,
        keep_alive_secs_max,
        inflight_max,
        receive_max,
        queue_messages_max,
        queue_bytes_max,
        session_expiry_secs_max,
        sessions_max,
        subscriptions_per_session_max,
        topic_levels_max,
        topic_aliases_received_max,
        topic_aliases_sent_max,
        client_id_bytes_max,
        validate_payload_format,
        response_information,
        server_reference,
        server_moved,
        retained_messages_max,
        retained_bytes_max,
        sys_interval_secs,
        shared_strategy,
        shared_strategy_by_group,
    } = config.router_settings();
    let expected = LimitSettings {
        packet_size_bytes_max: packet_size_max,
        connect_timeout_secs,
        keep_alive_secs_max,
        inflight_max,
        receive_max,
        queue_messages_max,
        queue_bytes_max,
        session_expiry_secs_max,
        sessions_max,
        subscriptions_per_session_max,
        topic_levels_max,
        client_id_bytes_max,
        topic_aliases_received_max,
        topic_aliases_sent_max,
        retained_messages_max,
        retained_bytes_max,
    };
    assert_eq!(config.limits, expected);
    let expected = ProtocolSettings {
        validate_payload_format,
        response_information: response_information.into(),
        server_reference: server_reference.into(),
        server_moved,
    };
    assert_eq!(config.protocol, expected);
    assert_eq!(config.sys.interval_secs, sys_interval_secs);
    assert_eq!(config.shared_subscriptions.strategy.0, shared_strategy);
    assert!(shared_strategy_by_group.is_empty());
}

#[test]
fn shared_subscriptions_have_a_strategy_by_group() {
    let config = parse(
        "[shared_subscriptions]\nstrategy = \"random\"\n\
         groups = { workers = \"sticky\", \"by topic\" = \"hash_topic\" }",
    );
    assert_eq!(parse(&config.to_toml()), config);
    let settings = config.router_settings();
    assert_eq!(settings.shared_strategy, SharedStrategy::Random);
    let by_group: Vec<_> = settings.shared_strategy_by_group.into_iter().collect();
    let expected = [
        ("by topic".into(), SharedStrategy::HashTopic),
        ("workers".into(), SharedStrategy::Sticky),
    ];
    assert_eq!(by_group, expected);
    let all =
        "round_robin, random, sticky, local_first, least_in_flight, hash_client_id, hash_topic";
    check(
        "[shared_subscriptions]\nstrategy = \"rand\"\n[shared_subscriptions.groups]\na = 1\n\
         \"a/b\" = \"sticky\"\nb = \"hash\"",
        &[
            &format!(
                "2: [shared_subscriptions] strategy: 'rand' is not a strategy ({all}); did you mean 'random'?"
            ),
            "4: [shared_subscriptions] groups.a must be a text in quotes, not a whole number",
            "5: [shared_subscriptions] groups.a/b: 'a/b' is not the group of a $share/group/filter: \
             it must not be empty, and have no /, + or #",
            &format!(
                "6: [shared_subscriptions] groups.b: 'hash' is not a strategy ({all}); did you mean 'hash_topic'?"
            ),
        ],
    );
    check(
        "[shared_subscriptions]\ngroups = \"sticky\"",
        &["2: [shared_subscriptions] groups must be names with texts in quotes, not a text"],
    );
}

#[test]
fn unknown_keys_name_the_nearest() {
    check(
        "[limits]\nqueue_byte_max = 5\n[broker]\nshard = 2",
        &[
            "2: unknown key 'queue_byte_max' in [limits]; did you mean 'queue_bytes_max'?",
            "4: unknown key 'shard' in [broker]; did you mean 'shards'?",
        ],
    );
    let keys = "shards, cpus, connections_max, shutdown_secs";
    check(
        "[broker]\nfoo = 5",
        &[&format!(
            "2: unknown key 'foo' in [broker]; its keys are {keys}"
        )],
    );
    check(
        "[limits]\nshards = 2",
        &["2: unknown key 'shards' in [limits]; did you mean 'shards' in [broker]?"],
    );
    check(
        "shard = 2\n[limit]\n",
        &[
            "1: unknown key 'shard' outside of any section; did you mean 'shards' in [broker]?",
            "2: unknown section [limit]; did you mean [limits]?",
        ],
    );
    check(
        "[[listeners]]\naddress = \"::1\"",
        &["1: unknown section [listeners]; did you mean [[listener]]?"],
    );
    check(
        "[[listener]]\naddres = \"::1\"",
        &[
            "1: [[listener]] lacks the key 'address'",
            "2: unknown key 'addres' in [[listener]]; did you mean 'address'?",
        ],
    );
}

#[test]
fn wrong_types_and_ranges_say_what_is_right() {
    check(
        "[broker]\nconnections_max = 0\nshutdown_secs = \"5\"\nshards = 65\ncpus = 3",
        &[
            "2: [broker] connections_max = 0 is out of range: 1 to 16000000",
            "3: [broker] shutdown_secs must be a whole number, not a text",
            "4: [broker] shards = 65 is out of range: 1 to 64",
            "5: [broker] cpus must be a text in quotes, not a whole number",
        ],
    );
    check(
        "[broker]\nshards = \"two\"\ncpus = \"5-2\"",
        &[
            "2: [broker] shards: 'two' is not \"auto\" or a number from 1 to 64",
            "3: [broker] cpus: the range '5-2' ends before it begins",
        ],
    );
    check(
        "[limits]\ninflight_max = 65536\nreceive_max = 1.5\nsessions_max = 99999999999999999999999999999999999999999",
        &[
            "2: [limits] inflight_max = 65536 is out of range: 1 to 65535",
            "3: [limits] receive_max must be a whole number, not a number with a fraction",
            "4: [limits] sessions_max = 99999999999999999999999999999999999999999 is out of range: 1 to 100000000",
        ],
    );
    check(
        "[log]\nformat = \"xml\"\nlevel = \"inf\"",
        &[
            "2: [log] format: 'xml' is not \"text\" or \"json\"",
            "3: [log] level: 'inf' is not a log level (off, error, warn, info, debug, trace) or subject=level \
             (subjects: broker, listener, client, session, shard); did you mean 'info'?",
        ],
    );
    check(
        "limits = 5\n[listener]\naddress = \"::1\"",
        &[
            "1: [limits] must be a section, not a whole number",
            "2: listener must be written as [[listener]], one for each address, not a section",
        ],
    );
}

#[test]
fn a_file_that_is_not_toml_names_the_line() {
    check(
        "[broker]\nshards = \n",
        &["2: not valid TOML: string values must be quoted, expected literal string"],
    );
    check(
        "[broker]\nshards = 1\nshards = 2",
        &["3: not valid TOML: duplicate key"],
    );
}

#[test]
fn numbers_may_have_separators_and_other_bases() {
    let config = parse("[limits]\nqueue_messages_max = 20_000\nqueue_bytes_max = 0x10_0000");
    assert_eq!(config.limits.queue_messages_max, 20_000);
    assert_eq!(config.limits.queue_bytes_max, 1 << 20);
}

#[test]
fn strangers_need_an_explicit_word() {
    let open = |address: &str| {
        format!(
            "2: listener {address} can be reached from other machines, and there is no password file, so anyone \
             could connect; name one ('password_file' in [users], or --password-file; 'ringmq passwd' makes it), \
             or, if everyone may, say 'allow_anonymous = true' in its [[listener]] (or --allow-anonymous), \
             otherwise listen on 127.0.0.1"
        )
    };
    check(
        "\n[[listener]]\naddress = \"0.0.0.0\"",
        &[&open("0.0.0.0:1883")],
    );
    check("\n[[listener]]\naddress = \"[::]:7\"", &[&open("[::]:7")]);
    check(
        "[[listener]]\naddress = \"0.0.0.0\"\nallow_anonymous = true",
        &[],
    );
    check("[[listener]]\naddress = \"127.9.9.9:1\"", &[]);
    check(
        "[[listener]]\naddress = \"::1\"\nallow_anonymous = false",
        &[
            "1: listener [::1]:1883 has 'allow_anonymous = false', and there is no password file, so nobody could \
             connect; name one ('password_file' in [users]), or remove that line or the listener",
        ],
    );
}

#[test]
fn with_passwords_only_an_explicit_word_lets_strangers_in() {
    let text = "[users]\npassword_file = \"u\"\nthreads = 3\n";
    for (listeners, expected) in [
        ("", &[false][..]),
        ("[[listener]]\naddress = \"0.0.0.0\"", &[false]),
        (
            "[[listener]]\naddress = \"::1\"\nallow_anonymous = false",
            &[false],
        ),
        (
            "[[listener]]\naddress = \"::1\"\nallow_anonymous = true\n[[listener]]\naddress = \"127.0.0.1\"",
            &[true, false],
        ),
    ] {
        let mut config = parse(&format!("{text}{listeners}"));
        assert_eq!(check_listeners(&mut config.listeners, &[], true), []);
        let allowed: Vec<_> = config
            .listeners
            .iter()
            .map(|it| it.allow_anonymous)
            .collect();
        let expected: Vec<_> = expected.iter().map(|it| Some(*it)).collect();
        assert_eq!(allowed, expected, "{listeners}");
        assert_eq!(config.users.threads, 3);
        assert_eq!(
            config.router_settings().authentication,
            AuthenticationMode::External
        );
        assert_eq!(parse(&config.to_toml()), config);
    }
}

#[test]
fn listeners_must_not_meet() {
    let two = |a: &str, b: &str| {
        format!(
            "[[listener]]\naddress = \"{a}\"\n[[listener]]\naddress = \"{b}\"\nallow_anonymous = true"
        )
    };
    check(
        &two("127.0.0.1:1883", "0.0.0.0:1883"),
        &["3: listener 0.0.0.0:1883 is already covered by 127.0.0.1:1883"],
    );
    check(
        &two("127.0.0.1", "127.0.0.1:1883"),
        &["3: listener 127.0.0.1:1883 is already covered by 127.0.0.1:1883"],
    );
    check(&two("127.0.0.1:1", "0.0.0.0:2"), &[]);
    check(&two("127.0.0.1:0", "127.0.0.1:0"), &[]);
    check(&two("127.0.0.1:1", "[::]:1"), &[]);
    check(
        "listener = []",
        &[
            "no listener; write a [[listener]] with an address, or leave 'listener' out for 127.0.0.1:1883",
        ],
    );
    let many: String = (1..=65)
        .map(|port| format!("[[listener]]\naddress = \"127.0.0.1:{port}\"\n"))
        .collect();
    check(&many, &["65 listeners; there may be 64 at most"]);
}

#[test]
fn listen_addresses() {
    for (text, expected) in [
        ("127.0.0.1", "127.0.0.1:1883"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("0.0.0.0:8883", "0.0.0.0:8883"),
        ("::1", "[::1]:1883"),
        ("[::1]", "[::1]:1883"),
        ("[::1]:1884", "[::1]:1884"),
        ("[::]", "[::]:1883"),
        ("localhost", "127.0.0.1:1883"),
        ("localhost:5", "127.0.0.1:5"),
    ] {
        let address = parse_listen_address(text).map(|address| address.to_string());
        assert_eq!(address.as_deref(), Ok(expected), "{text}");
    }
    for text in [
        "",
        "example.org",
        "example.org:1883",
        "1.2.3",
        ":1883",
        "[::1",
        "::1]:5",
        "*",
        "1883",
        "[1.2.3.4]:5",
    ] {
        let error = parse_listen_address(text).unwrap_err();
        assert!(
            matches!(error, ValueError::Address { .. }),
            "{text}: {error}"
        );
    }
    for text in [
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:mqtt",
        "[::1]:+5",
        "localhost:-1",
    ] {
        let error = parse_listen_address(text).unwrap_err();
        assert!(matches!(error, ValueError::Port { .. }), "{text}: {error}");
    }
}

#[test]
fn lists_of_cpus() {
    let only = |cpus: &[u16]| CpuList::Only(cpus.iter().copied().map(CpuId).collect());
    for (text, expected) in [
        ("all", CpuList::All),
        ("0", only(&[0])),
        ("0,2-5", only(&[0, 2, 3, 4, 5])),
        ("5, 3 - 4, 4", only(&[3, 4, 5])),
    ] {
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }
    for text in ["", ",", "a", "1-", "-1", "1--2", "0-99999", "+1"] {
        let list = text.parse::<CpuList>();
        assert!(
            matches!(list, Err(ValueError::Cpus { .. })),
            "{text}: {list:?}"
        );
    }
}
