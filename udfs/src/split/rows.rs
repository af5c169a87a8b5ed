//! [`Rows`]: which rows are split together, and in which order.

use std::cmp::Ordering;
use std::fmt::Display;
use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Decimal128Array, RecordBatch};
use datafusion::arrow::compute::{concat, sort_to_indices};
use datafusion::arrow::datatypes::{DataType, Schema, i256};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::physical_expr::PhysicalExpr;

use super::exec::Asked;
use crate::columnar::keys::Key;
use crate::columnar::number::Number;
use crate::tally::groups::Groups;
use crate::window::apportion::{PRECISION, refused, total};
use crate::window::apportion_down::Tree;

/// The rows so far: to which partition each belongs, and its keys as numbers.
pub(super) struct Rows {
    partitions: Groups,
    partition_of_row: Vec<usize>,
    keys: Vec<Key>,
    /// Of each key, the number of each row's value.
    numbers: Vec<Vec<u32>>,
    amounts: Vec<ArrayRef>,
    weights: Vec<ArrayRef>,
}

/// More columns might not find room in a word.
const MOST_COLUMNS: usize = 3;

impl Rows {
    /// Nothing where a column's values cannot be numbered.
    pub(super) fn new(asked: &Asked, schema: &Schema) -> Result<Option<Self>> {
        let columns = asked.partition.iter();
        let columns = columns.map(|column| column.data_type(schema));
        let columns = columns.collect::<Result<Vec<DataType>>>()?;
        let keys = asked.keys.iter();
        let keys = keys.map(|key| Ok(Key::new(&key.expr.data_type(schema)?)));
        let keys = keys.collect::<Result<Option<Vec<Key>>>>()?;
        let partitions = Groups::new(&columns).filter(|_| columns.len() <= MOST_COLUMNS);
        Ok(partitions.zip(keys).map(|(partitions, keys)| Self {
            partitions,
            partition_of_row: vec![],
            numbers: vec![vec![]; keys.len()],
            keys,
            amounts: vec![],
            weights: vec![],
        }))
    }

    /// What a row takes here, and its amount, weight and part while all are split; its batch aside.
    pub(super) fn bytes_a_row(&self) -> usize {
        let place = 2 * size_of::<usize>();
        place + self.keys.len() * size_of::<u32>() + 2 * size_of::<i128>() + size_of::<i256>()
    }

    pub(super) fn add(&mut self, asked: &Asked, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let columns = asked.partition.iter();
        let columns = columns.map(|column| column.evaluate(batch));
        let mut partition_of_row = vec![];
        let numbered = self.partitions.number(
            &columns.collect::<Result<Vec<_>>>()?,
            rows,
            &mut partition_of_row,
        )?;
        if numbered.is_err() {
            return internal_err!("a row has too many keys");
        }
        self.partition_of_row.append(&mut partition_of_row);
        for ((key, numbers), asked) in self.keys.iter_mut().zip(&mut self.numbers).zip(&asked.keys)
        {
            let before = numbers.len();
            if let Some(number) = key.number(&asked.expr.evaluate(batch)?, numbers)? {
                numbers.resize(before + rows, number);
            }
        }
        let values = |argument: &Arc<dyn PhysicalExpr>| argument.evaluate(batch)?.into_array(rows);
        self.amounts.push(values(&asked.amount)?);
        self.weights.push(values(&asked.weight)?);
        Ok(())
    }

    /// Of each row its part, in the order in which the rows came.
    pub(super) fn parts(mut self, asked: &Asked) -> Result<Decimal128Array> {
        let rows = self.partition_of_row.len();
        let mut parts = vec![0; rows];
        if rows > 0 {
            let keys = mem::take(&mut self.keys).into_iter();
            let keys = keys.zip(&mut self.numbers).zip(&asked.keys);
            let ordered = keys.map(|((key, numbers), asked)| {
                let values = key.into_values()?;
                let order = sort_to_indices(&values, Some(asked.options), None)?;
                let mut ranks = vec![0; values.len()];
                for (rank, value) in (0_u32..).zip(order.values()) {
                    ranks[*value as usize] = rank;
                }
                for number in numbers {
                    *number = ranks[*number as usize];
                }
                Ok(Ordered {
                    values,
                    order: order.values().to_vec(),
                })
            });
            let ordered = ordered.collect::<Result<Vec<_>>>()?;
            let all = |arrays: &[ArrayRef]| {
                let arrays: Vec<_> = arrays.iter().map(AsRef::as_ref).collect();
                concat(&arrays)
            };
            let split = Partitions {
                scale: asked.scale,
                amounts: Number::new(&all(&self.amounts)?)?,
                weights: Number::new(&all(&self.weights)?)?,
                ranks: self.numbers,
                ordered,
            };
            for mut rows in in_partitions(&self.partition_of_row, self.partitions.len()) {
                split.split(&mut rows, &mut parts)?;
            }
        }
        let parts = Decimal128Array::from(parts);
        Ok(parts.with_precision_and_scale(PRECISION, asked.scale)?)
    }
}

/// The rows of each partition.
fn in_partitions(partition_of_row: &[usize], count: usize) -> Vec<Vec<usize>> {
    let mut sizes = vec![0; count];
    for partition in partition_of_row {
        sizes[*partition] += 1;
    }
    let mut partitions: Vec<_> = sizes.into_iter().map(Vec::with_capacity).collect();
    for (row, partition) in partition_of_row.iter().enumerate() {
        partitions[*partition].push(row);
    }
    partitions
}

/// A key's values, and which of them has which rank.
struct Ordered {
    values: ArrayRef,
    order: Vec<u32>,
}

/// All rows, ready to be split partition by partition.
struct Partitions {
    scale: i8,
    amounts: Number,
    weights: Number,
    /// Of each key, the rank of each row's value among all.
    ranks: Vec<Vec<u32>>,
    ordered: Vec<Ordered>,
}

impl Partitions {
    fn split(&self, rows: &mut [usize], parts: &mut [i128]) -> Result<()> {
        // The first key in which two rows differ.
        let differ = |a: usize, b: usize| {
            let mut ranks = self.ranks.iter().enumerate();
            ranks.find_map(|(key, ranks)| {
                let order = ranks[a].cmp(&ranks[b]);
                order.is_ne().then_some((key, order))
            })
        };
        rows.sort_unstable_by(|a, b| differ(*a, *b).map_or(Ordering::Equal, |(_, order)| order));
        let mut changes = Vec::with_capacity(rows.len());
        changes.push(0);
        for pair in rows.windows(2) {
            let change = differ(pair[0], pair[1]).map(|(key, _)| key);
            let why = "two rows of a partition have this key";
            changes.push(change.ok_or_else(|| self.refused(pair[1], &why))?);
        }
        let total = total(self.scale, &self.amounts, rows, |row, why| {
            self.refused(row, why)
        })?;
        let weight = |row: &usize| {
            let weight = self.weights.units(*row);
            weight.ok_or_else(|| self.refused(*row, &"the weight is NULL"))
        };
        let weights = rows.iter().map(weight).collect::<Result<_>>()?;
        let tree = Tree::new(self.ranks.len(), changes, weights);
        let split = tree.split(total);
        let split = split.map_err(|error| self.refused(rows[0], &error))?;
        for (row, part) in rows.iter().zip(split) {
            parts[*row] = part;
        }
        Ok(())
    }

    fn refused(&self, row: usize, why: &dyn Display) -> DataFusionError {
        let keys = self.ordered.iter().zip(&self.ranks);
        let keys = keys.map(|(ordered, ranks)| {
            let value = ordered.order[ranks[row] as usize] as usize;
            ordered.values.slice(value, 1)
        });
        refused(&keys.collect::<Vec<_>>(), 0, why)
    }
}
