//! [`Codes`]: equal values of a column share a number, so that what follows from them is worked out
//! once and not per row.
//!
//! Equal codes are equal values. The other way round it holds for all but dictionaries that repeat a
//! value, which costs time and nothing else.

use std::hash::Hash;

use datafusion::arrow::array::{Array, StringViewArray};
use datafusion::common::HashMap;

use super::arguments::Column;
use super::text::Text;

/// A number below [`Codes::distinct`] for each row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    of_row: Vec<u32>,
    distinct: usize,
}

impl Codes {
    pub(crate) fn of(column: &Column<Text>, rows: usize) -> Self {
        if column.is_constant() {
            return Self {
                of_row: vec![0; rows],
                distinct: 1,
            };
        }
        match column.values() {
            Text::Utf8View(views) => Self::of_views(views),
            Text::Dictionary { keys, nulls, .. } => Self::collect((0..rows).map(|row| {
                let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                (!is_null).then_some(keys[row])
            })),
            text => Self::collect((0..rows).map(|row| text.get(row))),
        }
    }

    /// Equal views are equal texts, and readers give a repeated text the same view.
    fn of_views(texts: &StringViewArray) -> Self {
        let mut views = Recent::default();
        let mut codes = Interner::default();
        let of_row = texts.views().iter().enumerate().map(|(row, view)| {
            if texts.is_null(row) {
                codes.code(None)
            } else {
                views.code(*view, |_| codes.code(Some(texts.value(row))))
            }
        });
        Self {
            of_row: of_row.collect(),
            distinct: codes.known.len(),
        }
    }

    fn collect<K: Key>(keys: impl Iterator<Item = K>) -> Self {
        let mut codes = Interner::default();
        Self {
            of_row: keys.map(|key| codes.code(key)).collect(),
            distinct: codes.known.len(),
        }
    }

    /// Equal pairs share a code.
    pub(crate) fn and(self, other: Self) -> Self {
        if other.distinct == 1 {
            return self;
        }
        if self.distinct == 1 {
            return other;
        }
        let pairs = self.of_row.iter().zip(&other.of_row);
        Self::collect(pairs.map(|(left, right)| u64::from(*left) << 32 | u64::from(*right)))
    }

    pub(crate) fn get(&self, row: usize) -> usize {
        self.of_row[row] as usize
    }

    pub(crate) fn distinct(&self) -> usize {
        self.distinct
    }
}

/// What can be told apart quickly.
pub(crate) trait Key: Copy + Eq + Hash {
    /// Few keys have the same one.
    fn mixed(self) -> u64;
}

const fn stirred(mixed: u64, word: u64) -> u64 {
    (mixed.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Key for u64 {
    fn mixed(self) -> u64 {
        stirred(0, self)
    }
}

/// A view: the length and the beginning of a text, then the rest of it or where it is.
impl Key for u128 {
    #[allow(clippy::cast_possible_truncation, reason = "its two halves")]
    fn mixed(self) -> u64 {
        stirred(stirred(0, self as u64), (self >> 64) as u64)
    }
}

impl Key for Option<usize> {
    fn mixed(self) -> u64 {
        self.map_or(0, |key| stirred(1, key as u64))
    }
}

impl Key for Option<&str> {
    fn mixed(self) -> u64 {
        let words = self.unwrap_or_default().as_bytes().chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        words.fold(0, stirred)
    }
}

/// Keys that were met lately: one a place, and keys of the same place take turns.
#[derive(Debug)]
pub(crate) struct Recent<K>(Vec<Option<(K, u32)>>);

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self(std::iter::repeat_with(|| None).take(1 << 10).collect())
    }
}

impl<K> Recent<K> {
    pub(crate) fn forget(&mut self) {
        self.0.iter_mut().for_each(|place| *place = None);
    }
}

impl<K: Key> Recent<K> {
    pub(crate) fn code(&mut self, key: K, otherwise: impl FnOnce(K) -> u32) -> u32 {
        /// Of the mixed bits the upper ones are mixed best.
        const SHIFT: u32 = u64::BITS - 10;
        let place = &mut self.0[(key.mixed() >> SHIFT) as usize];
        match place {
            Some((known, code)) if *known == key => *code,
            _ => {
                let code = otherwise(key);
                *place = Some((key, code));
                code
            }
        }
    }
}

/// Gives each key the next number when it is first met.
struct Interner<K> {
    recent: Recent<K>,
    known: HashMap<K, u32>,
}

impl<K> Default for Interner<K> {
    fn default() -> Self {
        Self {
            recent: Recent::default(),
            known: HashMap::new(),
        }
    }
}

impl<K: Key> Interner<K> {
    fn code(&mut self, key: K) -> u32 {
        let Self { recent, known } = self;
        recent.code(key, |key| {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            *known.entry(key).or_insert(next)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, StringArray};
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::DataType;

    use super::*;

    const LONG: &str = "a text that does not fit into a view";

    fn codes(texts: &[Option<&str>], encoding: &DataType) -> Codes {
        let array: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let array = cast(&array, encoding).unwrap();
        let column = Column::each(Text::new(&array).unwrap());
        Codes::of(&column, texts.len())
    }

    #[test]
    fn equal_texts_share_a_code_in_every_encoding() {
        let texts = [
            Some("a"),
            Some(LONG),
            None,
            Some("a"),
            Some(""),
            Some(LONG),
            None,
        ];
        let dictionary = DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into());
        for encoding in [
            DataType::Utf8,
            DataType::LargeUtf8,
            DataType::Utf8View,
            dictionary,
        ] {
            let codes = codes(&texts, &encoding);
            assert_eq!(codes.of_row, [0, 1, 2, 0, 3, 1, 2], "{encoding}");
            assert_eq!(codes.distinct, 4, "{encoding}");
        }
    }

    #[test]
    fn more_texts_than_places_are_told_apart() {
        let texts: Vec<String> = (0..5_000)
            .map(|number| format!("{LONG} {}", number % 2_500))
            .collect();
        let texts: Vec<_> = texts.iter().map(|text| Some(text.as_str())).collect();
        for encoding in [DataType::Utf8, DataType::Utf8View] {
            let codes = codes(&texts, &encoding);
            let expected: Vec<u32> = (0..2_500).chain(0..2_500).collect();
            assert_eq!(codes.of_row, expected, "{encoding}");
        }
    }

    #[test]
    fn pairs_are_equal_when_both_are() {
        let texts = |texts: [&'static str; 4]| codes(&texts.map(Some), &DataType::Utf8);
        let pairs = texts(["a", "a", "b", "a"]).and(texts(["x", "y", "x", "x"]));
        assert_eq!(pairs.of_row, [0, 1, 2, 0]);
        let one = || texts(["x", "x", "x", "x"]);
        assert_eq!(one().and(texts(["a", "b", "b", "a"])).of_row, [0, 1, 1, 0]);
        assert_eq!(texts(["a", "b", "b", "a"]).and(one()).distinct(), 2);
    }
}
