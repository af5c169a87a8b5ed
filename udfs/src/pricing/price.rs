//! [`Price`]: one row of the price book: when it is in force, for which calls, and what it charges.

use std::cmp::Reverse;

use super::price_book::PriceId;
use super::token_type::TokenType;
use super::usage::Usage;
use crate::money::{Amount, MoneyError, PerMtok};

const DAY: i64 = 86_400_000_000;

/// One row of the price book; times are microseconds since 1970 or since midnight, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Price {
    /// Its number in the book.
    pub id: PriceId,
    pub effective_from: i64,
    pub effective_to: Option<i64>,
    pub service_tier: Option<String>,
    /// For calls whose input is strictly above it.
    pub min_input_tokens: Option<i64>,
    pub utc_from: Option<i64>,
    pub utc_to: Option<i64>,
    pub rates: Rates,
    pub currency: String,
    pub source: String,
}

/// Prices per kind of token; a missing one has taken its fallback of the same row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rates {
    pub input: PerMtok,
    pub cache_read: PerMtok,
    pub cache_write: PerMtok,
    pub cache_write_1h: PerMtok,
    pub output: PerMtok,
    pub reasoning: PerMtok,
    pub per_request: Amount,
}

/// What a call costs, by what it is charged for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CostParts {
    pub input: Amount,
    pub cache_read: Amount,
    pub cache_write_5m: Amount,
    pub cache_write_1h: Amount,
    /// Without reasoning.
    pub output: Amount,
    pub reasoning: Amount,
    pub request: Amount,
}

impl Rates {
    pub fn of(&self, token_type: TokenType) -> PerMtok {
        match token_type {
            TokenType::Input => self.input,
            TokenType::CacheRead => self.cache_read,
            TokenType::CacheWrite => self.cache_write,
            TokenType::CacheWrite1h => self.cache_write_1h,
            TokenType::Output => self.output,
            TokenType::Reasoning => self.reasoning,
        }
    }

    pub fn cost_of(&self, usage: &Usage) -> CostParts {
        CostParts {
            input: self.input.cost_of(usage.uncached),
            cache_read: self.cache_read.cost_of(usage.cache_read),
            cache_write_5m: self.cache_write.cost_of(usage.cache_write_5m),
            cache_write_1h: self.cache_write_1h.cost_of(usage.cache_write_1h),
            output: self.output.cost_of(usage.answer),
            reasoning: self.reasoning.cost_of(usage.reasoning),
            request: self.per_request,
        }
    }

    /// The cost of so many calls, whose tokens these are.
    pub fn cost_of_calls(&self, calls: u64, usage: &Usage) -> Result<CostParts, MoneyError> {
        Ok(CostParts {
            request: self.per_request.times(calls)?,
            ..self.cost_of(usage)
        })
    }
}

impl CostParts {
    pub fn total(&self) -> Result<Amount, MoneyError> {
        let Self {
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
            request,
        } = *self;
        Amount::sum([
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
            request,
        ])
    }
}

impl Price {
    pub(super) fn in_force(&self, at: i64) -> bool {
        self.effective_from <= at
            && self.effective_to.is_none_or(|to| at < to)
            && self.covers_time_of_day(at)
    }

    /// The instants next to `at` at which the row may come into force or cease to be.
    pub(super) fn changes(&self, at: i64) -> impl Iterator<Item = i64> {
        let day = at.saturating_sub(at.rem_euclid(DAY));
        let times = [self.utc_from, self.utc_to];
        let is_windowed = times.iter().any(Option::is_some);
        let midnights = [Some(0), Some(DAY)].map(|time| time.filter(|_| is_windowed));
        let of_day = times.into_iter().chain(midnights).flatten();
        [Some(self.effective_from), self.effective_to]
            .into_iter()
            .flatten()
            .chain(of_day.map(move |time| day.saturating_add(time)))
    }

    /// A window that ends before it starts goes over midnight.
    fn covers_time_of_day(&self, at: i64) -> bool {
        if self.utc_from.is_none() && self.utc_to.is_none() {
            return true;
        }
        let time = at.rem_euclid(DAY);
        let (from, to) = (self.utc_from.unwrap_or(0), self.utc_to.unwrap_or(DAY));
        if from < to {
            from <= time && time < to
        } else {
            from <= time || time < to
        }
    }

    pub(super) fn passes_threshold(&self, input_tokens: i64) -> bool {
        self.min_input_tokens
            .is_none_or(|minimum| minimum < input_tokens)
    }

    pub(super) fn is_of_tier(&self, tier: Option<&str>) -> bool {
        match (self.service_tier.as_deref(), tier) {
            (Some(own), Some(wanted)) => own.eq_ignore_ascii_case(wanted),
            (None, None) => true,
            _ => false,
        }
    }

    /// The better row of two in force for the same name and tier comes first.
    pub(super) fn preference(&self) -> impl Ord + '_ {
        let hours = self.utc_from.is_some() || self.utc_to.is_some();
        (
            Reverse(self.min_input_tokens), // None is less than any threshold
            Reverse(self.effective_from),
            Reverse(hours),
            self.source.as_str(),
            // The order of the rows must not decide.
            &self.rates,
            self.currency.as_str(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn between(from: Option<i64>, to: Option<i64>) -> Price {
        let free = PerMtok::default();
        let rates = Rates {
            input: free,
            cache_read: free,
            cache_write: free,
            cache_write_1h: free,
            output: free,
            reasoning: free,
            per_request: Amount::ZERO,
        };
        Price {
            id: 0,
            effective_from: 0,
            effective_to: Some(48 * HOUR),
            service_tier: None,
            min_input_tokens: None,
            utc_from: from.map(|hour| hour * HOUR),
            utc_to: to.map(|hour| hour * HOUR),
            rates,
            currency: "USD".to_owned(),
            source: String::new(),
        }
    }

    #[test]
    fn a_window_may_go_over_midnight() {
        let hours = |price: &Price| (24..48).filter(|h| price.in_force(h * HOUR)).count();
        assert_eq!(hours(&between(None, None)), 24);
        assert_eq!(hours(&between(Some(9), Some(17))), 8);
        assert_eq!(hours(&between(Some(22), Some(6))), 8);
        assert_eq!(hours(&between(Some(22), None)), 2);
        assert_eq!(hours(&between(None, Some(6))), 6);
    }

    #[test]
    fn between_two_changes_nothing_changes() {
        let windows = [None, Some(0), Some(6), Some(22)];
        for (from, to) in windows
            .iter()
            .flat_map(|from| windows.map(|to| (*from, to)))
        {
            let price = between(from, to);
            let mut at = -HOUR;
            while at < 50 * HOUR {
                let next = price.changes(at).filter(|instant| *instant > at).min();
                let next = next.unwrap_or(50 * HOUR);
                let held = (at..next).step_by(1_800_000_000);
                let same = held
                    .clone()
                    .all(|x| price.in_force(x) == price.in_force(at));
                assert!(same, "{from:?} to {to:?} between {at} and {next}");
                at = next;
            }
        }
    }

    #[test]
    fn a_price_ends_where_the_next_begins() {
        let price = between(None, None);
        let in_force = [-1, 0, 48 * HOUR - 1, 48 * HOUR].map(|at| price.in_force(at));
        assert_eq!(in_force, [false, true, true, false]);
    }
}
