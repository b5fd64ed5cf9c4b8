//! A page: head, style, script, and what is put into its body.

use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A page under way.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    title: String,
    body: String,
}

/// A figure that is shown large.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    pub(crate) name: String,
    pub(crate) value: String,
    /// A few words below it.
    pub(crate) note: String,
    pub(crate) mood: Mood,
}

/// What a figure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Plain,
    Good,
    Bad,
    Unsure,
}

impl Mood {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Mood::Plain => "plain",
            Mood::Good => "good",
            Mood::Bad => "bad",
            Mood::Unsure => "unsure",
        }
    }
}

impl Page {
    /// A page with this title and a line below it.
    pub(crate) fn new(title: &str, line: &str) -> Page {
        Page {
            title: title.to_owned(),
            body: format!(
                "<header><h1>{}</h1><p>{}</p></header>\n",
                escape(title),
                escape(line)
            ),
        }
    }

    /// Appends what is HTML already.
    pub(crate) fn push(&mut self, html: &str) {
        self.body.push_str(html);
    }

    /// Appends a heading.
    pub(crate) fn section(&mut self, title: &str) {
        let _ = writeln!(self.body, "<h2>{}</h2>", escape(title));
    }

    /// Appends a paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.body, "<p>{}</p>", escape(text));
    }

    /// Appends figures shown large.
    pub(crate) fn tiles(&mut self, tiles: &[Tile]) {
        self.body.push_str("<div class=\"tiles\">\n");
        for tile in tiles {
            let _ = writeln!(
                self.body,
                "<div class=\"tile {}\"><span class=\"name\">{}</span><b>{}</b><small>{}</small></div>",
                tile.mood.class(),
                escape(&tile.name),
                escape(&tile.value),
                escape(&tile.note)
            );
        }
        self.body.push_str("</div>\n");
    }

    /// Appends sentences that the reader should not miss.
    pub(crate) fn notices(&mut self, mood: Mood, sentences: &[String]) {
        for sentence in sentences {
            let _ = writeln!(
                self.body,
                "<p class=\"notice {}\">{}</p>",
                mood.class(),
                escape(sentence)
            );
        }
    }

    /// Appends a table of names and values.
    pub(crate) fn facts(&mut self, title: &str, rows: &[(String, String)]) {
        let _ = writeln!(
            self.body,
            "<section class=\"facts\"><h3>{}</h3><dl>",
            escape(title)
        );
        for (name, value) in rows {
            let _ = writeln!(
                self.body,
                "<div><dt>{}</dt><dd>{}</dd></div>",
                escape(name),
                escape(value)
            );
        }
        self.body.push_str("</dl></section>\n");
    }

    /// Appends text as it stands.
    pub(crate) fn verbatim(&mut self, title: &str, text: &str) {
        let _ = writeln!(
            self.body,
            "<section class=\"facts\"><h3>{}</h3><pre>{}</pre></section>",
            escape(title),
            escape(text.trim_end())
        );
    }

    /// The file.
    pub(crate) fn render(self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}<footer>loadgen {}</footer>\n</main>\n<div id=\"tip\" hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            escape(&self.title),
            self.body,
            env!("CARGO_PKG_VERSION")
        )
    }
}

/// Text that cannot be taken for HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
