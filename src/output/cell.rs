//! A value as text, the same in every format but JSON: `2026-10-01 00:00:00`, exact decimals.

use crate::error::{Error, Result};
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

const OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_null("NULL")
    .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));

/// What a decimal below one can need before its digits.
const ZEROS: &str = "0.00000000000000000000000000000000000000";

/// One column of a batch, ready to be read row by row.
pub(super) struct Cells<'a> {
    values: Values<'a>,
    nulls: Option<NullBuffer>,
}

/// What reports are made of is read without the engine's formatter, which takes several times as long.
enum Values<'a> {
    Decimals(&'a [i128], usize),
    Integers(&'a [i64]),
    Flags(&'a BooleanArray),
    Texts(&'a StringViewArray),
    Strings(&'a StringArray),
    Others(ArrayFormatter<'a>),
}

impl<'a> Cells<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Vec<Self>> {
        let cells = |column: &'a dyn Array| {
            let values = if let Some(decimals) = column.as_primitive_opt::<Decimal128Type>()
                && let Ok(scale) = usize::try_from(decimals.scale())
                && scale + 2 <= ZEROS.len()
            {
                Values::Decimals(decimals.values(), scale)
            } else if let Some(integers) = column.as_primitive_opt::<Int64Type>() {
                Values::Integers(integers.values())
            } else if let Some(flags) = column.as_boolean_opt() {
                Values::Flags(flags)
            } else if let Some(texts) = column.as_string_view_opt() {
                Values::Texts(texts)
            } else if let Some(texts) = column.as_string_opt() {
                Values::Strings(texts)
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

    /// Whether there is nothing in its texts but digits, a sign and a point.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.values, Values::Decimals(..) | Values::Integers(_))
    }

    /// Whether it is easy to see that all rows have the same value, or none has one; there is a row, at least.
    pub(super) fn are_one(&self) -> bool {
        fn is_one<T: PartialEq>(values: &[T]) -> bool {
            let first = values.split_first();
            first.is_some_and(|(first, others)| others.iter().all(|other| other == first))
        }
        let nulls = self.nulls.as_ref();
        if let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) {
            return nulls.null_count() == nulls.len();
        }
        match &self.values {
            Values::Decimals(decimals, _) => is_one(decimals),
            Values::Integers(integers) => is_one(integers),
            Values::Flags(flags) => {
                !flags.is_empty() && [0, flags.len()].contains(&flags.true_count())
            }
            Values::Texts(texts) => is_one(texts.views()),
            Values::Strings(_) | Values::Others(_) => false,
        }
    }

    /// The value; nothing for NULL.
    pub(super) fn text(&self, row: usize) -> Result<Option<Cow<'a, str>>> {
        match &self.values {
            Values::Texts(_) | Values::Strings(_) if self.is_null(row) => Ok(None),
            Values::Texts(texts) => Ok(Some(Cow::Borrowed(texts.value(row)))),
            Values::Strings(texts) => Ok(Some(Cow::Borrowed(texts.value(row)))),
            _ => {
                let mut text = String::new();
                Ok(self.add(row, &mut text)?.then_some(Cow::Owned(text)))
            }
        }
    }

    /// Puts the value into `text`, and says whether there is one: NULL is none.
    pub(super) fn read(&self, row: usize, text: &mut String) -> Result<bool> {
        text.clear();
        self.add(row, text)
    }

    /// The same, behind what the text has already.
    pub(super) fn add(&self, row: usize, text: &mut String) -> Result<bool> {
        if self.is_null(row) {
            return Ok(false);
        }
        match &self.values {
            Values::Decimals(decimals, scale) => add_decimal(decimals[row], *scale, text),
            Values::Integers(integers) => text.push_str(itoa::Buffer::new().format(integers[row])),
            Values::Flags(flags) => text.push_str(if flags.value(row) { "true" } else { "false" }),
            Values::Texts(texts) => text.push_str(texts.value(row)),
            Values::Strings(texts) => text.push_str(texts.value(row)),
            Values::Others(formatter) => formatter.value(row).write(text).map_err(unreadable)?,
        }
        Ok(true)
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

fn add_decimal(decimal: i128, scale: usize, text: &mut String) {
    if decimal < 0 {
        text.push('-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = decimal.unsigned_abs();
    // Digits of a short number are found several times as fast.
    let digits = match u64::try_from(digits) {
        Ok(short) => buffer.format(short),
        Err(_) => buffer.format(digits),
    };
    let Some(point) = digits.len().checked_sub(scale).filter(|point| *point > 0) else {
        text.push_str(&ZEROS[..2 + scale - digits.len()]);
        text.push_str(digits);
        return;
    };
    let (whole, fraction) = digits.split_at(point);
    text.push_str(whole);
    if scale > 0 {
        text.push('.');
        text.push_str(fraction);
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
    use arrow::array::{ArrayRef, Decimal128Array, Int64Array};
    use std::sync::Arc;

    fn assert_shown_as_by_the_engine(column: &ArrayRef) {
        let engine = ArrayFormatter::try_new(column, &OPTIONS).unwrap();
        let batch = RecordBatch::try_from_iter([("c", Arc::clone(column))]).unwrap();
        let cells = Cells::of(&batch).unwrap();
        let mut text = String::new();
        for row in 0..column.len() {
            let shown = engine.value(row).to_string();
            assert_eq!(cells[0].read(row, &mut text).unwrap(), column.is_valid(row));
            let same = column.is_valid(row).then_some(text.as_str());
            assert_eq!(cells[0].text(row).unwrap().as_deref(), same);
            assert!(column.is_null(row) || text == shown, "{text} for {shown}");
        }
    }

    #[test]
    fn what_is_read_without_the_engine_is_what_it_shows() {
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
            let decimals: ArrayRef = Arc::new(decimals);
            assert_shown_as_by_the_engine(&decimals);
        }
        let integers = [Some(0), Some(-12), None, Some(i64::MIN), Some(i64::MAX)];
        let integers: ArrayRef = Arc::new(Int64Array::from(integers.to_vec()));
        assert_shown_as_by_the_engine(&integers);
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]));
        assert_shown_as_by_the_engine(&flags);
        let texts = [
            Some(""),
            None,
            Some("NULL"),
            Some("a, \"b\"\nand more than twelve bytes"),
        ];
        let views: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        assert_shown_as_by_the_engine(&views);
        let strings: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        assert_shown_as_by_the_engine(&strings);
    }
}
