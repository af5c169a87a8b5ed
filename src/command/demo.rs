//! `demo DIR`: the built-in example written out as files, to look into and to change.

use super::Outcome;
use crate::cli::{FolderArgs, Options};
use crate::demo;
use crate::error::Result;
use crate::output::Notes;

pub(super) fn run(args: &FolderArgs, options: &Options) -> Result<Outcome> {
    let files = demo::write(&args.folder)?;
    let notice = format!("{} files are in {}", files.len(), args.folder.display());
    Notes::new(options.quiet).notice(&notice);
    Ok(Outcome::Done)
}
