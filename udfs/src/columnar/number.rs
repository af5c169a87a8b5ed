//! [`Number`]: a column of numbers as exact decimals, whatever their width; and the way back.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, i256,
};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, internal_err};
use ruint::aliases::{U256, U512};

use super::text::Text;
use crate::money::exact::Units;
use crate::money::{Exact, MoneyError};

/// A column of numbers in one of the types that `Kind::AnyNumber` lets through.
#[derive(Debug)]
pub(crate) enum Number {
    Decimal128(Decimal128Array, i32),
    Decimal256(Decimal256Array, i32),
    Float32(Float32Array),
    Float64(Float64Array),
    Text(Text),
}

impl Number {
    pub(crate) fn new(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Decimal128(_, scale) => Self::Decimal128(
                array.as_primitive::<Decimal128Type>().clone(),
                (*scale).into(),
            ),
            DataType::Decimal256(_, scale) => Self::Decimal256(
                array.as_primitive::<Decimal256Type>().clone(),
                (*scale).into(),
            ),
            DataType::Float32 => Self::Float32(array.as_primitive::<Float32Type>().clone()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>().clone()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Self::Text(Text::new(array)?)
            }
            other => return internal_err!("a column of {other} is not a number"),
        })
    }

    /// A float is the decimal that it prints as: the shortest that reads back as the same float.
    pub(crate) fn get(&self, row: usize) -> Result<Option<Exact>, MoneyError> {
        match self {
            Self::Decimal128(array, scale) => Ok(array
                .is_valid(row)
                .then(|| Exact::from_units(array.value(row), *scale))),
            Self::Decimal256(array, scale) => {
                Ok(array.is_valid(row).then(|| exact(array.value(row), *scale)))
            }
            Self::Float32(array) if array.is_valid(row) => {
                Exact::parse(&format!("{:e}", array.value(row)))
            }
            Self::Float64(array) if array.is_valid(row) => {
                Exact::parse(&format!("{:e}", array.value(row)))
            }
            Self::Text(text) => text.get(row).map_or(Ok(None), Exact::parse),
            Self::Float32(_) | Self::Float64(_) => Ok(None),
        }
    }
}

impl Number {
    /// The sign and the digits of a decimal, without its scale; `None` for NULL and for what is no
    /// decimal.
    pub(crate) fn units(&self, row: usize) -> Option<(bool, U256)> {
        match self {
            Self::Decimal128(array, _) if array.is_valid(row) => {
                let value = array.value(row);
                Some((value < 0, U256::from(value.unsigned_abs())))
            }
            Self::Decimal256(array, _) if array.is_valid(row) => {
                let value = array.value(row);
                let magnitude = value.wrapping_abs().to_le_bytes();
                Some((value.is_negative(), U256::from_le_bytes(magnitude)))
            }
            _ => None,
        }
    }
}

fn exact(value: i256, scale: i32) -> Exact {
    // The magnitude of the least i256 is its own bit pattern, read without a sign.
    let magnitude = value.wrapping_abs().to_le_bytes();
    Exact::new(value.is_negative(), U512::from_le_slice(&magnitude), scale)
}

/// Refuses more than 76 digits.
pub(crate) fn to_i256(units: Units) -> Result<i256, MoneyError> {
    const PRECISION: u8 = 76;
    let overflow = MoneyError::Overflow {
        precision: PRECISION,
    };
    let bytes: [u8; 64] = units.magnitude.to_le_bytes();
    let (low, high) = bytes.split_at(32);
    let magnitude = <[u8; 32]>::try_from(low).map(i256::from_le_bytes).ok();
    let limit = i256::from_i128(10).checked_pow(u32::from(PRECISION));
    let fits = |m: &i256| !m.is_negative() && limit.is_some_and(|limit| *m < limit);
    match magnitude.filter(fits) {
        Some(m) if high.iter().all(|byte| *byte == 0) => {
            Ok(if units.negative { m.wrapping_neg() } else { m })
        }
        _ => Err(overflow),
    }
}

/// A money error as DataFusion sees it.
pub(crate) fn failed(function: &str, error: &MoneyError) -> DataFusionError {
    exec_datafusion_err!("{function}: {error}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn wide_numbers_survive_the_way_there_and_back(high: i64, low: u128) {
            let value = i256::from_parts(low, i128::from(high));
            prop_assert_eq!(to_i256(exact(value, 0).rounded(0).unwrap()), Ok(value));
        }
    }

    #[test]
    fn seventy_six_digits_and_no_more() {
        let largest = i256::from_i128(10).wrapping_pow(76).wrapping_sub(i256::ONE);
        assert_eq!(to_i256(exact(largest, 0).rounded(0).unwrap()), Ok(largest));
        for beyond in [largest.wrapping_add(i256::ONE), i256::MAX, i256::MIN] {
            assert!(to_i256(exact(beyond, 0).rounded(0).unwrap()).is_err());
        }
    }
}
