//! [`Summed`], the types whose sums are checked, and [`Total`], a sum that may leave its type on the way.

use std::fmt::Debug;
use std::hash::Hash;

use datafusion::arrow::array::{ArrowNativeTypeOp, ArrowPrimitiveType, PrimitiveArray};
use datafusion::arrow::compute::sum_checked;
use datafusion::arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Int64Type,
    UInt64Type,
};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};

/// A type that `sum` returns and checks.
pub(super) trait Summed:
    ArrowPrimitiveType<Native: Eq + Hash> + Debug + Send + Sync
{
    /// Nothing where the type cannot hold the sum; arrow's own would keep both values for its error.
    fn plus(left: Self::Native, right: Self::Native) -> Option<Self::Native>;

    /// An i128 holds some numbers of 39 digits: they are refused where the type shows 38.
    fn fits(sum: Self::Native, data_type: &DataType) -> bool;
}

macro_rules! summed {
    ($($summed:ty => |$sum:ident, $data_type:ident| $fits:expr),* $(,)?) => {$(
        impl Summed for $summed {
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
    Decimal256Type => |sum, data_type| has_digits::<Self>(sum, data_type),
);

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

/// What a sum is called, and the type that it comes to.
#[derive(Debug, Clone)]
pub(super) struct Sought {
    pub(super) name: String,
    pub(super) data_type: DataType,
}

impl Sought {
    /// What is carried, as the first half of an aggregate hands it to the second.
    pub(super) fn part(&self, carried: i64) -> Result<i32> {
        i32::try_from(carried).map_err(|_| self.overflows())
    }

    pub(super) fn overflows(&self) -> DataFusionError {
        let Self { name, data_type } = self;
        exec_datafusion_err!(
            "{name} overflows {data_type}\n  hint: cast the argument to a wider type"
        )
    }
}

/// A sum of whatever size: in whatever order values come and go, it ends as the same.
#[derive(Debug)]
pub(super) struct Total<T: Summed> {
    /// What the type holds of it.
    pub(super) held: T::Native,
    /// How often it left the type's range at the upper end, less how often at the lower.
    pub(super) carried: i64,
}

impl<T: Summed> Total<T> {
    pub(super) const ZERO: Self = Self {
        held: T::Native::ZERO,
        carried: 0,
    };

    pub(super) fn add(&mut self, value: T::Native) {
        let sum = self.held.add_wrapping(value);
        self.carried += match (value.is_lt(T::Native::ZERO), sum.is_lt(self.held)) {
            (false, true) => 1,
            (true, false) => -1,
            _ => 0,
        };
        self.held = sum;
    }

    pub(super) fn subtract(&mut self, value: T::Native) {
        let difference = self.held.sub_wrapping(value);
        self.carried += match (value.is_lt(T::Native::ZERO), self.held.is_lt(difference)) {
            (false, true) => -1,
            (true, false) => 1,
            _ => 0,
        };
        self.held = difference;
    }

    pub(super) fn add_all(&mut self, values: &PrimitiveArray<T>) {
        match sum_checked(values) {
            Ok(sum) => self.add(sum.unwrap_or(T::Native::ZERO)),
            Err(_) => values.iter().flatten().for_each(|one| self.add(one)),
        }
    }

    pub(super) fn subtract_all(&mut self, values: &PrimitiveArray<T>) {
        match sum_checked(values) {
            Ok(sum) => self.subtract(sum.unwrap_or(T::Native::ZERO)),
            Err(_) => values.iter().flatten().for_each(|one| self.subtract(one)),
        }
    }

    /// An error where the type cannot hold it.
    pub(super) fn get(&self, sought: &Sought) -> Result<T::Native> {
        if self.carried == 0 && T::fits(self.held, &sought.data_type) {
            Ok(self.held)
        } else {
            Err(sought.overflows())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = i64> {
        prop_oneof![Just(i64::MAX), Just(i64::MIN), any::<i64>(), -3..3_i64]
    }

    proptest! {
        #[test]
        fn values_come_and_go_in_any_order(
            steps in prop::collection::vec((value(), any::<bool>()), 0..20),
        ) {
            let mut total = Total::<Int64Type>::ZERO;
            let mut unsigned = Total::<UInt64Type>::ZERO;
            let (mut expected, mut expected_unsigned) = (0_i128, 0_i128);
            for (value, comes) in steps {
                let magnitude = value.unsigned_abs();
                if comes {
                    total.add(value);
                    unsigned.add(magnitude);
                    expected += i128::from(value);
                    expected_unsigned += i128::from(magnitude);
                } else {
                    total.subtract(value);
                    unsigned.subtract(magnitude);
                    expected -= i128::from(value);
                    expected_unsigned -= i128::from(magnitude);
                }
                let carried = i128::from(total.carried) << 64;
                prop_assert_eq!(i128::from(total.held) + carried, expected);
                let carried = i128::from(unsigned.carried) << 64;
                prop_assert_eq!(i128::from(unsigned.held) + carried, expected_unsigned);
            }
        }
    }
}
