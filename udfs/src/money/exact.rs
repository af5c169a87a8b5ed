//! [`Exact`]: a decimal of any size that SQL can hand over, before it is rounded once.
//!
//! Texts, floats' shortest texts, integers and decimals of 38 or 76 digits all become an `Exact`;
//! arithmetic on it is exact or refused. 512 bits hold the product of two numbers of 76 digits.

use std::cmp::Ordering;

use ruint::aliases::U512;

use super::MoneyError;
use super::rounding::half_even;

/// The largest power of ten that 512 bits hold.
const MAX_POWER: u32 = 154;

/// `±digits / 10^scale`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exact {
    negative: bool,
    digits: U512,
    scale: i32,
}

/// A signed whole number of units at a scale that the caller chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    pub negative: bool,
    pub magnitude: U512,
}

impl Exact {
    pub fn new(negative: bool, digits: U512, scale: i32) -> Self {
        Self {
            negative,
            digits,
            scale,
        }
    }

    pub fn from_units(units: i128, scale: i32) -> Self {
        Self::new(units < 0, U512::from(units.unsigned_abs()), scale)
    }

    /// Reads `-12.50` or `1.25e-7`; a blank text is no number at all.
    pub fn parse(text: &str) -> Result<Option<Self>, MoneyError> {
        match text.trim() {
            "" => Ok(None),
            trimmed => parse_decimal(trimmed)
                .map(Some)
                .ok_or_else(|| MoneyError::NotANumber(text.to_owned())),
        }
    }

    pub fn is_zero(&self) -> bool {
        self.digits.is_zero()
    }

    pub fn is_positive(&self) -> bool {
        !self.negative && !self.is_zero()
    }

    pub fn is_negative(&self) -> bool {
        self.negative && !self.is_zero()
    }

    #[must_use]
    pub fn negated(self) -> Self {
        Self::new(!self.negative, self.digits, self.scale)
    }

    /// The exact sum; `None` beyond 512 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let [left, right] = [self.at_scale(scale)?, other.at_scale(scale)?];
        let (larger, smaller) = if left.magnitude >= right.magnitude {
            (left, right)
        } else {
            (right, left)
        };
        let digits = if larger.negative == smaller.negative {
            larger.magnitude.checked_add(smaller.magnitude)?
        } else {
            larger.magnitude.checked_sub(smaller.magnitude)?
        };
        Some(Self::new(larger.negative, digits, scale))
    }

    /// The exact difference; `None` beyond 512 bits.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.negated())
    }

    /// The exact product; `None` beyond 512 bits.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        let scale = self.scale.checked_add(other.scale)?;
        Some(Self::new(self.negative != other.negative, digits, scale))
    }

    /// The exact order of two numbers; `None` if aligning their scales takes more than 512 bits.
    pub fn checked_cmp(self, other: Self) -> Option<Ordering> {
        let scale = self.scale.max(other.scale);
        let [left, right] = [self.at_scale(scale)?, other.at_scale(scale)?];
        let sign = |n: &Units| match (n.magnitude.is_zero(), n.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        };
        Some(match (sign(&left), sign(&right)) {
            (-1, -1) => right.magnitude.cmp(&left.magnitude),
            (1, 1) => left.magnitude.cmp(&right.magnitude),
            (l, r) => l.cmp(&r),
        })
    }

    /// To `scale` decimals, half to even.
    pub fn rounded(self, scale: i32) -> Result<Units, MoneyError> {
        match self.at_scale(scale) {
            Some(units) => Ok(units),
            None => self.over(Self::from_units(1, 0), scale),
        }
    }

    /// To `scale` decimals without losing any.
    pub fn exactly(self, scale: i32) -> Result<Units, MoneyError> {
        let units = self.rounded(scale)?;
        let back = Self::new(units.negative, units.magnitude, scale);
        match back.checked_cmp(self) {
            Some(Ordering::Equal) => Ok(units),
            _ => Err(MoneyError::TooFine { scale }),
        }
    }

    /// `self / divisor` to `scale` decimals, rounded once, half to even. The divisor is not zero.
    pub fn over(self, divisor: Self, scale: i32) -> Result<Units, MoneyError> {
        let shift = scale
            .saturating_sub(self.scale)
            .saturating_add(divisor.scale);
        let overflow = MoneyError::Overflow { precision: 76 };
        let magnitude = if self.is_zero() {
            U512::ZERO
        } else if shift >= 0 {
            let numerator = power_of_ten(shift).and_then(|p| self.digits.checked_mul(p));
            numerator
                .and_then(|n| half_even(n, divisor.digits))
                .ok_or(overflow)?
        } else {
            // A divisor beyond 512 bits is more than twice any numerator: the quotient rounds to
            // zero.
            let denominator =
                power_of_ten(shift.saturating_neg()).and_then(|p| divisor.digits.checked_mul(p));
            denominator
                .map_or(Some(U512::ZERO), |d| half_even(self.digits, d))
                .ok_or(overflow)?
        };
        Ok(Units {
            negative: self.negative != divisor.negative,
            magnitude,
        })
    }

    /// The least number of `scale` decimals that is not below `self / divisor`, which is not negative.
    pub fn over_rounded_up(self, divisor: Self, scale: i32) -> Result<Units, MoneyError> {
        let overflow = MoneyError::Overflow { precision: 76 };
        let nearest = self.over(divisor, scale)?;
        let reached = Self::new(false, nearest.magnitude, scale).checked_mul(divisor);
        match reached.and_then(|reached| reached.checked_cmp(self)) {
            None => Err(overflow),
            Some(Ordering::Less) => Ok(Units {
                negative: false,
                magnitude: nearest.magnitude.checked_add(U512::ONE).ok_or(overflow)?,
            }),
            Some(_) => Ok(nearest),
        }
    }

    fn at_scale(self, scale: i32) -> Option<Units> {
        let factor = power_of_ten(scale.checked_sub(self.scale)?)?;
        let magnitude = self.digits.checked_mul(factor)?;
        Some(Units {
            negative: self.negative,
            magnitude,
        })
    }
}

impl Units {
    /// Refuses more than `precision` digits, of 38 at most.
    pub fn to_i128(self, precision: u8) -> Result<i128, MoneyError> {
        let magnitude = u128::try_from(self.magnitude).ok();
        magnitude
            .filter(|m| *m < 10_u128.pow(u32::from(precision.min(38))))
            .and_then(|m| i128::try_from(m).ok())
            .map(|m| if self.negative { m.saturating_neg() } else { m })
            .ok_or(MoneyError::Overflow { precision })
    }
}

fn power_of_ten(exponent: i32) -> Option<U512> {
    let exponent = u32::try_from(exponent).ok().filter(|e| *e <= MAX_POWER)?;
    match 10_u128.checked_pow(exponent) {
        Some(power) => Some(U512::from(power)),
        None => U512::from(10).checked_pow(U512::from(exponent)),
    }
}

fn parse_decimal(text: &str) -> Option<Exact> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, unsigned) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = digits_of(whole.bytes().chain(fraction.bytes()))?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some(Exact::new(negative, digits, scale))
}

fn digits_of(mut bytes: impl Iterator<Item = u8>) -> Option<U512> {
    const TEN: U512 = U512::from_limbs([10, 0, 0, 0, 0, 0, 0, 0]);
    let digit = |b: u8| b.is_ascii_digit().then(|| u128::from(b.wrapping_sub(b'0')));
    let mut narrow = 0_u128;
    while let Some(byte) = bytes.next() {
        let next = digit(byte)?;
        if let Some(more) = narrow.checked_mul(10).and_then(|n| n.checked_add(next)) {
            narrow = more;
        } else {
            let start = U512::from(narrow)
                .checked_mul(TEN)?
                .checked_add(U512::from(next))?;
            return bytes.try_fold(start, |n, byte| {
                n.checked_mul(TEN)?.checked_add(U512::from(digit(byte)?))
            });
        }
    }
    Some(U512::from(narrow))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap().unwrap()
    }

    fn rounded(text: &str, scale: i32) -> i128 {
        exact(text).rounded(scale).unwrap().to_i128(38).unwrap()
    }

    #[test]
    fn reads_plain_and_e_notation() {
        for (text, units) in [
            ("12.5", 1250),
            ("+.5", 50),
            ("-5.", -500),
            ("1.25e1", 1250),
            ("125E-2", 125),
            (" 1 ", 100),
        ] {
            assert_eq!(rounded(text, 2), units, "{text}");
        }
        assert_eq!(Exact::parse("  "), Ok(None));
    }

    #[test]
    fn what_is_not_a_number_is_named() {
        for text in [
            "1,5", "$1", "1e", "e1", ".", "-", "NaN", "inf", "1.2.3", "--1", "1_000",
        ] {
            assert_eq!(
                Exact::parse(text),
                Err(MoneyError::NotANumber(text.to_owned()))
            );
        }
    }

    #[test]
    fn a_tie_goes_to_the_even_neighbour_on_both_sides_of_zero() {
        let ties = ["0.005", "0.015", "-0.005", "-0.015"].map(|text| rounded(text, 2));
        assert_eq!(ties, [0, 2, 0, -2]);
    }

    #[test]
    fn exponents_beyond_all_digits_are_zero_or_refused() {
        assert_eq!(rounded("9.99e-2000000000", 12), 0);
        assert_eq!(rounded("0e2000000000", 12), 0);
        assert!(exact("1e400").rounded(12).is_err());
        assert!(Exact::parse(&"9".repeat(155)).is_err());
    }

    #[test]
    fn an_exact_number_is_not_rounded() {
        assert_eq!(exact("1.50").exactly(1).unwrap().to_i128(38), Ok(15));
        assert_eq!(
            exact("1.55").exactly(1),
            Err(MoneyError::TooFine { scale: 1 })
        );
        assert_eq!(exact("-0.0").exactly(0).unwrap().to_i128(38), Ok(0));
    }

    #[test]
    fn the_next_number_is_taken_only_where_it_is_needed() {
        let up = |text: &str, divisor: &str| {
            let units = exact(text).over_rounded_up(exact(divisor), 2).unwrap();
            units.to_i128(38).unwrap()
        };
        assert_eq!(up("1", "4"), 25);
        assert_eq!(up("1", "3"), 34);
        assert_eq!(up("1.000000000001", "4"), 26);
        assert_eq!(up("2", "3"), 67);
        assert_eq!(up("0", "3"), 0);
    }

    proptest! {
        #[test]
        fn sums_and_differences_are_those_of_the_numbers(a: i64, b: i64, up in 0..30_i32) {
            let scaled = Exact::new(
                a < 0, U512::from(a.unsigned_abs()).wrapping_mul(power_of_ten(up).unwrap()), up,
            );
            let b_exact = Exact::from_units(b.into(), 0);
            let equal = |result: Option<Exact>, expected: i128| {
                result.unwrap().checked_cmp(Exact::from_units(expected, 0)) == Some(Ordering::Equal)
            };
            let (a, b) = (i128::from(a), i128::from(b));
            prop_assert!(equal(scaled.checked_add(b_exact), a.wrapping_add(b)));
            prop_assert!(equal(scaled.checked_sub(b_exact), a.wrapping_sub(b)));
        }

        #[test]
        fn order_is_that_of_the_numbers(a: i64, b: i64, up in 0..30_i32) {
            let (a, b) = (i128::from(a), i128::from(b));
            let scaled = Exact::new(a < 0, U512::from(a.unsigned_abs()).wrapping_mul(power_of_ten(up).unwrap()), up);
            prop_assert_eq!(scaled.checked_cmp(Exact::from_units(b, 0)), Some(a.cmp(&b)));
        }

        #[test]
        fn rounding_moves_by_half_a_unit_at_most(units: i128, scale in 0..=24_i32) {
            let rounded = Exact::from_units(units, scale).rounded(12).unwrap();
            let back = Exact::new(rounded.negative, rounded.magnitude, 12);
            let up = power_of_ten(24).unwrap();
            let [rounded, exact] = [back, Exact::from_units(units, scale)]
                .map(|n| n.at_scale(24).unwrap().magnitude);
            let distance = rounded.max(exact).wrapping_sub(rounded.min(exact));
            let half = up.checked_div(power_of_ten(12).unwrap().wrapping_mul(U512::from(2))).unwrap();
            prop_assert!(distance <= half);
        }
    }
}
