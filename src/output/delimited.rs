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
use std::mem;
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
    // Reports have many columns of which a batch has one value: it is written once.
    let mut columns = vec![];
    let mut same = String::new();
    for (index, cells) in Cells::of(batch)?.into_iter().enumerate() {
        separate(index, delimiter, &mut same);
        if cells.are_one() {
            add_cell(&cells, 0, delimiter, &mut same)?;
        } else {
            columns.push((mem::take(&mut same), cells));
        }
    }
    same.push('\n');
    // Amounts of twelve decimals, mostly; a text that grows is copied.
    let cells = batch.num_rows() * batch.num_columns();
    let mut lines = String::with_capacity(16 * cells);
    for row in 0..batch.num_rows() {
        for (before, cells) in &columns {
            lines.push_str(before);
            add_cell(cells, row, delimiter, &mut lines)?;
        }
        lines.push_str(&same);
    }
    Ok(lines)
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Int64Array, StringViewArray};
    use std::sync::Arc;

    #[test]
    fn what_a_batch_has_once_stands_in_every_line() {
        let amounts = |units: [Option<i128>; 3]| -> ArrayRef {
            let amounts = Decimal128Array::from(units.to_vec());
            Arc::new(amounts.with_precision_and_scale(38, 2).unwrap())
        };
        let texts = |texts: [Option<&str>; 3]| -> ArrayRef {
            Arc::new(StringViewArray::from(texts.to_vec()))
        };
        let batch = RecordBatch::try_from_iter([
            ("period", texts([Some("2026-10"); 3])),
            ("plan", texts([Some("a,b"); 3])),
            ("customer_id", texts([Some("c1"), None, Some("c\"3")])),
            ("tier", texts([None; 3])),
            ("cost", amounts([Some(0), Some(-150), None])),
            ("mrr", amounts([Some(0); 3])),
            (
                "calls",
                Arc::new(Int64Array::from(vec![7, 7, 7])) as ArrayRef,
            ),
            (
                "complete",
                Arc::new(BooleanArray::from(vec![true, true, false])),
            ),
            ("currency", texts([Some(""), Some(""), None])),
            ("reason", texts([Some(""); 3])),
        ]);
        let batch = batch.unwrap();
        let expected = "\
            2026-10,\"a,b\",c1,,0.00,0.00,7,true,\"\",\"\"\n\
            2026-10,\"a,b\",,,-1.50,0.00,7,true,\"\",\"\"\n\
            2026-10,\"a,b\",\"c\"\"3\",,,0.00,7,false,,\"\"\n";
        assert_eq!(lines(&batch, b',').unwrap(), expected);
        // A row alone has each of its values once.
        let alone = (0..3).map(|row| lines(&batch.slice(row, 1), b',').unwrap());
        assert_eq!(alone.collect::<String>(), expected);
        assert_eq!(lines(&batch.slice(0, 0), b',').unwrap(), "");
    }
}
