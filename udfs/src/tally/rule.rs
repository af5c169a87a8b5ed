//! [`Tally`]: puts [`TallyExec`] where it does the engine's work.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};

use super::exec::TallyExec;

/// Where keys can be numbered and nothing depends on the order of the groups.
#[derive(Debug, Default)]
pub struct Tally;

impl PhysicalOptimizerRule for Tally {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let tallied = |plan: Arc<dyn ExecutionPlan>| {
            Ok(match plan.downcast_ref::<AggregateExec>() {
                Some(aggregate) if is_meant(aggregate) => {
                    Transformed::yes(match aggregate.mode() {
                        AggregateMode::Single => in_halves(aggregate)?,
                        _ => Arc::new(TallyExec::new(Arc::new(aggregate.clone()))),
                    })
                }
                _ => Transformed::no(plan),
            })
        };
        plan.transform_up(tallied).data()
    }

    fn name(&self) -> &'static str {
        "tally"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// On a single partition the engine groups in one step: its second half can spill, and this first
/// half can hand on.
fn in_halves(aggregate: &AggregateExec) -> Result<Arc<dyn ExecutionPlan>> {
    let half = |mode, keys, input| {
        AggregateExec::try_new(
            mode,
            keys,
            aggregate.aggr_expr().to_vec(),
            aggregate.filter_expr().to_vec(),
            input,
            aggregate.input_schema(),
        )
    };
    let keys = aggregate.group_expr();
    let input = Arc::clone(aggregate.input());
    let first = half(AggregateMode::Partial, keys.clone(), input)?;
    let tally = Arc::new(TallyExec::new(Arc::new(first)));
    let second = half(AggregateMode::Final, keys.as_final(), tally)?;
    Ok(Arc::new(second))
}

fn is_meant(aggregate: &AggregateExec) -> bool {
    let keys = aggregate.group_expr();
    let functions = aggregate.aggr_expr();
    matches!(
        aggregate.mode(),
        AggregateMode::Partial | AggregateMode::Single
    ) && keys.is_single()
        && !keys.expr().is_empty()
        && keys.expr().len() <= 64
        && functions.iter().all(|function| {
            function.groups_accumulator_supported()
                && !function.is_distinct()
                && function.order_bys().is_empty()
        })
        && aggregate.filter_expr().iter().all(Option::is_none)
        && aggregate.limit_options().is_none()
        && aggregate.properties().output_ordering().is_none()
        && TallyExec::can_number(aggregate)
}
