//! `prices`: what a price list does to the price book, and which rows of it price a model.

use super::{Outcome, Workplace};
use crate::cli::{Options, PriceListArgs, PricesCommand, ShowArgs};
use crate::error::{Error, Result};
use crate::output::{Notes, Output};
use crate::prices::book::Row;
use crate::prices::{self, Condition, Note, What, file};
use crate::saved_query::nearest;
use crate::session::Session;
use apportion_udfs::pricing::names::Names;
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

pub(super) async fn run(command: &PricesCommand, options: &Options) -> Result<Outcome> {
    match command {
        PricesCommand::Import(args) => import(args, options).await,
        PricesCommand::Show(args) => show(args, options).await,
    }
}

async fn import(args: &PriceListArgs, options: &Options) -> Result<Outcome> {
    // `-o` names the book; what changed goes to standard output.
    let path = options
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from("prices.parquet"));
    if path.extension().is_none_or(|ending| ending != "parquet") {
        return Err(Error::new(format!(
            "a price book is a Parquet file, and not `{}`",
            path.display()
        ))
        .at("-o")
        .hint("what changed is written to standard output"));
    }
    let mut output = Output::open(options.format, None)?;
    let since = match &args.since {
        Some(text) => prices::instant(text).ok_or_else(|| no_date("--since", text))?,
        None => prices::midnight(prices::now()),
    };
    let listing = prices::read(&args.file, args.from)?;
    let source = listing.source.clone();
    let models = listing.models.len();
    let mut book = file::read(&path).await?;
    let notes = book.take(listing, since);
    let rows = file::write(&path, &book)?;

    let report = report(&notes)?;
    output.text(|format, out| format.write_batch(&report, out))?;
    output.finish()?;
    Notes::new(options.quiet).notice(&format!(
        "{models} models of {source} taken ({}); {} has {rows} rows",
        counts(&notes),
        path.display()
    ));
    Ok(Outcome::Done)
}

fn no_date(option: &str, text: &str) -> Error {
    Error::new(format!("`{text}` is no date"))
        .at(option)
        .hint("write 2026-10-01, or 2026-10-01T16:30:00")
}

fn counts(notes: &[Note]) -> String {
    let counts = What::ALL.map(|what| {
        let count = notes.iter().filter(|note| note.what == what).count();
        format!("{count} {}", what.as_str())
    });
    counts.join(", ")
}

fn report(notes: &[Note]) -> Result<RecordBatch> {
    texts([
        (
            "what",
            notes
                .iter()
                .map(|note| note.what.as_str().to_owned())
                .collect(),
        ),
        (
            "provider",
            notes.iter().map(|note| note.provider.clone()).collect(),
        ),
        (
            "model",
            notes.iter().map(|note| note.model.clone()).collect(),
        ),
        (
            "detail",
            notes.iter().map(|note| note.detail.clone()).collect(),
        ),
    ])
}

fn texts<const N: usize>(columns: [(&str, Vec<String>); N]) -> Result<RecordBatch> {
    let columns = columns.map(|(name, values)| -> (&str, ArrayRef) {
        (name, Arc::new(StringArray::from_iter_values(values)))
    });
    RecordBatch::try_from_iter(columns).map_err(|error| Error::new(error.to_string()))
}

async fn show(args: &ShowArgs, options: &Options) -> Result<Outcome> {
    let mut workplace = Workplace::open(options).await?;
    let at = match &args.at {
        Some(text) => prices::instant(text).ok_or_else(|| no_date("--at", text))?,
        None => prices::now(),
    };
    let session = &workplace.session;
    let model = canonical(session, "model", &args.model).await?;
    let provider = match &args.provider {
        Some(provider) => Some(canonical(session, "provider", provider).await?),
        None => None,
    };
    let mut rows = file::rows(session).await?;
    rows.retain(|row| {
        provider
            .as_ref()
            .is_none_or(|own| *own == row.name.provider)
    });
    if let (Some(provider), true) = (&provider, rows.is_empty()) {
        return Err(Error::new(format!(
            "the price book has no provider `{provider}`"
        )));
    }
    let found = found(&rows, &model, at);
    if found.is_empty() {
        return Err(not_found(&rows, &model, at));
    }
    let priced: Vec<Row> = found.iter().map(|(row, _)| (*row).clone()).collect();
    let reasons = found
        .iter()
        .map(|(row, exact)| why(row, *exact, &args.model));
    let reasons: ArrayRef = Arc::new(StringArray::from_iter_values(reasons));
    let batch = file::batch(&priced)?;
    let mut columns: Vec<(&str, ArrayRef)> = vec![];
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if column.null_count() < column.len() {
            columns.push((field.name(), Arc::clone(column)));
        }
    }
    columns.push(("why", reasons));
    let batch =
        RecordBatch::try_from_iter(columns).map_err(|error| Error::new(error.to_string()))?;
    workplace
        .output
        .text(|format, out| format.write_batch(&batch, out))?;
    workplace.output.finish()?;
    Ok(Outcome::Done)
}

async fn canonical(session: &Session, kind: &str, name: &str) -> Result<String> {
    let name = name.replace('\'', "''");
    let sql = format!("SELECT canonical('{kind}', '{name}', now()) AS name");
    let batches = session.collect(&sql).await?;
    let name = batches
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .map(|batch| {
            let names = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8);
            names.map(|names| names.as_string::<i32>().value(0).to_owned())
        });
    match name {
        Some(Ok(name)) => Ok(name),
        _ => Err(Error::new("a name has no canonical spelling")),
    }
}

/// For each provider the rows of the most specific name that has any at that time, and whether
/// that name is exact.
fn found<'a>(rows: &'a [Row], model: &str, at: i64) -> Vec<(&'a Row, bool)> {
    let mut providers: BTreeMap<&str, BTreeMap<String, Vec<&Row>>> = BTreeMap::new();
    for row in rows {
        let names = providers.entry(&row.name.provider).or_default();
        names.entry(row.name.model.clone()).or_default().push(row);
    }
    let mut found = vec![];
    for names in providers.into_values() {
        let names = Names::from(names);
        let in_force = |rows: &&Vec<&Row>| rows.iter().any(|row| holds(row, at));
        if let Some(rows) = names.matches(model).find(in_force) {
            let rows = rows.iter().filter(|row| holds(row, at));
            found.extend(rows.map(|row| (*row, row.name.model == model)));
        }
    }
    found
}

fn holds(row: &Row, at: i64) -> bool {
    row.from <= at && row.to.is_none_or(|to| at < to)
}

/// For which calls a row is, in words.
fn why(row: &Row, exact: bool, asked: &str) -> String {
    let mut words = vec![match (exact, row.name.model == asked) {
        (true, true) => "this name".to_owned(),
        (true, false) => format!("the canonical name of `{asked}`"),
        (false, _) => "no exact name; the longest glob that fits".to_owned(),
    }];
    if row.from > prices::BEGINNING {
        words.push(format!("since {}", prices::date(row.from)));
    }
    if let Some(to) = row.to {
        words.push(format!("until {}", prices::date(to)));
    }
    let Condition {
        service_tier,
        min_input_tokens,
        window,
    } = &row.condition;
    words.push(match service_tier {
        Some(tier) => format!("service tier {tier}"),
        None => "every tier without a row of its own".to_owned(),
    });
    if let Some(minimum) = min_input_tokens {
        words.push(format!("input above {minimum} tokens"));
    }
    if window.is_some() {
        words.push("from utc_from to utc_to each day".to_owned());
    }
    words.join("; ")
}

fn not_found(rows: &[Row], model: &str, at: i64) -> Error {
    if let Some((row, _)) = rows
        .iter()
        .find_map(|row| found(std::slice::from_ref(row), model, row.from).pop())
    {
        return Error::new(format!(
            "no price of `{model}` is in force on {}",
            prices::date(at)
        ))
        .hint(format!("the book has one from {}", prices::date(row.from)));
    }
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.model.as_str()).collect();
    let error = Error::new(format!("the price book has no model `{model}`"));
    match nearest(model, names.into_iter()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if rows.is_empty() => error.hint("`apportion prices import FILE` fills it"),
        None => error,
    }
}
