//! The report for people: at most 90 columns, no colours, the same in a terminal and in a file.

mod churn;
mod limit;
mod load;
mod picture;
mod reach;

pub(crate) use limit::{knee, limit_step};

use super::Report;

/// The whole text, with its last newline.
pub(crate) fn render(report: &Report) -> String {
    match report {
        Report::Load(report) => load::render(report),
        Report::Churn(report) => churn::render(report),
        Report::Reach(report) => reach::render(report),
    }
}

/// 1234567 as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in microseconds, in the unit that suits it, three digits.
pub(crate) fn duration_us(us: f64) -> String {
    let (value, unit) = match us {
        us if us < 1e3 => (us, "us"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// Bytes in binary units.
pub(crate) fn bytes(number: f64) -> String {
    let (value, unit) = match number {
        n if n < 1024.0 => (n, "B"),
        n if n < 1024.0 * 1024.0 => (n / 1024.0, "KiB"),
        n if n < 1024.0 * 1024.0 * 1024.0 => (n / 1024.0 / 1024.0, "MiB"),
        n => (n / 1024.0 / 1024.0 / 1024.0, "GiB"),
    };
    format!("{} {unit}", three_digits(value))
}

fn three_digits(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// `1 publisher`, `2 publishers`.
fn of(number: u32, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(u64::from(number)))
}

/// One paragraph: a title in the margin, then lines.
pub(crate) fn paragraph(title: &str, lines: &[String]) -> String {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let margin = if at == 0 { title } else { "" };
        let gap = if margin.len() >= 10 { " " } else { "" };
        text.push_str(format!("{margin:<10}{gap}{line}").trim_end());
        text.push('\n');
    }
    text
}

/// `text` in lines of at most `width` characters, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is a first line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.5, 999.6, 1_000.0, 45_678.0, 2.5e6].map(duration_us),
            ["0.50 us", "1000 us", "1.00 ms", "45.7 ms", "2.50 s"]
        );
        assert_eq!(
            [512.0, 2048.0, 1.5 * 1024.0 * 1024.0].map(bytes),
            ["512 B", "2.00 KiB", "1.50 MiB"]
        );
        assert_eq!(
            [of(1, "sensor"), of(2, "sensor")],
            ["1 sensor", "2 sensors"]
        );
    }

    #[test]
    fn long_lines_are_broken_at_spaces() {
        assert_eq!(
            wrapped("one two three four", 9),
            ["one two", "three", "four"]
        );
        assert_eq!(
            paragraph("t", &wrapped("a b", 1)),
            "t         a\n          b\n"
        );
    }
}
