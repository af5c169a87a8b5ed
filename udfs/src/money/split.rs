//! The one way to divide an amount: largest remainder (Hamilton).
//!
//! Every part is the floor or the ceiling of its exact quota, the parts sum to the total, a zero
//! weight gets zero, and a negative total mirrors the positive one. The units that the floors leave
//! go to the largest remainders, ties to the lower index: the caller's order decides, and nothing
//! else does.

use std::fmt;
use std::num::NonZeroU128;

use ruint::Uint;
use ruint::aliases::U256;

/// Why a total was not split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitError {
    /// There is something to split and every weight is zero.
    NoWeight,
    /// The weights' sum needs more than 256 bits.
    Overflow,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoWeight => "every weight is zero, so there is nobody to bear the amount",
            Self::Overflow => "the weights' sum overflows",
        })
    }
}

impl std::error::Error for SplitError {}

/// Splits `total` in proportion to `weights`; one part per weight, in their order.
pub fn split(total: i128, weights: &[U256]) -> Result<Vec<i128>, SplitError> {
    let sum = weights
        .iter()
        .try_fold(U256::ZERO, |sum, weight| sum.checked_add(*weight));
    let sum = sum.ok_or(SplitError::Overflow)?;
    let magnitude = total.unsigned_abs();
    if magnitude == 0 {
        return Ok(vec![0; weights.len()]);
    }
    if sum.is_zero() {
        return Err(SplitError::NoWeight);
    }
    // What all weights are multiples of does not matter, and amounts written with many zeros at the
    // end are multiples of powers of two.
    let zeros = weights.iter().filter(|weight| !weight.is_zero());
    let zeros = zeros.map(U256::trailing_zeros).min().unwrap_or(0);
    let mut parts = match narrow_sum(magnitude, sum.wrapping_shr(zeros)) {
        Some(sum) => narrow(magnitude, weights, zeros, sum),
        None if U256::from(magnitude).checked_mul(sum).is_some() => {
            wide::<256, 4>(magnitude, weights, sum)
        }
        None => wide::<512, 8>(magnitude, weights, sum),
    };
    if total < 0 {
        for part in &mut parts {
            *part = part.wrapping_neg();
        }
    }
    Ok(parts)
}

/// The weights' sum, where every product of the total and a weight fits 128 bits.
fn narrow_sum(magnitude: u128, sum: U256) -> Option<NonZeroU128> {
    let sum = u128::try_from(sum).ok()?;
    magnitude.checked_mul(sum)?;
    NonZeroU128::new(sum)
}

fn narrow(magnitude: u128, weights: &[U256], zeros: usize, sum: NonZeroU128) -> Vec<i128> {
    hamilton(magnitude, weights, |weight| {
        let product = magnitude.wrapping_mul(weight.wrapping_shr(zeros).wrapping_to::<u128>());
        let quota = product / sum;
        (quota, product.wrapping_sub(quota.wrapping_mul(sum.get())))
    })
}

/// In so many bits that every product of the total and a weight fits them.
fn wide<const BITS: usize, const LIMBS: usize>(
    magnitude: u128,
    weights: &[U256],
    sum: U256,
) -> Vec<i128> {
    let total = Uint::<BITS, LIMBS>::from(magnitude);
    let sum = Uint::<BITS, LIMBS>::wrapping_from(sum);
    hamilton(magnitude, weights, |weight| {
        let product = total.wrapping_mul(Uint::wrapping_from(*weight));
        let (quota, remainder) = product.div_rem(sum);
        (quota.wrapping_to::<u128>(), remainder)
    })
}

/// `quota` gives a weight's whole units and its remainder. A part of 2¹²⁷ wraps to the `i128` that
/// is its own mirror.
fn hamilton<R: Ord + Copy>(
    total: u128,
    weights: &[U256],
    quota: impl Fn(&U256) -> (u128, R),
) -> Vec<i128> {
    let (mut parts, remainders): (Vec<u128>, Vec<R>) = weights.iter().map(quota).unzip();
    let given = parts
        .iter()
        .fold(0_u128, |sum, part| sum.wrapping_add(*part));
    let left = usize::try_from(total.wrapping_sub(given)).unwrap_or(usize::MAX);
    if let Some(last) = left.checked_sub(1) {
        let mut order: Vec<usize> = (0..weights.len()).collect();
        let by_remainder =
            |a: &usize, b: &usize| remainders[*b].cmp(&remainders[*a]).then(a.cmp(b));
        order.select_nth_unstable_by(last, by_remainder);
        order[..left]
            .iter()
            .for_each(|index| parts[*index] = parts[*index].wrapping_add(1));
    }
    debug_assert_eq!(
        parts.iter().sum::<u128>(),
        total,
        "split conserves the total"
    );
    parts.into_iter().map(u128::cast_signed).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use ruint::aliases::U512;

    use super::*;

    fn weights(weights: &[u128]) -> Vec<U256> {
        weights.iter().copied().map(U256::from).collect()
    }

    /// The rule again, in the plainest words: floors, then units one by one to the largest
    /// remainder.
    fn by_hand(total: i128, weights: &[U256]) -> Vec<i128> {
        let sum = weights
            .iter()
            .fold(U512::ZERO, |sum, w| sum.wrapping_add(U512::from(*w)));
        let product = |w: &U256| U512::from(*w).wrapping_mul(U512::from(total.unsigned_abs()));
        let mut parts: Vec<u128> = weights
            .iter()
            .map(|w| product(w).div_rem(sum).0.to())
            .collect();
        let mut remainders: Vec<(U512, usize)> = weights
            .iter()
            .map(|w| product(w).div_rem(sum).1)
            .zip(0..)
            .collect();
        remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let missing = total
            .unsigned_abs()
            .wrapping_sub(parts.iter().sum::<u128>());
        for (_, index) in remainders.into_iter().take(missing.try_into().unwrap()) {
            parts[index] = parts[index].wrapping_add(1);
        }
        parts
            .into_iter()
            .map(|part| part.cast_signed().wrapping_mul(total.signum()))
            .collect()
    }

    #[test]
    fn the_odd_unit_goes_to_the_first_of_equals() {
        assert_eq!(split(100, &weights(&[1, 1, 1])), Ok(vec![34, 33, 33]));
        assert_eq!(split(-100, &weights(&[1, 1, 1])), Ok(vec![-34, -33, -33]));
        assert_eq!(split(101, &weights(&[1, 0, 1, 1])), Ok(vec![34, 0, 34, 33]));
    }

    #[test]
    fn nothing_to_split_needs_no_weight() {
        assert_eq!(split(0, &weights(&[0, 0])), Ok(vec![0, 0]));
        assert_eq!(split(0, &[]), Ok(vec![]));
        assert_eq!(split(1, &weights(&[0, 0])), Err(SplitError::NoWeight));
        assert_eq!(split(1, &[]), Err(SplitError::NoWeight));
    }

    #[test]
    fn extremes_are_exact_or_refused() {
        for total in [i128::MIN, i128::MAX, 1 - 10_i128.pow(38)] {
            assert_eq!(split(total, &[U256::MAX]), Ok(vec![total]));
            let halves = split(total, &[U256::MAX >> 1, U256::MAX >> 1]).unwrap();
            assert_eq!(halves[0].checked_add(halves[1]), Some(total));
        }
        assert_eq!(split(1, &[U256::MAX, U256::ONE]), Err(SplitError::Overflow));
    }

    prop_compose! {
        /// Small and huge numbers, so that both paths and many ties are met.
        fn case()(
            total in prop_oneof![any::<i128>(), (-1000_i128..1000), any::<i64>().prop_map(i128::from)],
            weights in prop_oneof![vec(0..4_u128, 1..40), vec(any::<u128>(), 1..40), vec(any::<u64>().prop_map(u128::from), 1..40)],
            shift in prop_oneof![Just(0_usize), Just(100)],
        ) -> (i128, Vec<U256>) {
            (total, weights.into_iter().map(|w| U256::from(w).wrapping_shl(shift)).collect())
        }
    }

    proptest! {
        #[test]
        fn parts_are_those_of_the_rule((total, weights) in case()) {
            prop_assume!(weights.iter().any(|w| !w.is_zero()));
            let parts = split(total, &weights).unwrap();
            prop_assert_eq!(&parts, &by_hand(total, &weights));

            // Part by part: conservation, zero for zero, floor or ceiling, mirror.
            let sum = parts.iter().try_fold(0_i128, |sum, part| sum.checked_add(*part));
            prop_assert_eq!(sum, Some(total), "split conserves the total");
            let whole = weights.iter().fold(U512::ZERO, |sum, w| sum.wrapping_add(U512::from(*w)));
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(!weight.is_zero() || *part == 0, "zero weight gets zero");
                let product = U512::from(*weight).wrapping_mul(U512::from(total.unsigned_abs()));
                let (floor, remainder) = product.div_rem(whole);
                let ceiling = floor.wrapping_add(U512::from(!remainder.is_zero()));
                let magnitude = U512::from(part.unsigned_abs());
                prop_assert!(floor <= magnitude && magnitude <= ceiling, "floor or ceiling");
            }
            if let Some(mirror) = total.checked_neg() {
                let mirrored: Vec<i128> = parts.iter().map(|part| part.wrapping_neg()).collect();
                prop_assert_eq!(split(mirror, &weights), Ok(mirrored));
            }
        }

        #[test]
        fn fast_and_wide_paths_agree(
            total: u64,
            weights in vec(0..1_u64 << 50, 1..40),
            zeros in 0..150_usize,
        ) {
            let weights = weights.into_iter().map(|weight| U256::from(weight).wrapping_shl(zeros));
            let weights = weights.collect::<Vec<_>>();
            let sum = weights.iter().fold(U256::ZERO, |sum, w| sum.wrapping_add(*w));
            prop_assume!(!sum.is_zero());
            let total = u128::from(total);
            let reduced = narrow_sum(total, sum.wrapping_shr(zeros)).unwrap();
            let fast = narrow(total, &weights, zeros, reduced);
            prop_assert_eq!(&fast, &wide::<512, 8>(total, &weights, sum));
            if zeros < 100 {
                prop_assert_eq!(&fast, &wide::<256, 4>(total, &weights, sum));
            }
        }

        #[test]
        fn order_is_nothing_when_keys_break_ties(
            total: i64,
            keyed in vec(0..5_u128, 1..20).prop_map(|w| w.into_iter().enumerate().collect::<Vec<_>>()).prop_shuffle(),
        ) {
            prop_assume!(keyed.iter().any(|(_, weight)| *weight > 0));
            let by_key = |mut rows: Vec<(usize, u128)>| {
                rows.sort_unstable();
                let weights = weights(&rows.iter().map(|(_, w)| *w).collect::<Vec<_>>());
                split(total.into(), &weights).unwrap()
            };
            let reversed = keyed.iter().rev().copied().collect();
            prop_assert_eq!(by_key(keyed), by_key(reversed));
        }
    }
}
