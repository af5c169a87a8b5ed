//! `sources`: the kinds of exports that an input may be, by the relation that they make.

use super::Outcome;
use crate::cli::Options;
use crate::config;
use crate::error::{Error, Result};
use crate::output::{Format, Notes, Output};
use crate::saved_query::{Catalog, SavedQuery};
use arrow::array::{RecordBatch, StringArray};
use datafusion::error::DataFusionError;
use std::io::Write;
use std::sync::Arc;

/// Needs no input to be there: who writes `apportion.toml` asks.
pub(super) fn run(options: &Options) -> Result<Outcome> {
    let mut output = Output::open(options.format, options.output.as_deref())?;
    let mut catalog = Catalog::built_in();
    if let Some(path) = options
        .config
        .clone()
        .map_or_else(config::find, |path| Ok(Some(path)))?
    {
        for folder in &config::load(&path)?.query_folders {
            catalog.load_folder(folder)?;
        }
    }
    for (name, reason) in catalog.broken() {
        Notes::new(options.quiet).notice(&format!("saved query `{name}` cannot be read: {reason}"));
    }
    let mut sources: Vec<_> = catalog.sources().collect();
    // By name they stand already.
    sources.sort_by_key(|query| query.header.relation.clone());
    output.text(|format, out| match format {
        Format::Table => outline(&sources, out),
        rows => rows.write_batch(&batch(&sources)?, out),
    })?;
    output.finish()?;
    Ok(Outcome::Done)
}

fn outline(sources: &[&SavedQuery], out: &mut dyn Write) -> Result<()> {
    let width = sources
        .iter()
        .map(|query| query.name.len())
        .max()
        .unwrap_or(0);
    let mut relation = None;
    for query in sources {
        let own = &query.header.relation;
        if relation != Some(own) {
            let gap = if relation.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", own.as_deref().unwrap_or_default())?;
            relation = Some(own);
        }
        let reads = query.header.reads.as_deref().unwrap_or_default();
        writeln!(out, "  {:width$}  {reads}", query.name)?;
    }
    Ok(())
}

fn batch(sources: &[&SavedQuery]) -> Result<RecordBatch> {
    let column = |part: fn(&SavedQuery) -> &str| {
        Arc::new(StringArray::from_iter_values(
            sources.iter().map(|query| part(query)),
        )) as _
    };
    let batch = RecordBatch::try_from_iter([
        (
            "relation",
            column(|query| query.header.relation.as_deref().unwrap_or_default()),
        ),
        ("name", column(|query| &query.name)),
        (
            "reads",
            column(|query| query.header.reads.as_deref().unwrap_or_default()),
        ),
    ]);
    batch.map_err(|error| Error::from(DataFusionError::from(error)))
}
