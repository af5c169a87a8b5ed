//! Aligned columns for people, complete: every row, no value cut, and the number of rows below.
//!
//! ```text
//!  customer |           cost
//! ----------+-----------------
//!  acme     | 12.300000000000
//!  NULL     |  0.000000000001
//! (2 rows)
//! ```
//!
//! Widths are known only when the last row has come, so rows wait in a spool that moves from
//! memory to disk when it grows. A line break in a value shows as `+` with the rest on the next
//! line; other control characters are escaped, so that data cannot drive the terminal.

use super::Rows;
use super::cell::{Cells, is_number};
use crate::error::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use tempfile::SpooledTempFile;
use unicode_width::UnicodeWidthStr;

const SPOOL_BYTES: usize = 8 << 20;
/// Control characters are escaped on their way in, so these two stand in no value.
const CELL_END: u8 = 0x1f;
const ROW_END: u8 = 0x1e;

pub(super) struct Table<'a> {
    out: &'a mut dyn Write,
    columns: Vec<Column>,
    spool: BufWriter<SpooledTempFile>,
    rows: usize,
}

struct Column {
    name: String,
    width: usize,
    is_number: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut dyn Write) -> Self {
        let column = |name: String, is_number| Column {
            width: width(&name),
            name,
            is_number,
        };
        let columns = schema
            .fields()
            .iter()
            .map(|field| column(printable(field.name()), is_number(field.data_type())))
            .collect();
        let spool = BufWriter::new(SpooledTempFile::new(SPOOL_BYTES));
        Self {
            out,
            columns,
            spool,
            rows: 0,
        }
    }
}

impl Rows for Table<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells = Cells::of(batch)?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (column, cells) in self.columns.iter_mut().zip(&cells) {
                let shown = if cells.read(row, &mut text)? {
                    &printable(&text)
                } else {
                    "NULL"
                };
                column.width = column.width.max(width(shown));
                self.spool.write_all(shown.as_bytes())?;
                self.spool.write_all(&[CELL_END])?;
            }
            self.spool.write_all(&[ROW_END])?;
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let names = self.columns.iter().map(|column| column.name.as_str());
        write_row(self.out, &self.columns, names)?;
        let rule = |column: &Column| "-".repeat(column.width + 2);
        let rules: Vec<String> = self.columns.iter().map(rule).collect();
        writeln!(self.out, "{}", rules.join("+"))?;

        self.spool.rewind()?;
        let mut spool = BufReader::new(self.spool.get_mut());
        let mut bytes = Vec::new();
        while spool.read_until(ROW_END, &mut bytes)? > 0 {
            let text = String::from_utf8_lossy(&bytes);
            let cells = text.split(char::from(CELL_END)).take(self.columns.len());
            write_row(self.out, &self.columns, cells)?;
            bytes.clear();
        }
        let noun = if self.rows == 1 { "row" } else { "rows" };
        writeln!(self.out, "({} {noun})", self.rows)?;
        Ok(())
    }
}

/// Writes one row, which takes as many lines as its tallest value.
fn write_row<'c>(
    out: &mut dyn Write,
    columns: &[Column],
    cells: impl Iterator<Item = &'c str>,
) -> Result<()> {
    let cells: Vec<Vec<&str>> = cells.map(|text| text.split('\n').collect()).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    let mut text = String::new();
    for line in 0..height {
        text.clear();
        for (index, (column, lines)) in columns.iter().zip(&cells).enumerate() {
            let part = lines.get(line).copied().unwrap_or_default();
            let padding = " ".repeat(column.width.saturating_sub(part.width()));
            let (left, right) = if column.is_number {
                (padding.as_str(), "")
            } else {
                ("", padding.as_str())
            };
            let bar = if index > 0 { "|" } else { "" };
            let end = if line + 1 < lines.len() { "+" } else { " " };
            let _ = write!(text, "{bar} {left}{part}{right}{end}");
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

/// Of several lines, the widest.
fn width(text: &str) -> usize {
    text.split('\n')
        .map(UnicodeWidthStr::width)
        .max()
        .unwrap_or(0)
}

fn printable(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
