//! [`DistinctSum`]: the sum of a group's or a frame's distinct values.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::checked::{Sought, Summed, Total};

/// How often each value was seen, and the total of those that were.
#[derive(Debug)]
pub(super) struct DistinctSum<T: Summed> {
    seen: HashMap<T::Native, usize>,
    total: Total<T>,
    sought: Sought,
}

impl<T: Summed> DistinctSum<T> {
    pub(super) fn new(sought: Sought) -> Self {
        Self {
            seen: HashMap::new(),
            total: Total::ZERO,
            sought,
        }
    }

    fn add(&mut self, value: T::Native) {
        let times = self.seen.entry(value).or_insert(0);
        *times += 1;
        if *times == 1 {
            self.total.add(value);
        }
    }

    fn remove(&mut self, value: T::Native) {
        let Some(times) = self.seen.get_mut(&value) else {
            return;
        };
        *times -= 1;
        if *times == 0 {
            self.seen.remove(&value);
            self.total.subtract(value);
        }
    }
}

impl<T: Summed> Accumulator for DistinctSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = values[0].as_primitive::<T>().iter().flatten();
        batch.for_each(|value| self.add(value));
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = values[0].as_primitive::<T>().iter().flatten();
        batch.for_each(|value| self.remove(value));
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let has_values = !self.seen.is_empty();
        let sum = has_values.then(|| self.total.get(&self.sought));
        ScalarValue::new_primitive::<T>(sum.transpose()?, &self.sought.data_type)
    }

    /// The distinct values, as one list.
    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = PrimitiveArray::<T>::from_iter_values(self.seen.keys().copied());
        let values = Arc::new(values.with_data_type(self.sought.data_type.clone()));
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
