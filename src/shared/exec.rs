//! [`SharedExec`]: a reader of an input that it shares with others.

use super::held::Held;
use super::input::SharedInput;
use crate::task::give_way;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, displayable,
};
use futures::stream::TryStreamExt;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One reader of a shared input.
///
/// How many partitions the input has is not known while readers are planned, so each reader has as
/// many as the session asks for, and every one of them its share of the batches.
#[derive(Debug)]
pub(super) struct SharedExec {
    reader: Arc<Reader>,
    /// Which of the input's columns it has, and where.
    columns: Vec<usize>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl SharedExec {
    /// Reads columns of the input by the names and types of a schema.
    pub(super) fn new(
        shared: Arc<SharedInput>,
        columns: Vec<usize>,
        schema: SchemaRef,
        partitions: usize,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            reader: Arc::new(Reader::new(shared, partitions)),
            columns,
            schema,
            properties: Arc::new(properties),
        }
    }
}

/// Leaves the input when it has its share of all partitions, or is planned and never asked.
#[derive(Debug)]
pub(super) struct Reader {
    shared: Arc<SharedInput>,
    missing: AtomicUsize,
}

impl Reader {
    pub(super) fn new(shared: Arc<SharedInput>, partitions: usize) -> Self {
        shared.enter();
        let missing = AtomicUsize::new(partitions);
        Self { shared, missing }
    }

    fn has_one_more(&self) {
        let fewer = |missing: usize| missing.checked_sub(1);
        let before = self
            .missing
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer);
        if before == Ok(1) {
            self.shared.leave();
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if *self.missing.get_mut() > 0 {
            self.shared.leave();
        }
    }
}

/// What a plan reads together with others, if it is such a reader.
pub(super) fn shared_by(plan: &Arc<dyn ExecutionPlan>) -> Option<Arc<SharedInput>> {
    let reader = plan.downcast_ref::<SharedExec>()?;
    Some(Arc::clone(&reader.reader.shared))
}

/// What a plan reads from, a shared input too.
pub(crate) fn inputs(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn ExecutionPlan>> {
    match shared_by(plan) {
        Some(shared) => shared.plan().into_iter().collect(),
        None => plan.children().into_iter().map(Arc::clone).collect(),
    }
}

impl DisplayAs for SharedExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &self.reader.shared;
        write!(f, "SharedExec: {}", shared.label)?;
        if matches!(format, DisplayFormatType::Verbose)
            && let Some(input) = shared.plan()
        {
            let input = displayable(input.as_ref()).indent(false).to_string();
            write!(f, "\n{}", input.trim_end())?;
        }
        Ok(())
    }
}

impl ExecutionPlan for SharedExec {
    fn name(&self) -> &'static str {
        "SharedExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// A leaf to the engine: the input is optimised already, is one for all readers, and would be
    /// walked once for each of them, and what it reads again for each of these.
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

    /// Columns under other names, or fewer of them: it reads them so.
    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let read = projection.expr().iter().map(|read| {
            let column = read.expr.downcast_ref::<Column>()?;
            self.columns.get(column.index()).copied()
        });
        let read = read.collect::<Option<Vec<_>>>();
        let reader = read.map(|read| {
            let partitions = self.properties.partitioning.partition_count();
            let shared = Arc::clone(&self.reader.shared);
            Arc::new(Self::new(shared, read, projection.schema(), partitions)) as _
        });
        Ok(reader)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let running = self.reader.shared.run(&context)?;
        let reader = Arc::clone(&self.reader);
        let partitions = self.properties.partitioning.partition_count();
        let schema = Arc::clone(&self.schema);
        let columns = self.columns.clone();
        let batches = async move {
            let batches = running.await.map_err(DataFusionError::Shared)?;
            give_way().await;
            reader.has_one_more();
            // A stretch, as they were given: what the input's partitions share stays little. Each batch
            // goes when all who share it have passed it.
            let up_to = |partition: usize| batches.len() * partition / partitions;
            let own = batches[up_to(partition)..up_to(partition + 1)].to_vec();
            drop(batches);
            let own = own.into_iter().map(move |Held { batch, .. }| {
                let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                let read = columns.iter().map(|at| Arc::clone(batch.column(*at)));
                let read = read.collect();
                let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), read, &options);
                batch.map_err(DataFusionError::from)
            });
            Ok::<_, DataFusionError>(futures::stream::iter(own))
        };
        let stream = futures::stream::once(batches).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        None
    }
}
