//! Money arithmetic: integers only, exact, and no Arrow.
//!
//! * [`Amount`]: what something costs, in units of 10⁻¹² of a currency.
//! * [`PerMtok`]: what a million tokens cost, to six decimals; times tokens it is an [`Amount`],
//!   exactly.
//! * [`Exact`]: any decimal that comes in from outside, before it is rounded once.
//! * [`half_even`](rounding::half_even): the one rounding.
//! * [`split`](split::split): the one way to divide an amount; its parts sum to it.
//!
//! What never happens here: a float, a wrapped overflow, a second rounding.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

pub mod amount;
pub mod exact;
pub mod price;
pub mod rounding;
pub mod split;

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
        }
    }
}

impl std::error::Error for MoneyError {}
