//! [`Key`]: the values of one column of a `GROUP BY`, numbered as they are met.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, DictionaryArray, Int64Array,
    PrimitiveArray, new_null_array,
};
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{
    ArrowNativeType, DataType, Int32Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::kind::is_text;
use super::met::Met;
use super::texts::Texts;

/// One column's distinct values. NULL has the number 0, the others follow.
#[derive(Debug)]
pub(crate) struct Key {
    data_type: DataType,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Texts(Box<Texts>),
    Words(Words),
}

impl Key {
    /// Nothing for values of a type that cannot be numbered here.
    pub(crate) fn new(data_type: &DataType) -> Option<Self> {
        let is_of_text = match data_type {
            DataType::Dictionary(_, values) => is_text(values),
            other => is_text(other),
        };
        let values = match data_type {
            _ if is_of_text => Values::Texts(Box::default()),
            DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Timestamp(..) => Values::Words(Words::default()),
            _ => return None,
        };
        Some(Self {
            data_type: data_type.clone(),
            values,
        })
    }

    /// The number of each value of a column's dictionary; nothing where it has none.
    pub(crate) fn number_values(&mut self, column: &ColumnarValue) -> Result<Option<Arc<[u32]>>> {
        match (&mut self.values, dictionary(column)) {
            (Values::Texts(texts), Some(column)) => texts.number_values(column).map(Some),
            _ => Ok(None),
        }
    }

    /// Appends the number of each row's value; nothing, and the number, where all rows share one.
    pub(crate) fn number(
        &mut self,
        column: &ColumnarValue,
        numbers: &mut Vec<u32>,
    ) -> Result<Option<u32>> {
        let column = match column {
            ColumnarValue::Array(column) => Arc::clone(column),
            ColumnarValue::Scalar(value) => value.to_array()?,
        };
        let Some(column) = one_for_all(&column) else {
            self.number_each(&column, numbers)?;
            return Ok(None);
        };
        self.number_each(&column, numbers)?;
        Ok(numbers.pop())
    }

    /// Appends the number of each row's value.
    pub(crate) fn number_each(&mut self, column: &ArrayRef, numbers: &mut Vec<u32>) -> Result<()> {
        match &mut self.values {
            Values::Texts(texts) => {
                if let Some(column) = column.as_dictionary_opt::<Int32Type>() {
                    return texts.number_dictionary(column, numbers);
                }
                if let Some(column) = column.as_string_opt::<i32>() {
                    return texts.number_strings(column, numbers);
                }
                texts.number(&cast(column, &DataType::Utf8View)?, numbers)?;
            }
            Values::Words(words) => {
                if let Some(column) = column.as_primitive_opt::<Int32Type>() {
                    words.number(column, numbers);
                    return Ok(());
                }
                let column = cast(column, &DataType::Int64)?;
                words.number(column.as_primitive::<Int64Type>(), numbers);
            }
        }
        Ok(())
    }

    /// The same for values of which few repeat: those met lately are not looked for apart.
    pub(crate) fn number_distinct(
        &mut self,
        column: &ArrayRef,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        match &mut self.values {
            Values::Texts(texts) => texts.number_distinct(column, numbers),
            Values::Words(_) => self.number_each(column, numbers),
        }
    }

    /// How many numbers there are, that of NULL included.
    pub(crate) fn count(&self) -> usize {
        match &self.values {
            Values::Texts(texts) => texts.count(),
            Values::Words(words) => 1 + words.met.keys().len(),
        }
    }

    /// The values of their numbers, in the column's type; NULL is the first.
    pub(crate) fn into_values(self) -> Result<ArrayRef> {
        let values: ArrayRef = match self.values {
            Values::Texts(texts) => Arc::new(texts.into_values()),
            Values::Words(words) => {
                let words = Int64Array::from(words.met.into_keys());
                concat(&[&new_null_array(&DataType::Int64, 1), &words])?
            }
        };
        Ok(cast(&values, &self.data_type)?)
    }

    pub(crate) fn size(&self) -> usize {
        match &self.values {
            Values::Texts(texts) => texts.size(),
            Values::Words(words) => words.met.size(),
        }
    }
}

pub(crate) fn dictionary(column: &ColumnarValue) -> Option<&DictionaryArray<Int32Type>> {
    match column {
        ColumnarValue::Array(column) => column.as_dictionary_opt(),
        ColumnarValue::Scalar(_) => None,
    }
}

/// The first row, where it is easy to see that all others are equal to it.
fn one_for_all(column: &ArrayRef) -> Option<ArrayRef> {
    let rows = column.len();
    let is_one = rows == 1
        || column.null_count() == rows
        || column.null_count() == 0
            && (is_one_flag(column) || is_one_word(column) || is_one_text(column));
    (is_one && rows > 0).then(|| column.slice(0, 1))
}

fn is_one_flag(column: &ArrayRef) -> bool {
    let is_one = |flags: &BooleanArray| [0, flags.len()].contains(&flags.true_count());
    column.as_boolean_opt().is_some_and(is_one)
}

/// Most columns of words differ in the first rows; a slot or a month is the same in all of a batch.
fn is_one_word(column: &ArrayRef) -> bool {
    fn is_one<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<bool> {
        Some(repeats(column.as_primitive_opt::<T>()?.values()))
    }
    let is_one = is_one::<Int64Type>(column)
        .or_else(|| is_one::<Int32Type>(column))
        .or_else(|| is_one::<TimestampMicrosecondType>(column));
    is_one.unwrap_or(false)
}

/// So is a currency, mostly.
fn is_one_text(column: &ArrayRef) -> bool {
    if let Some(texts) = column.as_string_view_opt() {
        return repeats(texts.views());
    }
    let Some(texts) = column.as_string_opt::<i32>() else {
        return false;
    };
    let offsets = texts.value_offsets();
    let [first, .., last] = *offsets else {
        return false;
    };
    let bytes = &texts.value_data()[first.as_usize()..last.as_usize()];
    let length = bytes.len() / texts.len();
    // Texts of one length are one text where their bytes are the same a text further on.
    offsets
        .windows(2)
        .all(|ends| ends[1].as_usize() - ends[0].as_usize() == length)
        && bytes[length..] == bytes[..bytes.len() - length]
}

fn repeats<T: PartialEq>(values: &[T]) -> bool {
    let first = values.split_first();
    first.is_some_and(|(first, others)| others.iter().all(|other| other == first))
}

#[derive(Debug)]
struct Words {
    met: Met<i64>,
    /// The numbers of small words, each in its own place.
    small: Vec<u32>,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            met: Met::with_recent(1 << 12),
            small: vec![],
        }
    }
}

impl Words {
    fn number<T: ArrowPrimitiveType<Native: Into<i64>>>(
        &mut self,
        column: &PrimitiveArray<T>,
        numbers: &mut Vec<u32>,
    ) {
        let mut last = None;
        let mut number = |word: T::Native| {
            let word: i64 = word.into();
            match self.small_number(word) {
                0 => self.large_number(word, &mut last),
                number => number,
            }
        };
        let values = column.values().iter().copied();
        match column.nulls() {
            None => numbers.extend(values.map(number)),
            Some(nulls) => {
                let values = values.zip(nulls);
                numbers
                    .extend(values.map(|(word, is_valid)| if is_valid { number(word) } else { 0 }));
            }
        }
    }

    /// Zero where there is none yet.
    fn small_number(&self, word: i64) -> u32 {
        let place = word.wrapping_sub(LEAST_SMALL).cast_unsigned();
        let number = usize::try_from(place)
            .ok()
            .and_then(|place| self.small.get(place));
        number.copied().unwrap_or(0)
    }

    /// Of a word without a place of its own, and mostly equal to the last one.
    #[inline(never)]
    fn large_number(&mut self, word: i64, last: &mut Option<(i64, u32)>) -> u32 {
        match *last {
            Some((last, number)) if last == word => number,
            _ => {
                let number = self.look_up(word);
                *last = Some((word, number));
                number
            }
        }
    }

    fn look_up(&mut self, word: i64) -> u32 {
        let number = self.met.code(word) + 1;
        if let Some(place) = word.checked_sub(LEAST_SMALL)
            && let Ok(place) = usize::try_from(place)
            && place < SMALL
        {
            self.small.resize(self.small.len().max(place + 1), 0);
            self.small[place] = number;
        }
        number
    }
}

/// Prices and reasons why there is none have numbers around zero.
const LEAST_SMALL: i64 = -8;
const SMALL: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{StringArray, StringViewBuilder};
    use datafusion::arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn a_column_of_one_word_has_one_number_and_the_word_keeps_it() {
        let types = [
            DataType::Int32,
            DataType::Int64,
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamp(TimeUnit::Nanosecond, None),
        ];
        for data_type in types {
            let mut key = Key::new(&data_type).unwrap();
            let mut numbered = |words: &[Option<i64>]| {
                let words = Int64Array::from(words.to_vec());
                let column = ColumnarValue::Array(cast(&words, &data_type).unwrap());
                let mut numbers = vec![];
                let of_all = key.number(&column, &mut numbers).unwrap();
                (of_all, numbers)
            };
            let spread = |(of_all, mut numbers): (Option<u32>, Vec<u32>), rows: usize| {
                if let Some(number) = of_all {
                    assert!(numbers.is_empty());
                    numbers.resize(rows, number);
                }
                numbers
            };
            for large in [7, 70_000] {
                let same = spread(numbered(&[Some(large); 5]), 5);
                assert!(same.iter().all(|number| *number == same[0] && *number > 0));
                let mixed = numbered(&[Some(large), None, Some(-3), Some(large)]);
                assert_eq!(mixed.0, None);
                let [first, null, other, last] = mixed.1[..] else {
                    panic!("{mixed:?}")
                };
                assert_eq!((first, null, last), (same[0], 0, same[0]));
                assert_ne!(other, first);
                // A word that only a NULL stands beside is not the word of all rows.
                let beside = numbered(&[Some(large), Some(large), None]);
                assert_eq!(beside, (None, vec![same[0], same[0], 0]));
                assert_eq!(spread(numbered(&[None, None]), 2), [0, 0]);
            }
        }
    }

    #[test]
    fn a_column_of_one_text_has_one_number_in_every_form() {
        let long = "a text that is longer than its view";
        let columns: [(&[&str], bool); 8] = [
            (&["USD", "USD", "USD"], true),
            (&["", ""], true),
            (&[long, long], true),
            (&["USD", "USD", "EUR"], false),
            // As many bytes, and the same when they are shifted.
            (&["ab", "aba", "b"], false),
            (&["aa", "a", "aaa"], false),
            (&["abcdabcd", "abcd", ""], false),
            (&[long, "another that is longer than its view"], false),
        ];
        for (texts, is_one) in columns {
            let strings: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
            // A reader gives a repeated text the same view.
            let mut views = StringViewBuilder::new().with_deduplicate_strings();
            for text in texts {
                views.append_value(text);
            }
            let views: ArrayRef = Arc::new(views.finish());
            for column in [&strings, &strings.slice(1, texts.len() - 1), &views] {
                let key = || Key::new(column.data_type()).unwrap();
                let (mut each, mut numbers) = (vec![], vec![]);
                key().number_each(column, &mut each).unwrap();
                let of_column = ColumnarValue::Array(Arc::clone(column));
                let of_all = key().number(&of_column, &mut numbers).unwrap();
                assert_eq!(of_all.is_some(), is_one || column.len() == 1, "{texts:?}");
                if let Some(number) = of_all {
                    assert!(numbers.is_empty());
                    numbers.resize(column.len(), number);
                }
                assert_eq!(numbers, each, "{texts:?}");
            }
        }
        // NULL beside a text is not that text, whatever stands below it.
        let texts = StringArray::from(vec![Some(""), None]);
        let column = ColumnarValue::Array(Arc::new(texts));
        let mut numbers = vec![];
        let mut key = Key::new(&DataType::Utf8).unwrap();
        assert_eq!(key.number(&column, &mut numbers).unwrap(), None);
        assert_eq!(numbers, [1, 0]);
    }
}
