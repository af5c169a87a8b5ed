//! One evaluation for every reader of the same call.
//!
//! `allocation` reads `usage_cells` more than once. Expanded in place, each reading would scan the
//! ledger again, and calls of calls would multiply. So a saved-query call that stands in a statement
//! twice with the same arguments is planned once, as a [`table::SharedTable`]; [`planner`] gives all
//! its readers one input, [`input`] runs once, [`held`] counts its batches, and [`exec`] hands them to
//! each. Where one reader is left, or the relation has no rows, the plan stands in the reader's own.
//! [`few_buffers`] keeps texts from dragging along those of other batches, here and in joins.
//!
//! `EXPLAIN` shows each once ([`explained`]).
//!
//! What a statement asks on the way reads such a relation whole, and leaves it for the statement ([`left`]).
//!
//! Filters that all readers have in common, and the columns that any of them needs, are pushed into
//! the shared plan ([`needs`]): a filter on a provider still reaches the Parquet scan.

pub(crate) use exec::inputs;

mod exec;
pub(crate) mod explained;
pub(crate) mod few_buffers;
mod held;
mod input;
mod left;
mod needs;
pub(crate) mod pass;
pub(crate) mod planner;
pub(crate) mod table;
#[cfg(test)]
mod tests;
