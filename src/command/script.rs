//! Statements one after another, until the first that fails.

use super::Workplace;
use super::workplace::Timing;
use crate::error::{Error, Place, Result, reason};
use crate::output::{Notes, Progress, Reader};
use crate::session::{Answer, Given, Session};
use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use futures::StreamExt;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;
use tokio::task::spawn_blocking;

/// SQL text and the name by which errors call it.
pub(crate) struct Script {
    name: Option<String>,
    text: String,
}

/// Reads on a thread of its own: who writes what is read may take long, and Ctrl-C is heard meanwhile.
async fn read_apart(
    read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
) -> io::Result<Vec<u8>> {
    spawn_blocking(read).await?
}

impl Script {
    /// Text from the command line or the prompt, where a name would say nothing.
    pub(crate) fn typed(text: String) -> Self {
        Self { name: None, text }
    }

    pub(crate) async fn stdin() -> Result<Self> {
        let bytes = read_apart(|| {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        Self::decoded("stdin".to_owned(), bytes.await?)
    }

    /// `-` is standard input.
    pub(crate) async fn file(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Self::stdin().await;
        }
        let name = path.display().to_string();
        let path = path.to_owned();
        let bytes = read_apart(|| std::fs::read(path))
            .await
            .map_err(|error| Error::new(format!("cannot read `{name}`: {}", reason(&error))))?;
        Self::decoded(name, bytes)
    }

    /// Editors on Windows put a byte order mark in front, which is no part of the SQL.
    fn decoded(name: String, bytes: Vec<u8>) -> Result<Self> {
        match String::from_utf8(bytes) {
            Ok(text) => {
                let text = text
                    .strip_prefix('\u{feff}')
                    .map(str::to_owned)
                    .unwrap_or(text);
                Ok(Self {
                    name: Some(name),
                    text,
                })
            }
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = valid.split(|byte| *byte == b'\n').count();
                Err(Error::new("the text is not UTF-8").at(format!("{name}:{line}")))
            }
        }
    }

    /// Its text as a function has it.
    pub(crate) fn map(self, change: impl FnOnce(&str) -> String) -> Self {
        Self {
            text: change(&self.text),
            ..self
        }
    }

    /// Runs every statement and writes its answer.
    pub(crate) async fn run(self, workplace: &mut Workplace, given: &mut Given) -> Result<Reader> {
        let Self { name, text } = self;
        let single_line = !text.trim().contains('\n');
        let place = |error: Error, line: usize| match &name {
            Some(name) => error.at(format!("{name}:{line}")),
            None if single_line || error.shows_line() => error,
            None => error.at(format!("line {line}")),
        };
        let statements = workplace.session.statements(&text);
        let statements = statements.map_err(|error| match (&name, line_of(&error)) {
            (Some(name), Some(line)) => error.moved(format!("{name}:{line}")),
            (Some(name), None) => error.at(name.as_str()),
            (None, _) => error,
        })?;
        let failed =
            |error: Error, start: Place| place(error.pointing_at_quoted(&text, start), start.line);
        let mut bound = vec![];
        for mut statement in statements {
            let start = statement.start;
            statement
                .bind(given)
                .map_err(|error| failed(error, start))?;
            bound.push(statement);
        }
        given.all_are_used()?;
        for statement in bound {
            let start = statement.start;
            let reader = answer(workplace, async |session| session.execute(statement).await)
                .await
                .map_err(|error| failed(error, start))?;
            if reader == Reader::Gone {
                return Ok(reader);
            }
        }
        Ok(Reader::Present)
    }
}

/// The parser knows lines, but not of which file.
fn line_of(error: &Error) -> Option<String> {
    let (_, line) = error.place()?.rsplit_once("line ")?;
    line.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| line.to_owned())
}

/// Asks the session, and writes the answer: its notices, then its rows. Who waits sees how far it is,
/// and at the end for how long it took.
pub(crate) async fn answer(
    workplace: &mut Workplace,
    ask: impl AsyncFnOnce(&Session) -> Result<Answer>,
) -> Result<Reader> {
    let started = Instant::now();
    let begin = |session: &Session, notes: Notes| {
        let running = session.running();
        (!notes.is_quiet())
            .then(|| Progress::begin(running, started))
            .flatten()
    };
    let notes = workplace.notes;
    let planning = begin(&workplace.session, notes);
    let answered = ask(&workplace.session).await?;
    drop(planning);
    for notice in &answered.notices {
        notes.notice(notice);
    }
    // It goes with the stream, before anything else is written.
    let reading = begin(&workplace.session, notes);
    let answered = apart(answered, reading);
    let timing = workplace.timing;
    let output = workplace.results();
    let is_below = timing == Timing::Below && output.format.says_time();
    let reader = output.answer(answered, is_below.then_some(started)).await?;
    if timing != Timing::Off && !is_below {
        notes.elapsed(started.elapsed());
    }
    Ok(reader)
}

/// The answer, computed by a task of its own: an operator that does not pause for long would keep
/// Ctrl-C from being heard.
fn apart(answer: Answer, progress: Option<Progress>) -> Answer {
    let schema = SchemaRef::clone(&answer.stream.schema());
    let mut stream = answer.stream;
    let mut batches = RecordBatchReceiverStream::builder(schema, 1);
    let sender = batches.tx();
    batches.spawn(async move {
        while let Some(batch) = stream.next().await {
            if sender.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    let batches = batches.build();
    let schema = batches.schema();
    let watched = batches.inspect(move |_| {
        let _ = &progress;
    });
    Answer {
        stream: Box::pin(RecordBatchStreamAdapter::new(schema, watched)),
        ..answer
    }
}
