//! Tables of packets that a client must not send: each is refused as the specification says, and the
//! sessions of other clients on every shard go on undisturbed.

use ringmq_router::{Settings, Shard, ShardConfig, ShardCount, ShardId};

use crate::broker::{Broker, HASH_SEED};
use crate::bytes::bytes;
use crate::expected::{Bindings, Expected};
use crate::run::Client;
use crate::script::{cites, files};
use crate::sending::{Speaker, packet};
use crate::suite::wanted;
use crate::words::{Version, words};

/// One file: the cases of one packet type.
#[derive(Debug)]
struct Table {
    file: String,
    /// Whether the bytes follow an accepted CONNECT; otherwise they are the first on their connection.
    after_connect: bool,
    config: String,
    cases: Vec<Case>,
}

/// One line.
#[derive(Debug)]
struct Case {
    line: usize,
    name: String,
    versions: Vec<Version>,
    expected: Vec<String>,
    bytes: String,
    /// Whether the comment above it cites a statement.
    cites: bool,
}

impl Table {
    fn parse(file: &str, text: &str) -> Result<Table, String> {
        let mut table = Table {
            file: file.to_owned(),
            after_connect: true,
            config: String::new(),
            cases: Vec::new(),
        };
        let mut comment = String::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                comment.clear();
            } else if line.starts_with('#') {
                comment += line;
                comment.push('\n');
            } else if line == "first" {
                table.after_connect = false;
            } else if let Some(setting) = line.strip_prefix("config:") {
                table.config += setting.trim();
                table.config.push('\n');
            } else {
                let case = Case::parse(index + 1, line, cites(&comment));
                let case = case.map_err(|error| format!("{file}:{}: {error}", index + 1))?;
                table.cases.push(case);
            }
        }
        Ok(table)
    }

    fn run(&self, shards: u8) -> Vec<String> {
        let begin = || -> Result<(Broker, Vec<Neighbour>), String> {
            let broker = Broker::start(shards, &self.config)?;
            let neighbours = (0..shards).map(|shard| Neighbour::new(&broker, ShardId(shard)));
            let neighbours = neighbours.collect::<Result<_, _>>()?;
            Ok((broker, neighbours))
        };
        let (broker, mut neighbours) = match begin() {
            Ok(begun) => begun,
            Err(error) => return vec![format!("{}: {error}", self.file)],
        };
        let mut failures = Vec::new();
        for case in &self.cases {
            for version in &case.versions {
                let asked = self.case(case, *version, &broker).and_then(|()| {
                    let mut asked = neighbours.iter_mut().map(Neighbour::ask);
                    asked.find(Result::is_err).unwrap_or(Ok(()))
                });
                if let Err(error) = asked {
                    let (file, line, name) = (&self.file, case.line, &case.name);
                    failures.push(format!(
                        "{file}:{line} (MQTT {version}, {shards} shards) {name}: {error}"
                    ));
                }
            }
        }
        drop(neighbours);
        failures.extend(
            broker
                .stop()
                .err()
                .map(|error| format!("{}: {error}", self.file)),
        );
        failures
    }

    fn case(&self, case: &Case, version: Version, broker: &Broker) -> Result<(), String> {
        let mut client =
            Client::open(broker.address, speaker(version, &format!("c{}", case.line)))?;
        let mut bindings = Bindings::new();
        if self.after_connect {
            client.connect(&mut bindings)?;
        }
        client.connection.send(&bytes(&case.bytes, version)?)?;
        for step in &case.expected {
            let code = step.trim_start_matches("connack ");
            match step.as_str() {
                "open" => return client.expect_silence(),
                // Half a packet: the broker waits for the rest, and the client goes.
                "waits" => return Ok(()),
                "closed" => {}
                _ if code.starts_with("0x") => {
                    let name = if code == step {
                        "disconnect"
                    } else {
                        "connack"
                    };
                    if version.is_v5() {
                        let text = format!("{name} reason={code}");
                        client.expect_text(&text, &mut bindings)?;
                    }
                }
                text => client.expect_text(text, &mut bindings)?,
            }
        }
        client.expect_closed()
    }
}

impl Case {
    fn parse(line: usize, text: &str, cites: bool) -> Result<Case, String> {
        let mut columns = text.splitn(4, '|').map(str::trim);
        let mut column = || columns.next().ok_or("name | versions | expected | bytes");
        let (name, versions, expected, bytes) = (column()?, column()?, column()?, column()?);
        let versions = versions.split_whitespace().map(Version::named);
        Ok(Case {
            line,
            name: name.to_owned(),
            versions: versions.collect::<Result<_, _>>()?,
            expected: expected.split(", ").map(str::to_owned).collect(),
            bytes: bytes.to_owned(),
            cites,
        })
    }
}

/// A client that minds its own business.
struct Neighbour {
    client: Client,
    asked: u32,
}

impl Neighbour {
    /// Connects one that lives on the shard.
    fn new(broker: &Broker, home: ShardId) -> Result<Neighbour, String> {
        let router = Shard::new(ShardConfig {
            id: ShardId(0),
            shards: ShardCount(broker.shards),
            hash_seed: HASH_SEED,
            random_seed: 0,
            settings: Settings::default().into(),
        });
        let mut names = (0..).map(|number| format!("neighbour-{number}"));
        let name = names.find(|it| router.home_of_client(it) == home);
        let name = name.expect("some name falls on every shard");
        let mut client = Client::open(broker.address, speaker(Version::V5, &name))?;
        let mut bindings = Bindings::new();
        client.connect(&mut bindings)?;
        client.say(&format!(r#"subscribe id=1 "{name}" qos=1"#))?;
        client.expect_text("suback id=1 1", &mut bindings)?;
        Ok(Neighbour { client, asked: 0 })
    }

    /// It publishes a message to itself at QoS 1 and gets just that.
    fn ask(&mut self) -> Result<(), String> {
        self.asked += 1;
        let topic = self.client.speaker.name.clone();
        let message = format!(r#"publish "{topic}" "{}" qos=1"#, self.asked);
        let id = self.asked % 1_000 + 1;
        let mut bindings = Bindings::new();
        self.client.say(&format!("{message} id={id}"))?;
        let texts = [format!("puback id={id}"), format!("{message} id=$m")];
        let texts = texts.iter().map(|text| self.client.expected(text));
        let mut open: Vec<Expected> = texts.collect::<Result<_, _>>()?;
        while !open.is_empty() {
            let (received, _) = self.client.next()?;
            let mut is_it = |it: &Expected| it.difference(&received, &mut bindings).is_none();
            let at = open.iter().position(&mut is_it);
            let at = at.ok_or_else(|| format!("the neighbour {topic} got {received}"))?;
            open.remove(at);
        }
        let message_id = &bindings["m"];
        self.client.say(&format!("puback id={message_id}"))
    }
}

impl Client {
    fn connect(&mut self, bindings: &mut Bindings) -> Result<(), String> {
        self.say("connect clean")?;
        self.expect_text("connack", bindings)
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        let words = words(text, self.speaker.version)?;
        self.connection.send(&packet(&words, &self.speaker)?)
    }

    fn expected(&self, text: &str) -> Result<Expected, String> {
        Expected::new(&words(text, self.speaker.version)?, &self.speaker)
    }

    fn expect_text(&mut self, text: &str, bindings: &mut Bindings) -> Result<(), String> {
        let expected = self.expected(text)?;
        self.expect(&expected, text, bindings).map(drop)
    }
}

fn speaker(version: Version, name: &str) -> Speaker {
    Speaker {
        version,
        name: name.to_owned(),
        prefix: String::new(),
    }
}

fn tables() -> Vec<Table> {
    let tables = files("malformed", "cases").into_iter();
    let tables = tables.map(|(file, text)| Table::parse(&file, &text).unwrap());
    tables.filter(|it| it.file.contains(&wanted())).collect()
}

/// Runs every case in each of its versions; panics with a line or more for each failure.
pub(crate) fn check_tables(shards: u8) {
    let tables = tables();
    let failures: Vec<String> = tables.iter().flat_map(|it| it.run(shards)).collect();
    let cases: usize = tables.iter().map(|it| it.cases.len()).sum();
    println!("{cases} malformed cases on {shards} shards");
    let count = failures.len();
    assert!(count == 0, "{count} failures:\n{}", failures.join("\n"));
}

#[test]
fn every_case_says_which_statement_it_breaks() {
    for table in tables() {
        for case in &table.cases {
            assert!(case.cites, "{}:{}", table.file, case.line);
        }
    }
}
