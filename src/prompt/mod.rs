//! The prompt: statements until `;`, errors that do not end it, Ctrl-C for the line or the run.

mod complete;
mod editor;
mod history;
mod meta;

use crate::cli::Options;
use crate::command::{Outcome, Script, Workplace, describe, list, unless_interrupted};
use crate::error::{Error, Result};
use crate::output::{Reader, report};
use editor::{Editor, Line};
use meta::Meta;

/// Reads and runs until `\q` or Ctrl-D.
pub async fn run(options: &Options) -> Result<Outcome> {
    let Some(opened) = unless_interrupted(Workplace::open(options)).await? else {
        return Ok(Outcome::Interrupted);
    };
    let mut workplace = opened;
    for error in workplace.session.unreadable() {
        report(&error);
    }
    let mut editor = Editor::open(words(&workplace), workplace.notes)?;
    loop {
        let text = match editor.read()? {
            Line::Text(text) => text,
            Line::Cancelled => continue,
            Line::End => break,
        };
        if Meta::parse(&text) == Some(Meta::Quit) {
            break;
        }
        match unless_interrupted(Box::pin(react(&mut workplace, text))).await {
            Ok(Some(Reader::Present)) => {}
            Ok(Some(Reader::Gone)) => break,
            Ok(None) => {
                workplace.output.discard()?;
                workplace.notes.notice("interrupted");
            }
            Err(error) => report(&error),
        }
    }
    workplace.output.finish()?;
    Ok(Outcome::Done)
}

async fn react(workplace: &mut Workplace, text: String) -> Result<Reader> {
    match Meta::parse(&text) {
        None => Script::typed(text).run(workplace).await,
        Some(Meta::Help) => workplace
            .output
            .text(|_, out| Ok(out.write_all(meta::HELP.as_bytes())?)),
        Some(Meta::List) => list(workplace),
        Some(Meta::Describe(name)) => describe(workplace, &name).await,
        Some(Meta::Unknown(command)) => {
            Err(Error::new(format!("there is no command `{command}`")).hint("`\\?` shows them all"))
        }
        Some(Meta::Quit) => Ok(Reader::Gone),
    }
}

/// What the tabulator key completes, besides SQL's own words.
fn words(workplace: &Workplace) -> Vec<String> {
    let queries = workplace
        .session
        .queries()
        .iter()
        .map(|query| query.name.clone());
    let functions = apportion_udfs::functions();
    let functions = functions.iter().map(|function| function.name.to_owned());
    queries
        .chain(functions)
        .chain(workplace.session.tables())
        .collect()
}
