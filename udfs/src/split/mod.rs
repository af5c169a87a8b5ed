//! The window of `apportion_down`, without sorting rows.
//!
//! The engine's window sorts whole rows, copies them together and then begins. A split asks only which
//! rows belong together and how their keys stand to each other. [`exec::SplitExec`] numbers both, puts
//! the numbers in order ([`rows`]), and hands on the batches as they came, with a column more. Without
//! [`rule::Split`] every answer is the same.
//!
//! Memory: what is gathered is counted; where it is more than the session may have, the rows go to the
//! engine's window after all, behind a sort that spills.

pub mod exec;
pub mod rule;

mod rows;
#[cfg(test)]
mod tests;
