//! `man`: the manual page, a section a command.

use super::Outcome;
use crate::cli::Cli;
use crate::error::Result;
use crate::output::Output;
use clap::CommandFactory;
use clap_mangen::Man;

pub(super) fn run() -> Result<Outcome> {
    let mut output = Output::open(None, None)?;
    output.text(|_, out| Ok(Man::new(Cli::command()).render(out)?))?;
    Ok(Outcome::Done)
}
