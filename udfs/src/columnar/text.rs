//! [`Text`]: a column of text in whichever encoding it comes.
//!
//! Parquet hands over `Utf8View`, a cluster `Utf8`, Hive partitions dictionaries; functions see
//! `Option<&str>`.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray,
};
use datafusion::arrow::buffer::{NullBuffer, ScalarBuffer};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{ArrowNativeType, DataType, Int32Type};
use datafusion::common::{Result, internal_err};

/// A column of text; cheap to make, the values stay where they are.
#[derive(Debug)]
pub(crate) enum Text {
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    Utf8View(StringViewArray),
    Dictionary {
        /// Of no meaning where a row is NULL.
        keys: ScalarBuffer<i32>,
        nulls: Option<NullBuffer>,
        values: Box<Text>,
    },
}

impl Text {
    pub(crate) fn new(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Utf8(array.as_string().clone()),
            DataType::LargeUtf8 => Self::LargeUtf8(array.as_string().clone()),
            DataType::Utf8View => Self::Utf8View(array.as_string_view().clone()),
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let keys = match array.as_dictionary_opt::<Int32Type>() {
                    Some(dictionary) => dictionary.keys().values().clone(),
                    None => cast(dictionary.keys(), &DataType::Int32)?
                        .as_primitive::<Int32Type>()
                        .values()
                        .clone(),
                };
                let values = Box::new(Self::new(dictionary.values())?);
                Self::Dictionary {
                    keys,
                    nulls: dictionary.nulls().cloned(),
                    values,
                }
            }
            other => return internal_err!("a column of {other} is not text"),
        })
    }

    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::LargeUtf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Utf8View(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Dictionary {
                keys,
                nulls,
                values,
            } => {
                let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
                valid.then(|| values.get(keys[row].as_usize())).flatten()
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Utf8(array) => array.len(),
            Self::LargeUtf8(array) => array.len(),
            Self::Utf8View(array) => array.len(),
            Self::Dictionary { keys, .. } => keys.len(),
        }
    }
}
