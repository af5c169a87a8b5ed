//! Texts stay dictionaries from the file to the `GROUP BY`.
//!
//! Parquet stores a repeated text once and the rows as its numbers. The engine's reader spells every
//! row out, and each function then finds out anew which rows are equal. Below a
//! [`TallyExec`](crate::tally::exec::TallyExec) the rule [`rule::Encoded`] keeps the file's
//! dictionaries: the reader hands them on ([`footer`]), what follows from one text alone is worked out
//! once for each of a dictionary's values ([`each_value`]), and everything else is given plain texts
//! again. Without the rule every answer is the same.
//!
//! Which columns of a file are dictionaries from end to end is known when the file is opened. Those of
//! other files are made into dictionaries batch by batch.

pub mod rule;

mod each_value;
mod expression;
mod footer;
#[cfg(test)]
mod tests;
