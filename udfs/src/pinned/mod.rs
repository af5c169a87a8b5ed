//! A time that is asked for no more precisely than a row group tells it is not read.
//!
//! Ledgers are written in the order of time, more or less, and what is asked of a call's time is in
//! which slot it lies, at which prices and under which names: the same for all calls of most row
//! groups, while the time itself is the largest column of a ledger. Below a
//! [`TallyExec`](crate::tally::exec::TallyExec) the rule [`rule::Pinned`] cuts files into [`pieces`]
//! in which no expression can tell one instant from another ([`known`]). The statistics of such a piece
//! say that all of its calls were at the first instant; the engine then puts that instant where the
//! column stands, and neither fetches nor decodes the column.
//!
//! Row groups without a call of the period are left out here too, and a condition that holds for all
//! that are left is not asked call by call, nor is that a text is there where footers count no call
//! without it ([`never_null`]). Without the rule every answer is the same.

pub mod rule;

mod known;
mod never_null;
mod pieces;
#[cfg(test)]
mod tests;
