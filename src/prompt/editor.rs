//! The line that is edited: several lines until it is whole, names completed, history kept.

use super::completion::{Known, candidates};
use super::highlight::highlighted;
use super::history;
use super::pieces::is_whole;
use super::variables::Variables;
use crate::error::{Error, Result};
use crate::output::Notes;
use crate::saved_query::parameter::ParameterType;
use crate::session::Session;
use arrow::datatypes::Schema;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, Helper};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

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
    pub(super) fn open(notes: Notes) -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(REMEMBERED)
            .map_err(|error| failed(&error))?
            .build();
        let is_coloured = config.color_mode() != ColorMode::Disabled;
        let mut editor = rustyline::Editor::with_config(config).map_err(|error| failed(&error))?;
        editor.set_helper(Some(Sql {
            is_coloured,
            ..Sql::default()
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

    /// Reads a line that begins as a draft. What the session knows can be completed meanwhile.
    pub(super) fn read(
        &mut self,
        session: &Rc<Session>,
        variables: &Variables,
        draft: &str,
    ) -> Result<Line> {
        if let Some(helper) = self.editor.helper_mut() {
            helper.session = Some(Rc::clone(session));
            helper.variables = variables.iter().map(|(name, _)| name.to_owned()).collect();
            helper.columns.borrow_mut().clear();
        }
        let read = self.editor.readline_with_initial(PROMPT, (draft, ""));
        if let Some(helper) = self.editor.helper_mut() {
            helper.session = None;
        }
        match read {
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
        if history::is_secret(text) {
            return;
        }
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

/// What the editor asks about a line while it is typed.
#[derive(Default)]
struct Sql {
    /// There while a line is read.
    session: Option<Rc<Session>>,
    variables: Vec<String>,
    is_coloured: bool,
    columns: RefCell<HashMap<String, Vec<String>>>,
}

impl Sql {
    fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }

    /// Columns are known to the engine's planner, which waits for files.
    fn planned_columns(&self, name: &str) -> Vec<String> {
        let Some(session) = self.session() else {
            return vec![];
        };
        let schema = async {
            match session.queries().get(name) {
                Some(query) => session.result_schema(query).await.ok(),
                None => session.table_schema(name).await.ok().flatten(),
            }
        };
        let schema = block_in_place(|| Handle::current().block_on(Box::pin(schema)));
        let fields = schema.iter().flat_map(Schema::fields);
        fields.map(|field| field.name().clone()).collect()
    }
}

impl Known for Sql {
    fn tables(&self) -> Vec<String> {
        self.session().map(Session::tables).unwrap_or_default()
    }

    fn queries(&self) -> Vec<String> {
        let queries = self
            .session()
            .into_iter()
            .flat_map(|session| session.queries().iter());
        queries.map(|query| query.name.clone()).collect()
    }

    fn functions(&self) -> Vec<String> {
        self.session().map(Session::functions).unwrap_or_default()
    }

    fn settings(&self) -> Vec<String> {
        self.session().map(Session::settings).unwrap_or_default()
    }

    fn variables(&self) -> Vec<String> {
        self.variables.clone()
    }

    fn columns(&self, name: &str) -> Vec<String> {
        let name = name.to_lowercase();
        let known = self.columns.borrow().get(&name).cloned();
        known.unwrap_or_else(|| {
            let columns = self.planned_columns(&name);
            self.columns.borrow_mut().insert(name, columns.clone());
            columns
        })
    }

    fn parameters(&self, name: &str) -> Vec<(String, Vec<String>)> {
        if let Some(query) = self
            .session()
            .and_then(|session| session.queries().get(name))
        {
            let parameters = query.header.parameters.iter();
            return parameters
                .map(|parameter| match &parameter.kind {
                    ParameterType::Choice(words) => (parameter.name.clone(), words.clone()),
                    _ => (parameter.name.clone(), vec![]),
                })
                .collect();
        }
        let functions = apportion_udfs::functions();
        let function = functions.iter().find(|function| function.name == name);
        let parameters = function
            .into_iter()
            .flat_map(|function| &function.parameters);
        parameters
            .map(|parameter| (parameter.name.to_string(), vec![]))
            .collect()
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
        Ok(candidates(line, position, self))
    }
}

impl Validator for Sql {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_whole(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Hinter for Sql {
    type Hint = String;
}

impl Highlighter for Sql {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.is_coloured {
            Cow::Owned(highlighted(line))
        } else {
            Cow::Borrowed(line)
        }
    }

    /// Any letter may make a word a keyword, or open a text.
    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.is_coloured
    }
}

impl Helper for Sql {}
