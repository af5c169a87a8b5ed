//! A Parquet file: types as the engine has them, decimals exact.

use super::{Out, Rows};
use crate::error::{Error, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use parquet::arrow::arrow_writer::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

pub(super) struct ParquetFile<'a>(ArrowWriter<&'a mut Out>);

impl<'a> ParquetFile<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut Out) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let writer = ArrowWriter::try_new(out, SchemaRef::clone(schema), Some(properties));
        Ok(Self(writer.map_err(failed)?))
    }
}

impl Rows for ParquetFile<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch).map_err(failed)
    }

    fn end(&mut self) -> Result<()> {
        self.0.finish().map(|_| ()).map_err(failed)
    }
}

fn failed(error: ParquetError) -> Error {
    DataFusionError::from(error).into()
}
