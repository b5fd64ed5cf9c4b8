//! The time of a line: UTC to the millisecond, as RFC 3339 has it. UTC needs no time zone files, sorts as
//! text, and is the same on every machine.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

const SECS_PER_DAY: u64 = 86_400;

/// Writes the time of the system clock.
pub(super) struct UtcMillis;

impl FormatTime for UtcMillis {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        write_utc(now.unwrap_or_default(), writer)
    }
}

fn write_utc(since_epoch: Duration, writer: &mut impl fmt::Write) -> fmt::Result {
    let secs = since_epoch.as_secs();
    let (year, month, day) = civil_date(secs / SECS_PER_DAY);
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    let millis = since_epoch.subsec_millis();
    write!(
        writer,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
    )
}

/// Year, month and day of a day counted from 1970-01-01. Years are taken to begin in March, so that the
/// leap day is the last of its year, in eras of 400 years, which are all alike.
fn civil_date(days_since_epoch: u64) -> (u64, u64, u64) {
    const DAYS_BEFORE_EPOCH: u64 = 719_468; // from 0000-03-01
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days_since_epoch + DAYS_BEFORE_EPOCH;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(millis: u64, expected: &str) {
        let mut text = String::new();
        write_utc(Duration::from_millis(millis), &mut text).unwrap();
        assert_eq!(text, expected);
    }

    #[test]
    fn known_times() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(951_868_799_999, "2000-02-29T23:59:59.999Z");
        check(1_709_164_800_000, "2024-02-29T00:00:00.000Z");
        check(1_767_225_599_001, "2025-12-31T23:59:59.001Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn days_follow_each_other() {
        let mut previous = civil_date(0);
        for day in 1..200_000 {
            let date = civil_date(day);
            let (year, month, first) = (date.0, date.1, date.2 == 1);
            let next_day = (previous.0, previous.1, previous.2 + 1) == date;
            let next_month = first && (previous.0, previous.1 + 1) == (year, month);
            let next_year = first && month == 1 && (previous.0 + 1, previous.1) == (year, 12);
            assert!(next_day || next_month || next_year, "{previous:?} {date:?}");
            previous = date;
        }
    }
}
