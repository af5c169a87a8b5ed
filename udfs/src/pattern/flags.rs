//! [`Flags`]: which usage patterns a customer shows, beside the medians of its peers.
//!
//! A multiple of a median is compared as the ratio at [`RATIO_SCALE`] decimals, which is what a
//! reader sees: figures such as a third are rounded before they come here, and three times it must
//! still be the whole. Nothing is found against a median of zero.

use std::cmp::Ordering;
use std::fmt;

use crate::money::{Exact, MoneyError};

pub const RATIO_SCALE: i32 = 12;

/// A customer's figure and the median of its peers; `None` where it is not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    pub own: Option<Exact>,
    pub median: Option<Exact>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub sessions: Figure,
    pub context: Figure,
    pub cache_hit_rate: Figure,
    pub output_tokens: Figure,
    pub reasoning_share: Option<Exact>,
}

/// Where a pattern begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    session_multiple: Exact,
    context_multiple: Exact,
    cache_hit_rate: Exact,
    reasoning_share: Exact,
}

/// Found, not found, or `None`: not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    pub high_session_frequency: Option<bool>,
    pub long_context: Option<bool>,
    pub low_cache_hit_rate: Option<bool>,
    pub reasoning_heavy: Option<bool>,
}

/// A threshold that no figure can be held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagsError {
    NotPositive(&'static str),
    NotAShare(&'static str),
    Money(MoneyError),
}

impl From<MoneyError> for FlagsError {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl fmt::Display for FlagsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPositive(name) => write!(f, "`{name}` is not above 0"),
            Self::NotAShare(name) => write!(f, "`{name}` is not from 0 to 1"),
            Self::Money(error) => error.fmt(f),
        }
    }
}

const OVERFLOW: MoneyError = MoneyError::Overflow { precision: 76 };

impl Thresholds {
    /// Three times the median, a tenth and three tenths, where nothing else is said.
    pub fn new(
        session_multiple: Option<Exact>,
        context_multiple: Option<Exact>,
        cache_hit_rate: Option<Exact>,
        reasoning_share: Option<Exact>,
    ) -> Result<Self, FlagsError> {
        let multiple = |name, given: Option<Exact>| {
            let multiple = given.unwrap_or(Exact::from_units(3, 0));
            if multiple.is_positive() {
                Ok(multiple)
            } else {
                Err(FlagsError::NotPositive(name))
            }
        };
        let share = |name, given: Option<Exact>, default| {
            let share = given.unwrap_or(default);
            let is_share = (share.is_zero() || share.is_positive())
                && share.checked_cmp(Exact::from_units(1, 0)) != Some(Ordering::Greater);
            if is_share {
                Ok(share)
            } else {
                Err(FlagsError::NotAShare(name))
            }
        };
        Ok(Self {
            session_multiple: multiple("session_multiple", session_multiple)?,
            context_multiple: multiple("context_multiple", context_multiple)?,
            cache_hit_rate: share(
                "low_cache_hit_rate",
                cache_hit_rate,
                Exact::from_units(1, 1),
            )?,
            reasoning_share: share(
                "high_reasoning_share",
                reasoning_share,
                Exact::from_units(3, 1),
            )?,
        })
    }
}

impl Flags {
    pub fn new(figures: &Figures, thresholds: &Thresholds) -> Result<Self, FlagsError> {
        Ok(Self {
            high_session_frequency: figures.sessions.reaches(thresholds.session_multiple)?,
            long_context: figures.context.reaches(thresholds.context_multiple)?,
            low_cache_hit_rate: low_cache_hit_rate(figures, thresholds)?,
            reasoning_heavy: reasoning_heavy(figures, thresholds)?,
        })
    }
}

impl Figure {
    /// Whether it is so many times the median.
    fn reaches(self, multiple: Exact) -> Result<Option<bool>, MoneyError> {
        let Some((own, median)) = self.own.zip(self.median) else {
            return Ok(None);
        };
        if !median.is_positive() {
            return Ok(Some(false));
        }
        let ratio = own.over(median, RATIO_SCALE)?;
        let ratio = Exact::new(ratio.negative, ratio.magnitude, RATIO_SCALE);
        Ok(Some(order(ratio, multiple)? != Ordering::Less))
    }
}

/// Low, and below what is usual: where all peers read as little, the customer does nothing unusual.
fn low_cache_hit_rate(
    figures: &Figures,
    thresholds: &Thresholds,
) -> Result<Option<bool>, MoneyError> {
    let Figure { own, median } = figures.cache_hit_rate;
    let Some((own, median)) = own.zip(median) else {
        return Ok(None);
    };
    let is_low = order(own, thresholds.cache_hit_rate)? == Ordering::Less;
    Ok(Some(is_low && order(own, median)? == Ordering::Less))
}

fn reasoning_heavy(figures: &Figures, thresholds: &Thresholds) -> Result<Option<bool>, MoneyError> {
    let Figure { own, median } = figures.output_tokens;
    let Some((share, (own, median))) = figures.reasoning_share.zip(own.zip(median)) else {
        return Ok(None);
    };
    let is_high = order(share, thresholds.reasoning_share)? != Ordering::Less;
    Ok(Some(
        is_high && median.is_positive() && order(own, median)? == Ordering::Greater,
    ))
}

fn order(left: Exact, right: Exact) -> Result<Ordering, MoneyError> {
    left.checked_cmp(right).ok_or(OVERFLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<Exact> {
        Exact::parse(text).unwrap()
    }

    fn figure(own: &str, median: &str) -> Figure {
        Figure {
            own: number(own),
            median: number(median),
        }
    }

    fn usual() -> Figures {
        Figures {
            sessions: figure("10", "10"),
            context: figure("1000", "1000"),
            cache_hit_rate: figure("0.01", "0.01"),
            output_tokens: figure("500", "500"),
            reasoning_share: number("0.9"),
        }
    }

    fn flags(figures: &Figures) -> Flags {
        Flags::new(figures, &Thresholds::new(None, None, None, None).unwrap()).unwrap()
    }

    #[test]
    fn who_is_at_the_median_shows_no_pattern() {
        let none = Some(false);
        let expected = Flags {
            high_session_frequency: none,
            long_context: none,
            low_cache_hit_rate: none,
            reasoning_heavy: none,
        };
        assert_eq!(flags(&usual()), expected);
    }

    #[test]
    fn a_multiple_begins_at_itself_also_where_the_median_is_no_decimal() {
        let of = |own: &str, median: &str| {
            let sessions = figure(own, median);
            flags(&Figures {
                sessions,
                ..usual()
            })
            .high_session_frequency
        };
        assert_eq!(of("30", "10.0"), Some(true));
        assert_eq!(of("29.999999", "10"), Some(false));
        // 200 and three times 66⅔, which is rounded up.
        assert_eq!(of("200", "66.666666666666666667"), Some(true));
        assert_eq!(of("30", "0"), Some(false));
        assert_eq!(of("0", "0"), Some(false));
        assert_eq!(of("", "10"), None);
        assert_eq!(of("10", ""), None);
    }

    #[test]
    fn a_hit_rate_is_low_below_the_threshold_and_the_median() {
        let of = |own: &str, median: &str| {
            let cache_hit_rate = figure(own, median);
            let figures = Figures {
                cache_hit_rate,
                ..usual()
            };
            flags(&figures).low_cache_hit_rate
        };
        assert_eq!(of("0.099999", "0.7"), Some(true));
        assert_eq!(of("0.10", "0.7"), Some(false));
        assert_eq!(of("0", "0"), Some(false));
        assert_eq!(of("", "0.7"), None);
    }

    #[test]
    fn reasoning_is_heavy_where_the_output_is_too() {
        let of = |share: &str, own: &str, median: &str| {
            let figures = Figures {
                reasoning_share: number(share),
                output_tokens: figure(own, median),
                ..usual()
            };
            flags(&figures).reasoning_heavy
        };
        assert_eq!(of("0.30", "501", "500"), Some(true));
        assert_eq!(of("0.299999", "501", "500"), Some(false));
        assert_eq!(of("0.9", "500", "500"), Some(false));
        assert_eq!(of("0.9", "1", "0"), Some(false));
        assert_eq!(of("", "501", "500"), None);
    }

    #[test]
    fn thresholds_that_say_nothing_are_refused() {
        let refusal = |session, context, cache, reasoning| {
            let [session, context, cache, reasoning] =
                [session, context, cache, reasoning].map(number);
            Thresholds::new(session, context, cache, reasoning).unwrap_err()
        };
        assert_eq!(
            refusal("0", "", "", ""),
            FlagsError::NotPositive("session_multiple")
        );
        assert_eq!(
            refusal("", "-3", "", ""),
            FlagsError::NotPositive("context_multiple")
        );
        assert_eq!(
            refusal("", "", "1.1", ""),
            FlagsError::NotAShare("low_cache_hit_rate")
        );
        assert_eq!(
            refusal("", "", "", "-0.1"),
            FlagsError::NotAShare("high_reasoning_share")
        );
    }
}
