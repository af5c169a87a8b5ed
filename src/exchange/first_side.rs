//! What a join learns of its first side by reading it.

use super::lock;
use crate::shared::few_buffers::compacted;
use crate::task;
use apportion_udfs::once::Once;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::sync::{Arc, Mutex};

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
            return Ok(Read::Whole(Once::boxed(&schema, whole, held)));
        }
        let parts = parts.map(|part| Once::boxed(&schema, part, Arc::clone(&held)));
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
