//! The picture of the latencies: a bar a row, on a logarithmic axis, with the percentiles beside it.

use crate::histogram::{Percentiles, Row};

/// Characters of the longest bar.
const BAR_WIDTH: usize = 44;

/// Bars of one to seven eighths of a character.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// One line for each row.
pub(super) fn render(rows: &[Row], percentiles: &Percentiles) -> Vec<String> {
    let highest = rows.iter().map(|row| row.count).max().unwrap_or(0).max(1);
    rows.iter()
        .map(|row| {
            let share = 100.0 * row.count as f64 / percentiles.count.max(1) as f64;
            let bar = bar(row.count, highest);
            let marks = marks(row, percentiles);
            let line = format!(
                "{:>7} - {:<7} {bar:<BAR_WIDTH$} {:>8}  {marks}",
                edge(row.from_ns),
                edge(row.to_ns),
                percent(share, row.count)
            );
            line.trim_end().to_owned()
        })
        .collect()
}

/// A bar in proportion; what is not zero is seen.
fn bar(count: u64, highest: u64) -> String {
    let eighths = (count as f64 / highest as f64 * (BAR_WIDTH * 8) as f64).round() as usize;
    let eighths = eighths.max(usize::from(count > 0));
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

fn percent(share: f64, count: u64) -> String {
    match count {
        0 => String::new(),
        _ if share < 0.001 => "<0.001 %".to_owned(),
        _ if share < 1.0 => format!("{share:.3} %"),
        _ => format!("{share:.1} %"),
    }
}

/// The percentiles that lie in a row.
fn marks(row: &Row, percentiles: &Percentiles) -> String {
    let named = [
        ("p50", percentiles.p50),
        ("p90", percentiles.p90),
        ("p99", percentiles.p99),
        ("p99.9", percentiles.p999),
        ("p99.99", percentiles.p9999),
        ("max", percentiles.max),
    ];
    let range = row.from_ns as f64 / 1e3..row.to_ns as f64 / 1e3;
    let here = named.into_iter().filter(|(_, us)| range.contains(us));
    here.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

/// An edge of a row: 100 ns to 1,000 s, never more than two digits that are not zero.
fn edge(ns: u64) -> String {
    let (unit_ns, unit) = match ns {
        0..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let tenths = ns * 10 / unit_ns;
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        tenth => format!("{}.{tenth} {unit}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_round() {
        let edges = [100, 150, 1_000, 1_500, 700_000, 1_500_000, 2_000_000_000].map(edge);
        assert_eq!(
            edges,
            [
                "100 ns", "150 ns", "1 us", "1.5 us", "700 us", "1.5 ms", "2 s"
            ]
        );
    }

    #[test]
    fn bars_are_in_proportion_and_never_hide_one() {
        assert_eq!(bar(10, 10).chars().count(), BAR_WIDTH);
        assert_eq!(bar(5, 10).chars().count(), BAR_WIDTH / 2);
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(0, 10), "");
    }

    #[test]
    fn percentiles_stand_beside_their_row() {
        let row = Row {
            from_ns: 100_000,
            to_ns: 150_000,
            count: 99,
        };
        let percentiles = Percentiles {
            count: 100,
            p50: 120.0,
            p90: 150.0,
            ..Percentiles::default()
        };
        let lines = render(&[row], &percentiles);
        assert!(lines[0].starts_with(" 100 us - 150 us"), "{}", lines[0]);
        assert!(lines[0].ends_with("99.0 %  p50"), "{}", lines[0]);
        assert!(lines[0].chars().count() <= 80);
    }
}
