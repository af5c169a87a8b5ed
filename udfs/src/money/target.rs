//! The price that a cost asks for.

use super::{Amount, Exact, MoneyError};

/// Decimals of a cent.
const CENTS: i32 = 2;
/// From cents to the units of an [`Amount`].
const UNITS_PER_CENT: i128 = 10_i128.pow(10);

/// The smallest price in whole cents of which `cost` is at most `percent`.
///
/// A cost of zero or less needs no price.
pub fn price_for(cost: Exact, percent: Exact) -> Result<Amount, MoneyError> {
    let hundred = Exact::from_units(100, 0);
    let overflow = MoneyError::Overflow {
        precision: Amount::PRECISION,
    };
    let most = hundred.checked_sub(percent).ok_or(overflow.clone())?;
    if !percent.is_positive() || most.is_negative() {
        return Err(MoneyError::Outside {
            what: "target",
            range: "above 0 and at most 100 percent",
        });
    }
    if !cost.is_positive() {
        return Ok(Amount::ZERO);
    }
    let hundredfold = cost.checked_mul(hundred).ok_or(overflow.clone())?;
    let cents = hundredfold.over_rounded_up(percent, CENTS)?;
    let units = cents
        .to_i128(Amount::PRECISION)?
        .checked_mul(UNITS_PER_CENT);
    Amount::new(units.ok_or(overflow)?)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    fn price(cost: &str, percent: &str) -> String {
        let [cost, percent] = [cost, percent].map(|text| Exact::parse(text).unwrap().unwrap());
        price_for(cost, percent).map_or_else(|error| error.to_string(), |price| price.to_string())
    }

    #[test]
    fn the_next_cent_is_taken_only_where_it_is_needed() {
        assert_eq!(price("300", "18"), "1666.670000000000");
        assert_eq!(price("300", "20"), "1500.000000000000");
        assert_eq!(price("300.000000000001", "20"), "1500.010000000000");
        assert_eq!(price("0.000000000001", "100"), "0.010000000000");
        assert_eq!(price("0", "20"), "0.000000000000");
        assert_eq!(price("-5", "20"), "0.000000000000");
    }

    #[test]
    fn a_target_is_a_part_of_the_price() {
        for percent in ["0", "-1", "100.000001"] {
            let expected = "the target is not above 0 and at most 100 percent";
            assert_eq!(price("1", percent), expected, "{percent}");
        }
    }

    proptest! {
        #[test]
        fn the_price_meets_the_target_and_one_cent_less_does_not(
            cost in 1..i128::from(u64::MAX), percent in 1..=100_000_000_i128
        ) {
            let (cost, percent) = (Exact::from_units(cost, 12), Exact::from_units(percent, 6));
            let cents = price_for(cost, percent).unwrap().units().checked_div(UNITS_PER_CENT).unwrap();
            let needed = cost.checked_mul(Exact::from_units(100, 0)).unwrap();
            let against = |cents| {
                let allowed = Exact::from_units(cents, CENTS).checked_mul(percent);
                needed.checked_cmp(allowed.unwrap()).unwrap()
            };
            prop_assert_ne!(against(cents), Ordering::Greater);
            prop_assert_eq!(against(cents.wrapping_sub(1)), Ordering::Greater);
        }
    }
}
