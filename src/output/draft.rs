//! [`Draft`]: a temporary file that goes to the disk while it is written.
//!
//! A result takes its name when its bytes are on the disk. Were they asked for only then, the disk would
//! have rested while the rows were made, and whoever waits for them would wait for the disk as well.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::thread::{self, JoinHandle};
use tempfile::NamedTempFile;

/// So many bytes are worth a way to the disk of their own.
const AT_ONCE: usize = 32 << 20;

pub(super) struct Draft {
    file: NamedTempFile,
    /// Since the disk was last asked for what there is.
    written: usize,
    syncing: Option<JoinHandle<io::Result<()>>>,
    /// The disk says so once; the file is no result any more.
    is_refused: bool,
}

impl Draft {
    pub(super) fn new(file: NamedTempFile) -> Self {
        Self {
            file,
            written: 0,
            syncing: None,
            is_refused: false,
        }
    }

    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// The file, all of it on the disk.
    pub(super) fn synced(mut self) -> io::Result<NamedTempFile> {
        self.wait()?;
        if self.is_refused {
            return Err(io::Error::other("the disk has refused a part of it"));
        }
        self.file.as_file().sync_all()?;
        Ok(self.file)
    }

    /// Sends on what there is, unless the disk is still busy with what there was. Where that cannot be
    /// done beside the writing, it is done at the end.
    fn send_on(&mut self) -> io::Result<()> {
        if self.syncing.as_ref().is_some_and(|one| !one.is_finished()) {
            return Ok(());
        }
        self.wait()?;
        self.written = 0;
        if let Ok(file) = self.file.as_file().try_clone() {
            let sync = thread::Builder::new().spawn(move || file.sync_data());
            self.syncing = sync.ok();
        }
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        let synced = match self.syncing.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(synced)) => synced,
            Some(Err(_)) => Err(io::Error::other("what waited for the disk broke off")),
        };
        self.is_refused |= synced.is_err();
        synced
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written;
        if self.written >= AT_ONCE {
            self.send_on()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Draft {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_has_refused_once_is_no_result() {
        let mut draft = Draft::new(NamedTempFile::new().unwrap());
        draft.write_all(b"a result").unwrap();
        draft.syncing = Some(thread::spawn(|| Err(io::ErrorKind::StorageFull.into())));
        assert_eq!(draft.wait().unwrap_err().kind(), io::ErrorKind::StorageFull);
        draft.write_all(b"and another").unwrap();
        draft.send_on().unwrap();
        assert!(draft.synced().is_err());
        let mut draft = Draft::new(NamedTempFile::new().unwrap());
        draft.write_all(b"a result").unwrap();
        draft.send_on().unwrap();
        assert!(draft.synced().is_ok());
    }
}
