//! Batches that have been read as the input of an operator.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream::{self, Stream};

/// A partition that can be read once, and what is held for it until then.
pub struct Once<H> {
    schema: SchemaRef,
    batches: Mutex<Option<(SendableRecordBatchStream, H)>>,
}

impl<H: Send + 'static> Once<H> {
    pub fn boxed(
        schema: &SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
        held: H,
    ) -> Arc<dyn PartitionStream> {
        let batches = RecordBatchStreamAdapter::new(Arc::clone(schema), batches);
        Arc::new(Self {
            schema: Arc::clone(schema),
            batches: Mutex::new(Some((Box::pin(batches), held))),
        })
    }
}

impl<H> fmt::Debug for Once<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once")
    }
}

impl<H: Send> PartitionStream for Once<H> {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What an operator is handed it counts itself.
    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = self
            .batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((batches, _)) = batches else {
            let twice = stream::once(async { internal_err!("an input was read once more") });
            let schema = Arc::clone(&self.schema);
            return Box::pin(RecordBatchStreamAdapter::new(schema, twice));
        };
        batches
    }
}

/// An input of such partitions.
pub fn streams(
    partitions: Vec<Arc<dyn PartitionStream>>,
    schema: &SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>> {
    let streams =
        StreamingTableExec::try_new(Arc::clone(schema), partitions, None, [], false, None)?;
    Ok(Arc::new(streams))
}
