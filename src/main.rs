//! Parse, run, print the error, return the exit code.

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

/// Large blocks of memory come from the system and go back to it.
///
/// glibc takes them from its heap once a first one has been let go, and what lies between others stays.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a setting of the C library that nothing wraps")]
fn give_back_large_blocks() {
    const LARGE: i32 = 4 << 20;
    // SAFETY: it sets a number, and there is no other thread yet.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back_large_blocks() {}

fn start() -> Result<Outcome> {
    give_back_large_blocks();
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
