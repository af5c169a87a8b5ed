//! [`Rest`]: what a scheduler says of itself, its executors and its jobs.

use super::address::Address;
use super::build;
use crate::error::{Error, Result};
use reqwest::{Client, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

#[derive(Debug, Clone)]
pub(super) struct Rest {
    pub(super) address: Address,
    http: Client,
}

#[derive(Deserialize)]
struct Scheduler {
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

impl Rest {
    pub(super) fn new(address: Address) -> Result<Self> {
        // What stands between this machine and the world does not stand before a cluster.
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| Error::new(error.to_string()))?;
        Ok(Self { address, http })
    }

    /// Whether the scheduler is of this build.
    pub(super) async fn check_scheduler(&self) -> Result<()> {
        let scheduler: Scheduler = self.get("/api/state").await?;
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
        let url = format!("{}{path}", self.address.http());
        let answer = self.http.get(url).send().await;
        let answer = match answer.and_then(Response::error_for_status) {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| self.unreached(&error))?;
        serde_json::from_slice(&answer).map_err(|error| self.unreached(&error))
    }

    fn unreached(&self, error: &dyn std::error::Error) -> Error {
        let address = &self.address;
        let cause = innermost(error);
        Error::new(format!("the cluster {address} cannot be reached: {cause}"))
            .hint("is its scheduler running there? `apportion cluster scheduler` starts one")
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

/// What lies below all layers.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}
