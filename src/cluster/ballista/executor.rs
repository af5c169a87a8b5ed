//! `apportion cluster executor`: runs tasks, and keeps what they found until it has been fetched.

use super::address::Address;
use super::build;
use super::codec::Codec;
use super::contact::{Contact, MOST_BYTES, Scheduler, is_over};
use super::gate::Gate;
use super::tls::Tls;
use super::work_folder::WorkFolder;
use crate::cli::ExecutorArgs;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::output::Notes;
use crate::session;
use crate::store::Opened;
use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::JobId;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::protobuf::{
    RuntimeStatsReport, ShuffleWritePartition, TaskColumnStats, WindowStateReport,
};
use ballista_core::utils::create_grpc_server;
use ballista_executor::ArrowFlightServerProvider;
use ballista_executor::execution_engine::{
    DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor,
};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::flight_service::BallistaFlightService;
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
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::ServerTlsConfig;

/// Parts of a cluster are started in any order.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// So soon a task ends whose job has.
const LOOK: Duration = Duration::from_secs(1);
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
    let tls = Tls::read(settings.certificates.as_ref())?;
    let contact = Contact::new(address, tls.clone())?;
    find_scheduler(&contact).await?;
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
    let config = tls.tasks(session::config(settings));
    let process = ExecutorProcessConfig {
        executor_id: build::name(),
        bind_host: listen.ip().to_string(),
        external_host: args.host.clone(),
        port: listen.port(),
        grpc_port: listen.port(),
        scheduler_host: contact.address.host(),
        scheduler_port: contact.address.port,
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
            bounds: Bounds {
                folder: Arc::clone(&folder),
                scheduler: contact.scheduler()?,
            },
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
        override_create_grpc_client_endpoint: tls.clients(),
        override_arrow_flight_service: tls.server().map(rows),
        override_physical_codec: Some(Arc::new(Codec::new()?)),
        ..ExecutorProcessConfig::default()
    };
    notes.say(&format!(
        "executor with {cores} cores works for {}, data at {listen}",
        contact.address
    ));
    let ended = start_executor_process(Arc::new(process)).await;
    folder.remove();
    ended.map_err(|error| Error::new(format!("the executor stopped: {error}")))
}

/// Serves what others ask for as Ballista does, but not in the clear.
fn rows(server: ServerTlsConfig) -> Arc<ArrowFlightServerProvider> {
    let most = MOST_BYTES as usize;
    Arc::new(move |folder, listen, mut end, limits| {
        let server = server.clone();
        let rows = FlightServiceServer::new(BallistaFlightService::new(folder))
            .max_encoding_message_size(most)
            .max_decoding_message_size(most);
        tokio::spawn(async move {
            create_grpc_server(&limits)
                .tls_config(server)?
                .add_service(rows)
                .serve_with_shutdown(listen, end.recv())
                .await?;
            Ok(())
        })
    })
}

/// Waits until something listens there, and looks what it is.
async fn find_scheduler(contact: &Contact) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let place = format!("{}:{}", contact.address.host(), contact.address.port);
    while TcpStream::connect(&place).await.is_err() && Instant::now() < until {
        sleep(PAUSE).await;
    }
    contact.check_scheduler().await
}

/// Ballista's engine within a folder that must not grow without end, and for as long as somebody waits.
struct Bounded {
    engine: DefaultExecutionEngine,
    bounds: Bounds,
}

#[derive(Debug, Clone)]
struct Bounds {
    folder: Arc<WorkFolder>,
    scheduler: Scheduler,
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
        let (job, gate) = (job_id.clone(), Gate::default());
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
    ) -> datafusion::common::Result<Vec<ShuffleWritePartition>> {
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
            written = &mut stage => written,
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
