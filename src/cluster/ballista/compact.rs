//! [`Compact`]: what leaves a machine carries its own texts and no others.
//!
//! An aggregate gives its groups as slices of one batch, and each slice holds the texts of the whole.
//! Sent as they are, a thousand slices would send every text a thousand times.

use crate::shared::pass::{Pass, PassExec};
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(super) struct Compact;

pub(super) type CompactExec = PassExec<Compact>;

impl Pass for Compact {
    const NAME: &'static str = "CompactExec";

    fn pass(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let (schema, columns, rows) = batch.into_parts();
        let columns = columns.into_iter().map(|column| match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()) as ArrayRef,
            _ => column,
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = columns.collect();
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}
