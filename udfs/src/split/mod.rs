//! The window of `apportion_down`, without sorting rows.
//!
//! The engine's window sorts whole rows, copies them together and then begins. A split asks only which
//! rows belong together and how their keys stand to each other. [`exec::SplitExec`] numbers both, puts
//! the numbers in order ([`rows`]), and hands on the batches as they came, with a column more. Without
//! [`rule::Split`] every answer is the same.
//!
//! Memory: what is gathered is counted and does not spill, so the rule is for sessions without a limit.

pub mod exec;
pub mod rule;

mod rows;
#[cfg(test)]
mod tests;
