//! [`BroughtExec`]: rows that the client has, or gathers from what it has, and a part is sent with.
//!
//! A ledger's calls are looked up in what stays here: which requests a bill names, who is a customer.
//! These rows are few. They go along with the part, so that the calls need not come here.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use std::fmt;
use std::sync::Arc;

/// Holds the place of what is brought until it is known.
#[derive(Debug)]
pub(super) struct BroughtExec {
    number: usize,
    properties: Arc<PlanProperties>,
}

impl BroughtExec {
    pub(super) fn new(number: usize, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            number,
            properties: Arc::new(properties),
        }
    }
}

/// The part with what it brings, in the order of its numbers.
pub(super) fn bring(
    part: Arc<dyn ExecutionPlan>,
    brought: &[Vec<RecordBatch>],
) -> Result<Arc<dyn ExecutionPlan>> {
    let fill = |node: Arc<dyn ExecutionPlan>| {
        let Some(place) = node.downcast_ref::<BroughtExec>() else {
            return Ok(Transformed::no(node));
        };
        let Some(batches) = brought.get(place.number) else {
            return internal_err!("a part lacks what it should bring");
        };
        let rows =
            MemorySourceConfig::try_new_exec(std::slice::from_ref(batches), node.schema(), None)?;
        Ok(Transformed::yes(rows as Arc<dyn ExecutionPlan>))
    };
    part.transform_up(fill).data()
}

impl DisplayAs for BroughtExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BroughtExec: {}", self.number)
    }
}

impl ExecutionPlan for BroughtExec {
    fn name(&self) -> &'static str {
        "BroughtExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        internal_err!("what a part brings is not known yet")
    }
}
