//! [`RunningSum`]: the sum of one group, or of a window frame that grows and slides.
//!
//! The total is wider than the type, so that a frame may add what comes before it takes away what
//! goes.

use datafusion::arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, AsArray, PrimitiveArray};
use datafusion::arrow::compute::sum_checked;
use datafusion::arrow::datatypes::{DataType, i256};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::checked::{Summed, overflows};

/// The total and the number of values in it; NULL without values.
#[derive(Debug)]
pub(super) struct RunningSum<T: Summed> {
    total: i256,
    values: usize,
    data_type: DataType,
    summed: std::marker::PhantomData<T>,
}

impl<T: Summed> RunningSum<T> {
    pub(super) fn new(data_type: &DataType) -> Self {
        Self {
            total: i256::ZERO,
            values: 0,
            data_type: data_type.clone(),
            summed: std::marker::PhantomData,
        }
    }

    /// The sum as the type holds it, digits not yet counted.
    fn sum(&self) -> Result<Option<T::Native>> {
        if self.values == 0 {
            return Ok(None);
        }
        T::narrow(self.total)
            .map(Some)
            .ok_or_else(|| overflows(&self.data_type))
    }

    fn batch_total(&self, batch: &PrimitiveArray<T>) -> Result<i256> {
        match sum_checked(batch) {
            Ok(sum) => Ok(sum.map_or(i256::ZERO, T::widen)),
            // What the type cannot hold the wider total may, and later rows may bring it back.
            Err(_) => batch.iter().flatten().try_fold(i256::ZERO, |total, value| {
                total
                    .add_checked(T::widen(value))
                    .map_err(|_| overflows(&self.data_type))
            }),
        }
    }
}

impl<T: Summed> Accumulator for RunningSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = values[0].as_primitive::<T>();
        let sum = self.total.add_checked(self.batch_total(batch)?);
        self.total = sum.map_err(|_| overflows(&self.data_type))?;
        self.values += batch.len() - batch.null_count();
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = values[0].as_primitive::<T>();
        let sum = self.total.sub_checked(self.batch_total(batch)?);
        self.total = sum.map_err(|_| overflows(&self.data_type))?;
        self.values -= batch.len() - batch.null_count();
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.sum()?;
        if sum.is_some_and(|sum| !T::fits(sum, &self.data_type)) {
            return Err(overflows(&self.data_type));
        }
        ScalarValue::new_primitive::<T>(sum, &self.data_type)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::new_primitive::<T>(
            self.sum()?,
            &self.data_type,
        )?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
