//! [`PassExec`]: an operator that does something when it is read or with each batch, and leaves all else as its
//! input has it.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::TryStreamExt;
use std::fmt;
use std::future::ready;
use std::sync::Arc;

pub(crate) trait Pass: fmt::Debug + Clone + Send + Sync + 'static {
    /// What the operator is called in plans.
    const NAME: &'static str;

    /// Before a partition is read.
    fn begin(&self) -> Result<()> {
        Ok(())
    }

    /// The same rows.
    fn pass(&self, batch: RecordBatch) -> Result<RecordBatch> {
        Ok(batch)
    }
}

#[derive(Debug)]
pub(crate) struct PassExec<P> {
    input: Arc<dyn ExecutionPlan>,
    each: P,
}

impl<P: Pass> PassExec<P> {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, each: P) -> Self {
        Self { input, each }
    }

    pub(crate) fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }
}

impl<P: Pass> DisplayAs for PassExec<P> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(P::NAME)
    }
}

impl<P: Pass> ExecutionPlan for PassExec<P> {
    fn name(&self) -> &'static str {
        P::NAME
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

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop().filter(|_| children.is_empty()) else {
            return internal_err!("{} has one input", P::NAME);
        };
        Ok(Arc::new(Self::new(input, self.each.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.each.begin()?;
        let each = self.each.clone();
        let input = self.input.execute(partition, context)?;
        let passed = input.and_then(move |batch| ready(each.pass(batch)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            passed,
        )))
    }
}
