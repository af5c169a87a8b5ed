//! `demo DIR`: the built-in example written out as files, to look into and to change.

use super::Outcome;
use crate::cli::{FolderArgs, Options};
use crate::demo;
use crate::error::{Error, Result, reason};
use crate::output::Notes;
use std::fs;

pub(super) fn run(args: &FolderArgs, options: &Options) -> Result<Outcome> {
    let shown = args.folder.display();
    fs::create_dir_all(&args.folder).map_err(|error| {
        let reason = reason(&error);
        Error::new(format!("cannot make the folder `{shown}`: {reason}"))
    })?;
    let files = demo::write(&args.folder)?;
    let notice = format!("{} files are in {shown}", files.len());
    Notes::new(options.quiet).notice(&notice);
    Ok(Outcome::Done)
}
