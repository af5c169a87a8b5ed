//! What a join learns of its first side by reading it.

use crate::shared::few_buffers::compacted;
use crate::task;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The whole side as one partition, or all of its partitions where it is large.
pub(super) enum Read {
    Whole(Arc<dyn PartitionStream>),
    Begun(Vec<Arc<dyn PartitionStream>>),
}

/// Reads all partitions side by side until they end, or have more rows together than are few.
pub(super) fn read(
    side: &Arc<dyn ExecutionPlan>,
    few_rows: usize,
    context: &Arc<TaskContext>,
) -> Result<impl Future<Output = Result<Read>> + use<>> {
    let schema = side.schema();
    let memory = MemoryConsumer::new("AdaptiveJoinExec").register(context.memory_pool());
    let held = Arc::new(Mutex::new(Held {
        rows: 0,
        counter: RecordBatchMemoryCounter::new(),
        memory,
    }));
    let mut parts = vec![];
    for partition in 0..side.output_partitioning().partition_count() {
        let mut rest = side.execute(partition, Arc::clone(context))?;
        let held = Arc::clone(&held);
        parts.push(SpawnedTask::spawn(async move {
            let mut begun = vec![];
            while lock(&held).rows <= few_rows {
                let Some(batch) = rest.try_next().await? else {
                    return Ok((begun, None));
                };
                let batch = compacted(batch)?;
                lock(&held).add(&batch)?;
                begun.push(Ok(batch));
            }
            Ok((begun, Some(rest)))
        }));
    }
    Ok(async move {
        let parts = task::all(parts).await?;
        let is_whole = parts.iter().all(|(_, rest)| rest.is_none());
        let parts = parts
            .into_iter()
            .map(|(begun, rest)| stream::iter(begun).chain(stream::iter(rest).flatten()));
        if is_whole {
            let whole = stream::iter(parts).flatten();
            return Ok(Read::Whole(Part::boxed(&schema, whole, &held)));
        }
        let parts = parts.map(|part| Part::boxed(&schema, part, &held));
        Ok(Read::Begun(parts.collect()))
    })
}

/// What the partitions have been read of together: slices of one batch count once.
struct Held {
    rows: usize,
    counter: RecordBatchMemoryCounter,
    memory: MemoryReservation,
}

impl Held {
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.memory.try_grow(self.counter.count_batch(batch))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was read of a side, and the rest of it.
struct Part {
    schema: SchemaRef,
    batches: Mutex<Option<(SendableRecordBatchStream, Arc<Mutex<Held>>)>>,
}

impl Part {
    fn boxed(
        schema: &SchemaRef,
        batches: impl stream::Stream<Item = Result<RecordBatch>> + Send + 'static,
        held: &Arc<Mutex<Held>>,
    ) -> Arc<dyn PartitionStream> {
        let batches = RecordBatchStreamAdapter::new(Arc::clone(schema), batches);
        Arc::new(Self {
            schema: Arc::clone(schema),
            batches: Mutex::new(Some((Box::pin(batches), Arc::clone(held)))),
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

    /// Once: the join that was chosen is not run again. What it is handed it counts itself.
    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let Some((batches, _)) = lock(&self.batches).take() else {
            let twice = stream::once(async { internal_err!("a join's side was read once more") });
            let schema = Arc::clone(&self.schema);
            return Box::pin(RecordBatchStreamAdapter::new(schema, twice));
        };
        batches
    }
}

/// An input of what was read.
pub(super) fn streams(
    partitions: Vec<Arc<dyn PartitionStream>>,
    schema: &SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>> {
    let streams =
        StreamingTableExec::try_new(Arc::clone(schema), partitions, None, [], false, None)?;
    Ok(Arc::new(streams))
}
