//! `completions SHELL`: what makes a shell complete commands and options.

use super::Outcome;
use crate::cli::{Cli, CompletionsArgs};
use crate::error::Result;
use crate::output::Output;
use clap::CommandFactory;

pub(super) fn run(args: &CompletionsArgs) -> Result<Outcome> {
    let mut output = Output::open(None, None)?;
    output.text(|_, out| {
        // On its way to a file the generator would take a write error for a bug.
        let mut text = Vec::new();
        clap_complete::generate(args.shell, &mut Cli::command(), "apportion", &mut text);
        Ok(out.write_all(&text)?)
    })?;
    Ok(Outcome::Done)
}
