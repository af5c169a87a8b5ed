//! Saved queries that are edited while the prompt is open are used as they are now.

use crate::command::Workplace;
use crate::error::Result;
use crate::session::Session;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The files of the project's queries, as they were when they were read.
pub(super) struct Edited(Files);

type Files = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Edited {
    pub(super) fn since_now(session: &Session) -> Self {
        Self(files(session))
    }

    /// Reads the queries again if a file has come, gone or changed. A broken one is told of when it is
    /// called.
    pub(super) fn reread(&mut self, workplace: &mut Workplace) -> Result<()> {
        let now = files(&workplace.session);
        if now != self.0 {
            workplace.session_mut()?.refresh()?;
            self.0 = now;
        }
        Ok(())
    }
}

fn files(session: &Session) -> Files {
    let mut files = Files::new();
    for folder in session.query_folders() {
        gather(folder, &mut files);
    }
    files
}

fn gather(folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, files);
        } else if let Ok(about) = entry.metadata() {
            files.insert(path, (about.modified().ok(), about.len()));
        }
    }
}
