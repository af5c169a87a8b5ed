//! Partitions of a scan that help each other out.
//!
//! Each partition has its own stretch of the files, and with it times that no other one reads: its
//! groups are few, and mostly its own. But cores differ, and one that is done would wait for the
//! slowest. [`exec::StretchExec`] has it take what lies at the end of the longest stretch that is left,
//! row group by row group in the end. Without [`rule::Stretch`] every answer is the same.

pub mod exec;
pub mod rule;

mod left;
#[cfg(test)]
mod tests;
