//! `sql 'SELECT …'` and `sql -f FILE`: statements, stopping at the first error.

use super::{Outcome, Script, Workplace};
use crate::cli::{Options, SqlArgs};
use crate::error::Result;
use crate::session::Given;

pub(super) async fn run(args: SqlArgs, options: &Options) -> Result<Outcome> {
    let script = match (args.file, args.sql) {
        (Some(path), _) => Script::file(&path).await?,
        (None, sql) => Script::typed(sql.unwrap_or_default()),
    };
    let mut given = Given::default();
    for text in &args.param {
        given.take(text)?;
    }
    run_script(script, given, options).await
}

/// What `apportion < monthly.sql` does.
pub(super) async fn run_stdin(options: &Options) -> Result<Outcome> {
    run_script(Script::stdin().await?, Given::default(), options).await
}

async fn run_script(script: Script, mut given: Given, options: &Options) -> Result<Outcome> {
    let mut workplace = Workplace::open(options).await?;
    script.run(&mut workplace, &mut given).await?;
    workplace.output.finish()?;
    Ok(Outcome::Done)
}
