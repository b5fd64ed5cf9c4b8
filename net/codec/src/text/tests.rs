//! Topic names and filters, by data.

use super::{TopicFilter, TopicName};

/// [v3.1.1 MQTT-4.7.1-1] [v3.1.1 MQTT-4.7.3-1] [v3.1.1 MQTT-4.7.3-2] [v3.1.1 MQTT-4.7.3-3]
/// [v5 MQTT-4.7.0-1] [v5 MQTT-4.7.3-1] [v5 MQTT-4.7.3-2] [v5 MQTT-4.7.3-3]
#[test]
fn topic_names() {
    let longest = "x".repeat(65_535);
    for good in [
        "a",
        "/",
        "a/b",
        "/a/",
        "//",
        "$SYS/x",
        "a b",
        "\u{FEFF}a",
        "日本/語",
        &longest,
    ] {
        assert_eq!(TopicName::new(good).map(TopicName::as_str), Some(good));
    }
    let too_long = "x".repeat(65_536);
    for bad in ["", "+", "#", "a/+", "a+", "a/#", "a\0", &too_long] {
        assert_eq!(TopicName::new(bad), None, "{bad:?}");
    }
}

/// [v3.1.1 MQTT-4.7.1-2] [v3.1.1 MQTT-4.7.1-3] [v5 MQTT-4.7.1-1] [v5 MQTT-4.7.1-2]
#[test]
fn topic_filters() {
    let good = [
        "#",
        "+",
        "/",
        "+/+",
        "/+",
        "+/",
        "a/#",
        "a/+/b",
        "+/a/#",
        "/#",
        "a",
        "$SYS/#",
        "+/#",
        "//",
        "$share/g/a",
        "$share/g/#",
        "$share/a",
        "$share",
    ];
    for good in good {
        assert_eq!(TopicFilter::new(good).map(TopicFilter::as_str), Some(good));
    }
    for bad in [
        "", "a#", "#/", "#/a", "a/#/b", "a+", "+a", "a/+b", "a/b+", "##", "++", "+#", "\0",
    ] {
        assert_eq!(TopicFilter::new(bad), None, "{bad:?}");
    }
    assert!(TopicFilter::new(&"x".repeat(65_536)).is_none());
}

#[test]
fn wildcards_are_seen() {
    for (filter, expected) in [("a/b", false), ("a/+", true), ("#", true), ("$SYS", false)] {
        assert_eq!(
            TopicFilter::new(filter).unwrap().has_wildcard(),
            expected,
            "{filter}"
        );
    }
}

#[test]
fn shared_filters_come_apart() {
    let cases = [
        ("$share/g/a/b", Some(("g", "a/b"))),
        ("$share/g/#", Some(("g", "#"))),
        ("$share/g//", Some(("g", "/"))),
        ("$share/g/$SYS/x", Some(("g", "$SYS/x"))),
        ("$share/$share/a", Some(("$share", "a"))),
        ("$share/g/", None),
        ("$share/g", None),
        ("$share//a", None),
        ("$share/+/a", None),
        ("$share/#", None),
        ("$share", None),
        ("$shared/g/a", None),
        ("a/$share/g", None),
    ];
    for (filter, expected) in cases {
        let share = TopicFilter::new(filter).unwrap().share();
        let share = share.map(|(group, inner)| (group, inner.as_str()));
        assert_eq!(share, expected, "{filter}");
    }
}

/// [v3.1.1 MQTT-4.7.2-1] [v5 MQTT-4.7.2-1]
#[test]
fn matching() {
    let matching = [
        ("a/b", "a/b"),
        ("a/+", "a/b"),
        ("+/b", "a/b"),
        ("#", "a/b"),
        ("a/#", "a/b"),
        ("a/#", "a"),
        ("+", "a"),
        ("+/+", "/"),
        ("/+", "/a"),
        ("a/+", "a/"),
        ("a/#", "a/"),
        ("/#", "/"),
        ("$SYS/#", "$SYS/x"),
        ("$SYS/+", "$SYS/x"),
        ("a/#", "a/$x"),
        ("+/+/c", "a//c"),
        ("#", "/"),
        ("+/#", "a"),
    ];
    let different = [
        ("a/b", "a/b/c"),
        ("a/b/c", "a/b"),
        ("a/+", "a"),
        ("a/+", "a/b/c"),
        ("+", "/"),
        ("+", "a/"),
        ("+", "$SYS"),
        ("#", "$SYS/x"),
        ("+/x", "$SYS/x"),
        ("a", "A"),
        ("/a", "a"),
        ("a", "a/"),
        ("a/b/#", "a"),
        ("b/#", "a/b"),
        ("/#", "a"),
    ];
    let expected = matching.iter().map(|case| (case, true));
    for (&(filter, topic), expected) in expected.chain(different.iter().map(|case| (case, false))) {
        let matches = TopicFilter::new(filter)
            .unwrap()
            .matches(TopicName::new(topic).unwrap());
        assert_eq!(matches, expected, "{filter} against {topic}");
    }
}
