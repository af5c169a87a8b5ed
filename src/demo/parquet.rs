//! Record batches as Parquet bytes that are the same for the same rows.
//!
//! Nothing of the machine or the moment goes in: the writer's name is fixed, and the Arrow schema,
//! whose encoding may change with a release of the library, stays out.

use crate::error::{Error, Result};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// Columns of rising or widely spread values: deltas are shorter than a dictionary.
const DELTA_COLUMNS: [&str; 7] = [
    "called_at",
    "completed_at",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
];
const PREFIX_COLUMNS: [&str; 3] = ["request_id", "charge_id", "session_id"];

/// Row groups of this size let a query for one month skip the others.
const ROWS_IN_GROUP: usize = 8_192;

pub(super) fn bytes(rows: &RecordBatch) -> Result<Vec<u8>> {
    let level = ZstdLevel::try_new(19).map_err(|error| unwritable(&error))?;
    let mut properties = WriterProperties::builder()
        .set_created_by("apportion demo".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROWS_IN_GROUP));
    for (columns, encoding) in [
        (&DELTA_COLUMNS[..], Encoding::DELTA_BINARY_PACKED),
        (&PREFIX_COLUMNS[..], Encoding::DELTA_BYTE_ARRAY),
    ] {
        for column in columns {
            let path = ColumnPath::from(*column);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, encoding);
        }
    }
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, rows.schema(), options)
        .map_err(|error| unwritable(&error))?;
    writer.write(rows).map_err(|error| unwritable(&error))?;
    writer.close().map_err(|error| unwritable(&error))?;
    Ok(bytes)
}

fn unwritable(error: &ParquetError) -> Error {
    Error::new(format!(
        "the demo data cannot be written as Parquet: {error}"
    ))
}
