//! A value as text, the same in every format but JSON: `2026-10-01 00:00:00`, exact decimals.

use crate::error::{Error, Result};
use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use unicode_width::UnicodeWidthStr;

const OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_null("NULL")
    .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));

/// One column of a batch, ready to be read row by row.
pub(super) struct Cells<'a> {
    formatter: ArrayFormatter<'a>,
    nulls: Option<NullBuffer>,
}

impl<'a> Cells<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Vec<Self>> {
        let cells = |column: &'a dyn Array| {
            let formatter = ArrayFormatter::try_new(column, &OPTIONS).map_err(unreadable)?;
            // Logical, because dictionaries and columns of type NULL keep their nulls elsewhere.
            Ok(Self {
                formatter,
                nulls: column.logical_nulls(),
            })
        };
        batch
            .columns()
            .iter()
            .map(|column| cells(column.as_ref()))
            .collect()
    }

    /// Puts the value into `text`, and says whether there is one: NULL is none.
    pub(super) fn read(&self, row: usize, text: &mut String) -> Result<bool> {
        text.clear();
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(false);
        }
        self.formatter.value(row).write(text).map_err(unreadable)?;
        Ok(true)
    }
}

pub(super) fn unreadable(error: ArrowError) -> Error {
    DataFusionError::from(error).into()
}

/// Numbers stand to the right.
pub(super) fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_number(value),
        other => other.is_numeric(),
    }
}

/// Of several lines, the widest.
pub(super) fn width(text: &str) -> usize {
    text.split('\n')
        .map(UnicodeWidthStr::width)
        .max()
        .unwrap_or(0)
}

/// Control characters are escaped, so that data cannot drive the terminal.
pub(super) fn printable(text: &str) -> String {
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
