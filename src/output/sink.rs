//! Where results go: whole or not at all.
//!
//! On standard output a statement's result appears when its last row has come. With `-o`, all
//! statements' results go into a temporary file beside the one asked for, which takes its name
//! when everything has succeeded; before that an older file of the name stays as it was. What
//! never happens: a reader finds part of a result and takes it for the whole.

use super::draft::Draft;
use super::{Out, pager};
use crate::error::{Error, Result, reason};
use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, SpooledTempFile};

/// A result larger than this waits on disk.
const SPOOL_BYTES: usize = 16 << 20;

/// Whether somebody still reads the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Present,
    /// As in `apportion … | head -1`: no error, but no reason to go on.
    Gone,
}

#[derive(Debug)]
pub struct Sink(Kind);

enum Kind {
    /// Standard output, or a path that cannot be replaced: a pipe, a device.
    Stream {
        pending: BufWriter<SpooledTempFile>,
        stream: Box<dyn Write>,
        /// Whether the stream is a terminal that a person looks at.
        is_screen: bool,
        is_paged: bool,
    },
    /// `complete` bytes come from statements that succeeded.
    File {
        pending: BufWriter<Draft>,
        path: PathBuf,
        complete: u64,
    },
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream { .. } => f.write_str("a stream"),
            Self::File { path, .. } => write!(f, "a file, {}", path.display()),
        }
    }
}

impl Sink {
    /// Opens standard output, or a file. What cannot be written fails here, before a query runs.
    pub fn open(destination: Option<&Path>) -> Result<Self> {
        match destination {
            None => Ok(Self::stdout()),
            Some(path) if path == Path::new("-") => Ok(Self::stdout()),
            Some(path) if path.to_string_lossy().contains("://") => Err(Error::new(format!(
                "cannot write to `{}`: results go to files and standard output",
                path.display()
            ))
            .hint("write a file with `-o FILE`, then copy it there")),
            Some(path) => Self::open_file(path).map_err(|error| unwritable(path, &error)),
        }
    }

    fn open_file(path: &Path) -> io::Result<Self> {
        // A link keeps its name: the file that it leads to is the one replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let existing = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let stream = OpenOptions::new().write(true).open(&path)?;
                return Ok(Self::stream(stream, false));
            }
            Ok(found) if found.permissions().readonly() => {
                return Err(ErrorKind::PermissionDenied.into());
            }
            Ok(found) => Some(found.permissions()),
            Err(_) => None,
        };
        let mut builder = Builder::new();
        builder.prefix(".apportion-").suffix(".part");
        if let Some(permissions) = existing.or_else(usual_permissions) {
            builder.permissions(permissions);
        }
        let pending = BufWriter::new(Draft::new(builder.tempfile_in(folder_of(&path))?));
        Ok(Self(Kind::File {
            pending,
            path,
            complete: 0,
        }))
    }

    fn stdout() -> Self {
        let stdout = io::stdout();
        let is_screen = stdout.is_terminal();
        Self::stream(stdout, is_screen)
    }

    fn stream(stream: impl Write + 'static, is_screen: bool) -> Self {
        let pending = BufWriter::new(SpooledTempFile::new(SPOOL_BYTES));
        Self(Kind::Stream {
            pending,
            stream: Box::new(stream),
            is_screen,
            is_paged: false,
        })
    }

    pub(super) fn is_screen(&self) -> bool {
        matches!(self.0, Kind::Stream { is_screen, .. } if is_screen)
    }

    /// The file that the results become.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.0 {
            Kind::File { path, .. } => Some(path),
            Kind::Stream { .. } => None,
        }
    }

    pub(super) fn page(&mut self, is_wanted: bool) {
        if let Kind::Stream {
            is_paged,
            is_screen,
            ..
        } = &mut self.0
        {
            *is_paged = is_wanted && *is_screen;
        }
    }

    /// Where a result is written while it may still fail.
    pub(super) fn pending(&mut self) -> &mut Out {
        match &mut self.0 {
            Kind::Stream { pending, .. } => pending,
            Kind::File { pending, .. } => pending,
        }
    }

    /// Hands over what was written: it is complete.
    pub(super) fn commit(&mut self) -> Result<Reader> {
        match &mut self.0 {
            Kind::File {
                pending, complete, ..
            } => *complete = pending.stream_position()?,
            Kind::Stream {
                pending,
                stream,
                is_paged,
                ..
            } => {
                pending.flush()?;
                if *is_paged && pager::show(pending.get_mut())? {
                    self.discard()?;
                    return Ok(Reader::Present);
                }
                pending.rewind()?;
                let copied = io::copy(pending.get_mut(), stream).and_then(|_| stream.flush());
                match copied {
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Reader::Gone),
                    other => other?,
                }
                self.discard()?;
            }
        }
        Ok(Reader::Present)
    }

    /// Drops what was written since the last commit.
    pub(super) fn discard(&mut self) -> Result<()> {
        match &mut self.0 {
            Kind::Stream { pending, .. } => {
                pending.rewind()?;
                pending.get_mut().set_len(0)?;
            }
            Kind::File {
                pending, complete, ..
            } => {
                pending.seek(SeekFrom::Start(*complete))?;
                pending.get_ref().file().set_len(*complete)?;
            }
        }
        Ok(())
    }

    /// Gives the file its name, once its bytes are on the disk.
    pub(super) fn finish(self) -> Result<()> {
        let Kind::File { pending, path, .. } = self.0 else {
            return Ok(());
        };
        let named = || -> io::Result<()> {
            let draft = pending
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            draft.synced()?.persist(&path)?;
            // The name itself is on the disk when the folder is.
            if cfg!(unix) {
                File::open(folder_of(&path))?.sync_all()
            } else {
                Ok(())
            }
        };
        named().map_err(|error| unwritable(&path, &error))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(format!(
        "cannot write `{}`: {}",
        path.display(),
        reason(error)
    ))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are private; a result is as readable as any file its user makes.
fn usual_permissions() -> Option<Permissions> {
    #[cfg(unix)]
    let usual = Some(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    #[cfg(not(unix))]
    let usual = None;
    usual
}
