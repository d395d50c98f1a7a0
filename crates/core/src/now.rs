use std::time::Duration;

/// The time, as an argument: decisions that depend on it take a `Now` and never read a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Since the process began (or another fixed point), never going back: for spans and expiries.
    pub monotonic: Duration,
    /// Milliseconds since 1970-01-01 UTC: for records and what people read.
    pub unix_ms: u64,
}

impl Now {
    /// How long after an earlier moment; zero if that moment is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic)
    }

    /// The day in UTC, `2026-11-25`: as dates stand in the catalogue.
    pub fn day(self) -> String {
        let mut text = self.timestamp();
        text.truncate("2026-11-25".len());
        text
    }

    /// In UTC, `2026-11-25T09:30:00.250Z` (RFC 3339): as people read it. Each call's line in the log has one, so its digits are
    /// written one by one: to interpret a format would take ten times as long.
    pub fn timestamp(self) -> String {
        let (year, month, day) = self.date();
        let (ms, seconds) = (self.unix_ms % 1_000, self.unix_ms / 1_000);
        let (hours, minutes) = (seconds / 3_600 % 24, seconds / 60 % 60);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (mut number, digits) in [
            (year, 0..4),
            (month, 5..7),
            (day, 8..10),
            (hours, 11..13),
            (minutes, 14..16),
            (seconds % 60, 17..19),
            (ms, 20..23),
        ] {
            for digit in text[digits].iter_mut().rev() {
                *digit += u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Year, month and day.
    const fn date(self) -> (u64, u64, u64) {
        // Howard Hinnant's civil_from_days: years begin in March, so that a leap day is the last of its year.
        let days = self.unix_ms / 86_400_000 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        (year_of_era + era * 400 + (month <= 2) as u64, month, of_year - (153 * from_march + 2) / 5 + 1)
    }

    /// This moment and a while later, on both clocks.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        let ms = u64::try_from(while_.as_millis()).unwrap_or(u64::MAX);
        Self { monotonic: self.monotonic.saturating_add(while_), unix_ms: self.unix_ms.saturating_add(ms) }
    }

    /// A while before this moment, on both clocks.
    #[must_use]
    pub fn before(self, while_: Duration) -> Self {
        let ms = u64::try_from(while_.as_millis()).unwrap_or(u64::MAX);
        Self { monotonic: self.monotonic.saturating_sub(while_), unix_ms: self.unix_ms.saturating_sub(ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_on_a_day() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_868_799, "2000-02-29"),
            (1_709_251_200, "2024-03-01"),
            (1_795_564_800, "2026-11-25"),
            (1_798_761_599, "2026-12-31"),
        ] {
            assert_eq!(Now { unix_ms: seconds * 1_000, ..Now::default() }.day(), day, "{seconds}");
        }
    }

    #[test]
    fn a_moment_is_written_as_rfc_3339_has_it() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_764_063_000_250, "2025-11-25T09:30:00.250Z"),
            (4_102_444_800_007, "2100-01-01T00:00:00.007Z"),
        ] {
            assert_eq!(Now { unix_ms, ..Now::default() }.timestamp(), text, "{unix_ms}");
        }
    }
}
