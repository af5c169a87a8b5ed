//! A line a value, for rows of more columns than a screen has room for.
//!
//! ```text
//! -[ RECORD 1 ]+------------
//! customer_id  | cus_001
//! cost         | 60.000000000000
//! (1 row)
//! ```

use super::cell::{Cells, printable, width};
use super::{Out, Rows, View};
use crate::error::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

/// A rule reaches this far below the values, whose widths are not known yet.
const RULE: usize = 12;
const FIRST_RULE: &str = "-[ RECORD 1 ]";

pub(super) struct Vertical<'a> {
    out: &'a mut Out,
    view: View,
    names: Vec<String>,
    width: usize,
    rows: usize,
}

impl<'a> Vertical<'a> {
    pub(super) fn new(schema: &SchemaRef, view: View, out: &'a mut Out) -> Self {
        let fields = schema.fields().iter();
        let names: Vec<_> = fields.map(|field| printable(field.name())).collect();
        let widths = names.iter().map(|name| width(name) + 1);
        Self {
            out,
            view,
            width: widths.max().unwrap_or(0).max(FIRST_RULE.len()),
            names,
            rows: 0,
        }
    }

    fn value(&mut self, column: usize, value: &str) -> Result<()> {
        let mut lines = value.split('\n').peekable();
        let mut name = self.names[column].as_str();
        while let Some(line) = lines.next() {
            let padding = " ".repeat(self.width.saturating_sub(width(name)));
            let end = if lines.peek().is_some() { "+" } else { "" };
            let text = format!("{name}{padding}| {line}{end}");
            writeln!(self.out, "{}", text.trim_end())?;
            name = "";
        }
        Ok(())
    }
}

impl Rows for Vertical<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells = Cells::of(batch)?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let title = format!("-[ RECORD {} ]", self.rows);
            let rule = "-".repeat(RULE);
            writeln!(self.out, "{title:-<width$}+{rule}", width = self.width)?;
            for (column, cells) in cells.iter().enumerate() {
                let shown = if cells.read(row, &mut text)? {
                    &printable(&text)
                } else {
                    "NULL"
                };
                self.value(column, shown)?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        writeln!(self.out, "{}", self.view.footer(self.rows))?;
        Ok(())
    }
}
