//! What most verbs work with: a session, a place for results, a voice for notices.

use crate::cli::Options;
use crate::config::{self, FILE_NAME, Settings};
use crate::error::{Error, Result};
use crate::output::{Notes, Output};
use crate::session::Session;
use std::rc::Rc;

pub(crate) struct Workplace {
    pub(crate) session: Rc<Session>,
    pub(crate) output: Output,
    /// Where the answers of statements go, if not where all else goes.
    pub(crate) redirected: Option<Output>,
    pub(crate) notes: Notes,
    pub(crate) timing: Timing,
}

/// Where the user is told how long a statement took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    Off,
    /// Beside the results.
    Noted,
    /// Below the rows, in the formats that say how many there are.
    Below,
}

impl Workplace {
    /// Opens the session that the options ask for. The output comes first: a file that cannot be
    /// written is known before anything is read.
    pub(crate) async fn open(options: &Options) -> Result<Self> {
        let output = Output::open(options.format, options.output.as_deref())?;
        let notes = Notes::new(options.quiet);
        let session = session(options, notes).await?;
        Ok(Self {
            session: Rc::new(session),
            output,
            redirected: None,
            notes,
            timing: Timing::Noted,
        })
    }

    /// Where the answers of statements go.
    pub(crate) fn results(&mut self) -> &mut Output {
        self.redirected.as_mut().unwrap_or(&mut self.output)
    }

    /// The session, to be changed: while nobody else looks into it.
    pub(crate) fn session_mut(&mut self) -> Result<&mut Session> {
        Rc::get_mut(&mut self.session).ok_or_else(|| Error::new("the session is in use"))
    }
}

async fn session(options: &Options, notes: Notes) -> Result<Session> {
    if options.demo {
        if options.config.is_some() {
            return Err(Error::new("`--demo` and `--config` exclude each other"));
        }
        return Session::open_demo(&with_flags(Settings::default(), options)).await;
    }
    Session::open(&settings(options, notes)?).await
}

/// What the project's file says, under what was typed.
pub(crate) fn settings(options: &Options, notes: Notes) -> Result<Settings> {
    let path = match &options.config {
        Some(path) => Some(path.clone()),
        None => config::find()?,
    };
    let settings = if let Some(path) = path {
        config::load(&path)?
    } else {
        notes.notice(&format!(
            "no {FILE_NAME} here or above; `--demo` uses the built-in example"
        ));
        Settings::default()
    };
    Ok(with_flags(settings, options))
}

/// What was typed now holds over what was written before.
fn with_flags(settings: Settings, options: &Options) -> Settings {
    Settings {
        threads: options.threads.map(Into::into).or(settings.threads),
        memory_limit: options.memory_limit.or(settings.memory_limit),
        cluster: options.cluster.clone().or(settings.cluster),
        quiet: options.quiet,
        ..settings
    }
}
