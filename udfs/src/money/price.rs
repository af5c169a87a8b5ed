//! [`PerMtok`]: the price of a million tokens, to six decimals.
//!
//! Six decimals per million tokens are twelve decimals per token, the scale of [`Amount`]: pricing
//! never rounds.

use super::Amount;

/// Currency units per 1,000,000 tokens; `DECIMAL(18, 6)` in SQL. Never negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PerMtok(u64);

impl PerMtok {
    pub const SCALE: i8 = 6;
    pub const PRECISION: u8 = 18;

    /// From millionths of a currency unit; `None` if negative or beyond eighteen digits.
    pub fn new(units: i128) -> Option<Self> {
        let units = u64::try_from(units).ok()?;
        (units < 10_u64.pow(u32::from(Self::PRECISION))).then_some(Self(units))
    }

    pub fn units(self) -> i128 {
        i128::from(self.0)
    }

    /// Exact: `tokens × price`, with nothing to round and nothing to overflow.
    pub fn cost_of(self, tokens: u64) -> Amount {
        Amount::product(self.0, tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_costs_a_millionth_of_the_price() {
        let price = PerMtok::new(2_500_000).unwrap();
        assert_eq!(price.cost_of(1).to_string(), "0.000002500000");
        assert_eq!(price.cost_of(1_000_000).to_string(), "2.500000000000");
    }

    #[test]
    fn the_largest_price_of_the_most_tokens_fits() {
        let price = PerMtok::new(10_i128.pow(18) - 1).unwrap();
        assert!(Amount::new(price.cost_of(u64::MAX).units()).is_ok());
        assert!(PerMtok::new(10_i128.pow(18)).is_none());
        assert!(PerMtok::new(-1).is_none());
    }
}
