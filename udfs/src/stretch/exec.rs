//! [`StretchExec`]: the operator.

use std::fmt;
use std::iter;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::stream::{self, TryStreamExt};

use super::left::Left;

/// Reads what a scan reads, in other shares.
pub struct StretchExec {
    scan: Arc<dyn ExecutionPlan>,
    footers: Arc<FileMetadataCache>,
    left: OnceLock<Arc<Left>>,
}

impl StretchExec {
    /// Over a scan whose files may be read by any partition, in any order.
    pub(super) fn of(
        scan: Arc<dyn ExecutionPlan>,
        footers: &Arc<FileMetadataCache>,
    ) -> Option<Self> {
        let files = files(&scan)?;
        let is_meant = !files.preserve_order
            && files.limit.is_none()
            && files.output_partitioning.is_none()
            && files.output_ordering.is_empty()
            && files.file_groups.len() > 1;
        is_meant.then(|| Self::over(scan, Arc::clone(footers)))
    }

    fn over(scan: Arc<dyn ExecutionPlan>, footers: Arc<FileMetadataCache>) -> Self {
        let left = OnceLock::new();
        Self {
            scan,
            footers,
            left,
        }
    }
}

fn files(scan: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    let scan = scan.downcast_ref::<DataSourceExec>()?;
    scan.data_source().downcast_ref::<FileScanConfig>()
}

impl fmt::Debug for StretchExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StretchExec")
            .field("scan", &self.scan)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for StretchExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StretchExec")
    }
}

impl ExecutionPlan for StretchExec {
    fn name(&self) -> &'static str {
        "StretchExec"
    }

    fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
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
        let Some(scan) = children.pop().filter(|_| children.is_empty()) else {
            return internal_err!("StretchExec has one input");
        };
        Ok(Arc::new(Self::over(scan, Arc::clone(&self.footers))))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = Arc::clone(&self.scan).reset_state()?;
        Ok(Arc::new(Self::over(scan, Arc::clone(&self.footers))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(scan) = files(&self.scan) else {
            return self.scan.execute(partition, context);
        };
        let left = self.left.get_or_init(|| {
            let left = Left::of(scan, self.footers.as_ref());
            Arc::new(left)
        });
        let left = Arc::clone(left);
        if !left.begin(partition) {
            return internal_err!("StretchExec was read once more");
        }
        let scan = scan.clone();
        let partitions = self.scan.output_partitioning().partition_count();
        let shares = iter::from_fn(move || left.next(partition));
        let batches = shares.map(move |share| {
            // In its own place, so that what is measured is the partition's.
            let mut shares = vec![FileGroup::default(); partitions];
            shares[partition] = share;
            let scan = FileScanConfigBuilder::from(scan.clone()).with_file_groups(shares);
            let scan = DataSourceExec::from_data_source(scan.build());
            scan.execute(partition, Arc::clone(&context))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            stream::iter(batches).try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        None
    }
}
