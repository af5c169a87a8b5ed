//! The line that is edited: several lines until it is whole, names completed, history kept.

use super::{complete, history};
use crate::error::{Error, Result};
use crate::output::Notes;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Helper};
use std::path::PathBuf;

const PROMPT: &str = "apportion> ";
const REMEMBERED: usize = 10_000;

pub(super) struct Editor {
    editor: rustyline::Editor<Sql, FileHistory>,
    history: Option<PathBuf>,
}

/// What a user did at the prompt.
pub(super) enum Line {
    Text(String),
    /// By Ctrl-C.
    Cancelled,
    /// By Ctrl-D.
    End,
}

impl Editor {
    /// Without a history the prompt still works, so what is wrong with its file is only told.
    pub(super) fn open(words: Vec<String>, notes: Notes) -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(REMEMBERED)
            .map_err(|error| failed(&error))?
            .build();
        let mut editor = rustyline::Editor::with_config(config).map_err(|error| failed(&error))?;
        editor.set_helper(Some(Sql {
            words: sorted(words),
        }));
        let mut history = history::file();
        if let Some(path) = &history
            && let Err(error) = prepare(path).and_then(|()| editor.load_history(path))
        {
            notes.notice(&format!("no history: {}: {error}", path.display()));
            history = None;
        }
        Ok(Self { editor, history })
    }

    pub(super) fn read(&mut self) -> Result<Line> {
        match self.editor.readline(PROMPT) {
            Ok(text) => {
                if !text.trim().is_empty() {
                    self.remember(&text);
                }
                Ok(Line::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Line::Cancelled),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Appended at once: two prompts may be open, and neither shall lose the other's lines.
    fn remember(&mut self, text: &str) {
        let is_new = self.editor.add_history_entry(text).unwrap_or(false);
        if let (true, Some(path)) = (is_new, &self.history) {
            let _ = self.editor.append_history(path);
        }
    }
}

fn prepare(path: &PathBuf) -> rustyline::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)?;
    Ok(())
}

fn failed(error: &ReadlineError) -> Error {
    Error::new(format!("the prompt cannot read the terminal: {error}"))
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.extend(KEYWORDS.map(str::to_owned));
    words.sort();
    words.dedup();
    words
}

/// The words of SQL that are long enough to be worth a key.
const KEYWORDS: [&str; 20] = [
    "between",
    "coalesce",
    "count",
    "create view",
    "describe",
    "distinct",
    "explain",
    "from",
    "group by",
    "having",
    "inner join",
    "left join",
    "limit",
    "nulls last",
    "order by",
    "partition by",
    "select",
    "sum",
    "union all",
    "where",
];

struct Sql {
    words: Vec<String>,
}

impl Sql {
    /// The word before the cursor begins after the last character that cannot stand in a name.
    fn candidates(&self, line: &str, position: usize) -> (usize, Vec<String>) {
        let before = &line[..position];
        let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        let start = before.trim_end_matches(is_name).len();
        let typed = before[start..].to_lowercase();
        if typed.is_empty() {
            return (start, Vec::new());
        }
        let words = self
            .words
            .iter()
            .filter(|word| word.starts_with(&typed))
            .cloned()
            .collect();
        (start, words)
    }
}

impl Completer for Sql {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line, position))
    }
}

impl Validator for Sql {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if complete::is_whole(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Hinter for Sql {
    type Hint = String;
}

impl Highlighter for Sql {}

impl Helper for Sql {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_at_the_cursor_is_completed() {
        let sql = Sql {
            words: sorted(vec!["ledger".to_owned(), "list_price".to_owned()]),
        };
        let found = |line: &str| sql.candidates(line, line.len());
        assert_eq!(found("select * from LED"), (14, vec!["ledger".to_owned()]));
        assert_eq!(
            found("select coalesce(l"),
            (
                16,
                ["ledger", "left join", "limit", "list_price"]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
        assert_eq!(found("select "), (7, vec![]));
    }
}
