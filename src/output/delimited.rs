//! CSV and TSV: a header, then a line a row, as RFC 4180 has it but for line ends, which are LF.
//!
//! A field is quoted where it must be, and where it is an empty string: NULL is the empty field.

use super::Rows;
use super::cell::Cells;
use crate::error::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::io::{self, Write};

pub(super) struct Delimited<'a> {
    delimiter: u8,
    out: &'a mut dyn Write,
}

impl<'a> Delimited<'a> {
    pub(super) fn new(delimiter: u8, schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self> {
        let mut rows = Self { delimiter, out };
        for (index, field) in schema.fields().iter().enumerate() {
            rows.separate(index)?;
            rows.field(field.name())?;
        }
        rows.out.write_all(b"\n")?;
        Ok(rows)
    }

    fn separate(&mut self, index: usize) -> io::Result<()> {
        if index > 0 {
            self.out.write_all(&[self.delimiter])
        } else {
            Ok(())
        }
    }

    fn field(&mut self, text: &str) -> io::Result<()> {
        let special = |byte: u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        if text.is_empty() || text.bytes().any(special) {
            write!(self.out, "\"{}\"", text.replace('"', "\"\""))
        } else {
            self.out.write_all(text.as_bytes())
        }
    }
}

impl Rows for Delimited<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = Cells::of(batch)?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                self.separate(index)?;
                if column.read(row, &mut text)? {
                    self.field(&text)?;
                }
            }
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}
