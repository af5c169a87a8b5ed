//! What a source says about one model: prices by kind of token, each in steps of the call's input.

use super::number::{Read, Unit};
use super::{Condition, Rates};
use crate::error::{Error, Result};
use apportion_udfs::money::{Amount, PerMtok};
use std::collections::{BTreeMap, BTreeSet};

/// Of every public list.
const CURRENCY: &str = "USD";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Input,
    CacheRead,
    CacheWrite,
    CacheWrite1h,
    Output,
    Reasoning,
    Request,
}

/// Units by the input that a call must exceed; 0 is for every call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tariff(BTreeMap<Kind, BTreeMap<i64, i128>>);

impl Kind {
    /// The unit of a source that prices so many tokens at once.
    pub(super) fn unit(self, of_tokens: Unit, of_requests: Unit) -> Unit {
        match self {
            Self::Request => of_requests,
            _ => of_tokens,
        }
    }
}

impl Tariff {
    pub(super) fn set(&mut self, kind: Kind, above: i64, read: &Read) {
        self.0.entry(kind).or_default().insert(above, read.units);
    }

    pub(super) fn remove(&mut self, kind: Kind) {
        self.0.remove(&kind);
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.0.contains_key(&kind)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn thresholds(&self) -> impl Iterator<Item = i64> {
        self.0.values().flat_map(|steps| steps.keys().copied())
    }

    /// What is said for the highest threshold that is not above this one.
    fn at(&self, kind: Kind, above: i64) -> Option<i128> {
        let steps = self.0.get(&kind)?;
        steps.range(..=above).next_back().map(|(_, units)| *units)
    }
}

/// The rows of one condition: at each threshold a kind has the price of the first tariff that
/// knows it, so that a tier's own prices come before the standard ones.
pub(super) fn rows(
    condition: &Condition,
    tariffs: &[&Tariff],
    thresholds: &BTreeSet<i64>,
    source: &str,
) -> Result<Vec<(Condition, Rates)>> {
    let free_output = !tariffs.iter().any(|tariff| tariff.has(Kind::Output));
    // Where a list prices only longer calls, the shorter ones have no price: none is no zero.
    let rates_above = |above: i64| -> Result<Option<Rates>> {
        let units = |kind| tariffs.iter().find_map(|tariff| tariff.at(kind, above));
        let price = |kind| units(kind).map(per_mtok).transpose();
        let output = price(Kind::Output)?.or(free_output.then(PerMtok::default));
        let Some((input, output)) = price(Kind::Input)?.zip(output) else {
            return Ok(None);
        };
        Ok(Some(Rates {
            input,
            cache_read: price(Kind::CacheRead)?,
            cache_write: price(Kind::CacheWrite)?,
            cache_write_1h: price(Kind::CacheWrite1h)?,
            output,
            reasoning: price(Kind::Reasoning)?,
            per_request: units(Kind::Request).map(amount).transpose()?,
            currency: CURRENCY.to_owned(),
            source: source.to_owned(),
        }))
    };
    let row = |above: &i64| -> Result<Option<(Condition, Rates)>> {
        let condition = Condition {
            min_input_tokens: (*above > 0).then_some(*above),
            ..condition.clone()
        };
        Ok(rates_above(*above)?.map(|rates| (condition, rates)))
    };
    thresholds
        .iter()
        .filter_map(|above| row(above).transpose())
        .collect()
}

pub(super) fn per_mtok(units: i128) -> Result<PerMtok> {
    PerMtok::new(units)
        .ok_or_else(|| Error::new("a price has more than 12 digits before the point"))
}

pub(super) fn amount(units: i128) -> Result<Amount> {
    Amount::new(units).map_err(|error| Error::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tariff(steps: &[(Kind, i64, i128)]) -> Tariff {
        let mut tariff = Tariff::default();
        for (kind, above, units) in steps {
            let read = Read {
                units: *units,
                rounded_from: None,
            };
            tariff.set(*kind, *above, &read);
        }
        tariff
    }

    #[test]
    fn calls_below_the_first_price_have_none() {
        let tariff = tariff(&[(Kind::Input, 32, 10), (Kind::Output, 32, 20)]);
        let thresholds = BTreeSet::from([0, 32]);
        let rows = rows(&Condition::default(), &[&tariff], &thresholds, "list").unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|(condition, _)| condition.min_input_tokens)
            .collect();
        assert_eq!(found, [Some(32)]);
    }

    #[test]
    fn a_tier_takes_from_the_standard_what_it_does_not_say() {
        let standard = tariff(&[
            (Kind::Input, 0, 10),
            (Kind::Input, 200, 20),
            (Kind::CacheRead, 0, 1),
            (Kind::CacheRead, 200, 2),
            (Kind::Output, 0, 30),
        ]);
        let tier = tariff(&[(Kind::Input, 0, 15), (Kind::Output, 200, 70)]);
        let thresholds = standard.thresholds().chain(tier.thresholds()).collect();
        let condition = Condition::default();
        let rows = rows(&condition, &[&tier, &standard], &thresholds, "list").unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|(condition, rates)| {
                (
                    condition.min_input_tokens,
                    rates.input.units(),
                    rates.cache_read.unwrap().units(),
                    rates.output.units(),
                )
            })
            .collect();
        assert_eq!(found, [(None, 15, 1, 30), (Some(200), 15, 2, 70)]);
    }
}
