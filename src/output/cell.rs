//! A value as text, the same in every format but JSON: `2026-10-01 00:00:00`, exact decimals.

use crate::error::{Error, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal128Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

const OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_null("NULL")
    .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));

/// As many as a decimal can need before its digits.
const ZEROS: &str = "000000000000000000000000000000000000000";

/// One column of a batch, ready to be read row by row.
pub(super) struct Cells<'a> {
    values: Values<'a>,
    nulls: Option<NullBuffer>,
}

enum Values<'a> {
    /// The engine's formatter makes two texts of each, and amounts are most of a report.
    Decimals(&'a [i128], usize),
    Others(ArrayFormatter<'a>),
}

impl<'a> Cells<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Vec<Self>> {
        let cells = |column: &'a dyn Array| {
            let decimals = column.as_primitive_opt::<Decimal128Type>();
            let values = if let Some(decimals) = decimals
                && let Ok(scale) = usize::try_from(decimals.scale())
                && scale < ZEROS.len()
            {
                Values::Decimals(decimals.values(), scale)
            } else {
                let formatter = ArrayFormatter::try_new(column, &OPTIONS);
                Values::Others(formatter.map_err(unreadable)?)
            };
            // Logical, because dictionaries and columns of type NULL keep their nulls elsewhere.
            let nulls = column.logical_nulls();
            Ok(Self { values, nulls })
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
        match &self.values {
            Values::Decimals(decimals, scale) => add_decimal(decimals[row], *scale, text),
            Values::Others(formatter) => formatter.value(row).write(text).map_err(unreadable)?,
        }
        Ok(true)
    }
}

/// Of a text that is empty.
fn add_decimal(decimal: i128, scale: usize, text: &mut String) {
    // A text takes everything.
    let _ = write!(text, "{}", decimal.unsigned_abs());
    let zeros = (scale + 1).saturating_sub(text.len());
    text.insert_str(0, &ZEROS[..zeros]);
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
    if decimal < 0 {
        text.insert(0, '-');
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Decimal128Array};
    use std::sync::Arc;

    #[test]
    fn decimals_are_what_the_engine_shows() {
        let whole = [
            0,
            1,
            9,
            10,
            12_345,
            10_i128.pow(12),
            10_i128.pow(37),
            i128::from(u64::MAX),
        ];
        let values = whole
            .into_iter()
            .flat_map(|value| [value, -value, value + 7]);
        let values: Vec<_> = values.map(Some).chain([None]).collect();
        for scale in [0, 1, 2, 12, 37, 38] {
            let decimals = Decimal128Array::from(values.clone());
            let decimals = decimals.with_precision_and_scale(38, scale).unwrap();
            let engine = ArrayFormatter::try_new(&decimals, &OPTIONS).unwrap();
            let shown: Vec<_> = (0..values.len())
                .map(|row| engine.value(row).to_string())
                .collect();
            let batch = RecordBatch::try_from_iter([("d", Arc::new(decimals.clone()) as ArrayRef)]);
            let batch = batch.unwrap();
            let cells = Cells::of(&batch).unwrap();
            let mut text = String::new();
            for (row, shown) in shown.iter().enumerate() {
                let is_there = cells[0].read(row, &mut text).unwrap();
                assert_eq!(is_there, values[row].is_some());
                assert!(!is_there || text == *shown, "{text} for {shown}");
            }
        }
    }
}
