//! [`Tariff`]: what usage costs under a plan of steps.
//!
//! A step prices the units above its start, up to the start of the next. *Graduated*: every unit
//! costs what its own step says, and each step that is reached adds its fee. *Volume*: all units
//! cost what the highest step reached says, and that step alone adds its fee. The first step is
//! reached without usage. A step's minimum is the least that usage comes to from that step up.
//!
//! A graduated charge never falls as usage grows, and without fees it never jumps. A volume charge
//! falls at a step whose price is lower, unless the step's minimum holds it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::{Amount, Exact, MoneyError};

/// How the steps of a tariff go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Graduated,
    Volume,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The step prices the units above this one.
    pub from: i64,
    pub unit_price: Exact,
    pub flat_fee: Exact,
    pub minimum: Exact,
}

/// Steps in ascending order, the first from zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    steps: Vec<Step>,
}

/// Why steps do not make a tariff, or a tariff no charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TariffError {
    NoSteps,
    /// Two steps price the same units.
    Overlap {
        from: i64,
    },
    /// Nothing prices the first units.
    Gap {
        until: i64,
    },
    /// A step starts below zero, or a price, fee or minimum is.
    Negative {
        what: &'static str,
        from: i64,
    },
    UnknownMode(String),
    Money(MoneyError),
}

impl FromStr for Mode {
    type Err = TariffError;

    fn from_str(text: &str) -> Result<Self, TariffError> {
        match text {
            "graduated" => Ok(Self::Graduated),
            "volume" => Ok(Self::Volume),
            other => Err(TariffError::UnknownMode(other.to_owned())),
        }
    }
}

impl Tariff {
    /// Takes steps in any order.
    pub fn new(mut steps: Vec<Step>) -> Result<Self, TariffError> {
        steps.sort_by_key(|step| step.from);
        for step in &steps {
            let from = step.from;
            let negative = |what| Err(TariffError::Negative { what, from });
            if from < 0 {
                return negative("start");
            } else if step.unit_price.is_negative() {
                return negative("unit price");
            } else if step.flat_fee.is_negative() {
                return negative("flat fee");
            } else if step.minimum.is_negative() {
                return negative("minimum");
            }
        }
        let twice = steps
            .iter()
            .zip(steps.iter().skip(1))
            .find(|(step, next)| step.from == next.from);
        match (steps.first(), twice) {
            (None, _) => Err(TariffError::NoSteps),
            (_, Some((step, _))) => Err(TariffError::Overlap { from: step.from }),
            (Some(first), None) if first.from > 0 => Err(TariffError::Gap { until: first.from }),
            (Some(_), None) => Ok(Self { steps }),
        }
    }

    /// What so many units cost, rounded once.
    pub fn charge(&self, units: Exact, mode: Mode) -> Result<Amount, TariffError> {
        if units.is_negative() {
            return Err(TariffError::Money(MoneyError::Negative { what: "usage" }));
        }
        let charge = match mode {
            Mode::Graduated => self.graduated(units),
            Mode::Volume => self.volume(units),
        };
        let charge = charge.and_then(|charge| self.at_least(charge, units));
        let overflow = MoneyError::Overflow {
            precision: Amount::PRECISION,
        };
        charge
            .ok_or(overflow)
            .and_then(Amount::rounded)
            .map_err(TariffError::Money)
    }

    fn graduated(&self, units: Exact) -> Option<Exact> {
        let ends = self.steps.iter().skip(1).map(|next| Some(start(next)));
        let mut charge = Exact::from_units(0, 0);
        for (step, end) in self.reached(units).zip(ends.chain([None])) {
            let end = match end {
                Some(end) if end.checked_cmp(units)?.is_lt() => end,
                _ => units,
            };
            let within = end.checked_sub(start(step))?;
            charge = charge
                .checked_add(step.unit_price.checked_mul(within)?)?
                .checked_add(step.flat_fee)?;
        }
        Some(charge)
    }

    fn volume(&self, units: Exact) -> Option<Exact> {
        let step = self.reached(units).last()?;
        let charge = step.unit_price.checked_mul(units)?;
        charge.checked_add(step.flat_fee)
    }

    fn at_least(&self, charge: Exact, units: Exact) -> Option<Exact> {
        self.reached(units).try_fold(charge, |charge, step| {
            Some(if charge.checked_cmp(step.minimum)?.is_lt() {
                step.minimum
            } else {
                charge
            })
        })
    }

    /// The first step, and those whose start is below the usage.
    fn reached(&self, units: Exact) -> impl Iterator<Item = &Step> {
        let below = move |step: &Step| start(step).checked_cmp(units).is_some_and(Ordering::is_lt);
        let steps = self.steps.iter().enumerate();
        steps
            .take_while(move |(number, step)| *number == 0 || below(step))
            .map(|(_, step)| step)
    }
}

fn start(step: &Step) -> Exact {
    Exact::from_units(step.from.into(), 0)
}

/// What the units beyond the included ones cost, rounded once.
pub fn overage(units: Exact, included: Exact, unit_price: Exact) -> Result<Amount, MoneyError> {
    for (what, number) in [
        ("usage", units),
        ("included usage", included),
        ("unit price", unit_price),
    ] {
        if number.is_negative() {
            return Err(MoneyError::Negative { what });
        }
    }
    let overflow = MoneyError::Overflow {
        precision: Amount::PRECISION,
    };
    let beyond = units.checked_sub(included).ok_or(overflow.clone())?;
    if !beyond.is_positive() {
        return Ok(Amount::ZERO);
    }
    Amount::rounded(beyond.checked_mul(unit_price).ok_or(overflow)?)
}

impl fmt::Display for TariffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSteps => write!(f, "there is no step"),
            Self::Overlap { from } => write!(f, "two steps start at {from}"),
            Self::Gap { until } => write!(f, "no step prices the first {until} units"),
            Self::Negative { what, from } => {
                write!(f, "the {what} of the step from {from} is negative")
            }
            Self::UnknownMode(mode) => {
                write!(f, "`{mode}` is not a mode: it is `graduated` or `volume`")
            }
            Self::Money(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TariffError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(from: i64, cents: i128, fee: i128, minimum: i128) -> Step {
        Step {
            from,
            unit_price: Exact::from_units(cents, 2),
            flat_fee: Exact::from_units(fee, 0),
            minimum: Exact::from_units(minimum, 0),
        }
    }

    fn units(charge: Result<Amount, TariffError>) -> i128 {
        charge.unwrap().units()
    }

    fn charged(tariff: &Tariff, usage: i64, mode: Mode) -> i128 {
        units(tariff.charge(Exact::from_units(usage.into(), 0), mode))
    }

    const DOLLAR: i128 = 1_000_000_000_000;

    #[test]
    fn each_unit_or_all_units_cost_what_their_step_says() {
        // Ten cents up to 100 units, five beyond.
        let tariff = Tariff::new(vec![step(100, 5, 7, 0), step(0, 10, 3, 0)]).unwrap();
        for (usage, graduated, volume) in [
            (0, 3, 3),
            (100, 13, 13),
            (120, 3 + 10 + 7 + 1, 7 + 6),
            (300, 3 + 10 + 7 + 10, 7 + 15),
        ] {
            let charges = [Mode::Graduated, Mode::Volume].map(|mode| charged(&tariff, usage, mode));
            assert_eq!(charges, [graduated * DOLLAR, volume * DOLLAR], "{usage}");
        }
    }

    #[test]
    fn a_minimum_holds_from_its_step_up() {
        let tariff = Tariff::new(vec![step(0, 10, 0, 2), step(100, 5, 0, 10)]).unwrap();
        let volume = [0, 50, 100, 120, 200, 300].map(|u| charged(&tariff, u, Mode::Volume));
        assert_eq!(volume, [2, 5, 10, 10, 10, 15].map(|d| d * DOLLAR));
    }

    #[test]
    fn what_is_no_tariff_is_named() {
        let error = |steps| Tariff::new(steps).unwrap_err().to_string();
        assert_eq!(error(vec![]), "there is no step");
        let twice = vec![step(5, 1, 0, 0), step(0, 1, 0, 0), step(5, 2, 0, 0)];
        assert_eq!(error(twice), "two steps start at 5");
        assert_eq!(
            error(vec![step(5, 1, 0, 0)]),
            "no step prices the first 5 units"
        );
        let negative = "the unit price of the step from 0 is negative";
        assert_eq!(error(vec![step(0, -1, 0, 0)]), negative);
        assert!("tiered".parse::<Mode>().is_err());
    }

    #[test]
    fn what_is_included_costs_nothing() {
        let number = |units| Exact::from_units(units, 0);
        let charge = |used| overage(number(used), number(100), Exact::from_units(25, 2));
        assert_eq!(units(charge(100).map_err(TariffError::Money)), 0);
        assert_eq!(units(charge(104).map_err(TariffError::Money)), DOLLAR);
        assert!(charge(-1).is_err());
    }

    prop_compose! {
        /// Up to five steps; `rising` prices never fall.
        fn tariff(rising: bool, with_fees: bool)(
            lengths in prop::collection::vec(1..1_000_i64, 0..4),
            prices in prop::collection::vec(0..1_000_i128, 5),
            fees in prop::collection::vec(0..100_i128, 5),
        ) -> Tariff {
            let mut prices = prices;
            if rising {
                prices.sort_unstable();
            }
            let mut from = 0_i64;
            let starts = std::iter::once(0).chain(lengths.into_iter().map(|length| {
                from = from.wrapping_add(length);
                from
            }));
            let fee = |fee| if with_fees { fee } else { 0 };
            let steps = starts.zip(prices.into_iter().zip(fees));
            Tariff::new(steps.map(|(start, (price, f))| step(start, price, fee(f), 0)).collect())
                .unwrap()
        }
    }

    proptest! {
        #[test]
        fn more_usage_never_costs_less_where_each_unit_has_its_own_price(
            tariff in tariff(false, true), usage in 0..5_000_i64
        ) {
            let [less, more] = [usage, usage.wrapping_add(1)]
                .map(|usage| charged(&tariff, usage, Mode::Graduated));
            prop_assert!(less <= more);
        }

        #[test]
        fn one_more_unit_costs_no_more_than_the_dearest_step_without_fees(
            tariff in tariff(false, false), usage in 0..5_000_i64
        ) {
            let dearest = tariff.steps.iter().map(|step| step.unit_price);
            let dearest = dearest.map(|p| Amount::rounded(p).unwrap().units()).max().unwrap();
            let [less, more] = [usage, usage.wrapping_add(1)]
                .map(|usage| charged(&tariff, usage, Mode::Graduated));
            prop_assert!(more.wrapping_sub(less) <= dearest);
        }

        #[test]
        fn a_unit_of_its_own_step_costs_no_more_than_of_the_highest_where_prices_rise(
            tariff in tariff(true, false), usage in 0..5_000_i64
        ) {
            let [graduated, volume] =
                [Mode::Graduated, Mode::Volume].map(|mode| charged(&tariff, usage, mode));
            prop_assert!(graduated <= volume);
        }

        #[test]
        fn a_minimum_of_what_lies_below_keeps_volume_from_falling(
            tariff in tariff(false, false), usage in 0..5_000_i64
        ) {
            let steps = tariff.steps.iter().enumerate().map(|(number, step)| {
                let before = number.checked_sub(1).map(|below| tariff.steps[below].unit_price);
                let all = before.map(|price| price.checked_mul(start(step)).unwrap());
                Step { minimum: all.unwrap_or(step.minimum), ..*step }
            });
            let tariff = Tariff::new(steps.collect()).unwrap();
            let [less, more] = [usage, usage.wrapping_add(1)]
                .map(|usage| charged(&tariff, usage, Mode::Volume));
            prop_assert!(less <= more);
        }

        #[test]
        fn one_step_is_an_overage_with_nothing_included(price in 0..1_000_i128, usage in 0..5_000_i64) {
            let tariff = Tariff::new(vec![step(0, price, 0, 0)]).unwrap();
            let unit_price = Exact::from_units(price, 2);
            let beyond = overage(Exact::from_units(usage.into(), 0), Exact::from_units(0, 0), unit_price);
            prop_assert_eq!(charged(&tariff, usage, Mode::Graduated), units(beyond.map_err(TariffError::Money)));
        }
    }
}
