//! Statements one after another, until the first that fails.

use super::Workplace;
use crate::error::{Error, Result, reason};
use crate::output::Reader;
use crate::session::Answer;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// SQL text and the name by which errors call it.
pub(crate) struct Script {
    name: Option<String>,
    text: String,
}

impl Script {
    /// Text from the command line or the prompt, where a name would say nothing.
    pub(crate) fn typed(text: String) -> Self {
        Self { name: None, text }
    }

    pub(crate) fn stdin() -> Result<Self> {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        Self::decoded("stdin".to_owned(), bytes)
    }

    /// `-` is standard input.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Self::stdin();
        }
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
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

    /// Runs every statement and writes its answer.
    pub(crate) async fn run(self, workplace: &mut Workplace) -> Result<Reader> {
        let Self { name, text } = self;
        let single_line = !text.trim().contains('\n');
        let place = |error: Error, line: usize| match &name {
            Some(name) => error.at(format!("{name}:{line}")),
            None if single_line => error,
            None => error.at(format!("line {line}")),
        };
        let statements = workplace.session.statements(&text);
        let statements = statements.map_err(|error| match (&name, line_of(&error)) {
            (Some(name), Some(line)) => error.moved(format!("{name}:{line}")),
            (Some(name), None) => error.at(name.as_str()),
            (None, _) => error,
        })?;
        for statement in statements {
            let line = statement.line;
            let started = Instant::now();
            let reader = async {
                let answered = workplace.session.execute(statement).await?;
                answer(workplace, answered).await
            }
            .await
            .map_err(|error| place(error, line))?;
            workplace.notes.elapsed(started.elapsed());
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

/// Writes one answer: its notices, then its rows.
pub(crate) async fn answer(workplace: &mut Workplace, answer: Answer) -> Result<Reader> {
    for notice in &answer.notices {
        workplace.notes.notice(notice);
    }
    let (_, reader) = workplace.output.answer(answer).await?;
    Ok(reader)
}
