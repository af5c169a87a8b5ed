//! The first half of a `GROUP BY`, faster: what `usage_cells` spends its time in.
//!
//! Ledgers repeat themselves: few customers, models and days in many calls. [`exec::TallyExec`] takes
//! the place of the engine's partial aggregate. It numbers the values of each column
//! ([`keys`](crate::columnar::keys)), packs a row's numbers into one word and looks up its group by that
//! ([`groups`]); the sums are the aggregate functions' own. What it hands on is what the engine's
//! operator would, so the second half stays the engine's, and without [`rule::Tally`] every answer is
//! the same.
//!
//! Memory: when the pool has no more, the groups so far are handed on and forgotten. The second half
//! adds them up, and spills where it must.

pub mod exec;
pub mod rule;

pub(crate) mod groups;
#[cfg(test)]
mod tests;
mod word;
