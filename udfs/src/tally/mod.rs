//! The first half of a `GROUP BY`, faster: what `usage_cells` spends its time in.
//!
//! Ledgers repeat themselves: few customers, models and days in many calls. [`exec::TallyExec`] takes
//! the place of the engine's partial aggregate. It numbers the values of each column
//! ([`keys`](crate::columnar::keys)), packs a row's numbers into one word and looks up its group by that
//! ([`groups`]); the sums are the aggregate functions' own. What it hands on is what the engine's
//! operator would, so that any second half can follow it, and without [`rule::Tally`] every answer is
//! the same. [`handed_on`] tells which groups need no second half, as one partition has met them all.
//!
//! Memory: when the pool has no more, the groups so far are handed on and forgotten. The second half
//! adds them up, and spills where it must.

pub mod exec;
pub mod handed_on;
pub mod rule;

mod combinations;
mod field;
pub(crate) mod groups;
mod spread;
#[cfg(test)]
mod tests;
mod word;
