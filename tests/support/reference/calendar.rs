//! Months and days of UTC, counted one by one.

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A calendar month: its year, its number and its half-open range of instants.
struct Month {
    year: i64,
    number: i64,
    start: i64,
    end: i64,
}

/// The months from 1970-01 on.
fn months() -> impl Iterator<Item = Month> {
    let mut end = 0;
    let numbers = (1970..2200).flat_map(|year| (1..=12).map(move |number| (year, number)));
    numbers.map(move |(year, number)| {
        let start = end;
        end += days_in(year, number) * DAY;
        Month {
            year,
            number,
            start,
            end,
        }
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The half-open range of instants of a calendar month `YYYY-MM`.
pub(crate) fn month(period: &str) -> (i64, i64) {
    let named = period.split_once('-').and_then(|(year, number)| {
        let (year, number) = (year.parse::<i64>().ok()?, number.parse::<i64>().ok()?);
        months().find(|month| month.year == year && month.number == number)
    });
    let month = named.unwrap_or_else(|| panic!("`{period}` is not a month"));
    (month.start, month.end)
}

/// The calendar month in which an instant lies.
pub(crate) fn month_of(instant: i64) -> String {
    let month = months()
        .find(|month| month.start <= instant && instant < month.end)
        .unwrap_or_else(|| panic!("{instant} is before 1970"));
    format!("{:04}-{:02}", month.year, month.number)
}

/// The microseconds after midnight of an instant.
pub(crate) fn time_of_day(instant: i64) -> i64 {
    instant.rem_euclid(DAY)
}
