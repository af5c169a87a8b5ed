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

/// glibc asks only while a program is loaded how its allocator is to behave: where nobody has said so, the
/// program is loaded once more.
///
/// Pages are huge where the system has such. Large blocks come from the system and go back to it; from
/// the heap they would be taken once a first one has been let go, and what lies between others stays.
/// Some room at the heap's end is kept, and a heap begins with as much. A thread keeps small blocks that it
/// lets go, for planning asks for the like again and again.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn say_how_memory_is_allocated() {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const HOW: &str = "GLIBC_TUNABLES";
    if env::var_os(HOW).is_some() {
        return;
    }
    // By its own path: who looks at what runs sees its name.
    let Ok(own) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut again = Command::new(own);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let how = [
        "glibc.malloc.hugetlb=1",
        "glibc.malloc.mmap_threshold=4194304",
        "glibc.malloc.trim_threshold=16777216",
        "glibc.malloc.top_pad=16777216",
        "glibc.malloc.tcache_count=400",
    ];
    // It comes back only where it cannot be done, and then all works without.
    let _ = again.args(arguments).env(HOW, how.join(":")).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn say_how_memory_is_allocated() {}

fn start() -> Result<Outcome> {
    say_how_memory_is_allocated();
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
