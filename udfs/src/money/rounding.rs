//! The one rounding: to the nearest, a tie to the even neighbour.
//!
//! It works on magnitudes, so that −x rounds to the mirror of x.

use std::cmp::Ordering;

use ruint::aliases::U512;

/// `numerator / denominator`, rounded half to even; `None` for a zero denominator.
pub fn half_even(numerator: U512, denominator: U512) -> Option<U512> {
    if let (Ok(n), Ok(d)) = (u128::try_from(numerator), u128::try_from(denominator)) {
        return half_even_narrow(n, d).map(U512::from);
    }
    if denominator.is_zero() {
        return None;
    }
    let (quotient, remainder) = numerator.div_rem(denominator);
    let to_the_next = denominator.wrapping_sub(remainder);
    Some(match remainder.cmp(&to_the_next) {
        Ordering::Greater => quotient.wrapping_add(U512::ONE),
        Ordering::Equal if quotient.bit(0) => quotient.wrapping_add(U512::ONE),
        _ => quotient,
    })
}

fn half_even_narrow(numerator: u128, denominator: u128) -> Option<u128> {
    let quotient = numerator.checked_div(denominator)?;
    let remainder = numerator.wrapping_sub(quotient.wrapping_mul(denominator));
    let to_the_next = denominator.checked_sub(remainder)?;
    match remainder.cmp(&to_the_next) {
        Ordering::Greater => quotient.checked_add(1),
        Ordering::Equal if quotient & 1 == 1 => quotient.checked_add(1),
        _ => Some(quotient),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(numerator: u128, denominator: u128) -> u128 {
        half_even(U512::from(numerator), U512::from(denominator))
            .unwrap()
            .to()
    }

    #[test]
    fn a_tie_goes_to_the_even_neighbour() {
        let halves = [1, 3, 5, 7].map(|n| rounded(n, 2));
        assert_eq!(halves, [0, 2, 2, 4]);
        assert_eq!(rounded(26, 10), 3);
        assert_eq!(rounded(24, 10), 2);
        assert!(half_even(U512::ONE, U512::ZERO).is_none());
    }

    #[test]
    fn one_is_the_only_divisor_that_the_largest_numerator_survives() {
        assert_eq!(rounded(u128::MAX, 1), u128::MAX);
        assert_eq!(rounded(u128::MAX, u128::MAX), 1);
    }

    proptest! {
        #[test]
        fn narrow_and_wide_agree(n: u128, d in 1..=u128::MAX, factor in 1..=u64::MAX) {
            // A common factor pushes both beyond 128 bits and leaves the quotient as it is.
            let factor = U512::from(factor).wrapping_shl(130);
            let times = |number: u128| U512::from(number).wrapping_mul(factor);
            let wide = half_even(times(n), times(d));
            prop_assert_eq!(half_even(U512::from(n), U512::from(d)), wide);
        }
    }
}
