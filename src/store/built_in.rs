//! What the program knows by itself: published list prices, and how names are spelled.
//!
//! A session without `prices` has these; `aliases` has these beside the user's own, which come first.

use crate::error::{Error, Result};
use crate::prices::spellings;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::{Arc, OnceLock};

static LIST_PRICES: &[u8] = include_bytes!("../../data/built_in/list_prices.parquet");

/// The table that stands behind a relation, if there is one.
pub(crate) fn table(relation: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let batch = match relation {
        "prices" => prices()?,
        "aliases" => aliases()?,
        _ => return Ok(None),
    };
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
    Ok(Some(Arc::new(table)))
}

/// Decoded once, however many sessions are opened.
fn prices() -> Result<RecordBatch> {
    static DECODED: OnceLock<RecordBatch> = OnceLock::new();
    if let Some(batch) = DECODED.get() {
        return Ok(batch.clone());
    }
    let broken = |error: &dyn std::fmt::Display| {
        Error::new(format!("the built-in price list cannot be read: {error}"))
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from_static(LIST_PRICES))
        .map_err(|error| broken(&error))?;
    let schema = Arc::clone(reader.schema());
    let reader = reader.build().map_err(|error| broken(&error))?;
    let batches: Vec<_> = reader
        .collect::<Result<_, _>>()
        .map_err(|error| broken(&error))?;
    let batch =
        arrow::compute::concat_batches(&schema, &batches).map_err(|error| broken(&error))?;
    Ok(DECODED.get_or_init(|| batch).clone())
}

fn aliases() -> Result<RecordBatch> {
    let column = |part: fn(&crate::prices::Spelling) -> &'static str| -> ArrayRef {
        Arc::new(
            spellings()
                .iter()
                .map(part)
                .map(Some)
                .collect::<StringArray>(),
        )
    };
    RecordBatch::try_from_iter([
        ("kind", column(|spelling| spelling.kind)),
        ("name", column(|spelling| spelling.name)),
        ("canonical", column(|spelling| spelling.canonical)),
    ])
    .map_err(|error| Error::new(error.to_string()))
}
