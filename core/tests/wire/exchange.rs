//! `client: packet`: exchanges that go well, said in one line, so that a script spends its lines on what it
//! shows.

use crate::received::Received;
use crate::run::{Client, Run};
use crate::sending::packet;
use crate::words::Word;

/// What the broker is to send, and what the client says to that.
type Answer = (String, Option<String>);

impl Run<'_> {
    /// Both sides of the exchange.
    pub(crate) fn exchange(&mut self, name: &str, text: &str) -> Result<(), String> {
        let mut words = self.words(text)?;
        match words[0].text()? {
            "open" => return self.open(name, true).map(|_| ()),
            "drop" => {
                self.clients.remove(name);
                return Ok(());
            }
            "ping" => return self.client(name)?.expect_silence(),
            "receive" => return self.receive(name, &words),
            "connect" => {
                self.send(name, text)?;
                return self.expect(name, "connack session_present=0/1");
            }
            _ => {}
        }
        let client = self.client(name)?;
        let id = client.name_id(&mut words)?;
        client.connection.send(&packet(&words, &client.speaker)?)?;
        for (expected, reply) in answers(&words, id)? {
            self.expect(name, &expected)?;
            if let Some(reply) = reply {
                self.send(name, &reply)?;
            }
        }
        Ok(())
    }

    /// A PUBLISH that comes, and its acknowledgement.
    fn receive(&mut self, name: &str, words: &[Word]) -> Result<(), String> {
        let mut text = vec!["publish".to_owned()];
        text.extend(words[1..].iter().map(ToString::to_string));
        let has_id = words.iter().any(|it| it.key.as_deref() == Some("id"));
        let qos = words.iter().find_map(qos).transpose()?.unwrap_or(0);
        if qos > 0 && !has_id {
            text.push("id=*".into());
        }
        let received: Received = self.expect_packet(name, &text.join(" "))?;
        let id = received.values("id").concat();
        match qos {
            1 => self.send(name, &format!("puback id={id}")),
            2 => {
                self.send(name, &format!("pubrec id={id}"))?;
                self.expect(name, &format!("pubrel id={id}"))?;
                self.send(name, &format!("pubcomp id={id}"))
            }
            _ => Ok(()),
        }
    }
}

impl Client {
    /// The packet identifier among the words; one is added where the packet needs it and has none.
    fn name_id(&mut self, words: &mut Vec<Word>) -> Result<u32, String> {
        if let Some(word) = words.iter().find(|it| it.key.as_deref() == Some("id")) {
            return word.number();
        }
        let needs_one = match words[0].text()? {
            "publish" => words.iter().find_map(qos).transpose()?.unwrap_or(0) > 0,
            "subscribe" | "unsubscribe" => true,
            _ => false,
        };
        if !needs_one {
            return Ok(0);
        }
        let id = self.next_id;
        self.next_id += 1;
        words.push(Word {
            key: Some("id".into()),
            value: id.to_string().into(),
            is_quoted: false,
        });
        Ok(u32::from(id))
    }
}

fn qos(word: &Word) -> Option<Result<u32, String>> {
    (word.key.as_deref() == Some("qos")).then(|| word.number())
}

/// What the broker answers when all goes well.
fn answers(words: &[Word], id: u32) -> Result<Vec<Answer>, String> {
    Ok(match words[0].text()? {
        "subscribe" => {
            let mut granted: Vec<u32> = Vec::new();
            for word in &words[1..] {
                if word.key.is_none() && word.is_quoted {
                    granted.push(0);
                } else if let (Some(number), Some(last)) = (qos(word), granted.last_mut()) {
                    *last = number?;
                }
            }
            let granted: Vec<String> = granted.iter().map(ToString::to_string).collect();
            vec![(format!("suback id={id} {}", granted.join(" ")), None)]
        }
        "unsubscribe" => {
            let filters = words.iter().filter(|it| it.key.is_none() && it.is_quoted);
            let codes = "@5:0 ".repeat(filters.count());
            vec![(format!("unsuback id={id} {codes}"), None)]
        }
        "publish" => {
            let taken = "@5:reason=0x00/0x10";
            match words.iter().find_map(qos).transpose()?.unwrap_or(0) {
                1 => vec![(format!("puback id={id} {taken}"), None)],
                2 => vec![
                    (
                        format!("pubrec id={id} {taken}"),
                        Some(format!("pubrel id={id}")),
                    ),
                    (format!("pubcomp id={id}"), None),
                ],
                _ => Vec::new(),
            }
        }
        "disconnect" => vec![("closed".into(), None)],
        other => return Err(format!("`client: {other}` is no exchange")),
    })
}
