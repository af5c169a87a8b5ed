//! [`Codes`]: equal values of a column share a number, so that what follows from them is worked out
//! once and not per row.
//!
//! Equal codes are equal values. The other way round it holds for all but dictionaries that repeat a
//! value, which costs time and nothing else.

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::ArrowNativeType;

use super::arguments::Column;
use super::met::Met;
use super::recent::Key;
use super::text::Text;

/// So many keys have a place each, and need no hash.
const FEW: usize = 1 << 14;

/// A number for each row, and for each number the row that was the first to have it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    of_row: Vec<u32>,
    first_rows: Vec<usize>,
}

impl Codes {
    /// Rows that share a code are equal in each of the columns.
    pub(crate) fn of(columns: &[&Column<Text>], rows: usize) -> Self {
        let varying = columns.iter().filter(|column| !column.is_constant());
        let varying: Vec<&Text> = varying.map(|column| column.values()).collect();
        if let Some(codes) = Self::of_dictionaries(&varying, rows) {
            return codes;
        }
        let codes = varying.into_iter().map(|text| Self::of_text(text, rows));
        codes
            .reduce(|codes, other| codes.beside(&other))
            .unwrap_or_else(|| Self {
                of_row: vec![0; rows],
                first_rows: vec![0; rows.min(1)],
            })
    }

    /// Where there are dictionaries alone, and few combinations of their values.
    fn of_dictionaries(columns: &[&Text], rows: usize) -> Option<Self> {
        let mut limit = 1_usize;
        let mut places = vec![0_u32; rows];
        for column in columns {
            let Text::Dictionary {
                keys,
                nulls,
                values,
            } = column
            else {
                return None;
            };
            let width = values.len() + 1;
            limit = limit.checked_mul(width).filter(|limit| *limit <= FEW)?;
            let (null, width) = (u32::try_from(width - 1).ok()?, u32::try_from(width).ok()?);
            let keys = keys.iter().map(|key| key.cast_unsigned());
            let rows = places.iter_mut().zip(keys);
            match nulls {
                None => rows.for_each(|(place, key)| *place = *place * width + key),
                Some(nulls) => rows.zip(nulls).for_each(|((place, key), valid)| {
                    *place = *place * width + if valid { key } else { null };
                }),
            }
        }
        let is_any = !columns.is_empty();
        is_any.then(|| Self::below(limit, places.into_iter().map(|place| place as usize)))
    }

    fn of_text(text: &Text, rows: usize) -> Self {
        /// No view: a text is shorter than its length would say.
        const NULL: u128 = u128::MAX;
        match text {
            // Readers give a repeated text the same view.
            Text::Utf8View(views) => match views.nulls() {
                None => Self::collect(views.views().iter().copied()),
                Some(nulls) => {
                    let views = views.views().iter().zip(nulls);
                    Self::collect(views.map(|(view, valid)| if valid { *view } else { NULL }))
                }
            },
            Text::Dictionary {
                keys,
                nulls,
                values,
            } => {
                let key = |row: usize| match nulls {
                    Some(nulls) if nulls.is_null(row) => values.len(),
                    _ => keys[row].as_usize(),
                };
                Self::below(values.len() + 1, (0..rows).map(key))
            }
            text => Self::collect((0..rows).map(|row| text.get(row))),
        }
    }

    /// Rows that share a code share it in both.
    fn beside(&self, other: &Self) -> Self {
        let width = other.distinct();
        let pairs = self.of_row.iter().zip(&other.of_row);
        let pairs = pairs.map(|(code, other)| *code as usize * width + *other as usize);
        Self::below(self.distinct() * width, pairs)
    }

    /// Of keys that are all below `limit`: without a hash, where they are few.
    fn below(limit: usize, keys: impl Iterator<Item = usize>) -> Self {
        const UNKNOWN: u32 = u32::MAX;
        if limit > FEW {
            return Self::collect(keys.map(|key| key as u128));
        }
        let mut known = vec![UNKNOWN; limit];
        let mut first_rows = vec![];
        let of_row = keys.enumerate().map(|(row, key)| {
            if known[key] == UNKNOWN {
                known[key] = u32::try_from(first_rows.len()).unwrap_or(UNKNOWN);
                first_rows.push(row);
            }
            known[key]
        });
        Self {
            of_row: of_row.collect(),
            first_rows,
        }
    }

    fn collect<K: Key>(keys: impl Iterator<Item = K>) -> Self {
        let mut met = Met::with_recent(1 << 12);
        let mut first_rows = vec![];
        let of_row = keys.enumerate().map(|(row, key)| {
            let code = met.code(key);
            if code as usize == first_rows.len() {
                first_rows.push(row);
            }
            code
        });
        Self {
            of_row: of_row.collect(),
            first_rows,
        }
    }

    pub(crate) fn get(&self, row: usize) -> usize {
        self.of_row[row] as usize
    }

    pub(crate) fn distinct(&self) -> usize {
        self.first_rows.len()
    }

    /// Of each code in turn, a row that has it.
    pub(crate) fn first_rows(&self) -> &[usize] {
        &self.first_rows
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, StringArray};
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::DataType;

    use super::*;
    use datafusion::common::HashMap;

    const LONG: &str = "a text that does not fit into a view";

    fn column(texts: &[Option<&str>], encoding: &DataType) -> Column<Text> {
        let array: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let array = cast(&array, encoding).unwrap();
        Column::each(Text::new(&array).unwrap())
    }

    fn codes(texts: &[Option<&str>], encoding: &DataType) -> Codes {
        Codes::of(&[&column(texts, encoding)], texts.len())
    }

    fn encodings() -> [DataType; 4] {
        let dictionary = DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into());
        [
            DataType::Utf8,
            DataType::LargeUtf8,
            DataType::Utf8View,
            dictionary,
        ]
    }

    #[test]
    fn rows_that_share_a_code_are_equal_in_every_encoding() {
        let texts = [
            Some("a"),
            Some(LONG),
            None,
            Some("a"),
            Some(""),
            Some(LONG),
            None,
        ];
        for encoding in encodings() {
            let codes = codes(&texts, &encoding);
            for (row, text) in texts.iter().enumerate() {
                let sharing = |other: &usize| codes.get(*other) == codes.get(row);
                let shared = (0..texts.len()).filter(sharing).map(|other| texts[other]);
                assert!(shared.into_iter().all(|other| other == *text), "{encoding}");
            }
            assert_eq!(codes.get(0), codes.get(3), "{encoding}");
            assert_eq!(codes.get(2), codes.get(6), "{encoding}");
        }
    }

    #[test]
    fn more_texts_than_places_are_told_apart() {
        let texts: Vec<String> = (0..5_000)
            .map(|number| format!("{LONG} {}", number % 2_500))
            .collect();
        let texts: Vec<_> = texts.iter().map(|text| Some(text.as_str())).collect();
        let codes = codes(&texts, &DataType::Utf8);
        let expected: Vec<u32> = (0..2_500).chain(0..2_500).collect();
        assert_eq!(codes.of_row, expected);
        let views = self::codes(&texts, &DataType::Utf8View);
        let apart: HashMap<_, _> = views.of_row.iter().zip(&texts).collect();
        assert!(
            views
                .of_row
                .iter()
                .zip(&texts)
                .all(|(code, text)| apart[code] == text)
        );
    }

    #[test]
    fn rows_are_equal_when_every_column_is() {
        let texts = |texts: [&'static str; 4]| column(&texts.map(Some), &DataType::Utf8View);
        let (left, right) = (texts(["a", "a", "b", "a"]), texts(["x", "y", "x", "x"]));
        assert_eq!(Codes::of(&[&left, &right], 4).of_row, [0, 1, 2, 0]);
        let third = column(&[None, None, None, Some("z")], &DataType::Utf8);
        assert_eq!(Codes::of(&[&left, &right, &third], 4).of_row, [0, 1, 2, 3]);
    }
}
