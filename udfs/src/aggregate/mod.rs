//! Aggregate functions, one file each.

pub(crate) mod exact_distinct;
pub(crate) mod exact_median;
pub(crate) mod sum;

mod checked;
mod distinct_sum;
mod distinct_texts;
mod grouped_sum;
mod running_sum;

use datafusion::arrow::array::{Array, BooleanArray};
use datafusion::arrow::buffer::NullBuffer;

/// The rows that have a value and pass.
fn counted(nulls: Option<&NullBuffer>, filter: Option<&BooleanArray>) -> Option<NullBuffer> {
    let passing = filter
        .map(|filter| NullBuffer::new((0..filter.len()).map(|row| passes(filter, row)).collect()));
    NullBuffer::union(nulls, passing.as_ref())
}

/// Whether a row is to be counted: its condition is neither false nor NULL.
fn passes(filter: &BooleanArray, row: usize) -> bool {
    filter.is_valid(row) && filter.value(row)
}
