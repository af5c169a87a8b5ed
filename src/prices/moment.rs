//! Dates and times of price lists, as microseconds, UTC.

use arrow::array::types::{Date32Type, Time64MicrosecondType, TimestampMicrosecondType};
use arrow::compute::kernels::cast_utils::Parser;

const DAY: i64 = 86_400_000_000;

/// `2026-08-17`, or with a time of day.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    match Date32Type::parse(text) {
        Some(days) if text.len() == 10 => i64::from(days).checked_mul(DAY),
        _ => TimestampMicrosecondType::parse(text),
    }
}

/// `16:30:00`, with or without a `Z`.
pub(crate) fn time_of_day(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('Z').trim_end_matches("+00:00");
    let full = if text.matches(':').count() == 1 {
        format!("{text}:00")
    } else {
        text.to_owned()
    };
    Time64MicrosecondType::parse(&full)
}

/// The day of an instant, and its time where it is not midnight.
pub(crate) fn shown(at: i64) -> String {
    let text = arrow::temporal_conversions::as_datetime::<TimestampMicrosecondType>(at)
        .map_or_else(|| at.to_string(), |moment| moment.to_string());
    text.trim_end_matches(" 00:00:00").to_owned()
}

/// The moment of the command: an import is an event, and has a day.
#[allow(
    clippy::disallowed_methods,
    reason = "no result of a query depends on it"
)]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

/// The last midnight before an instant.
pub(crate) fn midnight(at: i64) -> i64 {
    at.div_euclid(DAY) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read_and_shown() {
        assert_eq!(instant("1970-01-02"), Some(DAY));
        assert_eq!(instant("1970-01-02T01:00:00Z"), Some(DAY + DAY / 24));
        assert_eq!(instant("soon"), None);
        assert_eq!(time_of_day("16:30:00Z"), Some(59_400_000_000));
        assert_eq!(time_of_day("16:30"), Some(59_400_000_000));
        assert_eq!(shown(DAY), "1970-01-02");
        assert_eq!(shown(DAY + 1_000_000), "1970-01-02 00:00:01");
    }
}
