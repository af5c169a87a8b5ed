//! Aligned columns for people: every row, no value cut, and the number of rows below.
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
//!
//! On a screen too narrow for all columns the first that fit are shown, then `…`, and below the rows
//! how many there are. Files and pipes have no width.

use super::cell::{Cells, is_number, printable, width};
use super::{Out, Rows, View};
use crate::error::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use tempfile::SpooledTempFile;
use unicode_width::UnicodeWidthStr;

const ELISION: &str = "…";
const SPOOL_BYTES: usize = 8 << 20;
/// Control characters are escaped on their way in, so these two stand in no value.
const CELL_END: u8 = 0x1f;
const ROW_END: u8 = 0x1e;

pub(super) struct Table<'a> {
    out: &'a mut Out,
    view: View,
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
    pub(super) fn new(schema: &SchemaRef, view: View, out: &'a mut Out) -> Self {
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
            view,
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
        let all = self.columns.len();
        let shown = self
            .view
            .width
            .map_or(all, |width| fitting(&self.columns, width));
        let elided = (shown < all).then_some(ELISION);
        self.columns.truncate(shown);
        self.columns.extend(elided.map(|name| Column {
            width: width(name),
            name: name.to_owned(),
            is_number: false,
        }));
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
            let cells = text.split(char::from(CELL_END)).take(shown).chain(elided);
            write_row(self.out, &self.columns, cells)?;
            bytes.clear();
        }
        writeln!(self.out, "{}", self.view.footer(self.rows))?;
        if elided.is_some() {
            writeln!(
                self.out,
                "({shown} of {all} columns; `\\x` or `--format vertical` shows all)"
            )?;
        }
        Ok(())
    }
}

/// How many of the first columns stand on a screen beside one another, with the elision where it
/// takes one: one at least.
fn fitting(columns: &[Column], screen: usize) -> usize {
    // Each has a space before and after it, and all but the first a bar.
    let taken =
        |count: usize| -> usize { columns[..count].iter().map(|column| column.width + 3).sum() };
    if taken(columns.len()) <= screen + 1 {
        return columns.len();
    }
    let elision = width(ELISION) + 3;
    let fits = |count: &usize| taken(*count) + elision <= screen + 1;
    (1..columns.len()).rev().find(fits).unwrap_or(1)
}

/// Writes one row, which takes as many lines as its tallest value.
fn write_row<'c>(
    out: &mut Out,
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
