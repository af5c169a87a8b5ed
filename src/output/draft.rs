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
}

impl Draft {
    pub(super) fn new(file: NamedTempFile) -> Self {
        Self {
            file,
            written: 0,
            syncing: None,
        }
    }

    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// The file, all of it on the disk.
    pub(super) fn synced(mut self) -> io::Result<NamedTempFile> {
        self.wait()?;
        self.file.as_file().sync_all()?;
        Ok(self.file)
    }

    /// Sends on what there is, unless the disk is still busy with what there was.
    fn send_on(&mut self) -> io::Result<()> {
        if self.syncing.as_ref().is_some_and(|one| !one.is_finished()) {
            return Ok(());
        }
        self.wait()?;
        self.written = 0;
        let file = self.file.as_file().try_clone()?;
        self.syncing = Some(thread::Builder::new().spawn(move || file.sync_data())?);
        Ok(())
    }

    /// What the disk refuses it says to the first who asks, and to nobody after.
    fn wait(&mut self) -> io::Result<()> {
        match self.syncing.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(synced)) => synced,
            Some(Err(_)) => Err(io::Error::other("what waited for the disk broke off")),
        }
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
