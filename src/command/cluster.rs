//! `cluster`: runs a scheduler or an executor, until it is ended.

use super::workplace::settings;
use super::{Outcome, unless_ended};
use crate::cli::{ClusterCommand, Options};
use crate::cluster;
use crate::error::Result;
use crate::output::Notes;

pub(super) async fn run(command: &ClusterCommand, options: &Options) -> Result<Outcome> {
    let notes = Notes::new(options.quiet);
    let settings = settings(options, Notes::new(true))?;
    match command {
        ClusterCommand::Scheduler(args) => {
            unless_ended(cluster::schedule(args, &settings, notes)).await?;
        }
        // It hears signals itself, and lets its tasks end.
        ClusterCommand::Executor(args) => cluster::execute(args, &settings, notes).await?,
    }
    Ok(Outcome::Done)
}
