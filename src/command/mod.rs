//! One file per verb. A verb opens what it needs, writes through [`Output`], and says how it ended.

pub mod usage;

mod check;
mod cluster;
mod completions;
mod demo;
mod describe;
mod import;
mod init;
mod interrupt;
mod list;
mod man;
mod prices;
mod run;
mod script;
mod sources;
mod sql;
mod workplace;

pub(crate) use describe::describe;
use interrupt::unless_ended;
pub(crate) use interrupt::unless_interrupted;
pub(crate) use list::{Listed, list};
pub(crate) use script::{Script, answer};
pub(crate) use workplace::{Timing, Workplace};

use crate::cli::{Cli, Command, Options};
use crate::error::Result;
use crate::prompt;
use std::io::{IsTerminal, stdin};
use std::process::ExitCode;

/// How a command ended, if not with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// An error-level check found something.
    Found,
    /// By Ctrl-C.
    Interrupted,
}

impl Outcome {
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Found => 1,
            Self::Interrupted => 130,
        })
    }
}

/// Runs what was typed.
pub async fn run(cli: Cli) -> Result<Outcome> {
    let Cli { options, command } = cli;
    if command.is_none() && stdin().is_terminal() {
        return Box::pin(prompt::run(&options)).await;
    }
    let is_told_itself = matches!(command, Some(Command::Cluster(_)));
    // On the heap: together the verbs' states are large.
    let verb = Box::pin(verb(command, options));
    if is_told_itself {
        return verb.await;
    }
    Ok(unless_ended(verb).await?.unwrap_or(Outcome::Interrupted))
}

async fn verb(command: Option<Command>, options: Options) -> Result<Outcome> {
    match command {
        None => sql::run_stdin(&options).await,
        Some(Command::Sql(args)) => sql::run(args, &options).await,
        Some(Command::Run(args)) => run::run(args, options).await,
        Some(Command::List) => list::run(&options).await,
        Some(Command::Sources) => sources::run(&options),
        Some(Command::Describe(args)) => describe::run(&args, &options).await,
        Some(Command::Import(args)) => import::run(&args, &options).await,
        Some(Command::Prices(command)) => prices::run(&command, &options).await,
        Some(Command::Check(args)) => Box::pin(check::run(&args, &options)).await,
        Some(Command::Cluster(command)) => cluster::run(&command, &options).await,
        Some(Command::Init(args)) => init::run(&args, &options),
        Some(Command::Demo(args)) => demo::run(&args, &options),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man) => man::run(),
    }
}
