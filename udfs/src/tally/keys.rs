//! [`Key`]: the values of one column of a `GROUP BY`, numbered as they are met.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, DictionaryArray, Int64Array, StringViewArray,
};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{ArrowNativeType, DataType, Int32Type, Int64Type};
use datafusion::common::{HashMap, Result};
use datafusion::logical_expr::ColumnarValue;

use crate::columnar::codes::Recent;
use crate::columnar::kind::is_text;

/// One column's distinct values. NULL has the number 0, the others follow.
#[derive(Debug)]
pub(crate) struct Key {
    data_type: DataType,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Texts(Texts),
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
            _ if is_of_text => Values::Texts(Texts::default()),
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

    fn number_each(&mut self, column: &ArrayRef, numbers: &mut Vec<u32>) -> Result<()> {
        match &mut self.values {
            Values::Texts(texts) => {
                if let Some(column) = column.as_dictionary_opt::<Int32Type>() {
                    return texts.number_dictionary(column, numbers);
                }
                let column = cast(column, &DataType::Utf8View)?;
                texts.number(column.as_string_view(), numbers);
            }
            Values::Words(words) => {
                let column = cast(column, &DataType::Int64)?;
                words.number(column.as_primitive::<Int64Type>(), numbers);
            }
        }
        Ok(())
    }

    /// How many numbers there are, that of NULL included.
    pub(super) fn count(&self) -> usize {
        1 + match &self.values {
            Values::Texts(texts) => texts.met.len(),
            Values::Words(words) => words.met.len(),
        }
    }

    /// The values of their numbers, in the column's type.
    pub(crate) fn values(&self) -> Result<ArrayRef> {
        let values: ArrayRef = match &self.values {
            Values::Texts(texts) => {
                let texts = texts.met.iter().map(|text| Some(text.as_ref()));
                Arc::new(
                    std::iter::once(None)
                        .chain(texts)
                        .collect::<StringViewArray>(),
                )
            }
            Values::Words(words) => {
                let words = words.met.iter().map(|word| Some(*word));
                Arc::new(std::iter::once(None).chain(words).collect::<Int64Array>())
            }
        };
        Ok(cast(&values, &self.data_type)?)
    }

    pub(super) fn size(&self) -> usize {
        /// Of an entry in a table and its place in the list.
        const ENTRY: usize = 64;
        let bytes = match &self.values {
            Values::Texts(texts) => texts.bytes,
            Values::Words(_) => 0,
        };
        self.count() * ENTRY + bytes
    }
}

/// The first row, where it is easy to see that all others are equal to it.
fn one_for_all(column: &ArrayRef) -> Option<ArrayRef> {
    let rows = column.len();
    let is_one = rows == 1
        || column.null_count() == rows
        || column.as_boolean_opt().is_some_and(|flags| {
            flags.null_count() == 0 && [0, rows].contains(&flags.true_count())
        });
    (is_one && rows > 0).then(|| column.slice(0, 1))
}

#[derive(Debug)]
struct Texts {
    met: Vec<Arc<str>>,
    known: HashMap<Arc<str>, u32>,
    bytes: usize,
    /// Views that were met lately.
    recent: Recent<u128>,
    /// Where these views point to: they mean the same while the buffers are the same.
    buffers: Vec<Buffer>,
    /// The dictionary met last, and the numbers of its values.
    dictionary: Option<(ArrayData, Vec<u32>)>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            met: vec![],
            known: HashMap::new(),
            bytes: 0,
            recent: Recent::with_at_most(1 << 13),
            buffers: vec![],
            dictionary: None,
        }
    }
}

impl Texts {
    fn number_dictionary(
        &mut self,
        column: &DictionaryArray<Int32Type>,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        let values = column.values().to_data();
        let known = self.dictionary.take();
        let known = known.filter(|(known, _)| known.ptr_eq(&values));
        let of_value = if let Some((_, of_value)) = known {
            of_value
        } else {
            let mut of_value = Vec::with_capacity(values.len());
            let values = cast(column.values(), &DataType::Utf8View)?;
            self.number(values.as_string_view(), &mut of_value);
            of_value
        };
        let keys = column.keys();
        if keys.null_count() == 0 {
            numbers.extend(keys.values().iter().map(|key| of_value[key.as_usize()]));
        } else {
            numbers.extend(
                keys.iter()
                    .map(|key| key.map_or(0, |key| of_value[key.as_usize()])),
            );
        }
        self.dictionary = Some((values, of_value));
        Ok(())
    }

    fn number(&mut self, column: &StringViewArray, numbers: &mut Vec<u32>) {
        let Self {
            met,
            known,
            bytes,
            recent,
            buffers,
            ..
        } = self;
        let given = column.data_buffers();
        let is_same =
            given.len() == buffers.len() && given.iter().zip(&*buffers).all(|(a, b)| a.ptr_eq(b));
        if !is_same {
            *buffers = given.to_vec();
            recent.forget();
        }
        let mut intern = |text: &str| {
            if let Some(number) = known.get(text) {
                return *number;
            }
            let text: Arc<str> = text.into();
            met.push(Arc::clone(&text));
            *bytes += text.len();
            let number = u32::try_from(met.len()).unwrap_or(u32::MAX);
            known.insert(text, number);
            number
        };
        let views = column.views().iter().enumerate();
        if column.null_count() == 0 {
            numbers
                .extend(views.map(|(row, view)| recent.code(*view, |_| intern(column.value(row)))));
        } else {
            numbers.extend(views.map(|(row, view)| {
                if column.is_null(row) {
                    0
                } else {
                    recent.code(*view, |_| intern(column.value(row)))
                }
            }));
        }
    }
}

#[derive(Debug, Default)]
struct Words {
    met: Vec<i64>,
    known: HashMap<i64, u32>,
    recent: Recent<i64>,
}

impl Words {
    fn number(&mut self, column: &Int64Array, numbers: &mut Vec<u32>) {
        let Self { met, known, recent } = self;
        let has_nulls = column.null_count() > 0;
        let mut last = None;
        let values = column.values().iter().enumerate();
        numbers.extend(values.map(|(row, word)| match last {
            _ if has_nulls && column.is_null(row) => 0,
            Some((last, number)) if last == *word => number,
            _ => {
                let number = recent.code(*word, |word| {
                    *known.entry(word).or_insert_with(|| {
                        met.push(word);
                        u32::try_from(met.len()).unwrap_or(u32::MAX)
                    })
                });
                last = Some((*word, number));
                number
            }
        }));
    }
}
