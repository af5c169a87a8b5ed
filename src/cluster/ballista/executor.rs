//! `apportion cluster executor`: runs tasks, and keeps what they found until it has been fetched.

use super::address::Address;
use super::build;
use super::codec::Codec;
use super::job::MOST_BYTES;
use super::rest::Rest;
use super::work_folder::WorkFolder;
use crate::cli::ExecutorArgs;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::output::Notes;
use crate::session;
use crate::store::Opened;
use ballista_core::JobId;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::protobuf::{
    RuntimeStatsReport, ShuffleWritePartition, TaskColumnStats, WindowStateReport,
};
use ballista_executor::execution_engine::{
    DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor,
};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use datafusion::common::exec_err;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::prelude::SessionConfig;
use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// Parts of a cluster are started in any order.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// What nobody has fetched or told to remove, because its scheduler is gone.
const DATA_IS_KEPT_FOR: u64 = 600;
const CLEANED_EVERY: u64 = 60;

/// Works until it is ended.
pub(crate) async fn execute(args: &ExecutorArgs, settings: &Settings, notes: Notes) -> Result<()> {
    super::begin_log();
    let address = match &settings.cluster {
        Some(address) => address.parse()?,
        None => Address::default(),
    };
    let rest = Rest::new(address)?;
    find_scheduler(&rest).await?;
    // The port is asked for once more by what serves there.
    let listener = TcpListener::bind(args.listen).await;
    let listen = listener
        .and_then(|listener| listener.local_addr())
        .map_err(|error| super::unbound(args.listen, &error))?;
    let limit = args.work_limit as u64;
    let parent = args.work_folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = Arc::new(WorkFolder::open(&parent, limit)?);
    let cores = match settings.threads {
        Some(threads) => threads,
        None => available_parallelism()?.get(),
    };

    let stores = Opened::new(&settings.stores).await?;
    let spilled = folder.spilled();
    let state = session::state(session::config(settings), Arc::default())?.build();
    let config = session::config(settings);
    let process = ExecutorProcessConfig {
        executor_id: build::name(),
        bind_host: listen.ip().to_string(),
        external_host: args.host.clone(),
        port: listen.port(),
        grpc_port: listen.port(),
        scheduler_host: rest.address.host(),
        scheduler_port: rest.address.port,
        vcores: cores,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(folder.jobs().to_string_lossy().into_owned()),
        job_data_ttl_seconds: DATA_IS_KEPT_FOR,
        job_data_clean_up_interval_seconds: CLEANED_EVERY,
        grpc_max_decoding_message_size: MOST_BYTES,
        grpc_max_encoding_message_size: MOST_BYTES,
        memory_pool_size: settings.memory_limit.map(|bytes| bytes as u64),
        override_execution_engine: Some(Arc::new(Bounded {
            engine: DefaultExecutionEngine::new(),
            folder: Arc::clone(&folder),
        })),
        override_function_registry: Some(Arc::new(BallistaFunctionRegistry::from(&state))),
        override_config_producer: Some(Arc::new(move || config.clone())),
        override_runtime_producer: Some(Arc::new(move |_| {
            RuntimeEnvBuilder::new()
                .with_object_store_registry(Arc::new(stores.clone()))
                .with_temp_file_path(&spilled)
                .with_max_temp_directory_size(limit)
                .build_arc()
        })),
        override_physical_codec: Some(Arc::new(Codec::new()?)),
        ..ExecutorProcessConfig::default()
    };
    notes.say(&format!(
        "executor with {cores} cores works for {}, data at {listen}",
        rest.address
    ));
    let ended = start_executor_process(Arc::new(process)).await;
    folder.remove();
    ended.map_err(|error| Error::new(format!("the executor stopped: {error}")))
}

async fn find_scheduler(rest: &Rest) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while let Err(error) = rest.check_scheduler().await {
        let is_other = error.to_string().contains("this apportion is");
        if is_other || Instant::now() > until {
            return Err(error);
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Ballista's engine within a folder that must not grow without end.
struct Bounded {
    engine: DefaultExecutionEngine,
    folder: Arc<WorkFolder>,
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
    ) -> datafusion::common::Result<Arc<dyn QueryStageExecutor>> {
        let stage = self
            .engine
            .create_query_stage_exec(job_id, stage_id, task_id, partitions, plan, folder, config)?;
        let folder = Arc::clone(&self.folder);
        Ok(Arc::new(BoundedStage { stage, folder }))
    }
}

#[derive(Debug)]
struct BoundedStage {
    stage: Arc<dyn QueryStageExecutor>,
    folder: Arc<WorkFolder>,
}

impl BoundedStage {
    async fn full(&self) {
        loop {
            let folder = Arc::clone(&self.folder);
            let is_full = tokio::task::spawn_blocking(move || folder.is_full()).await;
            if is_full.unwrap_or(false) {
                return;
            }
            sleep(PAUSE).await;
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
    ) -> datafusion::common::Result<Vec<ShuffleWritePartition>> {
        let full = || {
            exec_err!(
                "an executor's work folder is full: its limit is {} bytes (`--work-limit`)",
                self.folder.limit
            )
        };
        tokio::select! {
            biased;
            () = self.full() => full(),
            written = self.stage.execute_query_stage(task_id, context) => written,
        }
    }

    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        self.stage.collect_plan_metrics()
    }

    fn collect_runtime_stats_reports(&self) -> Vec<RuntimeStatsReport> {
        self.stage.collect_runtime_stats_reports()
    }

    fn collect_window_state_reports(&self) -> datafusion::common::Result<Vec<WindowStateReport>> {
        self.stage.collect_window_state_reports()
    }

    fn collect_column_stats(&self) -> Vec<TaskColumnStats> {
        self.stage.collect_column_stats()
    }
}
