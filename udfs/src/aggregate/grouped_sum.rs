//! [`GroupedSum`]: the sums of many groups at once.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::checked::{Summed, overflows};
use super::{counted, passes};

/// A sum per group; NULL for a group that has seen no value.
#[derive(Debug)]
pub(super) struct GroupedSum<T: Summed> {
    /// How many groups there are.
    count: usize,
    /// Of the first of them; those behind have seen no value. Where all values are NULL there are none.
    sums: Vec<T::Native>,
    /// Which of these have seen a value; nothing while all have. A group comes with its first row, so that
    /// only a NULL or a condition can leave it without one.
    seen: Option<Vec<bool>>,
    data_type: DataType,
}

impl<T: Summed> GroupedSum<T> {
    pub(super) fn new(data_type: &DataType) -> Self {
        Self {
            count: 0,
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
            let Some(next) = T::plus(*sum, *value) else {
                return Err(overflows(&self.data_type));
            };
            *sum = next;
        }
        Ok(())
    }

    /// Makes place for so many groups, of which those that had none have seen no value.
    fn reach(&mut self, count: usize) {
        let before = self.sums.len();
        if before < count {
            self.sums.resize(count, T::default_value());
            let seen = self.seen.get_or_insert_with(|| vec![true; before]);
            seen.resize(count, false);
        }
    }

    /// The sums to emit; their digits are not yet counted.
    fn take(&mut self, emit_to: EmitTo) -> PrimitiveArray<T> {
        let count = match emit_to {
            EmitTo::All => self.count,
            EmitTo::First(count) => count,
        };
        if self.sums.is_empty() {
            self.count -= count;
            return PrimitiveArray::new_null(count).with_data_type(self.data_type.clone());
        }
        self.reach(self.count);
        self.count -= count;
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
        let values = values[0].as_primitive::<T>();
        let pairs = groups.iter().zip(values.values().iter());
        let before = mem::replace(&mut self.count, total_groups);
        if values.null_count() == values.len() {
            return Ok(());
        }
        if filter.is_none() && values.null_count() == 0 {
            // Those that are new see a value at once; of those before, some may have had none.
            self.reach(before);
            self.sums.resize(total_groups, T::default_value());
            if let Some(seen) = &mut self.seen {
                seen.resize(total_groups, false);
                for group in groups {
                    seen[*group] = true;
                }
            }
            return self.add_each(pairs);
        }
        self.reach(total_groups);
        let seen = self.seen.get_or_insert_with(|| vec![true; total_groups]);
        for (row, (group, value)) in pairs.enumerate() {
            if values.is_valid(row) && filter.is_none_or(|filter| passes(filter, row)) {
                let sum = T::plus(self.sums[*group], *value);
                self.sums[*group] = sum.ok_or_else(|| overflows(&self.data_type))?;
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

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::*;

    /// Rows of one batch: a key, its value, and whether a condition lets it pass; no condition.
    type Batch = (Vec<(u8, Option<i64>, bool)>, bool);

    fn batch() -> impl Strategy<Value = Batch> {
        let value = prop_oneof![
            Just(prop::option::of(-5..5_i64).boxed()),
            Just(Just(None).boxed()),
            Just((-5..5_i64).prop_map(Some).boxed()),
        ];
        let rows = value
            .prop_flat_map(|value| prop::collection::vec((0..12_u8, value, prop::bool::ANY), 0..8));
        (rows, prop::bool::ANY)
    }

    proptest! {
        #[test]
        fn a_group_is_null_until_it_has_seen_a_value(
            batches in prop::collection::vec(batch(), 0..6),
            first in 0..12_usize,
        ) {
            let mut sum = GroupedSum::<Int64Type>::new(&DataType::Int64);
            let mut keys: Vec<u8> = vec![];
            let mut expected: Vec<Option<i64>> = vec![];
            for (rows, has_condition) in batches {
                let mut groups = vec![];
                for (key, value, passes) in &rows {
                    let known = keys.iter().position(|known| known == key);
                    let group = known.unwrap_or(keys.len());
                    if known.is_none() {
                        keys.push(*key);
                        expected.push(None);
                    }
                    groups.push(group);
                    if let Some(value) = value.filter(|_| *passes || !has_condition) {
                        *expected[group].get_or_insert(0) += value;
                    }
                }
                let values: Int64Array = rows.iter().map(|row| row.1).collect();
                let condition: BooleanArray = rows.iter().map(|row| Some(row.2)).collect();
                let condition = has_condition.then_some(&condition);
                let values: [ArrayRef; 1] = [Arc::new(values)];
                sum.update_batch(&values, &groups, condition, keys.len()).unwrap();
            }
            let first = first.min(keys.len());
            let mut sums = vec![];
            for emitted in [EmitTo::First(first), EmitTo::All] {
                let emitted = sum.evaluate(emitted).unwrap();
                sums.extend(emitted.as_primitive::<Int64Type>().iter());
            }
            prop_assert_eq!(sums, expected);
        }
    }
}
