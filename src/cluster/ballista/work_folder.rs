//! [`WorkFolder`]: where an executor keeps what stages hand to each other, and what does not fit into memory.

use crate::error::{Error, Result, reason};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PREFIX: &str = "apportion-executor-";
/// Locked for as long as its executor lives.
const LOCK: &str = "lock";

#[derive(Debug)]
pub(super) struct WorkFolder {
    folder: TempDir,
    pub(super) limit: u64,
    _lock: File,
}

impl WorkFolder {
    /// A new one, gone with its executor. What executors have left there that were killed goes as well.
    pub(super) fn open(parent: &Path, limit: u64) -> Result<Self> {
        let refused = |error: &std::io::Error| {
            let parent = parent.display();
            Error::new(format!("cannot work in `{parent}`: {}", reason(error)))
                .hint("`--work-folder` names a folder that can be written")
        };
        fs::create_dir_all(parent).map_err(|error| refused(&error))?;
        remove_abandoned(parent);
        let open = || {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
            let lock = File::create(folder.path().join(LOCK))?;
            lock.lock()?;
            let opened = Self {
                folder,
                limit,
                _lock: lock,
            };
            fs::create_dir(opened.jobs())?;
            fs::create_dir(opened.spilled())?;
            Ok(opened)
        };
        open().map_err(|error| refused(&error))
    }

    /// What stages hand to each other.
    pub(super) fn jobs(&self) -> PathBuf {
        self.folder.path().join("jobs")
    }

    /// What does not fit into memory.
    pub(super) fn spilled(&self) -> PathBuf {
        self.folder.path().join("spilled")
    }

    /// At the end: who shares it may outlive what counts its owners.
    pub(super) fn remove(&self) {
        let _ = fs::remove_dir_all(self.folder.path());
    }

    pub(super) fn is_full(&self) -> bool {
        size(self.folder.path()) > self.limit
    }
}

fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = File::open(entry.path().join(LOCK));
        if let Ok(lock) = lock.as_ref()
            && is_one
            && !matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Files come and go meanwhile: what cannot be looked at is not there.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let about = entry.metadata().ok()?;
        Some(if about.is_dir() {
            size(&entry.path())
        } else {
            about.len()
        })
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_bounded_and_goes_with_its_executor() {
        let parent = tempfile::tempdir().unwrap();
        let folder = WorkFolder::open(parent.path(), 10).unwrap();
        fs::write(folder.jobs().join("a"), [0; 10]).unwrap();
        assert!(!folder.is_full());
        fs::write(folder.spilled().join("b"), [0; 1]).unwrap();
        assert!(folder.is_full());
        let kept = folder.jobs();
        let other = WorkFolder::open(parent.path(), 10).unwrap();
        assert!(kept.exists(), "who lives keeps its folder");
        drop(folder);
        drop(other);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_abandoned_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let abandoned = parent.path().join("apportion-executor-killed");
        let foreign = parent.path().join("mine");
        for folder in [&abandoned, &foreign] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(LOCK), []).unwrap();
        }
        let _folder = WorkFolder::open(parent.path(), 10).unwrap();
        assert!(!abandoned.exists() && foreign.exists());
    }
}
