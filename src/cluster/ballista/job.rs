//! [`Job`]: a part of a plan on its way to the executors, and its rows on the way back.
//!
//! The scheduler itself gives the tasks of a lost executor to others, and may count rows that others had
//! made before a second time. So the part is sent once more where a task did not go well at once, as where a
//! scheduler is started again or results are gone with their executor. Nothing is handed on before all of
//! it is here, so no row is ever seen twice.

use super::client::Cluster;
use super::contact::{MOST_BYTES, Scheduler};
use super::heard::{heard, said};
use super::open_jobs::OpenJob;
use crate::cluster::Tasks;
use crate::error::Error;
use ballista_core::client::BallistaClient;
use ballista_core::extension::BallistaConfigGrpcEndpoint;
use ballista_core::serde::protobuf::execute_query_failure_result::Failure;
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::execute_query_result::Result as Answered;
use ballista_core::serde::protobuf::get_job_status_result::FlightProxy;
use ballista_core::serde::protobuf::job_status::Status as JobStatus;
use ballista_core::serde::protobuf::{
    CleanJobDataParams, ExecuteQueryParams, GetJobStatusParams, KeyValuePair, PartitionLocation,
    SuccessfulJob,
};
use ballista_core::version::insert_version_header;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::metrics::Count;
use futures::TryStreamExt;
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::{Code, Request, Status};

/// So often a part is sent, if what came of it before is lost.
const ATTEMPTS: usize = 3;
/// So long a scheduler may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// So long a scheduler may know nothing of a job that it has taken.
const UNKNOWN: Duration = Duration::from_secs(2);
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];
const LOOK: Duration = Duration::from_millis(500);

pub(super) struct Job {
    pub(super) cluster: Cluster,
    pub(super) plan: Vec<u8>,
    pub(super) settings: Vec<KeyValuePair>,
    pub(super) schema: SchemaRef,
    pub(super) tasks: Arc<Mutex<Tasks>>,
    /// Bytes of rows.
    pub(super) fetched: Count,
}

/// Why an attempt brought nothing.
enum End {
    /// Another may.
    Lost(DataFusionError),
    Failed(DataFusionError),
}

/// What a scheduler says of a part of a job.
#[derive(Deserialize)]
struct Stage {
    stage_status: String,
    tasks: Vec<Option<TaskSaid>>,
}

#[derive(Deserialize)]
struct TaskSaid {
    status: serde_json::Value,
}

impl TaskSaid {
    fn is(&self, status: &str) -> bool {
        self.status == status
    }
}

impl<E: Into<DataFusionError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Job {
    /// All rows of the part, and the memory that they take.
    pub(super) async fn run(&self, memory: &MemoryReservation) -> Result<Vec<RecordBatch>> {
        let mut attempt = 1;
        loop {
            match self.attempt(memory).await {
                Ok(batches) => return Ok(batches),
                Err(End::Lost(_)) if attempt < ATTEMPTS => attempt += 1,
                Err(End::Lost(error) | End::Failed(error)) => return Err(error),
            }
            memory.free();
        }
    }

    async fn attempt(&self, memory: &MemoryReservation) -> Result<Vec<RecordBatch>, End> {
        let scheduler = self.cluster.contact.scheduler()?;
        let sent = self.send(&scheduler).await?;
        let (done, proxy) = self.wait(&scheduler, sent.id()).await?;
        let id = sent.has_ended();
        let fetched = if self.has_gone_well(&id).await {
            self.fetch(done.partition_location, proxy.as_ref(), memory)
                .await
        } else {
            Err(End::Lost(self.lost("tasks of it had to be done again")))
        };
        // Executors need not keep what has been fetched, nor what cannot be.
        let clean = CleanJobDataParams {
            job_id: id,
            remove_stage_ids: vec![],
        };
        let _ = scheduler.clone().clean_job_data(clean).await;
        fetched
    }

    async fn send(&self, scheduler: &Scheduler) -> Result<OpenJob, End> {
        let sent = self
            .insist(|| {
                let mut request = Request::new(ExecuteQueryParams {
                    session_id: self.cluster.session.clone(),
                    settings: self.settings.clone(),
                    operation_id: ballista_core::ids::new_instance_id(),
                    query: Some(Query::PhysicalPlan(self.plan.clone())),
                });
                insert_version_header(request.metadata_mut());
                let mut scheduler = scheduler.clone();
                let sending = self.cluster.open_jobs.sending();
                // Whoever stops waiting now has a job all the same, which must be known to be ended.
                let sent = tokio::spawn(async move {
                    let answer = scheduler.execute_query(request).await?;
                    Ok(answer.map(|answer| match answer.result {
                        Some(Answered::Success(taken)) => Ok(sending.sent(taken.job_id)),
                        refused => Err(refused),
                    }))
                });
                async move {
                    sent.await
                        .map_err(|error| Status::aborted(error.to_string()))?
                }
            })
            .await?;
        match sent {
            Ok(job) => Ok(job),
            Err(Some(Answered::Failure(refused))) => {
                let why = refused.failure.map(|why| match why {
                    Failure::SessionNotFound(why)
                    | Failure::PlanParsingFailure(why)
                    | Failure::SqlParsingFailure(why) => why,
                });
                Err(heard(&why.unwrap_or_default()).into())
            }
            Err(_) => Err(self.lost("its scheduler gave no answer").into()),
        }
    }

    async fn wait(
        &self,
        scheduler: &Scheduler,
        id: &str,
    ) -> Result<(SuccessfulJob, Option<FlightProxy>), End> {
        let mut last_known = Instant::now();
        let mut last_look = last_known;
        let mut pauses = PAUSES.iter();
        let mut pause = PAUSES[0];
        loop {
            let answer = self
                .insist(|| {
                    let mut scheduler = scheduler.clone();
                    let job_id = id.to_owned();
                    async move {
                        scheduler
                            .get_job_status(GetJobStatusParams { job_id })
                            .await
                    }
                })
                .await?;
            match answer.status.and_then(|status| status.status) {
                Some(JobStatus::Successful(done)) => return Ok((done, answer.flight_proxy)),
                Some(JobStatus::Failed(failed)) => return Err(heard(&failed.error).into()),
                Some(JobStatus::Queued(_) | JobStatus::Running(_)) => last_known = Instant::now(),
                // It was started again, and has forgotten.
                None if last_known.elapsed() > UNKNOWN => {
                    return Err(End::Lost(self.lost("its scheduler has forgotten it")));
                }
                None => {}
            }
            if last_look.elapsed() > LOOK {
                last_look = Instant::now();
                self.look(id).await;
            }
            sleep(pause).await;
            pause = pauses.next().copied().unwrap_or(pause);
        }
    }

    /// Finds out how far the job is, for whoever watches.
    async fn look(&self, id: &str) {
        let Ok(stages) = self.stages(id).await else {
            return;
        };
        let mut tasks = Tasks::default();
        for stage in stages {
            tasks.of_stages += 1;
            tasks.stages += usize::from(stage.stage_status == "Successful");
            for task in stage.tasks.into_iter().flatten() {
                tasks.done += usize::from(task.is("Successful"));
                tasks.running += usize::from(task.is("Running"));
            }
        }
        *self.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
    }

    /// Whether each task of a job that is done was done once; where nobody can say, it was not.
    async fn has_gone_well(&self, id: &str) -> bool {
        let stages = self.stages(id).await.unwrap_or_default();
        let mut tasks = stages.iter().flat_map(|stage| stage.tasks.iter().flatten());
        !stages.is_empty() && tasks.all(|task| task.is("Successful"))
    }

    async fn stages(&self, id: &str) -> Result<Vec<Stage>, Error> {
        #[derive(Deserialize)]
        struct Stages {
            stages: Vec<Stage>,
        }
        let path = format!("/api/job/{id}/stages");
        let Stages { stages } = self.cluster.contact.get(&path).await?;
        Ok(stages)
    }

    /// Asks until there is an answer.
    async fn insist<T, Answer>(&self, ask: impl Fn() -> Answer) -> Result<T, End>
    where
        Answer: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let since = Instant::now();
        loop {
            let refused = match ask().await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(refused) => refused,
            };
            let is_silent = matches!(
                refused.code(),
                Code::Unavailable | Code::Unknown | Code::DeadlineExceeded | Code::Cancelled
            );
            if !is_silent {
                return Err(heard(refused.message()).into());
            }
            if since.elapsed() > SILENCE {
                return Err(self.silent().into());
            }
            sleep(LOOK).await;
        }
    }

    async fn fetch(
        &self,
        locations: Vec<PartitionLocation>,
        proxy: Option<&FlightProxy>,
        memory: &MemoryReservation,
    ) -> Result<Vec<RecordBatch>, End> {
        let tls = &self.cluster.contact.tls;
        let mut batches = vec![];
        for location in locations {
            if let Some(stats) = &location.partition_stats {
                if stats.num_rows == 0 {
                    continue;
                }
                self.fetched
                    .add(usize::try_from(stats.num_bytes).unwrap_or(0));
            }
            let lost = |error: String| {
                let why = said(&error);
                End::Lost(self.lost(&format!("its rows cannot be fetched: {why}")))
            };
            let layout = location.layout();
            let (Some(executor), Some(partition)) = (location.executor_meta, location.partition_id)
            else {
                return Err(lost("nobody has them".to_owned()));
            };
            let port = u16::try_from(executor.port).map_err(|error| lost(error.to_string()))?;
            let (host, from) = match proxy {
                Some(FlightProxy::Local(true)) => (
                    self.cluster.contact.address.host(),
                    self.cluster.contact.address.port,
                ),
                _ => (executor.host.clone(), port),
            };
            let mut client = BallistaClient::try_new(
                &host,
                from,
                MOST_BYTES as usize,
                tls.is_on(),
                tls.clients()
                    .map(BallistaConfigGrpcEndpoint::new)
                    .map(Arc::new),
                3,
                500,
                0,
                0,
            )
            .await
            .map_err(|error| lost(error.to_string()))?;
            let mut rows = client
                .fetch_partition_proxied(
                    &executor.id,
                    &partition.into(),
                    location.file_id,
                    layout,
                    &executor.host,
                    port,
                    true,
                )
                .await
                .map_err(|error| lost(error.to_string()))?;
            while let Some(batch) = rows
                .try_next()
                .await
                .map_err(|error| lost(error.to_string()))?
            {
                memory.try_grow(batch.get_array_memory_size())?;
                batches.push(self.named(batch)?);
            }
        }
        Ok(batches)
    }

    /// The batch under the schema that the plan above counts on.
    fn named(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let (_, columns, rows) = batch.into_parts();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }

    fn lost(&self, why: &str) -> DataFusionError {
        let address = &self.cluster.contact.address;
        Error::new(format!("the cluster {address} has lost a job: {why}"))
            .hint("have its scheduler or executors been stopped?")
            .into()
    }

    fn silent(&self) -> DataFusionError {
        Error::new(format!(
            "the cluster {} has not answered for {} s",
            self.cluster.contact.address,
            SILENCE.as_secs()
        ))
        .hint("is its scheduler still running?")
        .into()
    }
}
