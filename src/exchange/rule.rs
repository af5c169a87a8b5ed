//! [`FewExchanges`]: puts operators that may do without an exchange where nothing above goes by it.

use super::join::AdaptiveJoinExec;
use super::settle::SettleExec;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use datafusion::physical_plan::{Distribution, ExecutionPlan, replace_children_if_necessary};
use std::sync::Arc;

/// To stand behind the rules that cut what joins and aggregates read.
#[derive(Debug)]
pub(crate) struct FewExchanges;

impl PhysicalOptimizerRule for FewExchanges {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        spared(&plan, true)
    }

    fn name(&self) -> &'static str {
        "few_exchanges"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan, given whether its rows may come in any partition.
fn spared(plan: &Arc<dyn ExecutionPlan>, is_free: bool) -> Result<Arc<dyn ExecutionPlan>> {
    let join = plan.downcast_ref::<HashJoinExec>().filter(|_| is_free);
    if let Some(join) = join.and_then(AdaptiveJoinExec::of) {
        let free = [join.cuts_first(), true];
        let join: Arc<dyn ExecutionPlan> = Arc::new(join);
        return with_spared_children(&join, &free);
    }
    let aggregate = plan.downcast_ref::<AggregateExec>().filter(|_| is_free);
    if let Some(settle) = aggregate.and_then(SettleExec::of) {
        let settle: Arc<dyn ExecutionPlan> = Arc::new(settle);
        return with_spared_children(&settle, &[true]);
    }
    // Nothing goes by the cut that it keeps, so its inputs need none.
    if is_free && plan.downcast_ref::<InterleaveExec>().is_some() {
        let inputs: Vec<_> = plan.children().into_iter().map(Arc::clone).collect();
        return spared(&UnionExec::try_new(inputs)?, true);
    }
    let free: Vec<_> = (0..plan.children().len())
        .map(|child| leaves_free(plan, child, is_free))
        .collect();
    with_spared_children(plan, &free)
}

fn with_spared_children(
    plan: &Arc<dyn ExecutionPlan>,
    free: &[bool],
) -> Result<Arc<dyn ExecutionPlan>> {
    let before = plan.children();
    let after: Vec<_> = before
        .iter()
        .zip(free)
        .map(|(child, is_free)| spared(child, *is_free))
        .collect::<Result<_>>()?;
    if before.iter().zip(&after).all(|(a, b)| Arc::ptr_eq(a, b)) {
        return Ok(Arc::clone(plan));
    }
    replace_children_if_necessary(Arc::clone(plan), after)
}

/// Whether a child's rows may come in any partition: the operator deals them out anew, or goes row by
/// row or group by group, and its own rows may.
fn leaves_free(plan: &Arc<dyn ExecutionPlan>, child: usize, is_free: bool) -> bool {
    let required = plan.input_distribution_requirements().into_per_child();
    let asks_nothing = matches!(
        required.get(child),
        Some(Distribution::UnspecifiedDistribution)
    );
    match plan.name() {
        "RepartitionExec" | "CoalescePartitionsExec" => true,
        "ProjectionExec" | "FilterExec" | "UnionExec" | "AggregateExec" | "TallyExec" => {
            is_free && asks_nothing
        }
        _ => false,
    }
}
