//! [`Contact`]: how a scheduler is spoken to, and what it says of itself, its executors and its jobs.

use super::address::Address;
use super::build;
use super::tls::Tls;
use crate::error::{Error, Result};
use ballista_core::JobId;
use ballista_core::serde::protobuf::GetJobStatusParams;
use ballista_core::serde::protobuf::job_status::Status;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::utils::{GrpcClientConfig, create_grpc_client_endpoint};
use reqwest::{Client, ClientBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tonic::transport::Channel;

/// No plan and no batch is larger.
pub(super) const MOST_BYTES: u32 = 256 << 20;

/// Who takes jobs.
pub(super) type Scheduler = SchedulerGrpcClient<Channel>;

#[derive(Debug, Clone)]
pub(super) struct Contact {
    pub(super) address: Address,
    pub(super) tls: Tls,
    http: Client,
}

#[derive(Deserialize)]
struct State {
    scheduler_id: String,
}

#[derive(Deserialize)]
struct Executor {
    id: String,
    specification: Specification,
}

#[derive(Deserialize)]
struct Specification {
    vcores: usize,
}

impl Contact {
    pub(super) fn new(address: Address, tls: Tls) -> Result<Self> {
        // What stands between this machine and the world does not stand before a cluster.
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5));
        let http = tls.http(client).and_then(ClientBuilder::build);
        let http = http.map_err(|error| unusable(&error))?;
        Ok(Self { address, tls, http })
    }

    /// Connects when it is asked something, and again when it has to.
    pub(super) fn scheduler(&self) -> Result<Scheduler> {
        let limits = GrpcClientConfig::default();
        let endpoint = create_grpc_client_endpoint(self.url(), Some(&limits))
            .map_err(|error| unusable(&error))?;
        let endpoint = self.tls.endpoint(endpoint);
        let endpoint = endpoint.map_err(|error| unusable(error.as_ref()))?;
        Ok(SchedulerGrpcClient::new(endpoint.connect_lazy())
            .max_decoding_message_size(MOST_BYTES as usize)
            .max_encoding_message_size(MOST_BYTES as usize))
    }

    fn url(&self) -> String {
        self.address.url(self.tls.scheme())
    }

    /// Whether the scheduler is of this build.
    pub(super) async fn check_scheduler(&self) -> Result<()> {
        let scheduler: State = self.get("/api/state").await?;
        self.same_build("scheduler", &scheduler.scheduler_id)
    }

    /// How many tasks the executors run at a time, if they are of this build.
    pub(super) async fn cores(&self) -> Result<usize> {
        let executors: Vec<Executor> = self.get("/api/executors").await?;
        for executor in &executors {
            self.same_build("executor", &executor.id)?;
        }
        let cores = executors.iter().map(|each| each.specification.vcores);
        Ok(cores.sum())
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.url());
        let answer = self.http.get(url).send().await;
        let answer = match answer.and_then(Response::error_for_status) {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| {
            let is_silent = error.is_timeout() || error.is_connect();
            self.unreached(&error, is_silent)
        })?;
        serde_json::from_slice(&answer).map_err(|error| self.unreached(&error, false))
    }

    fn unreached(&self, error: &dyn std::error::Error, is_silent: bool) -> Error {
        let address = &self.address;
        let cause = innermost(error);
        Error::new(format!("the cluster {address} cannot be reached: {cause}")).hint(
            if self.tls.is_on() {
                "is its scheduler running there, with a certificate of the same authority? \
                 `[cluster]` in the config names this side's"
            } else if is_silent {
                "is its scheduler running there? `apportion cluster scheduler` starts one"
            } else {
                "is that a scheduler, and does it ask for certificates? `[cluster]` in the config names them"
            },
        )
    }

    fn same_build(&self, what: &str, name: &str) -> Result<()> {
        if build::is_ours(name) {
            return Ok(());
        }
        let (address, theirs, ours) = (&self.address, build::of(name), build::here());
        Err(Error::new(format!(
            "the {what} of {address} is {theirs}, this apportion is {ours}"
        ))
        .hint("all parts of a cluster, and who asks it, must be of one build"))
    }
}

/// Whether nobody waits for a job any more, as far as its scheduler can be heard.
pub(super) async fn is_over(job: &JobId, scheduler: &Scheduler) -> bool {
    let job_id = job.to_string();
    let mut scheduler = scheduler.clone();
    let asked = scheduler
        .get_job_status(GetJobStatusParams { job_id })
        .await;
    asked.is_ok_and(|answer| {
        let status = answer.into_inner().status.and_then(|status| status.status);
        matches!(status, None | Some(Status::Failed(_)))
    })
}

fn unusable(error: &dyn std::error::Error) -> Error {
    Error::new(format!("no connection can be made: {}", innermost(error)))
}

/// What lies below all layers.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}
