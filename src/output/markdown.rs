//! A Markdown table, for pull requests and notes. NULL is an empty cell.

use super::Rows;
use super::cell::{Cells, is_number};
use crate::error::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::io::Write;

pub(super) struct Markdown<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Markdown<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self> {
        for field in schema.fields() {
            write!(out, "| {} ", escaped(field.name()))?;
        }
        writeln!(out, "|")?;
        for field in schema.fields() {
            write!(
                out,
                "| {} ",
                if is_number(field.data_type()) {
                    "---:"
                } else {
                    "---"
                }
            )?;
        }
        writeln!(out, "|")?;
        Ok(Self { out })
    }
}

impl Rows for Markdown<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = Cells::of(batch)?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for column in &columns {
                column.read(row, &mut text)?;
                write!(self.out, "| {} ", escaped(&text))?;
            }
            writeln!(self.out, "|")?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A bar would end the cell, a line break the row, and `<` begins HTML.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace("\r\n", "<br>")
        .replace(['\n', '\r'], "<br>")
}
