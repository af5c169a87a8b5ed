//! Largest remainder, once over the parties of a charge and again for each finer grain.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;

/// An exact number.
pub(crate) fn exact(number: impl Into<BigInt>) -> BigRational {
    BigRational::from_integer(number.into())
}

/// A whole number that must fit 10^-12 units of money.
pub(crate) fn whole(number: &BigRational) -> i128 {
    assert!(number.is_integer(), "{number} is a whole number of units");
    i128::try_from(number.numer().clone()).expect("an amount fits 128 bits")
}

/// Rounded to a whole number of units, a half to the even neighbour.
pub(crate) fn round_half_even(number: &BigRational) -> i128 {
    let below = number.floor();
    let above = &below + exact(1);
    let past = number - &below;
    let half = BigRational::new(1.into(), 2.into());
    let lower_is_even = whole(&below) % 2 == 0;
    if past < half || (past == half && lower_is_even) {
        whole(&below)
    } else {
        whole(&above)
    }
}

/// A key that sorts in byte order, NULL last.
pub(crate) type NullLast = (bool, Option<String>);

pub(crate) fn null_last(key: Option<&String>) -> NullLast {
    (key.is_none(), key.cloned())
}

/// "Largest remainder at the money scale": every part is the floor or the ceiling of its exact
/// quota, the parts sum to the amount, zero weight gets zero, a negative amount mirrors the positive
/// one. The weights come in the order of their keys, and the earlier key wins a tie.
pub(crate) fn hamilton(amount: i128, weights: &[BigRational]) -> Vec<i128> {
    let zero = exact(0);
    let total: BigRational = weights.iter().sum();
    assert!(total > zero, "an amount is split by weights above zero");
    assert!(
        weights.iter().all(|weight| *weight >= zero),
        "no weight is negative"
    );

    let size = exact(amount.unsigned_abs());
    let quotas: Vec<BigRational> = weights
        .iter()
        .map(|weight| &size * weight / &total)
        .collect();
    let mut parts: Vec<i128> = quotas.iter().map(|quota| whole(&quota.floor())).collect();

    let mut by_remainder: Vec<usize> = (0..quotas.len()).collect();
    by_remainder.sort_by_key(|&at| (&quotas[at].floor() - &quotas[at], at));
    let mut left = whole(&size) - parts.iter().sum::<i128>();
    for at in by_remainder {
        if left > 0 {
            parts[at] += 1;
            left -= 1;
        }
    }
    assert_eq!(
        parts.iter().sum::<i128>(),
        whole(&size),
        "the parts sum to the amount"
    );

    parts
        .into_iter()
        .map(|part| part * amount.signum())
        .collect()
}

/// A call's values below the customer, in the fixed order feature → model → query type → session →
/// request.
pub(crate) type Path = [Option<String>; 5];

pub(crate) const NOWHERE: Path = [None, None, None, None, None];

/// "Each finer grain splits a customer's part": the part over its features, each feature's part over
/// its models, and so on, always by the same weights summed at that grain. A negative sum (it occurs
/// where amounts are the weights) counts as zero. Where nothing has weight, the part stays one row
/// with NULL below.
pub(crate) fn split_below(part: i128, weights: &[(Path, BigRational)]) -> Vec<(Path, i128)> {
    let mut rows = Vec::new();
    descend(
        part,
        &weights.iter().collect::<Vec<_>>(),
        0,
        NOWHERE,
        &mut rows,
    );
    rows
}

fn descend(
    part: i128,
    weights: &[&(Path, BigRational)],
    depth: usize,
    path: Path,
    rows: &mut Vec<(Path, i128)>,
) {
    if part == 0 {
        return;
    }
    if depth == path.len() {
        rows.push((path, part));
        return;
    }
    let mut values: BTreeMap<NullLast, Vec<&(Path, BigRational)>> = BTreeMap::new();
    for &item in weights {
        values
            .entry(null_last(item.0[depth].as_ref()))
            .or_default()
            .push(item);
    }
    let sums: Vec<BigRational> = values
        .values()
        .map(|items| {
            items
                .iter()
                .map(|item| &item.1)
                .sum::<BigRational>()
                .max(exact(0))
        })
        .collect();
    if sums.iter().all(|sum| *sum == exact(0)) {
        rows.push((path, part));
        return;
    }
    for (((_, value), items), part) in values.into_iter().zip(hamilton(part, &sums)) {
        let mut deeper = path.clone();
        deeper[depth] = value;
        descend(part, &items, depth + 1, deeper, rows);
    }
}
