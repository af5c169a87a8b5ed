//! The prompt: statements until `;`, errors that do not end it, Ctrl-C for the line or the run.
//!
//! * [`meta`] the commands that begin with a backslash, in one table; [`actions`] what they do
//! * [`editor`] the line that is edited; [`completion`], [`highlight`] and [`history`] of it
//! * [`pieces`] what was typed, cut into words and texts; [`variables`] what `:name` stands for
//! * [`edited`] saved queries that change on disk while the prompt is open

mod actions;
mod completion;
mod edited;
mod editor;
mod highlight;
mod history;
mod meta;
mod pieces;
mod variables;
mod workers;

use crate::cli::Options;
use crate::command::{Outcome, Script, Timing, Workplace, unless_interrupted};
use crate::error::Result;
use crate::output::{Format, Output, Reader, report};
use crate::session::Given;
use edited::Edited;
use editor::{Editor, Line};
use meta::Typed;
use std::mem;
use variables::Variables;
use workers::Workers;

const GREETING: &str = concat!(
    "apportion ",
    env!("CARGO_PKG_VERSION"),
    ": statements end with `;`, `\\?` shows commands, `\\queries` what can be asked"
);

/// All that a prompt remembers between two inputs.
struct Prompt {
    workplace: Workplace,
    variables: Variables,
    edited: Edited,
    /// The statement that was run last, as it was typed.
    last: String,
    /// What is offered for editing next.
    draft: String,
    format: Format,
    is_expanded: bool,
    is_paged: bool,
    columns: Option<usize>,
    /// Where results go again after a statement that has a place of its own.
    put_aside: Option<PutAside>,
}

/// The file that results went to, if to any.
struct PutAside(Option<Output>);

/// Whether the prompt goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Stay,
    Leave,
}

impl From<Reader> for Next {
    fn from(reader: Reader) -> Self {
        match reader {
            Reader::Present => Self::Stay,
            Reader::Gone => Self::Leave,
        }
    }
}

/// Reads and runs until `\q` or Ctrl-D.
pub async fn run(options: &Options) -> Result<Outcome> {
    let Some(workplace) = unless_interrupted(Workplace::open(options)).await? else {
        return Ok(Outcome::Interrupted);
    };
    for error in workplace.session.unreadable() {
        report(&error);
    }
    workplace.notes.say(GREETING);
    let mut editor = Editor::open(workplace.notes)?;
    let mut prompt = Prompt::new(workplace, options)?;
    let mut workers = Workers::new()?;
    loop {
        let draft = mem::take(&mut prompt.draft);
        let text = match editor.read(&prompt.workplace.session, &prompt.variables, &draft)? {
            Line::Text(text) => text,
            Line::Cancelled => continue,
            Line::End => break,
        };
        let typed = Typed::parse(&text);
        let work = Box::pin(workers.run(meta::run(&mut prompt, &typed)));
        let next = unless_interrupted(work).await;
        let is_tidy = prompt.tidy();
        match next.and_then(|next| is_tidy.map(|()| next)) {
            Ok(Some(Next::Stay)) => {}
            Ok(Some(Next::Leave)) => break,
            Ok(None) => {
                workers = Workers::new()?;
                prompt.workplace.notes.notice("interrupted");
            }
            Err(error) => report(&error),
        }
    }
    prompt.finish()?;
    Ok(Outcome::Done)
}

impl Prompt {
    fn new(mut workplace: Workplace, options: &Options) -> Result<Self> {
        workplace.timing = Timing::Below;
        let format = options.format.unwrap_or(Format::Table);
        if options.output.is_some() {
            let screen = Output::open(Some(format), None)?;
            workplace.redirected = Some(mem::replace(&mut workplace.output, screen));
        }
        let mut prompt = Self {
            edited: Edited::since_now(&workplace.session),
            workplace,
            variables: Variables::default(),
            last: String::new(),
            draft: String::new(),
            format,
            is_expanded: false,
            is_paged: true,
            columns: None,
            put_aside: None,
        };
        prompt.tidy()?;
        Ok(prompt)
    }

    /// Runs a statement, or several.
    async fn statement(&mut self, sql: &str) -> Result<Next> {
        self.edited.reread(&mut self.workplace)?;
        let script = Script::typed(self.variables.replace(sql));
        if !sql.is_empty() {
            sql.clone_into(&mut self.last);
        }
        let reader = script
            .run(&mut self.workplace, &mut Given::default())
            .await?;
        Ok(reader.into())
    }

    /// How the screen shows results.
    fn shown(&self) -> Format {
        match self.format {
            Format::Table if self.is_expanded => Format::Vertical,
            format => format,
        }
    }

    /// Puts back what one input has changed for itself, however it ended.
    fn tidy(&mut self) -> Result<()> {
        self.workplace.results().discard()?;
        if let Some(PutAside(redirected)) = self.put_aside.take() {
            self.workplace.redirected = redirected;
        }
        let format = self.shown();
        let output = &mut self.workplace.output;
        output.format = format;
        output.columns = self.columns;
        output.page(self.is_paged);
        Ok(())
    }

    fn finish(self) -> Result<()> {
        if let Some(file) = self.workplace.redirected {
            file.finish()?;
        }
        self.workplace.output.finish()
    }
}
