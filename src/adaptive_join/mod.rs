//! Joins that find out how large their first side is.
//!
//! The engine has each join's sides cut by their keys, so that threads join side by side. Where one
//! side is a bill of a thousand lines and the other is all usage, the cutting costs more than the
//! join. What a shared relation will hold is not known while its readers are planned, so [`exec`]
//! has the first side read ([`first_side`]) before it decides; [`rule`] puts it where nothing above
//! goes by the cut.

pub(crate) use rule::AdaptiveJoin;

mod exec;
mod first_side;
mod rule;
#[cfg(test)]
mod tests;
