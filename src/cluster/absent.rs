//! What a build without clusters says where one is asked for.

use super::Tasks;
use crate::cli::{ExecutorArgs, SchedulerArgs};
use crate::config::{Certificates, Settings};
use crate::error::{Error, Result};
use crate::output::Notes;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum Cluster {}

#[derive(Debug)]
pub(crate) enum LastWord {}

impl Cluster {
    #[allow(clippy::unused_async, reason = "as it is where there are clusters")]
    pub(crate) async fn connect(_: &str, _: Option<&Certificates>) -> Result<Self> {
        Err(absent())
    }

    pub(crate) fn cores(&self) -> usize {
        match *self {}
    }

    pub(crate) fn last_word(&self) -> LastWord {
        match *self {}
    }

    pub(crate) fn rule(&self) -> Arc<dyn PhysicalOptimizerRule + Send + Sync> {
        match *self {}
    }
}

#[allow(clippy::unused_async, reason = "as it is where there are clusters")]
pub(crate) async fn schedule(_: &SchedulerArgs, _: &Settings, _: Notes) -> Result<()> {
    Err(absent())
}

#[allow(clippy::unused_async, reason = "as it is where there are clusters")]
pub(crate) async fn execute(_: &ExecutorArgs, _: &Settings, _: Notes) -> Result<()> {
    Err(absent())
}

pub(crate) fn tasks(_: &dyn ExecutionPlan) -> Option<Tasks> {
    None
}

fn absent() -> Error {
    Error::new("this build of apportion knows no clusters")
        .hint("build it with `--features cluster`")
}
