//! `check`: runs the queries of the folder `checks`, each of which selects what breaks its claim.
//!
//! For people a line a check, with the rows found below it. The formats for programs hold one table
//! with the counts; `run NAME` gives a check's rows in any of them.

use super::{Outcome, Workplace};
use crate::cli::{CheckArgs, Options};
use crate::error::{Error, Result};
use crate::output::Format;
use crate::saved_query::header::Severity;
use crate::saved_query::{SavedQuery, nearest};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use std::io::{self, Seek, Write};
use std::sync::Arc;
use tempfile::SpooledTempFile;

const FOLDER: &str = "checks";
/// The one parameter that a check may have and the command line gives.
const PERIOD: &str = "period";
const SPOOL_BYTES: usize = 1 << 20;

pub(super) async fn run(args: &CheckArgs, options: &Options) -> Result<Outcome> {
    let mut workplace = Workplace::open(options).await?;
    let mut results = Vec::new();
    for check in chosen(&workplace, &args.names)? {
        results.push(Box::pin(result(&workplace, check, args.period.as_ref())).await?);
    }
    let failed = results.iter().any(Checked::is_failure);
    workplace.output.text(|format, out| {
        if format.is_prose() {
            outline(results, format, out)
        } else {
            format.write_batch(&counts(&results)?, out)
        }
    })?;
    workplace.output.finish()?;
    Ok(if failed {
        Outcome::Found
    } else {
        Outcome::Done
    })
}

/// The checks of these names, or all of them.
fn chosen(workplace: &Workplace, names: &[String]) -> Result<Vec<SavedQuery>> {
    let queries = workplace.session.queries();
    let checks: Vec<_> = queries
        .iter()
        .filter(|query| query.folder == FOLDER)
        .collect();
    if names.is_empty() {
        return Ok(checks.into_iter().cloned().collect());
    }
    let find = |name: &String| {
        if let Some(check) = checks.iter().find(|check| check.name == *name) {
            return Ok((*check).clone());
        }
        let error = Error::new(format!("there is no check `{name}`"));
        Err(
            match nearest(name, checks.iter().map(|check| check.name.as_str())) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`apportion list` shows the checks"),
            },
        )
    };
    names.iter().map(find).collect()
}

/// What a check found.
struct Checked {
    name: String,
    claim: String,
    severity: Severity,
    rows: usize,
    /// The rows, in the format of the output if that is one for people.
    found: SpooledTempFile,
}

impl Checked {
    fn is_failure(&self) -> bool {
        self.rows > 0 && self.severity == Severity::Error
    }

    /// `ok`, or the severity of what was found.
    fn verdict(&self) -> String {
        if self.rows == 0 {
            "ok".to_owned()
        } else {
            self.severity.to_string()
        }
    }
}

async fn result(
    workplace: &Workplace,
    check: SavedQuery,
    period: Option<&String>,
) -> Result<Checked> {
    let takes_period = check
        .header
        .parameters
        .iter()
        .any(|parameter| parameter.name == PERIOD);
    let period = period
        .filter(|_| takes_period)
        .map(|text| (PERIOD.to_owned(), text.clone()));
    let arguments: Vec<_> = period.into_iter().collect();
    let mut found = SpooledTempFile::new(SPOOL_BYTES);
    let rows = async {
        let answer = workplace.session.run(&check.name, &arguments).await?;
        let view = workplace.output.view();
        match workplace.output.format {
            format if format.is_prose() => format.write(answer, view, &mut found).await,
            format => format.write(answer, view, &mut io::sink()).await,
        }
    }
    .await
    .map_err(|error| error.at(check.path.as_str()))?;
    found.rewind()?;
    Ok(Checked {
        name: check.name,
        claim: check.header.question,
        severity: check.header.severity.unwrap_or(Severity::Error),
        rows,
        found,
    })
}

fn outline(results: Vec<Checked>, format: Format, out: &mut dyn Write) -> Result<()> {
    let width = results
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    for mut check in results {
        let noun = if check.rows == 1 { "row" } else { "rows" };
        let (verdict, rows) = (check.verdict(), check.rows);
        if format == Format::Markdown {
            writeln!(out, "**{}** {verdict}, {rows} {noun}\n", check.name)?;
        } else {
            writeln!(out, "{verdict:7}  {:width$}  {rows} {noun}", check.name)?;
        }
        if check.rows > 0 {
            writeln!(out, "{}\n", check.claim)?;
            io::copy(&mut check.found, out)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn counts(results: &[Checked]) -> Result<RecordBatch> {
    let text = |part: fn(&Checked) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(results.iter().map(part)))
    };
    let rows = results
        .iter()
        .map(|check| i64::try_from(check.rows).unwrap_or(i64::MAX));
    RecordBatch::try_from_iter([
        ("check", text(|check| check.name.clone())),
        ("severity", text(|check| check.severity.to_string())),
        (
            "rows",
            Arc::new(Int64Array::from_iter_values(rows)) as ArrayRef,
        ),
    ])
    .map_err(|error: ArrowError| DataFusionError::from(error).into())
}
