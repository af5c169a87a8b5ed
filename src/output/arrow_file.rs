//! An Arrow file: the engine's own columns, as other programs map them into memory.

use super::cell::unreadable;
use super::{Out, Rows};
use crate::error::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;

pub(super) struct ArrowFile<'a>(FileWriter<&'a mut Out>);

impl<'a> ArrowFile<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut Out) -> Result<Self> {
        let writer = FileWriter::try_new(out, schema).map_err(unreadable)?;
        Ok(Self(writer))
    }
}

impl Rows for ArrowFile<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch).map_err(unreadable)
    }

    fn end(&mut self) -> Result<()> {
        self.0.finish().map_err(unreadable)
    }
}
