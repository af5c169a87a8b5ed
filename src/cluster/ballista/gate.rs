//! [`GateExec`]: lets rows through for as long as their task is wanted.
//!
//! Ballista writes what a task finds in tasks of its own, which go on when nobody waits for them any
//! more. They end when their rows do.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary,
};
use futures::StreamExt;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Why a task must end, once there is a reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate(Arc<OnceLock<String>>);

impl Gate {
    pub(super) fn close(&self, why: String) {
        // The first reason is the one.
        let _ = self.0.set(why);
    }

    /// Stands wherever rows come into a plan, and where they leave it for the plan's last operator.
    pub(super) fn within(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let gated = plan.transform_up(|plan| {
            Ok(if plan.children().is_empty() {
                Transformed::yes(self.above(plan))
            } else {
                Transformed::no(plan)
            })
        })?;
        let last = gated.data;
        let inputs = last.children().into_iter().map(Arc::clone);
        let inputs = inputs.map(|input| self.above(input)).collect();
        replace_children_if_necessary(last, inputs)
    }

    fn above(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let gate = self.clone();
        Arc::new(GateExec { input, gate })
    }

    fn check(&self) -> Result<()> {
        match self.0.get() {
            Some(why) => Err(exec_datafusion_err!("{why}")),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
struct GateExec {
    input: Arc<dyn ExecutionPlan>,
    gate: Gate,
}

impl DisplayAs for GateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GateExec")
    }
}

impl ExecutionPlan for GateExec {
    fn name(&self) -> &'static str {
        "GateExec"
    }

    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop().filter(|_| children.is_empty()) else {
            return internal_err!("GateExec has one input");
        };
        Ok(self.gate.above(input))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let gate = self.gate.clone();
        let input = self.input.execute(partition, context)?;
        let wanted = input.map(move |batch| gate.check().and(batch));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            wanted,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::Schema;
    use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
    use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
    use datafusion::physical_plan::{collect, displayable};

    #[tokio::test]
    async fn rows_end_when_their_task_must() {
        let context = Arc::new(TaskContext::default());
        let row = PlaceholderRowExec::new(Arc::new(Schema::empty()));
        let plan = Arc::new(CoalescePartitionsExec::new(Arc::new(row)));
        let gate = Gate::default();
        let gated = gate.within(plan).unwrap();
        let shown = displayable(gated.as_ref()).indent(false).to_string();
        assert_eq!(shown.matches("GateExec").count(), 2, "{shown}");
        let rows = collect(Arc::clone(&gated), Arc::clone(&context)).await;
        assert_eq!(rows.unwrap()[0].num_rows(), 1);

        gate.close("the folder is full".to_owned());
        gate.close("too late".to_owned());
        let ended = collect(gated, context).await.unwrap_err();
        assert_eq!(
            ended.strip_backtrace(),
            "Execution error: the folder is full"
        );
    }
}
