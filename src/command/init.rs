//! `init DIR`: a starter project, its settings explained in comments, and how to tag calls so that their
//! customer survives into the bill.

use super::Outcome;
use crate::cli::{FolderArgs, Options};
use crate::config::FILE_NAME;
use crate::error::{Error, Result, reason};
use crate::output::Notes;
use std::fs;
use std::path::Path;

const SETTINGS: &str = include_str!("starter/apportion.toml");
const TAGGING: &str = include_str!("starter/tagging.md");
const QUERY: &str = include_str!("starter/calls_by_customer.sql");

pub(super) fn run(args: &FolderArgs, options: &Options) -> Result<Outcome> {
    make_empty(&args.folder)?;
    let queries = args.folder.join("queries");
    fs::create_dir(&queries)?;
    fs::write(args.folder.join(FILE_NAME), SETTINGS)?;
    fs::write(args.folder.join("tagging.md"), TAGGING)?;
    fs::write(queries.join("calls_by_customer.sql"), QUERY)?;
    let path = args.folder.join(FILE_NAME);
    Notes::new(options.quiet).notice(&format!("name your files in {}", path.display()));
    Ok(Outcome::Done)
}

/// New or empty, so that nothing of the user's is overwritten.
fn make_empty(folder: &Path) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).map_err(|error| {
        Error::new(format!(
            "cannot make the folder `{shown}`: {}",
            reason(&error)
        ))
    })?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(Error::new(format!("the folder `{shown}` is not empty"))
            .hint("name a new folder: nothing is overwritten"));
    }
    Ok(())
}
