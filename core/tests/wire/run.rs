//! A run: one script, in one version, against one broker.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use crate::broker::Broker;
use crate::bytes::{bytes, hex};
use crate::connection::{Connection, Next};
use crate::expected::{Bindings, Expected};
use crate::received::{Received, decode};
use crate::script::{Action, Script, Step};
use crate::sending::{Speaker, packet};
use crate::words::{Version, Word, words};

/// One script in one version.
pub(crate) struct Run<'a> {
    broker: &'a Broker,
    version: Version,
    prefix: String,
    pub(crate) clients: BTreeMap<String, Client>,
    bindings: Bindings,
}

/// A client of the script, as long as its connection is open.
pub(crate) struct Client {
    pub(crate) connection: Connection,
    pub(crate) speaker: Speaker,
    /// Whether it was let in, so that it may ping.
    is_connected: bool,
    /// Packet identifier of its next exchange that names none: far from those that scripts name.
    pub(crate) next_id: u16,
}

/// Runs the script; the error has the line in it. `prefix` makes its names unique on that broker.
pub(crate) fn run(
    script: &Script,
    version: Version,
    broker: &Broker,
    prefix: &str,
) -> Result<(), String> {
    let mut run = Run {
        broker,
        version,
        prefix: prefix.to_owned(),
        clients: BTreeMap::new(),
        bindings: Bindings::new(),
    };
    let place = |line: usize, error: String| {
        let shards = broker.shards;
        format!(
            "{}:{line} (MQTT {version}, {shards} shards): {error}",
            script.file
        )
    };
    for row in script.rows(version)? {
        let line = row[0].line;
        run.row(&row).map_err(|error| place(line, error))?;
    }
    let last = script.steps.last().map_or(0, |it| it.line);
    run.expect_no_more().map_err(|error| place(last, error))
}

impl Run<'_> {
    fn row(&mut self, row: &[&Step]) -> Result<(), String> {
        match &row[0].action {
            Action::Send { client, packet } => self.send(client, packet),
            Action::Expect { client, packet } => self.expect(client, packet),
            Action::ExpectUnordered { client, .. } => {
                let packets = row.iter().filter_map(|step| match &step.action {
                    Action::ExpectUnordered { packet, .. } => Some(packet.as_str()),
                    _ => None,
                });
                self.expect_unordered(client, packets.collect())
            }
            Action::Exchange { client, packet } => self.exchange(client, packet),
            Action::Wait(secs) => {
                sleep(Duration::from_secs(*secs));
                Ok(())
            }
            Action::Stop => {
                self.broker.order_stop();
                Ok(())
            }
        }
    }

    /// The words of a packet, with `$name`s replaced by what they stand for.
    pub(crate) fn words(&self, text: &str) -> Result<Vec<Word>, String> {
        let mut words = words(text, self.version)?;
        for word in &mut words {
            let name = word.value.strip_prefix(b"$").map(String::from_utf8_lossy);
            let bound = name.filter(|_| !word.is_quoted);
            if let Some(value) = bound.and_then(|name| self.bindings.get(name.as_ref())) {
                word.value = value.trim_matches('"').into();
            }
        }
        Ok(words)
    }

    pub(crate) fn client(&mut self, name: &str) -> Result<&mut Client, String> {
        self.clients
            .get_mut(name)
            .ok_or_else(|| format!("{name} has no connection"))
    }

    /// Opens a connection if there is none, or a new one if the client begins anew.
    pub(crate) fn open(&mut self, name: &str, anew: bool) -> Result<&mut Client, String> {
        if anew || !self.clients.contains_key(name) {
            let speaker = Speaker {
                version: self.version,
                name: name.to_owned(),
                prefix: self.prefix.clone(),
            };
            let client = Client::open(self.broker.address, speaker)?;
            self.clients.insert(name.to_owned(), client);
        }
        self.client(name)
    }

    pub(crate) fn send(&mut self, name: &str, text: &str) -> Result<(), String> {
        if let Some(notation) = text.strip_prefix("bytes ") {
            let bytes = bytes(notation, self.version)?;
            return self.open(name, false)?.connection.send(&bytes);
        }
        let words = self.words(text)?;
        // A second CONNECT on the connection at hand is said in bytes.
        let begins = words.first().is_some_and(|it| it.is("connect"));
        let client = self.open(name, begins)?;
        let bytes = packet(&words, &client.speaker)?;
        client.connection.send(&bytes)
    }

    pub(crate) fn expect(&mut self, name: &str, text: &str) -> Result<(), String> {
        let client = self.client(name)?;
        match text {
            "closed" => {
                client.expect_closed()?;
                self.clients.remove(name);
                Ok(())
            }
            "silence" => client.expect_silence(),
            _ => match text.strip_prefix("bytes ") {
                Some(notation) => {
                    let expected = bytes(notation, self.version)?;
                    match self.client(name)?.connection.next()? {
                        Next::Packet(got) if got == expected => Ok(()),
                        Next::Packet(got) => Err(unexpected(&hex(&expected), &got, self.version)),
                        Next::Closed => Err(format!("closed instead of {}", hex(&expected))),
                    }
                }
                None => self.expect_packet(name, text).map(|_| ()),
            },
        }
    }

    pub(crate) fn expect_packet(&mut self, name: &str, text: &str) -> Result<Received, String> {
        let words = self.words(text)?;
        let client = self.clients.get_mut(name);
        let client = client.ok_or_else(|| format!("{name} has no connection"))?;
        let expected = Expected::new(&words, &client.speaker)?;
        client.expect(&expected, text, &mut self.bindings)
    }

    fn expect_unordered(&mut self, name: &str, texts: Vec<&str>) -> Result<(), String> {
        let speaker = self.client(name)?.speaker.clone();
        let mut open = Vec::new();
        for text in texts {
            open.push(Expected::new(&self.words(text)?, &speaker)?);
        }
        while !open.is_empty() {
            let (received, bytes) = self.client(name)?.next()?;
            let bindings = &mut self.bindings;
            let found = open
                .iter()
                .position(|it| it.difference(&received, bindings).is_none());
            match found {
                Some(at) => drop(open.remove(at)),
                None => {
                    let expected = format!("one of {} packets in any order", open.len());
                    return Err(unexpected(&expected, &bytes, self.version));
                }
            }
        }
        Ok(())
    }

    /// At the end nobody has got more than was expected.
    fn expect_no_more(&mut self) -> Result<(), String> {
        for (name, client) in &mut self.clients {
            if client.is_connected {
                client
                    .expect_silence()
                    .map_err(|error| format!("at the end, {name}: {error}"))?;
            }
        }
        Ok(())
    }
}

impl Client {
    /// Opens a connection for it.
    pub(crate) fn open(address: SocketAddr, speaker: Speaker) -> Result<Client, String> {
        Ok(Client {
            connection: Connection::open(address)?,
            speaker,
            is_connected: false,
            next_id: 0x7000,
        })
    }

    /// The next packet, decoded, and its bytes.
    pub(crate) fn next(&mut self) -> Result<(Received, Vec<u8>), String> {
        match self.connection.next()? {
            Next::Closed => Err("closed".into()),
            Next::Packet(bytes) => match decode(&bytes, self.speaker.version) {
                Ok(received) => {
                    match received.name {
                        "connack" => self.is_connected = received.values("reason").is_empty(),
                        "disconnect" => self.is_connected = false,
                        _ => {}
                    }
                    Ok((received, bytes))
                }
                Err(error) => Err(format!("a wrong packet, {error}: {}", hex(&bytes))),
            },
        }
    }

    pub(crate) fn expect(
        &mut self,
        expected: &Expected,
        text: &str,
        bindings: &mut Bindings,
    ) -> Result<Received, String> {
        let (received, bytes) = self
            .next()
            .map_err(|error| format!("{error}, expected {text}"))?;
        match expected.difference(&received, bindings) {
            None => Ok(received),
            Some(difference) => Err(format!(
                "{difference}\n    expected {text}\n    got      {received}\n    bytes    {}",
                hex(&bytes)
            )),
        }
    }

    /// The broker ends the connection.
    pub(crate) fn expect_closed(&mut self) -> Result<(), String> {
        match self.connection.next()? {
            Next::Closed => Ok(()),
            Next::Packet(bytes) => Err(unexpected("the end", &bytes, self.speaker.version)),
        }
    }

    /// Nothing has come: the answer to a PINGREQ is the next packet.
    pub(crate) fn expect_silence(&mut self) -> Result<(), String> {
        self.connection.send(b"\xc0\x00")?;
        let (received, bytes) = self.next()?;
        match received.name {
            "pingresp" => Ok(()),
            _ => Err(unexpected("nothing", &bytes, self.speaker.version)),
        }
    }
}

fn unexpected(expected: &str, bytes: &[u8], version: Version) -> String {
    let got = match decode(bytes, version) {
        Ok(received) => received.to_string(),
        Err(error) => format!("a wrong packet, {error}"),
    };
    format!(
        "expected {expected}\n    got      {got}\n    bytes    {}",
        hex(bytes)
    )
}
