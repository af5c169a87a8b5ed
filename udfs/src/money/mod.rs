//! Money arithmetic: integers only, exact, and no Arrow.
//!
//! * [`Amount`]: what something costs, in units of 10⁻¹² of a currency.
//! * [`PerMtok`]: what a million tokens cost, to six decimals; times tokens it is an [`Amount`],
//!   exactly.
//! * [`Exact`]: any decimal that comes in from outside, before it is rounded once.
//! * [`half_even`](rounding::half_even): the one rounding.
//! * [`split`](split::split): the one way to divide an amount; its parts sum to it.
//! * [`Tariff`](tariff::Tariff): what usage costs under a plan; [`target`]: the price that a cost asks for.
//!
//! What never happens here: a float, a wrapped overflow, a second rounding.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

pub mod amount;
pub mod exact;
pub mod price;
pub mod rounding;
pub mod split;
pub mod target;
pub mod tariff;

use std::fmt;

pub use amount::Amount;
pub use exact::Exact;
pub use price::PerMtok;

/// Why a number did not become money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyError {
    /// The text is not a decimal number.
    NotANumber(String),
    /// The result has more digits than its type holds.
    Overflow { precision: u8 },
    /// The number is finer than its type, and rounding was not asked for.
    TooFine { scale: i32 },
    /// What is counted or priced is below zero.
    Negative { what: &'static str },
    /// The number is not in the range that it has to be in.
    Outside {
        what: &'static str,
        range: &'static str,
    },
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber(text) => write!(f, "`{text}` is not a decimal number"),
            Self::Overflow { precision } => {
                write!(
                    f,
                    "the result overflows: it needs more than {precision} digits"
                )
            }
            Self::TooFine { scale } => {
                write!(
                    f,
                    "the number has more than {scale} decimals that are not zero"
                )
            }
            Self::Negative { what } => write!(f, "the {what} is negative"),
            Self::Outside { what, range } => write!(f, "the {what} is not {range}"),
        }
    }
}

impl std::error::Error for MoneyError {}
