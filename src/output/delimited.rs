//! CSV and TSV: a header, then a line a row, as RFC 4180 has it but for line ends, which are LF.
//!
//! A field is quoted where it must be, and where it is an empty string: NULL is the empty field.
//! Lines know nothing of one another, so batches become text side by side.

use super::cell::Cells;
use super::{Out, Rows};
use crate::error::Result;
use crate::task::task;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::StreamExt;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

pub(super) struct Delimited<'a> {
    delimiter: u8,
    out: &'a mut Out,
}

impl<'a> Delimited<'a> {
    pub(super) fn csv(schema: &SchemaRef, out: &'a mut Out) -> Result<Self> {
        Self::new(b',', schema, out)
    }

    pub(super) fn tsv(schema: &SchemaRef, out: &'a mut Out) -> Result<Self> {
        Self::new(b'\t', schema, out)
    }

    fn new(delimiter: u8, schema: &SchemaRef, out: &'a mut Out) -> Result<Self> {
        let mut header = String::new();
        for (index, field) in schema.fields().iter().enumerate() {
            separate(index, delimiter, &mut header);
            add(field.name(), delimiter, &mut header);
        }
        header.push('\n');
        out.write_all(header.as_bytes())?;
        Ok(Self { delimiter, out })
    }

    /// Writes all rows, and counts them.
    pub(super) async fn all(self, stream: SendableRecordBatchStream) -> Result<usize> {
        let delimiter = self.delimiter;
        let texts = stream.map(|batch| {
            task(async move {
                let batch = batch?;
                Ok((lines(&batch, delimiter)?, batch.num_rows()))
            })
        });
        // As many more wait, so that no thread does while a text is written.
        let side_by_side = available_parallelism().map_or(1, NonZeroUsize::get);
        let mut texts = texts.buffered(2 * side_by_side);
        let mut count = 0;
        while let Some(text) = texts.next().await {
            let (text, rows) = text?;
            self.out.write_all(text.as_bytes())?;
            count += rows;
        }
        Ok(count)
    }
}

impl Rows for Delimited<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let lines = lines(batch, self.delimiter)?;
        Ok(self.out.write_all(lines.as_bytes())?)
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

fn lines(batch: &RecordBatch, delimiter: u8) -> Result<String> {
    let columns = Cells::of(batch)?.into_iter();
    let columns = columns.map(|cells| Fields::of(cells, delimiter));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    // Amounts of twelve decimals, mostly; a text that grows is copied.
    let cells = batch.num_rows() * batch.num_columns();
    let mut lines = String::with_capacity(16 * cells);
    for row in 0..batch.num_rows() {
        for (index, column) in columns.iter().enumerate() {
            separate(index, delimiter, &mut lines);
            match column {
                Fields::One(field) => lines.push_str(field),
                Fields::Each(cells) => add_cell(cells, row, delimiter, &mut lines)?,
            }
        }
        lines.push('\n');
    }
    Ok(lines)
}

/// A column's fields; reports have many in which a batch has one.
enum Fields<'a> {
    One(String),
    Each(Cells<'a>),
}

impl<'a> Fields<'a> {
    fn of(cells: Cells<'a>, delimiter: u8) -> Result<Self> {
        if !cells.are_one() {
            return Ok(Self::Each(cells));
        }
        let mut field = String::new();
        add_cell(&cells, 0, delimiter, &mut field)?;
        Ok(Self::One(field))
    }
}

fn add_cell(cells: &Cells<'_>, row: usize, delimiter: u8, line: &mut String) -> Result<()> {
    if cells.is_number() {
        cells.add(row, line)?;
    } else if let Some(text) = cells.text(row)? {
        add(&text, delimiter, line);
    }
    Ok(())
}

fn separate(index: usize, delimiter: u8, line: &mut String) {
    if index > 0 {
        line.push(char::from(delimiter));
    }
}

fn add(field: &str, delimiter: u8, line: &mut String) {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    // All that is special stands before letters, digits and what joins them: most fields are told at once.
    let is_plain = field.bytes().min().is_some_and(|least| least > b',');
    if !is_plain && (field.is_empty() || field.bytes().any(special)) {
        line.push('"');
        line.push_str(&field.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(field);
    }
}
