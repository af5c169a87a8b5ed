//! [`Gate`]: lets rows through for as long as their task is wanted.
//!
//! Ballista writes what a task finds in tasks of its own, which go on when nobody waits for them any
//! more. They end when their rows do.

use crate::shared::pass::{Pass, PassExec};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, exec_err};
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};
use std::sync::{Arc, OnceLock};

/// With the reason why a task must end, once there is one.
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
        Arc::new(PassExec::new(input, self.clone()))
    }
}

impl Pass for Gate {
    const NAME: &'static str = "GateExec";

    fn pass(&self, batch: RecordBatch) -> Result<RecordBatch> {
        match self.0.get() {
            Some(why) => exec_err!("{why}"),
            None => Ok(batch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::Schema;
    use datafusion::execution::TaskContext;
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
