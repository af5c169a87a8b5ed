//! [`Month`] and [`MonthRange`]: calendar months, written `2026-10` and `2026-05..2026-10`.

use crate::error::{Error, Result};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    month: u8,
}

impl Month {
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits =
            |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (1..=12).contains(&month).then_some(Self { year, month })
    }

    #[must_use]
    pub fn next(self) -> Self {
        match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                year: self.year,
                month: month + 1,
            },
        }
    }

    pub(super) fn start(self) -> String {
        format!("{self}-01T00:00:00")
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

pub(super) struct MonthRange {
    pub(super) first: Month,
    pub(super) last: Month,
}

impl MonthRange {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let month = |text: &str| {
            Month::parse(text).ok_or_else(|| {
                Error::new(format!("`{text}` is not a month"))
                    .hint("write a month as '2026-10', a range as '2026-05..2026-10'")
            })
        };
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (month(first)?, month(last)?);
        if first > last {
            return Err(
                Error::new(format!("the range `{text}` ends before it starts"))
                    .hint(format!("write '{last}..{first}'")),
            );
        }
        Ok(Self { first, last })
    }
}
