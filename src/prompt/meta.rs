//! Commands to the prompt itself, with psql's names and meanings where psql has them.
//!
//! [`COMMANDS`] is the one table of them: help, completion and what is run are made of it.

use super::pieces::pieces;
use super::{Next, Prompt};
use crate::command::Listed;
use crate::error::{Error, Result};
use crate::saved_query::nearest;
use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};
use std::fmt::Write;

pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) argument: Argument,
    /// How help writes the argument.
    shown: &'static str,
    about: &'static str,
    /// Whether it may stand behind a statement, in place of the semicolon.
    is_end: bool,
    run: Run,
}

type Run = for<'a> fn(&'a mut Prompt, &'a Typed<'a>) -> LocalBoxFuture<'a, Result<Next>>;

/// What a command takes, for who completes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    None,
    Name,
    File,
    Variable,
    Switch,
    Look,
    Words,
}

/// An input: a statement, a command, or a statement that ends with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Typed<'a> {
    pub(super) sql: &'a str,
    pub(super) command: Option<&'a str>,
    pub(super) argument: &'a str,
}

impl<'a> Typed<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let text = text.trim();
        if matches!(text.trim_end_matches(';'), "exit" | "quit") {
            return Self {
                sql: "",
                command: Some("\\q"),
                argument: "",
            };
        }
        let Some(slash) = pieces(text)
            .iter()
            .find(|piece| piece.is("\\"))
            .map(|piece| piece.start)
        else {
            return Self {
                sql: text,
                command: None,
                argument: "",
            };
        };
        let (sql, command) = text.split_at(slash);
        let (name, argument) = command
            .split_once(char::is_whitespace)
            .unwrap_or((command, ""));
        Self {
            sql: sql.trim(),
            command: Some(name.trim_end_matches(';')),
            argument: unquoted(argument.trim().trim_end_matches(';').trim_end()),
        }
    }
}

/// `'my file.sql'` without its quotes.
fn unquoted(text: &str) -> &str {
    let inner = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    inner.filter(|inner| !inner.contains('\'')).unwrap_or(text)
}

/// Runs what was typed, or says that there is no such command.
pub(super) async fn run(prompt: &mut Prompt, typed: &Typed<'_>) -> Result<Next> {
    let Some(name) = typed.command else {
        return prompt.statement(typed.sql).await;
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let error = Error::new(format!("there is no command `{name}`"));
        let names = COMMANDS.iter().map(|command| command.name);
        return Err(match nearest(name, names).filter(|_| name.len() > 3) {
            Some(near) => error.hint(format!("did you mean `{near}`? `\\?` shows them all")),
            None => error.hint("`\\?` shows them all"),
        });
    };
    if !typed.sql.is_empty() && !command.is_end {
        return Err(Error::new(format!("`{name}` does not end a statement"))
            .hint("end it with `;`, and type the command on a line of its own"));
    }
    if command.argument == Argument::None && !typed.argument.is_empty() {
        return Err(Error::new(format!(
            "`{name}` takes nothing, not `{}`",
            typed.argument
        )));
    }
    (command.run)(prompt, typed).await
}

pub(super) fn help() -> String {
    let usage = |command: &Command| format!("{} {}", command.name, command.shown);
    let width = COMMANDS.iter().map(|command| usage(command).len()).max();
    let mut text =
        "Statements end with `;` and may take several lines. Ctrl-C cancels a line or a \
                    running statement,\nTab completes, Ctrl-R searches what was typed before.\n\n"
            .to_owned();
    for command in &COMMANDS {
        let width = width.unwrap_or(0);
        let _ = writeln!(text, "  {:width$}  {}", usage(command), command.about);
    }
    text + "\n`:name`, `:'name'` and `:\"name\"` in a statement are a variable's value, as it is, as a text \
            and as a name.\n"
}

const fn command(
    name: &'static str,
    argument: Argument,
    shown: &'static str,
    about: &'static str,
    run: Run,
) -> Command {
    Command {
        name,
        argument,
        shown,
        about,
        is_end: false,
        run,
    }
}

/// A command that may stand behind a statement.
const fn ending(
    name: &'static str,
    argument: Argument,
    shown: &'static str,
    about: &'static str,
    run: Run,
) -> Command {
    let command = command(name, argument, shown, about, run);
    Command {
        is_end: true,
        ..command
    }
}

pub(super) static COMMANDS: [Command; 22] = [
    command(
        "\\d",
        Argument::Name,
        "[NAME]",
        "list the tables, or describe a table, a saved query or a function",
        |prompt, typed| {
            prompt
                .describe(typed.argument, Listed::Tables)
                .boxed_local()
        },
    ),
    command(
        "\\df",
        Argument::Name,
        "[NAME]",
        "list the functions, or describe one",
        |prompt, typed| {
            prompt
                .describe(typed.argument, Listed::Functions)
                .boxed_local()
        },
    ),
    command(
        "\\queries",
        Argument::None,
        "",
        "list the saved queries",
        |prompt, _| prompt.describe("", Listed::Queries).boxed_local(),
    ),
    command(
        "\\describe",
        Argument::Name,
        "NAME",
        "describe a saved query: its parameters and columns",
        |prompt, typed| {
            prompt
                .describe(typed.argument, Listed::Queries)
                .boxed_local()
        },
    ),
    command(
        "\\l",
        Argument::None,
        "",
        "list all of these",
        |prompt, _| prompt.describe("", Listed::All).boxed_local(),
    ),
    ending(
        "\\g",
        Argument::File,
        "[FILE]",
        "run the statement, or the last one again; its result into FILE",
        |prompt, typed| prompt.go(typed).boxed_local(),
    ),
    ending(
        "\\gx",
        Argument::File,
        "[FILE]",
        "the same, a line a value",
        |prompt, typed| prompt.go_vertical(typed).boxed_local(),
    ),
    ending(
        "\\gset",
        Argument::Words,
        "[PREFIX]",
        "run the statement, and keep its one row in variables of its columns' names",
        |prompt, typed| prompt.keep(typed).boxed_local(),
    ),
    ending(
        "\\watch",
        Argument::Words,
        "[SECONDS]",
        "run the statement every 2 seconds, or so many, until Ctrl-C",
        |prompt, typed| prompt.watch(typed).boxed_local(),
    ),
    command(
        "\\e",
        Argument::None,
        "",
        "edit the last statement with $EDITOR",
        |prompt, _| prompt.edit().boxed_local(),
    ),
    command(
        "\\p",
        Argument::None,
        "",
        "print the last statement",
        |prompt, _| ready(prompt.print()).boxed_local(),
    ),
    command(
        "\\i",
        Argument::File,
        "FILE",
        "run the statements of a file",
        |prompt, typed| prompt.include(typed.argument).boxed_local(),
    ),
    command(
        "\\o",
        Argument::File,
        "[FILE]",
        "write results to FILE, whole once `\\o` ends it; its ending says the format",
        |prompt, typed| ready(prompt.redirect(typed.argument)).boxed_local(),
    ),
    command(
        "\\x",
        Argument::Switch,
        "[on|off]",
        "show a line a value, or a line a row",
        |prompt, typed| ready(prompt.expand(typed.argument)).boxed_local(),
    ),
    command(
        "\\timing",
        Argument::Switch,
        "[on|off]",
        "say how long a statement took",
        |prompt, typed| ready(prompt.time(typed.argument)).boxed_local(),
    ),
    command(
        "\\pset",
        Argument::Look,
        "[NAME VALUE]",
        "how results look: format NAME, pager on|off, expanded on|off, columns N",
        |prompt, typed| ready(prompt.look(typed.argument)).boxed_local(),
    ),
    command(
        "\\set",
        Argument::Variable,
        "[NAME VALUE]",
        "set a variable, or list them",
        |prompt, typed| ready(prompt.set(typed.argument)).boxed_local(),
    ),
    command(
        "\\unset",
        Argument::Variable,
        "NAME",
        "forget a variable",
        |prompt, typed| ready(prompt.unset(typed.argument)).boxed_local(),
    ),
    command(
        "\\echo",
        Argument::Words,
        "TEXT",
        "print a text, with the values of variables",
        |prompt, typed| ready(prompt.echo(typed.argument)).boxed_local(),
    ),
    command(
        "\\refresh",
        Argument::None,
        "",
        "read the saved queries again, and look for new files",
        |prompt, _| ready(prompt.refresh()).boxed_local(),
    ),
    command("\\?", Argument::None, "", "this help", |prompt, _| {
        ready(prompt.help()).boxed_local()
    }),
    command(
        "\\q",
        Argument::None,
        "",
        "quit (as does Ctrl-D)",
        |_, _| async { Ok(Next::Leave) }.boxed_local(),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (&str, Option<&str>, &str) {
        let Typed {
            sql,
            command,
            argument,
        } = Typed::parse(text);
        (sql, command, argument)
    }

    #[test]
    fn commands_are_told_from_sql() {
        assert_eq!(parsed("select '\\q';"), ("select '\\q';", None, ""));
        assert_eq!(parsed(" \\q "), ("", Some("\\q"), ""));
        assert_eq!(parsed("exit;"), ("", Some("\\q"), ""));
        assert_eq!(parsed("\\d  ledger;"), ("", Some("\\d"), "ledger"));
        assert_eq!(
            parsed("\\i 'my file.sql'"),
            ("", Some("\\i"), "my file.sql")
        );
        assert_eq!(
            parsed("select 1\n\\gset a_"),
            ("select 1", Some("\\gset"), "a_")
        );
    }

    #[test]
    fn help_names_every_command_once() {
        for command in &COMMANDS {
            let line = format!("\n  {} ", command.name);
            assert_eq!(help().matches(&line).count(), 1, "{}", command.name);
        }
    }
}
