//! [`cap`]: how much a customer of a plan may use before it is asked to move up.

use std::cmp::Ordering;

use crate::money::{Exact, MoneyError};

/// `multiple` times the median, up to the next whole unit; `None` for a median of zero, which says
/// nothing about what is usual.
pub fn cap(median: Exact, multiple: Exact) -> Result<Option<i64>, MoneyError> {
    let overflow = MoneyError::Overflow { precision: 18 };
    let one = Exact::from_units(1, 0);
    let below_one = multiple.checked_cmp(one).is_none_or(Ordering::is_lt);
    if below_one {
        return Err(MoneyError::Outside {
            what: "multiple",
            range: "1 or more: a cap below the median stops what is usual",
        });
    } else if median.is_negative() {
        return Err(MoneyError::Negative { what: "median" });
    } else if median.is_zero() {
        return Ok(None);
    }
    let product = median.checked_mul(multiple).ok_or(overflow.clone())?;
    let units = product.over_rounded_up(one, 0)?.to_i128(18)?;
    i64::try_from(units).map(Some).map_err(|_| overflow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(median: &str, multiple: &str) -> Result<Option<i64>, MoneyError> {
        let [median, multiple] = [median, multiple].map(|t| Exact::parse(t).unwrap().unwrap());
        cap(median, multiple)
    }

    #[test]
    fn a_cap_is_whole_and_never_below_the_median() {
        assert_eq!(of("10", "1.5"), Ok(Some(15)));
        assert_eq!(of("10.5", "1"), Ok(Some(11)));
        assert_eq!(of("0.5", "1.5"), Ok(Some(1)));
        assert_eq!(of("0", "2"), Ok(None));
        assert!(of("10", "0.999999").is_err());
        assert!(of("-1", "1").is_err());
        assert!(of("9999999999999999999", "1").is_err());
    }

    proptest! {
        #[test]
        fn the_median_customer_is_never_stopped(halves in 1..1_000_000_i128, millionths in 1_000_000..3_000_000_i128) {
            let median = Exact::from_units(halves * 5, 1);
            let cap = cap(median, Exact::from_units(millionths, 6)).unwrap().unwrap();
            let cap = Exact::from_units(cap.into(), 0);
            prop_assert!(median.checked_cmp(cap).unwrap().is_le());
        }
    }
}
