//! Aggregate functions, one file each.

pub(crate) mod exact_median;
pub(crate) mod sum;

mod checked;
mod distinct_sum;
mod grouped_sum;
mod running_sum;
