//! [`GroupedSum`]: the sums of many groups at once.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, PrimitiveArray,
};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::checked::{Sought, Summed, Total};
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
    /// What of the first groups' sums is carried, as in a [`Total`]; mostly of none.
    carried: Vec<i64>,
    sought: Sought,
}

impl<T: Summed> GroupedSum<T> {
    pub(super) fn new(sought: Sought) -> Self {
        Self {
            count: 0,
            sums: vec![],
            seen: None,
            carried: vec![],
            sought,
        }
    }

    /// One loop over all rows, where none is NULL.
    fn add_each<'a>(&mut self, pairs: impl Iterator<Item = (&'a usize, &'a T::Native)>) {
        let sums = self.sums.as_mut_slice();
        for (group, value) in pairs {
            add::<T>(sums, &mut self.carried, *group, *value);
        }
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

    /// The sums to emit, and what is carried of the first of them; their digits are not yet counted.
    fn take(&mut self, emit_to: EmitTo) -> (PrimitiveArray<T>, Vec<i64>) {
        let count = match emit_to {
            EmitTo::All => self.count,
            EmitTo::First(count) => count,
        };
        let all = self.count;
        self.count -= count;
        if self.sums.is_empty() {
            return (self.typed(PrimitiveArray::new_null(count)), vec![]);
        }
        self.reach(all);
        let sums = ScalarBuffer::from(emit_to.take_needed(&mut self.sums));
        let seen = self.seen.as_mut().map(|seen| emit_to.take_needed(seen));
        let nulls = seen.map(|seen| NullBuffer::new(BooleanBuffer::from(seen)));
        let carried = self.carried.drain(..count.min(self.carried.len()));
        let carried = carried.collect();
        (self.typed(PrimitiveArray::new(sums, nulls)), carried)
    }

    fn typed(&self, sums: PrimitiveArray<T>) -> PrimitiveArray<T> {
        sums.with_data_type(self.sought.data_type.clone())
    }
}

#[inline]
fn add<T: Summed>(sums: &mut [T::Native], carried: &mut Vec<i64>, group: usize, value: T::Native) {
    let sum = &mut sums[group];
    *sum = match T::plus(*sum, value) {
        Some(sum) => sum,
        None => add_beyond::<T>(*sum, value, of_group(carried, group)),
    };
}

/// The same where the type cannot hold the sum.
#[cold]
fn add_beyond<T: Summed>(held: T::Native, value: T::Native, carried: &mut i64) -> T::Native {
    let mut total = Total::<T> {
        held,
        carried: *carried,
    };
    total.add(value);
    *carried = total.carried;
    total.held
}

/// What is carried of a group's sum.
fn of_group(carried: &mut Vec<i64>, group: usize) -> &mut i64 {
    if carried.len() <= group {
        carried.resize(group + 1, 0);
    }
    &mut carried[group]
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
            self.add_each(pairs);
            return Ok(());
        }
        self.reach(total_groups);
        let seen = self.seen.get_or_insert_with(|| vec![true; total_groups]);
        for (row, (group, value)) in pairs.enumerate() {
            if values.is_valid(row) && filter.is_none_or(|filter| passes(filter, row)) {
                add::<T>(&mut self.sums, &mut self.carried, *group, *value);
                seen[*group] = true;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (sums, carried) = self.take(emit_to);
        let data_type = &self.sought.data_type;
        let fits = |sum| T::fits(sum, data_type);
        if carried.iter().all(|carried| *carried == 0) && sums.iter().flatten().all(fits) {
            Ok(Arc::new(sums))
        } else {
            Err(self.sought.overflows())
        }
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, carried) = self.take(emit_to);
        let carried = carried.into_iter().map(|carried| self.sought.part(carried));
        let mut carried = carried.collect::<Result<Vec<_>>>()?;
        carried.resize(sums.len(), 0);
        Ok(vec![Arc::new(sums), Arc::new(Int32Array::from(carried))])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        total_groups: usize,
    ) -> Result<()> {
        self.update_batch(states, groups, None, total_groups)?;
        let parts = states[1].as_primitive::<Int32Type>();
        for (group, part) in groups.iter().zip(parts.values()) {
            if *part != 0 {
                *of_group(&mut self.carried, *group) += i64::from(*part);
            }
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<T>();
        let nulls = counted(values.nulls(), filter);
        let sums = self.typed(PrimitiveArray::new(values.values().clone(), nulls));
        let carried = Int32Array::from(vec![0; values.len()]);
        Ok(vec![Arc::new(sums), Arc::new(carried)])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>()
            + self.carried.capacity() * size_of::<i64>()
            + self.seen.as_ref().map_or(0, Vec::capacity)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::{DataType, Int64Type};
    use proptest::prelude::*;

    use super::*;

    const GROUPS: usize = 12;

    /// Rows of one batch: a group, its value, and whether a condition lets it pass; no condition.
    type Batch = (Vec<(usize, Option<i64>, bool)>, bool);

    fn batch() -> impl Strategy<Value = Batch> {
        let number = || prop_oneof![8 => -5..5_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
        let value = prop_oneof![
            Just(prop::option::of(number()).boxed()),
            Just(Just(None).boxed()),
            Just(number().prop_map(Some).boxed()),
        ];
        let row = value.prop_flat_map(|value| {
            prop::collection::vec((0..GROUPS, value, prop::bool::ANY), 0..8)
        });
        (row, prop::bool::ANY)
    }

    /// The first half of an aggregate: a group comes with its first row.
    struct Half {
        sum: GroupedSum<Int64Type>,
        groups: Vec<usize>,
    }

    impl Half {
        fn new() -> Self {
            let name = "sum(v)".to_owned();
            let data_type = DataType::Int64;
            Self {
                sum: GroupedSum::new(Sought { name, data_type }),
                groups: vec![],
            }
        }

        fn numbers(&mut self, groups: &[usize]) -> Vec<usize> {
            let numbers = groups.iter().map(|group| {
                let known = self.groups.iter().position(|known| known == group);
                known.unwrap_or_else(|| {
                    self.groups.push(*group);
                    self.groups.len() - 1
                })
            });
            numbers.collect()
        }

        /// The groups in two pieces, with what comes of the sum in each.
        fn emitted<R>(
            &mut self,
            first: usize,
            mut emit: impl FnMut(&mut GroupedSum<Int64Type>, EmitTo) -> R,
        ) -> [(Vec<usize>, R); 2] {
            let behind = self.groups.split_off(first.min(self.groups.len()));
            let groups = mem::take(&mut self.groups);
            let first = EmitTo::First(groups.len());
            let emitted = emit(&mut self.sum, first);
            [
                (groups, emitted),
                (behind, emit(&mut self.sum, EmitTo::All)),
            ]
        }
    }

    proptest! {
        #[test]
        fn a_sum_is_the_same_on_whatever_way_and_null_until_it_has_seen_a_value(
            batches in prop::collection::vec((batch(), 0..3_usize), 0..8),
            first in 0..GROUPS,
        ) {
            let mut expected = [None::<i128>; GROUPS];
            let (mut halves, mut second) = ([Half::new(), Half::new()], Half::new());
            for ((rows, has_condition), way) in batches {
                for (group, value, passes) in &rows {
                    if let Some(value) = value.filter(|_| *passes || !has_condition) {
                        *expected[*group].get_or_insert(0) += i128::from(value);
                    }
                }
                let groups: Vec<usize> = rows.iter().map(|row| row.0).collect();
                let values: Int64Array = rows.iter().map(|row| row.1).collect();
                let condition: BooleanArray = rows.iter().map(|row| Some(row.2)).collect();
                let condition = has_condition.then_some(&condition);
                let values: [ArrayRef; 1] = [Arc::new(values)];
                if let Some(half) = halves.get_mut(way) {
                    let numbers = half.numbers(&groups);
                    let count = half.groups.len();
                    half.sum.update_batch(&values, &numbers, condition, count).unwrap();
                } else {
                    let states = second.sum.convert_to_state(&values, condition).unwrap();
                    let numbers = second.numbers(&groups);
                    second.sum.merge_batch(&states, &numbers, second.groups.len()).unwrap();
                }
            }
            for mut half in halves {
                for (groups, states) in half.emitted(first, |sum, which| sum.state(which).unwrap()) {
                    let numbers = second.numbers(&groups);
                    second.sum.merge_batch(&states, &numbers, second.groups.len()).unwrap();
                }
            }
            for (groups, sums) in second.emitted(first, GroupedSum::evaluate) {
                let expected = groups.iter().map(|group| expected[*group]);
                let fit = expected.map(|sum| sum.map(i64::try_from).transpose());
                if let Ok(expected) = fit.collect::<Result<Vec<_>, _>>() {
                    let sums = sums.unwrap();
                    prop_assert_eq!(sums.as_primitive::<Int64Type>(), &Int64Array::from(expected));
                } else {
                    let error = sums.unwrap_err().to_string();
                    prop_assert!(error.contains("sum(v) overflows Int64"), "{}", error);
                }
            }
        }
    }
}
