//! [`GroupedSum`]: the sums of many groups at once.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, AsArray, BooleanArray, PrimitiveArray,
};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::checked::{Summed, overflows};
use super::{counted, passes};

/// A sum per group; NULL for a group that has seen no value.
#[derive(Debug)]
pub(super) struct GroupedSum<T: Summed> {
    sums: Vec<T::Native>,
    /// Which groups have seen a value; nothing while all have. A group comes with its first row, so that
    /// only a NULL or a condition can leave it without one.
    seen: Option<Vec<bool>>,
    data_type: DataType,
}

impl<T: Summed> GroupedSum<T> {
    pub(super) fn new(data_type: &DataType) -> Self {
        Self {
            sums: vec![],
            seen: None,
            data_type: data_type.clone(),
        }
    }

    /// One loop over all rows, where none is NULL.
    fn add_each<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a usize, &'a T::Native)>,
    ) -> Result<()> {
        let sums = self.sums.as_mut_slice();
        for (group, value) in pairs {
            let sum = &mut sums[*group];
            let Ok(next) = sum.add_checked(*value) else {
                return Err(overflows(&self.data_type));
            };
            *sum = next;
        }
        Ok(())
    }

    /// The sums to emit; their digits are not yet counted.
    fn take(&mut self, emit_to: EmitTo) -> PrimitiveArray<T> {
        let sums = ScalarBuffer::from(emit_to.take_needed(&mut self.sums));
        let seen = self.seen.as_mut().map(|seen| emit_to.take_needed(seen));
        let nulls = seen.map(|seen| NullBuffer::new(BooleanBuffer::from(seen)));
        PrimitiveArray::new(sums, nulls).with_data_type(self.data_type.clone())
    }
}

impl<T: Summed> GroupsAccumulator for GroupedSum<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        let before = self.sums.len();
        self.sums.resize(total_groups, T::default_value());
        let values = values[0].as_primitive::<T>();
        let pairs = groups.iter().zip(values.values().iter());
        if filter.is_none() && values.null_count() == 0 {
            if let Some(seen) = &mut self.seen {
                seen.resize(total_groups, false);
                for group in groups {
                    seen[*group] = true;
                }
            }
            return self.add_each(pairs);
        }
        let seen = self.seen.get_or_insert_with(|| vec![true; before]);
        seen.resize(total_groups, false);
        if values.null_count() == values.len() {
            return Ok(());
        }
        for (row, (group, value)) in pairs.enumerate() {
            if values.is_valid(row) && filter.is_none_or(|filter| passes(filter, row)) {
                let sum = self.sums[*group].add_checked(*value);
                self.sums[*group] = sum.map_err(|_| overflows(&self.data_type))?;
                seen[*group] = true;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.take(emit_to);
        if sums
            .iter()
            .flatten()
            .all(|sum| T::fits(sum, &self.data_type))
        {
            Ok(Arc::new(sums))
        } else {
            Err(overflows(&self.data_type))
        }
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(self.take(emit_to))])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        total_groups: usize,
    ) -> Result<()> {
        self.update_batch(states, groups, None, total_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<T>();
        let nulls = counted(values.nulls(), filter);
        let state = PrimitiveArray::<T>::new(values.values().clone(), nulls);
        Ok(vec![Arc::new(state.with_data_type(self.data_type.clone()))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.seen.as_ref().map_or(0, Vec::capacity)
    }
}
