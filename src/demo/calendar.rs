//! Dates as whole days since 1970 and instants as microseconds, both UTC.
//!
//! The demo never asks the clock: the same seed gives the same bytes on every day of the year.

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year.
pub(super) const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months_since_march = (month + 9) % 12;
    let day_of_year = (153 * months_since_march + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// Monday is 0.
pub(super) const fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// A calendar month of 2026, the only year in which the demo has calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(pub(super) i64);

impl Month {
    pub(super) const APRIL: Self = Self(4);
    pub(super) const OCTOBER: Self = Self(10);

    /// The months of the ledger, in order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (Self::APRIL.0..=Self::OCTOBER.0).map(Self)
    }

    /// Place among the months of the ledger, from 0.
    pub(super) fn index(self) -> usize {
        usize::try_from(self.0 - Self::APRIL.0).expect("the ledger begins in April")
    }

    pub(super) const fn first_day(self) -> i64 {
        day_number(2026, self.0, 1)
    }

    /// The first day of the next month: ranges are half-open.
    pub(super) const fn end_day(self) -> i64 {
        day_number(2026 + self.0 / 12, self.0 % 12 + 1, 1)
    }

    pub(super) const fn day(self, day: i64) -> i64 {
        day_number(2026, self.0, day)
    }

    pub(super) fn has(self, instant: i64) -> bool {
        (self.first_day()..self.end_day()).contains(&instant.div_euclid(DAY))
    }

    /// The `billing_period` of the month.
    pub(super) fn label(self) -> String {
        format!("2026-{:02}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(day_number(1970, 1, 1), 0);
        assert_eq!(day_number(2000, 2, 29), 11_016);
        assert_eq!(day_number(2026, 10, 1), 20_727);
        assert_eq!(
            weekday(day_number(2026, 10, 1)),
            3,
            "1 October 2026 is a Thursday"
        );
    }

    #[test]
    fn months_meet_without_a_gap() {
        assert_eq!(Month(4).end_day(), Month(5).first_day());
        assert_eq!(Month(12).end_day(), day_number(2027, 1, 1));
        assert_eq!(Month::OCTOBER.end_day() - Month::OCTOBER.first_day(), 31);
    }
}
