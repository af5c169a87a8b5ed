//! What the program knows by itself: published list prices, how names are spelled, and the limits of
//! the usual tiers.
//!
//! A session without `prices` or `bands` has these; `aliases` has these beside the user's own, which
//! come first.

use crate::error::{Error, Result};
use crate::prices::spellings;
use apportion_udfs::pattern::bands::DEFAULT;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::MemTable;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::{Arc, OnceLock};

static LIST_PRICES: &[u8] = include_bytes!("../../data/built_in/list_prices.parquet");

const NAMES: [&str; 3] = ["prices", "aliases", "bands"];

/// The tables that stand behind relations. A table is made when it is asked for: who has prices of
/// their own never decodes the list.
#[derive(Debug)]
pub(crate) struct BuiltIn;

#[async_trait]
impl SchemaProvider for BuiltIn {
    fn table_names(&self) -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }

    async fn table(&self, name: &str) -> datafusion::error::Result<Option<Arc<dyn TableProvider>>> {
        Ok(table(name)?)
    }

    fn table_exist(&self, name: &str) -> bool {
        NAMES.contains(&name)
    }
}

fn table(relation: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let batch = match relation {
        "prices" => prices()?,
        "aliases" => aliases()?,
        "bands" => bands()?,
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

fn bands() -> Result<RecordBatch> {
    let percent = |part: fn(&(&str, i64, i64)) -> i64| -> ArrayRef {
        Arc::new(DEFAULT.iter().map(part).map(Some).collect::<Int64Array>())
    };
    let tiers = DEFAULT.iter().map(|(tier, ..)| Some(*tier));
    RecordBatch::try_from_iter([
        ("tier", Arc::new(tiers.collect::<StringArray>()) as ArrayRef),
        ("target_pct", percent(|(_, target, _)| *target)),
        ("alert_pct", percent(|(_, _, alert)| *alert)),
    ])
    .map_err(|error| Error::new(error.to_string()))
}
