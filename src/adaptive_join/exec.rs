//! [`AdaptiveJoinExec`]: the operator.

use crate::shared::few_buffers::{compacted, compacting};
use crate::task::{self, Task, task};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::{EmptyRecordBatchStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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
        let cut = |side| uncut(side).map(Arc::clone);
        let second = cut(join.right())?;
        let first = cut(join.left()).unwrap_or_else(|| Arc::clone(join.left()));
        let parts = second.output_partitioning().partition_count();
        let is_meant = *join.partition_mode() == PartitionMode::Partitioned
            && parts > 1
            && parts == join.properties().output_partitioning().partition_count();
        let join = join.builder().build().ok().filter(|_| is_meant)?;
        Some(Self::over(Arc::new(join), first, second))
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
        let mut choosing = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(choosing) = &*choosing {
            return Ok(choosing.clone());
        }
        let few_rows = context.session_config().batch_size() * FEW_BATCHES;
        let read = read(&self.first, few_rows, context)?;
        let join = Arc::clone(&self.join);
        let second = Arc::clone(&self.second);
        let chosen = Arc::clone(&self.chosen);
        let choose = task(async move {
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

/// What a side is before it is cut by its keys.
fn uncut(side: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    let cut = side.downcast_ref::<RepartitionExec>()?;
    let is_meant = matches!(cut.partitioning(), Partitioning::Hash(..)) && !cut.preserve_order();
    is_meant.then(|| cut.input())
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
    let over = |cut: &Arc<dyn ExecutionPlan>, side| {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        Arc::clone(cut).replace_children(vec![side], options)
    };
    let mut first = streams(first, &join.left().schema())?;
    if uncut(join.left()).is_some() {
        first = over(join.left(), first)?;
    }
    let second = over(join.right(), Arc::clone(second))?;
    join.builder()
        .recompute_properties()
        .with_new_children(vec![compacting(first), second])?
        .reset_state()
        .build()
}

fn streams(
    partitions: Vec<Arc<dyn PartitionStream>>,
    schema: &SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>> {
    let streams =
        StreamingTableExec::try_new(Arc::clone(schema), partitions, None, [], false, None)?;
    Ok(Arc::new(streams))
}

enum Read {
    Whole(Arc<dyn PartitionStream>),
    Begun(Vec<Arc<dyn PartitionStream>>),
}

/// Reads all partitions side by side until they end, or have more rows together than are few.
fn read(
    side: &Arc<dyn ExecutionPlan>,
    few_rows: usize,
    context: &Arc<TaskContext>,
) -> Result<impl Future<Output = Result<Read>> + use<>> {
    let schema = side.schema();
    let rows = Arc::new(AtomicUsize::new(0));
    let mut parts = vec![];
    for partition in 0..side.output_partitioning().partition_count() {
        let mut rest = side.execute(partition, Arc::clone(context))?;
        let memory = MemoryConsumer::new("AdaptiveJoinExec").register(context.memory_pool());
        let rows = Arc::clone(&rows);
        parts.push(SpawnedTask::spawn(async move {
            let mut begun = vec![];
            while rows.load(Ordering::Relaxed) <= few_rows {
                let Some(batch) = rest.try_next().await? else {
                    return Ok((begun, memory, None));
                };
                let batch = compacted(batch)?;
                memory.try_grow(batch.get_array_memory_size())?;
                rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
                begun.push(batch);
            }
            Ok((begun, memory, Some(rest)))
        }));
    }
    Ok(async move {
        let parts = task::all(parts).await?;
        let ended = parts.iter().all(|(_, _, rest)| rest.is_none());
        let parts = parts
            .into_iter()
            .map(|(begun, memory, rest)| (begun.into_iter().map(Ok), memory, rest));
        if !ended {
            let parts = parts.map(|(begun, memory, rest)| {
                let rest = rest
                    .unwrap_or_else(|| Box::pin(EmptyRecordBatchStream::new(Arc::clone(&schema))));
                let batches = stream::iter(begun).chain(rest);
                Part::boxed(&schema, batches, vec![memory])
            });
            return Ok(Read::Begun(parts.collect()));
        }
        let (batches, memory): (Vec<_>, Vec<_>) =
            parts.map(|(begun, memory, _)| (begun, memory)).unzip();
        let batches = stream::iter(batches.into_iter().flatten());
        Ok(Read::Whole(Part::boxed(&schema, batches, memory)))
    })
}

/// What was read of a side, and the rest of it.
struct Part {
    schema: SchemaRef,
    batches: Mutex<Option<SendableRecordBatchStream>>,
}

impl Part {
    fn boxed(
        schema: &SchemaRef,
        batches: impl stream::Stream<Item = Result<RecordBatch>> + Send + 'static,
        memory: Vec<MemoryReservation>,
    ) -> Arc<dyn PartitionStream> {
        let batches = batches.inspect(move |_| {
            let _held = &memory;
        });
        let batches = RecordBatchStreamAdapter::new(Arc::clone(schema), batches);
        Arc::new(Self {
            schema: Arc::clone(schema),
            batches: Mutex::new(Some(Box::pin(batches))),
        })
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Part")
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Once: the join that was chosen is not run again.
    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.take().unwrap_or_else(|| {
            let twice = stream::once(async { internal_err!("a join's side was read once more") });
            Box::pin(RecordBatchStreamAdapter::new(
                Arc::clone(&self.schema),
                twice,
            ))
        })
    }
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

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([first, second]) = <[_; 2]>::try_from(children) else {
            return internal_err!("AdaptiveJoinExec has two inputs");
        };
        Ok(Arc::new(Self::over(Arc::clone(&self.join), first, second)))
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
