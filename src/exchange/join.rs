//! [`AdaptiveJoinExec`]: a join that looks at its first side.

use super::first_side::{Read, read};
use super::{lock, over, uncut};
use crate::shared::few_buffers::compacting;
use crate::task::{self, Task};
use apportion_udfs::once::streams;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Partitioning, PhysicalExpr};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::stream::{self, TryStreamExt};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

/// A first side of up to so many batches' rows is joined whole with each part of the other.
const FEW_BATCHES: usize = 8;

/// A hash join, whose sides are cut by their keys only if the first one is large.
#[derive(Debug)]
pub(super) struct AdaptiveJoinExec {
    /// The join of sides that are cut, and what cuts them.
    join: Arc<HashJoinExec>,
    /// The sides as they are before; the first one is cut already where nothing needs to cut it.
    first: Arc<dyn ExecutionPlan>,
    second: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    choosing: Mutex<Option<Task<Arc<HashJoinExec>>>>,
    chosen: Arc<OnceLock<Arc<HashJoinExec>>>,
}

impl AdaptiveJoinExec {
    /// In the place of a join whose second side is cut by its keys and was not before.
    pub(super) fn of(join: &HashJoinExec) -> Option<Self> {
        let second = uncut(join.right())?;
        let first = uncut(join.left()).unwrap_or(join.left());
        let parts = second.output_partitioning().partition_count();
        let is_meant = *join.partition_mode() == PartitionMode::Partitioned
            && parts > 1
            && parts == join.properties().output_partitioning().partition_count();
        let join = is_meant.then(|| join.builder().build().ok())??;
        Some(Self::over(
            Arc::new(join),
            Arc::clone(first),
            Arc::clone(second),
        ))
    }

    fn over(
        join: Arc<HashJoinExec>,
        first: Arc<dyn ExecutionPlan>,
        second: Arc<dyn ExecutionPlan>,
    ) -> Self {
        let mut known = join.properties().equivalence_properties().clone();
        known.clear_orderings();
        let properties = PlanProperties::new(
            known,
            Partitioning::UnknownPartitioning(second.output_partitioning().partition_count()),
            join.properties().emission_type,
            join.properties().boundedness,
        );
        Self {
            join,
            first,
            second,
            properties: Arc::new(properties),
            choosing: Mutex::new(None),
            chosen: Arc::new(OnceLock::new()),
        }
    }

    /// Whether the first side is cut only for this join.
    pub(super) fn cuts_first(&self) -> bool {
        uncut(self.join.left()).is_some()
    }

    /// How it has joined, if it has.
    #[cfg(test)]
    pub(super) fn mode(&self) -> Option<PartitionMode> {
        self.chosen.get().map(|join| *join.partition_mode())
    }

    /// The first partition that is read starts choosing.
    fn choose(&self, context: &Arc<TaskContext>) -> Result<Task<Arc<HashJoinExec>>> {
        let mut choosing = lock(&self.choosing);
        if let Some(choosing) = &*choosing {
            return Ok(choosing.clone());
        }
        let few_rows = context.session_config().batch_size() * FEW_BATCHES;
        let read = read(&self.first, few_rows, context)?;
        let join = Arc::clone(&self.join);
        let second = Arc::clone(&self.second);
        let chosen = Arc::clone(&self.chosen);
        let choose = task::task(async move {
            let join = match read.await? {
                Read::Whole(first) => whole(&join, first, second)?,
                Read::Begun(first) => cut(&join, first, &second)?,
            };
            Ok(Arc::clone(chosen.get_or_init(|| Arc::new(join))))
        });
        *choosing = Some(choose.clone());
        Ok(choose)
    }
}

/// The join of a first side that stands whole beside each part of the second.
fn whole(
    join: &HashJoinExec,
    first: Arc<dyn PartitionStream>,
    second: Arc<dyn ExecutionPlan>,
) -> Result<HashJoinExec> {
    let first = streams(vec![first], &join.left().schema())?;
    join.builder()
        .with_partition_mode(PartitionMode::CollectLeft)
        .with_new_children(vec![first, second])?
        .reset_state()
        .build()
}

/// The join of sides that are cut.
fn cut(
    join: &HashJoinExec,
    first: Vec<Arc<dyn PartitionStream>>,
    second: &Arc<dyn ExecutionPlan>,
) -> Result<HashJoinExec> {
    let mut first = streams(first, &join.left().schema())?;
    if uncut(join.left()).is_some() {
        first = over(Arc::clone(join.left()), vec![first])?;
    }
    let second = over(Arc::clone(join.right()), vec![Arc::clone(second)])?;
    join.builder()
        .recompute_properties()
        .with_new_children(vec![compacting(&first).unwrap_or(first), second])?
        .reset_state()
        .build()
}

impl DisplayAs for AdaptiveJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdaptiveJoinExec: ")?;
        self.join.fmt_as(format, f)
    }
}

impl ExecutionPlan for AdaptiveJoinExec {
    fn name(&self) -> &'static str {
        "AdaptiveJoinExec"
    }

    fn schema(&self) -> SchemaRef {
        self.join.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.first, &self.second]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([first, second]) = <[_; 2]>::try_from(children) else {
            return internal_err!("AdaptiveJoinExec has two inputs");
        };
        let partitions = second.output_partitioning().partition_count();
        let mut join = Self::over(Arc::clone(&self.join), first, second);
        // The rest of them is the join's: what stands above need not find out its own anew.
        if self.properties.partitioning.partition_count() == partitions {
            join.properties = Arc::clone(&self.properties);
        }
        Ok(Arc::new(join))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let choosing = self.choose(&context)?;
        let joined = async move {
            let join = choosing.await.map_err(DataFusionError::Shared)?;
            join.execute(partition, context)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            stream::once(joined).try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.chosen.get().and_then(|join| join.metrics())
    }
}
