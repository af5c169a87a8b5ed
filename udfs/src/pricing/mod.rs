//! What a call costs at list price: names, token counts and the price book. No Arrow.
//!
//! * [`names`]: exact names and globs, the more specific first; prices and aliases are looked up
//!   with it.
//! * [`alias`]: one canonical spelling for providers, models, sub-accounts and customers.
//! * [`nearest`]: names that resemble another.
//! * [`usage`]: token counts that make sense together.
//! * [`token_type`]: the kinds of token that a price book prices.
//! * [`price`]: one row of the price book.
//! * [`span`]: the time around an instant in which nothing changes.
//! * [`offer`]: the rows that price a provider's model while nothing changes.
//! * [`price_book`]: which row prices a call, and why none does.

pub mod alias;
pub mod names;
pub mod nearest;
pub mod offer;
pub mod price;
pub mod price_book;
pub mod span;
pub mod token_type;
pub mod usage;

use std::fmt;

/// Why a call has no price. The text is the `unpriced_reason` in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unpriced {
    /// The price book knows no such model of this provider.
    Model,
    /// It does, but no row is in force at the call.
    Date,
    /// Rows are in force, but none for the call's service tier and none without a tier.
    Tier,
    /// Rows are in force, but the call's input does not pass the threshold of any.
    Threshold,
    /// Negative tokens, or a subset above its total.
    InvalidUsage,
}

impl Unpriced {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Date => "date",
            Self::Tier => "tier",
            Self::Threshold => "threshold",
            Self::InvalidUsage => "invalid usage",
        }
    }
}

impl Unpriced {
    const ALL: [Self; 5] = [
        Self::Model,
        Self::Date,
        Self::Tier,
        Self::Threshold,
        Self::InvalidUsage,
    ];

    /// Below zero, where the number of a row of the price book would stand.
    pub fn code(self) -> i32 {
        match self {
            Self::Model => -1,
            Self::Date => -2,
            Self::Tier => -3,
            Self::Threshold => -4,
            Self::InvalidUsage => -5,
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|reason| i64::from(reason.code()) == code)
    }
}

impl fmt::Display for Unpriced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The service tier that decides about prices: `standard`, which some call `default`, and the empty
/// text are no tier.
pub(crate) fn service_tier(tier: Option<&str>) -> Option<&str> {
    let is_standard = |tier: &str| {
        ["", "standard", "default"]
            .iter()
            .any(|none| tier.eq_ignore_ascii_case(none))
    };
    tier.filter(|tier| !is_standard(tier))
}
