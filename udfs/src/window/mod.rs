//! Window functions, one file each.

pub(crate) mod apportion;
pub(crate) mod apportion_down;
mod apportion_planner;

pub(crate) use apportion_planner::ApportionPlanner;
