//! `list`: the saved queries by folder, then the tables, then the functions.

use super::{Outcome, Workplace};
use crate::cli::Options;
use crate::error::Result;
use crate::output::{Format, Reader};
use crate::relation;
use apportion_udfs::functions;
use arrow::array::{RecordBatch, StringArray};
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

pub(super) async fn run(options: &Options) -> Result<Outcome> {
    let mut workplace = Workplace::open(options).await?;
    list(&mut workplace, Listed::All)?;
    workplace.output.finish()?;
    Ok(Outcome::Done)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    All,
    Queries,
    Tables,
    Functions,
}

/// Lists for people as an outline, for programs as rows.
pub(crate) fn list(workplace: &mut Workplace, listed: Listed) -> Result<Reader> {
    for (name, reason) in workplace.session.queries().broken() {
        workplace
            .notes
            .notice(&format!("saved query `{name}` cannot be read: {reason}"));
    }
    for error in workplace.session.unreadable() {
        workplace.notes.notice(&error.to_string());
    }
    let mut entries = entries(workplace);
    entries.retain(|entry| match entry.folder.as_str() {
        TABLES => matches!(listed, Listed::All | Listed::Tables),
        FUNCTIONS => matches!(listed, Listed::All | Listed::Functions),
        _ => matches!(listed, Listed::All | Listed::Queries),
    });
    workplace.output.text(|format, out| match format {
        Format::Table => outline(&entries, out),
        rows => rows.write_batch(&batch(&entries)?, out),
    })
}

struct Entry {
    folder: String,
    name: String,
    description: String,
}

const TABLES: &str = "tables";
const FUNCTIONS: &str = "functions";

fn entries(workplace: &Workplace) -> Vec<Entry> {
    let mut folders: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
    for query in workplace.session.queries().iter() {
        folders.entry(&query.folder).or_default().push(Entry {
            folder: query.folder.clone(),
            name: query.name.clone(),
            description: query.header.question.clone(),
        });
    }
    let functions = functions().into_iter().map(|function| Entry {
        folder: FUNCTIONS.to_owned(),
        name: function.name.to_owned(),
        description: function.description.to_owned(),
    });
    let queries = folders.into_values().flatten();
    queries.chain(tables(workplace)).chain(functions).collect()
}

fn tables(workplace: &Workplace) -> Vec<Entry> {
    let tables = workplace.session.tables().into_iter();
    tables
        .map(|name| Entry {
            folder: TABLES.to_owned(),
            description: relation::about(&name).to_owned(),
            name,
        })
        .collect()
}

fn outline(entries: &[Entry], out: &mut dyn Write) -> Result<()> {
    let width = entries
        .iter()
        .map(|entry| entry.name.len())
        .max()
        .unwrap_or(0);
    let mut folder = None;
    for entry in entries {
        if folder != Some(&entry.folder) {
            let gap = if folder.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", entry.folder)?;
            folder = Some(&entry.folder);
        }
        let description = entry.description.lines().next().unwrap_or_default();
        let line = format!("  {:width$}  {description}", entry.name);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn batch(entries: &[Entry]) -> Result<RecordBatch> {
    let column = |part: fn(&Entry) -> &str| {
        Arc::new(StringArray::from_iter_values(entries.iter().map(part))) as _
    };
    RecordBatch::try_from_iter([
        ("folder", column(|entry| &entry.folder)),
        ("name", column(|entry| &entry.name)),
        ("description", column(|entry| &entry.description)),
    ])
    .map_err(|error: ArrowError| DataFusionError::from(error).into())
}
