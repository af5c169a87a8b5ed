//! What the commands do. Each changes the prompt, or writes to the screen.

use super::meta::{Typed, help};
use super::{Next, Prompt, PutAside};
use crate::command::{Listed, Script, Timing, describe, list};
use crate::error::{Error, Result, reason};
use crate::output::{Format, Output, texts_of_row};
use arrow::array::RecordBatch;
use clap::ValueEnum;
use futures::TryStreamExt;
use std::env;
use std::fmt::Write;
use std::fs;
use std::mem;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(2);

impl Prompt {
    pub(super) async fn describe(&mut self, name: &str, listed: Listed) -> Result<Next> {
        let workplace = &mut self.workplace;
        self.edited.reread(workplace)?;
        let reader = if name.is_empty() {
            list(workplace, listed)
        } else {
            describe(workplace, name).await
        };
        Ok(reader?.into())
    }

    pub(super) fn help(&mut self) -> Result<Next> {
        self.say(&help())
    }

    pub(super) fn print(&mut self) -> Result<Next> {
        self.nothing_is_an_error("")?;
        let last = format!("{}\n", self.last);
        self.say(&last)
    }

    pub(super) fn echo(&mut self, text: &str) -> Result<Next> {
        let text = format!("{}\n", self.variables.replace(text));
        self.say(&text)
    }

    pub(super) fn refresh(&mut self) -> Result<Next> {
        self.workplace.session_mut()?.refresh()?;
        Ok(Next::Stay)
    }

    /// `\g`: the statement before it, or else the last.
    pub(super) async fn go(&mut self, typed: &Typed<'_>) -> Result<Next> {
        let sql = self.meant(typed.sql)?;
        if typed.argument.is_empty() {
            return self.statement(&sql).await;
        }
        let path = self.variables.replace(typed.argument);
        let file = Output::open(None, Some(Path::new(&path)))?;
        self.put_aside = Some(PutAside(self.workplace.redirected.replace(file)));
        let next = self.statement(&sql).await?;
        if let Some(file) = self.workplace.redirected.take() {
            file.finish()?;
        }
        Ok(next)
    }

    pub(super) async fn go_vertical(&mut self, typed: &Typed<'_>) -> Result<Next> {
        self.workplace.output.format = Format::Vertical;
        self.go(typed).await
    }

    /// `\gset`: the one row becomes variables. NULL is none, as in psql.
    pub(super) async fn keep(&mut self, typed: &Typed<'_>) -> Result<Next> {
        let sql = self.meant(typed.sql)?;
        self.edited.reread(&mut self.workplace)?;
        let text = self.variables.replace(&sql);
        self.last = sql;
        let session = &self.workplace.session;
        let mut batches = vec![];
        for statement in session.statements(&text)? {
            let start = statement.start;
            let answered = async {
                let answer = session.execute(statement).await?;
                Ok(answer.stream.try_collect::<Vec<_>>().await?)
            };
            batches = answered
                .await
                .map_err(|error: Error| error.pointing_at_quoted(&text, start))?;
        }
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let batch = batches.iter().find(|batch| batch.num_rows() > 0);
        let (1, Some(batch)) = (rows, batch) else {
            let found = if rows == 0 {
                "no row".to_owned()
            } else {
                format!("{rows} rows")
            };
            return Err(
                Error::new(format!("`\\gset` takes one row, and there is {found}"))
                    .hint("narrow the statement down, or add `limit 1`"),
            );
        };
        for (field, value) in batch.schema().fields().iter().zip(texts_of_row(batch, 0)?) {
            let name = format!("{}{}", typed.argument, field.name());
            match value {
                Some(value) => self.variables.set(&name, value)?,
                None => self.variables.unset(&name),
            }
        }
        Ok(Next::Stay)
    }

    /// `\watch`: again and again, until Ctrl-C.
    pub(super) async fn watch(&mut self, typed: &Typed<'_>) -> Result<Next> {
        let sql = self.meant(typed.sql)?;
        let pause = match typed.argument {
            "" => PAUSE,
            text => text
                .parse()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .ok_or_else(|| Error::new(format!("`\\watch` takes seconds, not `{text}`")))?,
        };
        self.workplace.output.page(false);
        loop {
            if self.statement(&sql).await? == Next::Leave {
                return Ok(Next::Leave);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// `\e`: what is whole when the editor ends is run, the rest offered for editing.
    pub(super) async fn edit(&mut self) -> Result<Next> {
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix("apportion-").suffix(".sql").tempfile()?;
        fs::write(file.path(), &self.last)?;
        let editor = ["VISUAL", "EDITOR"]
            .into_iter()
            .find_map(|name| env::var(name).ok());
        let editor = editor.unwrap_or_else(|| "vi".to_owned());
        let mut words = editor.split_whitespace();
        let started = Command::new(words.next().unwrap_or("vi"))
            .args(words)
            .arg(file.path())
            .status();
        let ended = started.map_err(|error| {
            Error::new(format!("cannot start `{editor}`: {}", reason(&error)))
                .hint("name an editor in the variable EDITOR")
        })?;
        if !ended.success() {
            return Err(Error::new(format!(
                "`{editor}` ended with an error; nothing was run"
            )));
        }
        let text = fs::read_to_string(file.path())?;
        let text = text.trim();
        if text.is_empty() || !text.ends_with(';') {
            text.clone_into(&mut self.draft);
            return Ok(Next::Stay);
        }
        self.say(&format!("{text}\n"))?;
        self.statement(text).await
    }

    pub(super) async fn include(&mut self, path: &str) -> Result<Next> {
        if path.is_empty() {
            return Err(Error::new("`\\i` takes a file"));
        }
        self.edited.reread(&mut self.workplace)?;
        let path = self.variables.replace(path);
        let script = Script::file(Path::new(&path)).await?;
        let script = script.map(|text| self.variables.replace(text));
        let mut given = crate::session::Given::default();
        let reader = script.run(&mut self.workplace, &mut given).await?;
        Ok(reader.into())
    }

    /// `\o`: the file appears, whole, when the next `\o` or the end of the prompt closes it.
    pub(super) fn redirect(&mut self, path: &str) -> Result<Next> {
        let path = self.variables.replace(path);
        let next = match path.as_str() {
            "" => None,
            path => Some(Output::open(None, Some(Path::new(path)))?),
        };
        if let Some(file) = mem::replace(&mut self.workplace.redirected, next) {
            file.finish()?;
        }
        Ok(Next::Stay)
    }

    pub(super) fn expand(&mut self, switch: &str) -> Result<Next> {
        self.is_expanded = switched(switch, self.is_expanded)?;
        let state = if self.is_expanded {
            "a line a value"
        } else {
            "a line a row"
        };
        self.say(&format!("results have {state}\n"))
    }

    pub(super) fn time(&mut self, switch: &str) -> Result<Next> {
        let is_on = switched(switch, self.workplace.timing != Timing::Off)?;
        self.workplace.timing = if is_on { Timing::Below } else { Timing::Off };
        self.say(&format!("timing is {}\n", named(is_on)))
    }

    pub(super) fn look(&mut self, argument: &str) -> Result<Next> {
        let (name, value) = argument
            .split_once(char::is_whitespace)
            .unwrap_or((argument, ""));
        let value = value.trim();
        match name {
            "" => {}
            "format" => {
                self.format = Format::from_str(value, true).map_err(|_| {
                    let formats = Format::value_variants().iter();
                    let names = formats.filter_map(ValueEnum::to_possible_value);
                    let names: Vec<_> = names.map(|name| name.get_name().to_owned()).collect();
                    Error::new(format!("there is no format `{value}`"))
                        .hint(format!("one of {}", names.join(", ")))
                })?;
            }
            "expanded" => self.is_expanded = switched(value, self.is_expanded)?,
            "pager" => self.is_paged = switched(value, self.is_paged)?,
            "columns" => {
                let columns = value.parse().map_err(|_| {
                    Error::new(format!("`columns` takes a whole number, not `{value}`"))
                        .hint("0 is as many as the terminal has")
                })?;
                self.columns = Some(columns).filter(|columns| *columns > 0);
            }
            _ => {
                return Err(Error::new(format!("`\\pset` knows no `{name}`"))
                    .hint("it knows format, expanded, pager and columns"));
            }
        }
        let format = self.format.to_possible_value();
        let columns = self
            .columns
            .map_or_else(|| "0".to_owned(), |columns| columns.to_string());
        let text = format!(
            "format    {}\nexpanded  {}\npager     {}\ncolumns   {columns}\n",
            format.as_ref().map_or("", |format| format.get_name()),
            named(self.is_expanded),
            named(self.is_paged),
        );
        let lines = text.lines().filter(|line| line.starts_with(name));
        self.say(&lines.fold(String::new(), |text, line| text + line + "\n"))
    }

    pub(super) fn set(&mut self, argument: &str) -> Result<Next> {
        if argument.is_empty() {
            let text = self
                .variables
                .iter()
                .fold(String::new(), |mut text, (name, value)| {
                    let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
                    text
                });
            return self.say(&text);
        }
        let (name, value) = argument
            .split_once(char::is_whitespace)
            .unwrap_or((argument, ""));
        let value = value.trim();
        let quoted = value
            .strip_prefix('\'')
            .and_then(|value| value.strip_suffix('\''));
        let value = match quoted {
            Some(quoted) => quoted.replace("''", "'"),
            None => self.variables.replace(value),
        };
        self.variables.set(name, value)?;
        Ok(Next::Stay)
    }

    pub(super) fn unset(&mut self, name: &str) -> Result<Next> {
        if name.is_empty() {
            return Err(Error::new("`\\unset` takes a variable's name"));
        }
        self.variables.unset(name);
        Ok(Next::Stay)
    }

    fn say(&mut self, text: &str) -> Result<Next> {
        let output = &mut self.workplace.output;
        let reader = output.text(|_, out| Ok(out.write_all(text.as_bytes())?))?;
        Ok(reader.into())
    }

    /// The statement that a command is about.
    fn meant(&self, sql: &str) -> Result<String> {
        self.nothing_is_an_error(sql)?;
        Ok(if sql.is_empty() {
            self.last.clone()
        } else {
            sql.to_owned()
        })
    }

    fn nothing_is_an_error(&self, sql: &str) -> Result<()> {
        if sql.is_empty() && self.last.is_empty() {
            return Err(Error::new("no statement has been typed yet"));
        }
        Ok(())
    }
}

/// A switch without a word is turned round.
fn switched(word: &str, is_on: bool) -> Result<bool> {
    match word {
        "" => Ok(!is_on),
        "on" | "true" | "1" => Ok(true),
        "off" | "false" | "0" => Ok(false),
        other => Err(Error::new(format!("`{other}` is neither on nor off"))),
    }
}

fn named(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
