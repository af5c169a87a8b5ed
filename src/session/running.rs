//! What runs now, and how far it is: for whoever shows it to a person who waits.

use crate::cluster::{self, Tasks};
use crate::shared::inputs;
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The statement that a session runs.
#[derive(Clone)]
pub struct Running {
    watched: Arc<Mutex<Watched>>,
    runtime: Arc<RuntimeEnv>,
}

#[derive(Default)]
struct Watched {
    /// They are gone with the statement.
    plans: Vec<Weak<dyn ExecutionPlan>>,
    /// What reads files, here or on a cluster. A shared input's plan is gone when it has been run; what it read still counts.
    scans: Vec<Arc<dyn ExecutionPlan>>,
}

/// How far a statement is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    pub rows: usize,
    /// What the footers of the files say, as far as they are still known. Where a scan can pass over
    /// row groups, it will be fewer.
    pub of_rows: usize,
    pub bytes: usize,
    pub memory: usize,
    pub memory_limit: Option<usize>,
    pub spilled: u64,
    /// What a cluster has done and does.
    pub tasks: Tasks,
}

impl Running {
    pub(super) fn new(runtime: Arc<RuntimeEnv>) -> Self {
        Self {
            watched: Arc::default(),
            runtime,
        }
    }

    pub(super) fn watch(&self, plans: &[Arc<dyn ExecutionPlan>]) {
        let mut open = plans.to_vec();
        // Several readers share an input: it is counted once.
        let mut seen = HashSet::new();
        let mut scans = vec![];
        while let Some(plan) = open.pop() {
            if seen.insert(Arc::as_ptr(&plan).cast::<()>()) {
                open.extend(inputs(&plan));
                let is_scan = plan.downcast_ref::<DataSourceExec>().is_some();
                if is_scan || cluster::tasks(plan.as_ref()).is_some() {
                    scans.push(plan);
                }
            }
        }
        let plans = plans.iter().map(Arc::downgrade).collect();
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        *watched = Watched { plans, scans };
    }

    /// Nothing while nothing runs.
    pub fn reached(&self) -> Option<Reached> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.plans.iter().all(|plan| plan.strong_count() == 0) {
            *watched = Watched::default();
            return None;
        }
        let scans = watched.scans.clone();
        drop(watched);
        let pool = &self.runtime.memory_pool;
        let mut reached = Reached {
            memory: pool.reserved(),
            memory_limit: match pool.memory_limit() {
                MemoryLimit::Finite(bytes) => Some(bytes),
                _ => None,
            },
            spilled: self.runtime.disk_manager.used_disk_space(),
            ..Reached::default()
        };
        for scan in &scans {
            if let Some(tasks) = cluster::tasks(scan.as_ref()) {
                reached.tasks += tasks;
            }
            if let Some(scan) = scan.downcast_ref::<DataSourceExec>() {
                self.add(&mut reached, scan);
            }
        }
        Some(reached)
    }

    fn add(&self, reached: &mut Reached, scan: &DataSourceExec) {
        let Some(files) = scan.data_source().downcast_ref::<FileScanConfig>() else {
            return;
        };
        let metrics = scan.metrics().unwrap_or_default();
        reached.rows +=
            metrics.output_rows().unwrap_or(0) + count(&metrics, "pushdown_rows_pruned");
        reached.bytes += count(&metrics, "bytes_scanned");
        let files = files.file_groups.iter().flat_map(FileGroup::iter);
        let files: HashSet<_> = files.map(|file| &file.object_meta.location).collect();
        let footers = self.runtime.cache_manager.get_file_metadata_cache();
        for file in files {
            let footer = footers.get(file);
            let footer = footer.as_ref().and_then(|known| {
                let known = known.file_metadata.as_any();
                known.downcast_ref::<CachedParquetMetaData>()
            });
            let rows = footer.map(|footer| footer.parquet_metadata().file_metadata().num_rows());
            reached.of_rows += rows
                .and_then(|rows| usize::try_from(rows).ok())
                .unwrap_or(0);
        }
    }
}

fn count(metrics: &MetricsSet, name: &str) -> usize {
    metrics.sum_by_name(name).map_or(0, |sum| sum.as_usize())
}
