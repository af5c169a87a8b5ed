//! [`RunningSum`]: the sum of one group, or of a window frame that grows and slides.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::checked::{Sought, Summed, Total};

/// The total and the number of values in it; NULL without values.
#[derive(Debug)]
pub(super) struct RunningSum<T: Summed> {
    total: Total<T>,
    values: usize,
    sought: Sought,
}

impl<T: Summed> RunningSum<T> {
    pub(super) fn new(sought: Sought) -> Self {
        Self {
            total: Total::ZERO,
            values: 0,
            sought,
        }
    }

    fn scalar(&self, sum: Option<T::Native>) -> Result<ScalarValue> {
        ScalarValue::new_primitive::<T>(sum, &self.sought.data_type)
    }
}

impl<T: Summed> Accumulator for RunningSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = values[0].as_primitive::<T>();
        self.total.add_all(batch);
        self.values += batch.len() - batch.null_count();
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = values[0].as_primitive::<T>();
        self.total.subtract_all(batch);
        self.values -= batch.len() - batch.null_count();
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let has_values = self.values > 0;
        let sum = has_values.then(|| self.total.get(&self.sought));
        self.scalar(sum.transpose()?)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let held = (self.values > 0).then_some(self.total.held);
        let carried = self.sought.part(self.total.carried)?;
        Ok(vec![self.scalar(held)?, ScalarValue::from(carried)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)?;
        let parts = states[1].as_primitive::<Int32Type>();
        let parts = parts.values().iter().map(|part| i64::from(*part));
        self.total.carried += parts.sum::<i64>();
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sought.name.capacity()
    }
}
