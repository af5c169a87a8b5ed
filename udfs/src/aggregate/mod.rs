//! Aggregate functions, one file each.

pub(crate) mod exact_distinct;
pub(crate) mod exact_median;
pub(crate) mod sum;

mod checked;
mod distinct_sum;
mod grouped_sum;
mod running_sum;

use datafusion::arrow::array::{Array, BooleanArray};

/// Whether a row is to be counted: its condition is neither false nor NULL.
fn passes(filter: &BooleanArray, row: usize) -> bool {
    filter.is_valid(row) && filter.value(row)
}
