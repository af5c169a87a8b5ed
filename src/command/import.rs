//! `import LOCATION --source KIND -o DIR`: an export as Parquet, a file a month.
//!
//! For formats that are slow to read: the copy has the relation's own columns and needs no source.
//! A file carries the location's name and a part of its hash, so that the same export again replaces
//! its own files and nobody else's. What was written is read back before it takes its place: every
//! row must be there, and a bill must add up to the export's control total but for the rounding.

use super::Outcome;
use super::workplace::settings;
use crate::cli::{ImportArgs, Options};
use crate::config::Settings;
use crate::error::{Error, Result, reason};
use crate::output::{Notes, Output};
use crate::session::{Session, texts};
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, UInt64Type};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{Builder, TempDir};

/// Rows without a month are kept, under this name.
const UNDATED: &str = "undated";

const ROWS: &str = "SELECT month, count(*) AS rows FROM imported GROUP BY month ORDER BY month";

const TOTALS: &str = "
    WITH
    copied AS (
        SELECT month, currency, count(*) AS charges, sum(billed_cost) AS billed_cost
        FROM imported GROUP BY month, currency
    ),
    control AS (
        SELECT
            coalesce(billing_period, 'undated') AS month, currency,
            sum(control_total) AS control_total
        FROM control_totals GROUP BY coalesce(billing_period, 'undated'), currency
    )
    SELECT
        coalesce(copied.month, control.month) AS month,
        coalesce(copied.charges, 0) AS charges,
        control.control_total,
        copied.billed_cost - control.control_total AS import_rounding,
        copied.currency
    FROM copied FULL JOIN control
        ON copied.month = control.month AND copied.currency IS NOT DISTINCT FROM control.currency
    ORDER BY month, currency";

/// Half of the last decimal is the most that one charge can be rounded by.
const UNPROVEN: &str = "
    SELECT string_agg(
        concat_ws(' ', month, currency, 'has the control total', control_total,
            'and the import added', import_rounding),
        '; ' ORDER BY month, currency
    )";
const BEYOND_ROUNDING: &str =
    "WHERE coalesce(abs(import_rounding) > charges * 0.0000000000005, true)";

pub(super) async fn run(args: &ImportArgs, options: &Options) -> Result<Outcome> {
    let Some(folder) = &options.output else {
        return Err(Error::new("where to?").hint("`-o DIR` names the folder for the copy"));
    };
    let notes = Notes::new(options.quiet);
    let mut output = Output::open(options.format, None)?;
    let session = Session::open(&Settings {
        inputs: vec![],
        // One after the other, rows stand as in the export: the same copy every time.
        threads: Some(1),
        cluster: None,
        ..settings(options, notes)?
    })
    .await?;
    let relation = session.take(&args.location, &args.source).await?;
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let staging = Builder::new()
        .prefix(".import-")
        .tempdir_in(folder)
        .map_err(|error| unwritable(folder, &error))?;
    let report = copied(&session, &relation, &staging).await?;
    let files = put_in_place(&staging, folder, &name_of(&args.location))?;
    output.text(|format, out| format.write_batch(&report, out))?;
    output.finish()?;
    notes.notice(&format!(
        "{} of {} in {}",
        counted(files, "file"),
        args.location,
        folder.display()
    ));
    notes.notice(&format!(
        "[{relation}] inputs = [{{ location = \"{}/\" }}]",
        folder.display()
    ));
    Ok(Outcome::Done)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Writes the relation's rows into a folder a month, and proves that all are there.
async fn copied(session: &Session, relation: &str, staging: &TempDir) -> Result<RecordBatch> {
    let month = match relation {
        "ledger" => "to_char(called_at, '%Y-%m')",
        "billing" => "billing_period",
        "provider_usage" => "to_char(period_start, '%Y-%m')",
        other => {
            return Err(Error::new(format!("rows of `{other}` belong to no month"))
                .hint("`import` is for ledger, billing and provider_usage"));
        }
    };
    let place = staging.path().to_string_lossy().replace('\'', "''");
    let copy = session
        .collect(&format!(
            "COPY (SELECT * EXCLUDE (input), coalesce({month}, '{UNDATED}') AS month FROM {relation})
             TO '{place}/' STORED AS PARQUET PARTITIONED BY (month)
             OPTIONS ('format.compression' 'zstd(3)')"
        ))
        .await?;
    let written: u64 = copy
        .iter()
        .map(|batch| batch.column(0).as_primitive::<UInt64Type>().value(0))
        .sum();
    if written == 0 {
        return Err(Error::new("the export has no rows").hint("nothing was imported"));
    }
    session
        .collect(&format!(
            "CREATE EXTERNAL TABLE imported STORED AS PARQUET PARTITIONED BY (month) LOCATION '{place}/'"
        ))
        .await?;
    let rows = whole(session, ROWS).await?;
    let read: i64 = rows
        .column(1)
        .as_primitive::<Int64Type>()
        .values()
        .iter()
        .sum();
    if u64::try_from(read) != Ok(written) {
        return Err(Error::new(format!(
            "{written} rows were written and {read} can be read: nothing was imported"
        )));
    }
    if relation != "billing" {
        return Ok(rows);
    }
    let unproven = format!("{UNPROVEN} AS months FROM ({TOTALS}) {BEYOND_ROUNDING}");
    let unproven = whole(session, &unproven).await?;
    if let Some(months) = texts(&unproven)?.into_iter().next() {
        return Err(Error::new(format!(
            "the copy does not add up to the export, and was dropped: {months}"
        )));
    }
    whole(session, TOTALS).await
}

/// A statement's rows in one batch.
async fn whole(session: &Session, sql: &str) -> Result<RecordBatch> {
    let batches = session.collect(sql).await?;
    let Some(first) = batches.first() else {
        return Err(Error::new("a statement that has a result had none"));
    };
    concat_batches(&first.schema(), &batches).map_err(|error| Error::new(error.to_string()))
}

/// `spend_logs-3f9a01bc`: what the last part of a location is called, and which location it is.
fn name_of(location: &str) -> String {
    let whole = fs::canonicalize(location).map_or_else(
        |_| location.to_owned(),
        |path| path.to_string_lossy().into_owned(),
    );
    let last = location
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let stem = last
        .split('.')
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let stem: String = stem
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || letter == '_' {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let mut name = format!("{stem}-");
    for byte in Sha256::digest(whole.as_bytes()).iter().take(4) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Moves each month's file to its name, and drops months that the export no longer has.
fn put_in_place(staging: &TempDir, folder: &Path, name: &str) -> Result<usize> {
    let ending = format!("-{name}.parquet");
    let mut placed = BTreeSet::new();
    for month in entries(staging.path())? {
        let month_name = file_name(&month);
        let Some(month_name) = month_name.strip_prefix("month=") else {
            continue;
        };
        for (number, file) in entries(&month)?.iter().enumerate() {
            let more = match number {
                0 => String::new(),
                number => format!("-{}", number + 1),
            };
            let path = folder.join(format!("{month_name}{more}{ending}"));
            fs::rename(file, &path).map_err(|error| unwritable(&path, &error))?;
            placed.insert(path);
        }
    }
    for file in entries(folder)? {
        if file_name(&file).ends_with(&ending) && !placed.contains(&file) {
            fs::remove_file(&file).map_err(|error| unwritable(&file, &error))?;
        }
    }
    Ok(placed.len())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| unwritable(folder, &error))?;
    entries.sort();
    Ok(entries)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!(
        "cannot write `{}`: {}",
        path.display(),
        reason(error)
    ))
}
