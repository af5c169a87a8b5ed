//! [`HandedOn`]: what one partition hands on together, and which of its groups are whole.

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::common::Result;

use super::groups::GroupKeys;
use crate::columnar::keys::Key;

/// Groups with the states of their sums, as the second half of the aggregate takes them.
#[derive(Debug)]
pub struct HandedOn {
    pub(super) groups: RecordBatch,
    /// Nothing where these are rows, several of which may be of one group.
    pub(super) keys: Option<GroupKeys>,
}

impl HandedOn {
    pub fn into_groups(self) -> RecordBatch {
        self.groups
    }
}

/// A batch, so many rows at a time; fewer, where groups are large: who adds up one slice lets nobody else
/// have its turn.
pub fn slices(batch: RecordBatch, most: usize) -> impl Iterator<Item = RecordBatch> {
    const LARGE: usize = 2 << 20;
    let rows = batch.num_rows();
    let larges = batch.get_array_memory_size().div_ceil(LARGE);
    let most = most.min(rows.div_ceil(larges.max(1))).max(1);
    let starts = (0..rows).step_by(most);
    starts.map(move |start| batch.slice(start, most.min(rows - start)))
}

/// Of each partition's groups, those that no other partition has met. Given is all that each of them
/// hands on.
///
/// A group is its partition's own where one of its values is: partitions of a ledger in the order of
/// time have days of their own. Where no value tells, a group counts as met by several.
pub fn met_by_one<'a>(parts: impl IntoIterator<Item = &'a HandedOn>) -> Result<Vec<BooleanArray>> {
    let parts: Vec<_> = parts.into_iter().collect();
    let rows = parts.iter().map(|part| part.groups.num_rows());
    let mut own: Vec<_> = rows.map(|rows| vec![false; rows]).collect();
    let keys: Option<Vec<_>> = parts.iter().map(|part| part.keys.as_ref()).collect();
    match keys.as_deref() {
        None | Some([]) => {}
        Some([_]) => own[0].fill(true),
        Some(keys @ [first, ..]) => {
            for key in 0..first.values().len() {
                mark_own(keys, key, &mut own)?;
            }
        }
    }
    Ok(own.into_iter().map(BooleanArray::from).collect())
}

/// Marks the groups of each partition whose value no other one has met. Any of them may have met NULL.
fn mark_own(parts: &[&GroupKeys], key: usize, own: &mut [Vec<bool>]) -> Result<()> {
    let values = parts.iter().map(|keys| &keys.values()[key]);
    let Some(mut met) = Key::new(parts[0].values()[key].data_type()) else {
        return Ok(());
    };
    if !values
        .clone()
        .zip(&*own)
        .all(|(values, own)| are_few(values.len(), own.len()))
    {
        return Ok(());
    }
    let mut partitions = vec![];
    let mut numbered = vec![];
    for values in values {
        let mut numbers = vec![];
        met.number_distinct(&values.slice(1, values.len() - 1), &mut numbers)?;
        partitions.resize(met.count(), 0);
        for number in &numbers {
            partitions[*number as usize] += 1;
        }
        numbered.push(numbers);
    }
    for ((keys, numbers), own) in parts.iter().zip(numbered).zip(own) {
        let is_own = numbers
            .iter()
            .map(|number| partitions[*number as usize] == 1);
        let is_own: Vec<bool> = [false].into_iter().chain(is_own).collect();
        if is_own.contains(&true) {
            for (own, number) in own.iter_mut().zip(keys.numbers(key)) {
                *own |= is_own[number as usize];
            }
        }
    }
    Ok(())
}

/// Comparing nearly as many values as there are groups would cost what it saves.
fn are_few(values: usize, groups: usize) -> bool {
    const FEW: usize = 1 << 10;
    values <= FEW.max(groups / 8)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array};
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::{DataType, TimeUnit};
    use datafusion::logical_expr::ColumnarValue;

    use super::super::groups::Groups;
    use super::*;

    /// What a partition hands on that has met these rows, each of them a group.
    fn handed_on(data_type: &DataType, rows: &[(Option<i64>, Option<i64>)]) -> HandedOn {
        let mut groups = Groups::new(&[DataType::Int64, data_type.clone()]).unwrap();
        let numbers: Int64Array = rows.iter().map(|row| row.0).collect();
        let others: ArrayRef = if *data_type == DataType::Boolean {
            Arc::new(
                rows.iter()
                    .map(|row| row.1.map(|one| one > 0))
                    .collect::<BooleanArray>(),
            )
        } else {
            Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>())
        };
        let texts = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        let others = match data_type {
            DataType::Dictionary(..) => {
                let texts = cast(&cast(&others, &DataType::Utf8).unwrap(), &texts).unwrap();
                cast(&texts, data_type).unwrap()
            }
            other => cast(&others, other).unwrap(),
        };
        let columns = [Arc::new(numbers) as ArrayRef, others].map(ColumnarValue::Array);
        let mut group_of_row = vec![];
        let numbered = groups
            .number(&columns, rows.len(), &mut group_of_row)
            .unwrap();
        assert_eq!(numbered, Ok(()));
        assert_eq!(groups.len(), rows.len());
        let keys = groups.take().unwrap();
        let columns = keys.columns().unwrap();
        let columns = ["a", "b"]
            .into_iter()
            .zip(columns)
            .map(|(name, column)| (name, column, true));
        HandedOn {
            groups: RecordBatch::try_from_iter_with_nullable(columns).unwrap(),
            keys: Some(keys),
        }
    }

    fn own(parts: &[HandedOn]) -> Vec<Vec<bool>> {
        let own = met_by_one(parts).unwrap();
        let own = own.iter().map(|own| own.values().iter().collect());
        own.collect()
    }

    #[test]
    fn a_value_that_one_partition_has_met_makes_its_groups_its_own() {
        let dictionary = |keys| DataType::Dictionary(Box::new(keys), DataType::Utf8.into());
        for data_type in [
            DataType::Int32,
            DataType::Utf8View,
            DataType::Timestamp(TimeUnit::Microsecond, None),
            dictionary(DataType::Int32),
            dictionary(DataType::Int8),
        ] {
            let parts = [
                handed_on(
                    &data_type,
                    &[(Some(1), Some(7)), (Some(1), None), (Some(2), Some(8))],
                ),
                handed_on(
                    &data_type,
                    &[(Some(2), Some(7)), (None, Some(9)), (None, None)],
                ),
                handed_on(&data_type, &[(Some(2), None)]),
            ];
            // The first by 1, the second too, the third by 8; of the second partition's only that
            // with 9, and NULL is nobody's own.
            let expected: [&[bool]; 3] = [&[true, true, true], &[false, true, false], &[false]];
            assert_eq!(own(&parts), expected, "{data_type}");
        }
        let parts = [
            handed_on(
                &DataType::Boolean,
                &[(Some(1), Some(1)), (Some(2), Some(1))],
            ),
            handed_on(&DataType::Boolean, &[(Some(1), Some(0)), (Some(2), None)]),
        ];
        assert_eq!(own(&parts), [[true, true], [true, false]]);
    }

    #[test]
    fn one_partitions_groups_are_its_own_and_rows_are_nobodys() {
        let part = || handed_on(&DataType::Int32, &[(Some(1), None), (None, None)]);
        assert_eq!(own(&[part()]), [[true, true]]);
        assert_eq!(own(&[]), [[true; 2]; 0]);
        let rows = HandedOn {
            keys: None,
            ..part()
        };
        let other = handed_on(&DataType::Int32, &[(Some(5), None)]);
        assert_eq!(own(&[other, rows]), [vec![false], vec![false, false]]);
    }
}
