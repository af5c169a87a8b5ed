//! Exchanges that a statement can do without.
//!
//! The engine has what joins and aggregates read cut by their keys, so that threads work side by
//! side: each row is copied, and the copies wait for one another. What a relation will hold is not
//! known while its readers are planned, so two operators look at it before they decide.
//!
//! * [`join`]: a first side of few rows stands whole beside each part of the other
//! * [`settle`]: groups that one partition alone has met are whole where they are
//!
//! [`rule`] puts them where nothing above goes by the cut.

pub(crate) use rule::FewExchanges;

mod first_side;
mod join;
mod rule;
mod settle;
#[cfg(test)]
mod tests;

use datafusion::common::Result;
use datafusion::physical_expr::Partitioning;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::repartition::RepartitionExec;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What an input is before it is cut by its keys.
fn uncut(input: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    let cut = input.downcast_ref::<RepartitionExec>()?;
    let is_meant = matches!(cut.partitioning(), Partitioning::Hash(..)) && !cut.preserve_order();
    is_meant.then(|| cut.input())
}

/// An operator over other inputs; a new one even if they are the same, for who has run once has dealt its
/// rows out.
fn over(
    plan: Arc<dyn ExecutionPlan>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    plan.replace_children(inputs, options)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
