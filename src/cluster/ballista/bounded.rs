//! [`Bounded`]: Ballista's engine within a folder that must not grow without end, and for as long as
//! somebody waits for what it does.

use super::contact::{Scheduler, is_over};
use super::gate::Gate;
use super::heard::told;
use super::work_folder::WorkFolder;
use apportion_udfs::encoded::rule::Encoded;
use ballista_core::JobId;
use ballista_core::serde::protobuf::{
    RuntimeStatsReport, ShuffleWritePartition, TaskColumnStats, WindowStateReport,
};
use ballista_executor::execution_engine::{
    DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor,
};
use datafusion::common::{Result, exec_err};
use datafusion::execution::TaskContext;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::prelude::SessionConfig;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const PAUSE: Duration = Duration::from_millis(200);
/// So soon a task ends whose job has.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Bounded {
    engine: DefaultExecutionEngine,
    bounds: Bounds,
}

#[derive(Debug, Clone)]
struct Bounds {
    folder: Arc<WorkFolder>,
    scheduler: Scheduler,
}

impl Bounded {
    pub(super) fn new(folder: Arc<WorkFolder>, scheduler: Scheduler) -> Self {
        Self {
            engine: DefaultExecutionEngine::new(),
            bounds: Bounds { folder, scheduler },
        }
    }
}

impl ExecutionEngine for Bounded {
    fn create_query_stage_exec(
        &self,
        job_id: JobId,
        stage_id: usize,
        task_id: usize,
        partitions: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        folder: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let (job, gate) = (job_id.clone(), Gate::default());
        let plan = Encoded.optimize(plan, config.options())?;
        let plan = gate.within(plan)?;
        let stage = self
            .engine
            .create_query_stage_exec(job_id, stage_id, task_id, partitions, plan, folder, config)?;
        Ok(Arc::new(BoundedStage {
            stage,
            bounds: self.bounds.clone(),
            job,
            gate,
        }))
    }
}

#[derive(Debug)]
struct BoundedStage {
    stage: Arc<dyn QueryStageExecutor>,
    bounds: Bounds,
    job: JobId,
    gate: Gate,
}

impl Bounds {
    /// Why a task of a job must end, once it must.
    async fn reached(&self, job: &JobId) -> String {
        tokio::select! {
            () = self.is_full() => format!(
                "an executor's work folder is full: its limit is {} bytes (`--work-limit`)",
                self.folder.limit
            ),
            () = self.is_over(job) => "nobody waits for this job any more".to_owned(),
        }
    }

    async fn is_full(&self) {
        loop {
            let folder = Arc::clone(&self.folder);
            let is_full = tokio::task::spawn_blocking(move || folder.is_full()).await;
            if is_full.unwrap_or(false) {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// Tasks are asked for, so nobody tells that one is not wanted any more.
    async fn is_over(&self, job: &JobId) {
        loop {
            sleep(LOOK).await;
            if is_over(job, &self.scheduler).await {
                return;
            }
        }
    }
}

impl fmt::Display for BoundedStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stage.fmt(f)
    }
}

#[async_trait::async_trait]
impl QueryStageExecutor for BoundedStage {
    async fn execute_query_stage(
        &self,
        task_id: usize,
        context: Arc<TaskContext>,
    ) -> Result<Vec<ShuffleWritePartition>> {
        let stage = self.stage.execute_query_stage(task_id, context);
        tokio::pin!(stage);
        tokio::select! {
            biased;
            why = self.bounds.reached(&self.job) => {
                self.gate.close(why.clone());
                // What it is about to write should not come after all has been removed.
                let _ = timeout(LOOK, &mut stage).await;
                exec_err!("{why}")
            }
            written = &mut stage => written.map_err(told),
        }
    }

    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        self.stage.collect_plan_metrics()
    }

    fn collect_runtime_stats_reports(&self) -> Vec<RuntimeStatsReport> {
        self.stage.collect_runtime_stats_reports()
    }

    fn collect_window_state_reports(&self) -> Result<Vec<WindowStateReport>> {
        self.stage.collect_window_state_reports()
    }

    fn collect_column_stats(&self) -> Vec<TaskColumnStats> {
        self.stage.collect_column_stats()
    }
}
