//! Parse, run, print the error, return the exit code.

mod allocator;

use apportion::cli::Cli;
use apportion::command::{self, Outcome, usage};
use apportion::error::Result;
use apportion::output::report;
use apportion::panic;
use clap::Parser;
use std::process::ExitCode;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    match start() {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            report(&error);
            ExitCode::from(2)
        }
    }
}

fn start() -> Result<Outcome> {
    allocator::say_how_the_system_allocates();
    panic::keep_for_the_error();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return usage::explain(&answer),
    };
    let runtime = Runtime::new()?;
    let outcome = runtime.block_on(command::run(cli));
    // What was interrupted is not waited for.
    runtime.shutdown_background();
    outcome
}
