//! Runs an input once and hands its batches to every reader, partition by partition.

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, displayable,
};
use futures::future::{BoxFuture, FutureExt, Shared};
use futures::stream::{FuturesUnordered, StreamExt, TryStreamExt};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

type Batches = Arc<Vec<RecordBatch>>;
type Running = Shared<BoxFuture<'static, Result<Batches, Arc<DataFusionError>>>>;

/// An input that several readers share, and its batches once one of them has asked.
pub(super) struct SharedInput {
    label: String,
    /// Given once it is planned: its readers are planned beside it.
    input: OnceLock<Arc<dyn ExecutionPlan>>,
    running: Mutex<Option<Running>>,
    /// Given back when the last reader is gone.
    reservation: Arc<Mutex<Option<MemoryReservation>>>,
}

impl fmt::Debug for SharedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedInput")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl SharedInput {
    pub(super) fn new(label: String) -> Self {
        Self {
            label,
            input: OnceLock::new(),
            running: Mutex::new(None),
            reservation: Arc::default(),
        }
    }

    pub(super) fn give(&self, input: Arc<dyn ExecutionPlan>) -> Result<()> {
        let given = self.input.set(input);
        given.map_err(|_| internal_datafusion_err!("`{}` was planned twice", self.label))
    }

    fn input(&self) -> Result<&Arc<dyn ExecutionPlan>> {
        let input = self.input.get();
        input.ok_or_else(|| internal_datafusion_err!("`{}` was not planned", self.label))
    }

    /// The first reader starts the input; any reader that is polled drives it.
    fn run(&self, context: &Arc<TaskContext>) -> Result<Running> {
        let input = Arc::clone(self.input()?);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = running
            .get_or_insert_with(|| {
                let context = Arc::clone(context);
                let consumer = MemoryConsumer::new(format!("shared {}", self.label));
                let reservation = consumer.register(context.memory_pool());
                let kept = Arc::clone(&self.reservation);
                async move {
                    let batches = gather(&input, &context, &reservation)
                        .await
                        .map_err(Arc::new)?;
                    *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(reservation);
                    Ok(batches)
                }
                .boxed()
                .shared()
            })
            .clone();
        Ok(running)
    }
}

/// All partitions at once: an exchange below may wait until each of its outputs is read.
async fn gather(
    input: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    reservation: &MemoryReservation,
) -> Result<Batches> {
    let count = input.output_partitioning().partition_count();
    let mut tasks = FuturesUnordered::new();
    for partition in 0..count {
        let mut stream = input.execute(partition, Arc::clone(context))?;
        let reservation = reservation.new_empty();
        let task = datafusion::common::runtime::SpawnedTask::spawn(async move {
            let mut batches = vec![];
            // An aggregate hands on slices of one batch: each buffer counts once.
            let mut counter = RecordBatchMemoryCounter::new();
            while let Some(batch) = stream.try_next().await? {
                let batch = compacted(batch)?;
                reservation.try_grow(counter.count_batch(&batch))?;
                batches.push(batch);
            }
            Ok::<_, DataFusionError>((partition, batches, reservation))
        });
        tasks.push(task.join());
    }
    let mut partitions: Vec<Vec<RecordBatch>> = vec![vec![]; count];
    while let Some(done) = tasks.next().await {
        // A task that panics is an error here: every reader is told of it, and in its own words.
        let done = done.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?;
        let (partition, batches, part) = done?;
        reservation.grow(part.free());
        partitions[partition] = batches;
    }
    Ok(Arc::new(partitions.concat()))
}

/// The batch with few buffers behind its texts.
///
/// A slice keeps every buffer of the whole, and what joins slices lists them all again: after a few
/// operators a batch has thousands, and each operator pays for the list.
fn compacted(batch: RecordBatch) -> Result<RecordBatch> {
    const FEW: usize = 4;
    let is_compact = |column: &ArrayRef| {
        let texts = column.as_string_view_opt();
        texts.is_none_or(|texts| texts.data_buffers().len() <= FEW)
    };
    if batch.columns().iter().all(is_compact) {
        return Ok(batch);
    }
    let (schema, columns, rows) = batch.into_parts();
    let columns = columns.into_iter().map(|column| {
        if is_compact(&column) {
            column
        } else {
            Arc::new(column.as_string_view().gc()) as ArrayRef
        }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = columns.collect();
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// One reader of a shared input.
///
/// How many partitions the input has is not known while readers are planned, so each reader has as
/// many as the session asks for, and every one of them its share of the batches.
#[derive(Debug)]
pub(super) struct SharedExec {
    shared: Arc<SharedInput>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl SharedExec {
    pub(super) fn new(shared: Arc<SharedInput>, schema: SchemaRef, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            shared,
            schema,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for SharedExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedExec: {}", self.shared.label)?;
        if matches!(format, DisplayFormatType::Verbose)
            && let Some(input) = self.shared.input.get()
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

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let running = self.shared.run(&context)?;
        let partitions = self.properties.partitioning.partition_count();
        let schema = Arc::clone(&self.schema);
        let batches = async move {
            let batches = running.await.map_err(DataFusionError::Shared)?;
            let own = batches.iter().skip(partition).step_by(partitions);
            let stamped: Vec<_> = own
                .map(|batch| {
                    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                    RecordBatch::try_new_with_options(
                        Arc::clone(&schema),
                        batch.columns().to_vec(),
                        &options,
                    )
                    .map_err(DataFusionError::from)
                })
                .collect();
            Ok::<_, DataFusionError>(futures::stream::iter(stamped))
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

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::StringViewArray;
    use datafusion::arrow::compute::concat;

    #[test]
    fn many_buffers_become_few_and_texts_stay() {
        let pieces: Vec<ArrayRef> = (0..100)
            .map(|number| {
                let text = format!("a text that does not fit into a view {number}");
                Arc::new(StringViewArray::from(vec![Some(text.as_str()), None])) as ArrayRef
            })
            .collect();
        let pieces: Vec<_> = pieces.iter().map(AsRef::as_ref).collect();
        let texts = concat(&pieces).unwrap();
        assert_eq!(texts.as_string_view().data_buffers().len(), 100);
        let batch = RecordBatch::try_from_iter([("texts", Arc::clone(&texts))]).unwrap();
        let compact = compacted(batch).unwrap();
        let column = compact.column(0);
        assert_eq!(column.as_string_view().data_buffers().len(), 1);
        assert_eq!(column.as_ref(), texts.as_ref());
    }
}
