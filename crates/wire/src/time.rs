//! Times as protocols write them (RFC 3339, UTC), from and to Unix seconds.

use std::time::Duration;

/// An RFC 3339 time (`createTime`, `created_at`) in Unix seconds; fractions and offsets are dropped.
pub(crate) fn unix_seconds(time: &str) -> Option<u64> {
    let (date, clock) = time.split_once('T')?;
    let mut date = date.split('-').map(|n| n.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.trim_end_matches('Z').split(['.', '+']).next()?.split(':').map(|n| n.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let dated = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !dated || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days from the civil calendar, years beginning in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    Some(days.checked_sub(719_468)? * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// A time since the epoch as RFC 3339, to the microsecond, as Ollama writes it.
pub(crate) fn rfc3339(since_epoch: Duration) -> String {
    // Beyond the year 9999 there is no such text.
    let seconds = since_epoch.as_secs().min(253_402_300_799);
    let (days, clock) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        clock / 3_600,
        clock / 60 % 60,
        clock % 60,
        since_epoch.subsec_micros()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_unix_seconds() {
        for (time, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2025-05-31T21:33:48.763452Z", Some(1_748_727_228)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800)),
            ("yesterday", None),
            ("2024-02-29T99999999999999999:00:00Z", None),
        ] {
            assert_eq!(unix_seconds(time), want, "{time}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(rfc3339(Duration::from_micros(1_748_727_228_763_452)), "2025-05-31T21:33:48.763452Z");
        for seconds in [0, 951_782_399, 951_782_400, 1_709_164_800, 4_107_542_399, 253_402_300_799] {
            assert_eq!(unix_seconds(&rfc3339(Duration::from_secs(seconds))), Some(seconds));
        }
    }
}
