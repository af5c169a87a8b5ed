//! [`DistinctSum`]: the sum of a group's or a frame's distinct values.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ArrowNativeTypeOp, AsArray, PrimitiveArray};
use datafusion::arrow::datatypes::{DataType, i256};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::checked::{Summed, overflows};

/// How often each value was seen, and the total of those that were.
#[derive(Debug)]
pub(super) struct DistinctSum<T: Summed> {
    seen: HashMap<T::Native, usize>,
    total: i256,
    data_type: DataType,
}

impl<T: Summed> DistinctSum<T> {
    pub(super) fn new(data_type: &DataType) -> Self {
        Self {
            seen: HashMap::new(),
            total: i256::ZERO,
            data_type: data_type.clone(),
        }
    }

    fn add(&mut self, value: T::Native) -> Result<()> {
        let times = self.seen.entry(value).or_insert(0);
        *times += 1;
        if *times == 1 {
            let total = self.total.add_checked(T::widen(value));
            self.total = total.map_err(|_| overflows(&self.data_type))?;
        }
        Ok(())
    }

    fn remove(&mut self, value: T::Native) -> Result<()> {
        let Some(times) = self.seen.get_mut(&value) else {
            return Ok(());
        };
        *times -= 1;
        if *times == 0 {
            self.seen.remove(&value);
            let total = self.total.sub_checked(T::widen(value));
            self.total = total.map_err(|_| overflows(&self.data_type))?;
        }
        Ok(())
    }
}

impl<T: Summed> Accumulator for DistinctSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut batch = values[0].as_primitive::<T>().iter().flatten();
        batch.try_for_each(|value| self.add(value))
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut batch = values[0].as_primitive::<T>().iter().flatten();
        batch.try_for_each(|value| self.remove(value))
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.seen.is_empty() {
            return ScalarValue::try_from(&self.data_type);
        }
        let sum = T::narrow(self.total).filter(|sum| T::fits(*sum, &self.data_type));
        let sum = sum.ok_or_else(|| overflows(&self.data_type))?;
        ScalarValue::new_primitive::<T>(Some(sum), &self.data_type)
    }

    /// The distinct values, as one list.
    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = PrimitiveArray::<T>::from_iter_values(self.seen.keys().copied());
        let values = Arc::new(values.with_data_type(self.data_type.clone()));
        Ok(vec![
            SingleRowListArrayBuilder::new(values).build_list_scalar(),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let mut lists = states[0].as_list::<i32>().iter().flatten();
        lists.try_for_each(|values| self.update_batch(&[values]))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.capacity() * size_of::<(T::Native, usize)>()
    }
}
