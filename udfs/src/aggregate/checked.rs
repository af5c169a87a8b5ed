//! [`Summed`]: types whose sums are checked, on the way and against the digits of the result's
//! type.

use std::fmt::Debug;
use std::hash::Hash;

use datafusion::arrow::array::ArrowPrimitiveType;
use datafusion::arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Int64Type,
    UInt64Type, i256,
};
use datafusion::common::{DataFusionError, exec_datafusion_err};

/// A type that `sum` returns and checks.
pub(super) trait Summed:
    ArrowPrimitiveType<Native: Eq + Hash> + Debug + Send + Sync
{
    fn widen(value: Self::Native) -> i256;

    /// `None` where the type cannot hold the sum.
    fn narrow(sum: i256) -> Option<Self::Native>;

    /// The same of two values; arrow's own would keep both for its error.
    fn plus(left: Self::Native, right: Self::Native) -> Option<Self::Native>;

    /// An i128 holds some numbers of 39 digits: they are refused where the type shows 38.
    fn fits(sum: Self::Native, data_type: &DataType) -> bool;
}

macro_rules! summed {
    ($($summed:ty => |$sum:ident, $data_type:ident| $fits:expr),* $(,)?) => {$(
        impl Summed for $summed {
            fn widen(value: Self::Native) -> i256 {
                i256::from_i128(i128::from(value))
            }

            fn narrow(sum: i256) -> Option<Self::Native> {
                sum.to_i128()?.try_into().ok()
            }

            fn plus(left: Self::Native, right: Self::Native) -> Option<Self::Native> {
                left.checked_add(right)
            }

            fn fits($sum: Self::Native, $data_type: &DataType) -> bool {
                $fits
            }
        }
    )*};
}

summed!(
    Int64Type => |_sum, _data_type| true,
    UInt64Type => |_sum, _data_type| true,
    Decimal32Type => |sum, data_type| has_digits::<Self>(sum, data_type),
    Decimal64Type => |sum, data_type| has_digits::<Self>(sum, data_type),
    Decimal128Type => |sum, data_type| has_digits::<Self>(sum, data_type),
);

impl Summed for Decimal256Type {
    fn widen(value: i256) -> i256 {
        value
    }

    fn narrow(sum: i256) -> Option<i256> {
        Some(sum)
    }

    fn plus(left: i256, right: i256) -> Option<i256> {
        left.checked_add(right)
    }

    fn fits(sum: i256, data_type: &DataType) -> bool {
        has_digits::<Self>(sum, data_type)
    }
}

fn has_digits<T: DecimalType>(sum: T::Native, data_type: &DataType) -> bool {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            T::validate_decimal_precision(sum, *precision, *scale).is_ok()
        }
        _ => true,
    }
}

pub(super) fn overflows(data_type: &DataType) -> DataFusionError {
    exec_datafusion_err!("sum overflows {data_type}\n  hint: cast the argument to a wider type")
}
