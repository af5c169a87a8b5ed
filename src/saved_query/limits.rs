//! Between which limits a number of a parameter lies: `decimal>0`, `integer>=1<=12`.

use crate::error::{Error, Result};
use rust_decimal::Decimal;
use std::fmt;

/// What a number must be above or below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits(Vec<(Comparison, Decimal)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Above,
    From,
    Below,
    To,
}

/// Longer signs first, so that `>=` is not taken for `>`.
const COMPARISONS: [(&str, Comparison); 4] = [
    (">=", Comparison::From),
    ("<=", Comparison::To),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl Limits {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let broken = || {
            Error::new(format!("`{text}` does not say what the limits are"))
                .hint("write for example `decimal>0` or `decimal>=0<=1`")
        };
        let mut limits = vec![];
        let mut rest = text;
        while !rest.is_empty() {
            let found = COMPARISONS
                .iter()
                .find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?)));
            let (comparison, after) = found.ok_or_else(broken)?;
            let (bound, others) = after.split_at(after.find(['<', '>']).unwrap_or(after.len()));
            limits.push((comparison, bound.parse().map_err(|_| broken())?));
            rest = others;
        }
        Ok(Self(limits))
    }

    pub(super) fn hold(&self, text: &str) -> bool {
        let Ok(number) = text.parse::<Decimal>() else {
            return false;
        };
        self.0.iter().all(|(comparison, bound)| match comparison {
            Comparison::Above => number > *bound,
            Comparison::From => number >= *bound,
            Comparison::Below => number < *bound,
            Comparison::To => number <= *bound,
        })
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (comparison, bound)) in self.0.iter().enumerate() {
            let words = match comparison {
                Comparison::Above => "above",
                Comparison::From => "of at least",
                Comparison::Below => "below",
                Comparison::To => "of at most",
            };
            let and = if at == 0 { "" } else { " and " };
            write!(f, "{and}{words} {bound}")?;
        }
        Ok(())
    }
}
