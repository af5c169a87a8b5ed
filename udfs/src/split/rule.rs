//! [`Split`]: puts [`SplitExec`] where it can take a window's place.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::window::StandardWindowExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::windows::{WindowAggExec, WindowUDFExpr};

use super::exec::SplitExec;
use crate::window::apportion_down::ApportionDown;

/// To stand before the rule that sees to it that windows have sorted rows.
#[derive(Debug, Default)]
pub struct Split;

impl PhysicalOptimizerRule for Split {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let split = |plan: Arc<dyn ExecutionPlan>| {
            let window = plan.downcast_ref::<WindowAggExec>();
            let window = window.filter(|window| is_meant(window));
            Ok(match window.and_then(SplitExec::of) {
                Some(split) => Transformed::yes(Arc::new(split) as _),
                None => Transformed::no(plan),
            })
        };
        plan.transform_up(split).data()
    }

    fn name(&self) -> &'static str {
        "split"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn is_meant(window: &WindowAggExec) -> bool {
    let [expression] = window.window_expr() else {
        return false;
    };
    let function = expression
        .as_any()
        .downcast_ref::<StandardWindowExpr>()
        .map(StandardWindowExpr::get_standard_func_expr);
    let function = function.and_then(|function| function.as_any().downcast_ref::<WindowUDFExpr>());
    function.is_some_and(|function| function.fun().inner().is::<ApportionDown>())
}
