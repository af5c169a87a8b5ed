//! [`Amount`]: money as a whole number of 10⁻¹² currency units.

use std::fmt;

use super::MoneyError;
use super::exact::Exact;

/// What something costs; `DECIMAL(38, 12)` in SQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

impl Amount {
    /// Twelve decimals hold tokens × a price of six decimals per million tokens without rounding.
    pub const SCALE: i8 = 12;
    pub const PRECISION: u8 = 38;
    pub const ZERO: Self = Self(0);

    /// Refuses what `DECIMAL(38, 12)` cannot hold, although an `i128` can.
    pub fn new(units: i128) -> Result<Self, MoneyError> {
        if units.unsigned_abs() < 10_u128.pow(u32::from(Self::PRECISION)) {
            Ok(Self(units))
        } else {
            Err(MoneyError::Overflow {
                precision: Self::PRECISION,
            })
        }
    }

    pub fn rounded(number: Exact) -> Result<Self, MoneyError> {
        number
            .rounded(i32::from(Self::SCALE))?
            .to_i128(Self::PRECISION)
            .map(Self)
    }

    /// A price of eighteen digits times a count of twenty: 38 digits always hold it.
    #[allow(
        clippy::arithmetic_side_effects,
        reason = "10¹⁸ × 2⁶⁴ is less than 2¹²⁷"
    )]
    pub(super) fn product(price: u64, count: u64) -> Self {
        Self(i128::from(price) * i128::from(count))
    }

    pub fn units(self) -> i128 {
        self.0
    }

    pub fn times(self, count: u64) -> Result<Self, MoneyError> {
        let product = self.0.checked_mul(i128::from(count));
        product
            .ok_or(MoneyError::Overflow {
                precision: Self::PRECISION,
            })
            .and_then(Self::new)
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        let sum = self.0.checked_add(other.0);
        sum.ok_or(MoneyError::Overflow {
            precision: Self::PRECISION,
        })
        .and_then(Self::new)
    }
}

impl Amount {
    /// Only the end result has to fit.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        let mut sum = 0_i128;
        for Self(units) in amounts {
            sum = sum.checked_add(units).ok_or(MoneyError::Overflow {
                precision: Self::PRECISION,
            })?;
        }
        Self::new(sum)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNIT: u128 = 10_u128.pow(Amount::SCALE.unsigned_abs() as u32);
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:012}", magnitude / UNIT, magnitude % UNIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_eight_digits_and_no_more() {
        let largest = Amount::new(10_i128.pow(38) - 1).unwrap();
        assert_eq!(
            largest.to_string(),
            "99999999999999999999999999.999999999999"
        );
        assert!(largest.checked_add(Amount::new(1).unwrap()).is_err());
        assert!(Amount::new(i128::MIN).is_err());
        assert!(largest.times(1).is_ok() && largest.times(2).is_err());
        assert!(largest.times(u64::MAX).is_err());
    }

    #[test]
    fn reads_as_a_decimal() {
        assert_eq!(Amount::new(-1).unwrap().to_string(), "-0.000000000001");
        assert_eq!(Amount::ZERO.to_string(), "0.000000000000");
    }
}
