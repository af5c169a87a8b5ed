//! [`MetTexts`]: texts, numbered in the order in which they are first met.

use std::fmt;
use std::hash::BuildHasher;

use datafusion::arrow::array::{ArrayBuilder, StringViewArray, StringViewBuilder};
use datafusion::common::hash_utils::RandomState;
use datafusion::common::{Result, resources_datafusion_err};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::text::Text;

/// NULL has the number 0, the others follow.
pub(crate) struct MetTexts {
    /// At the places of their numbers.
    texts: StringViewBuilder,
    known: HashTable<Known>,
    hasher: RandomState,
}

/// A text stands in the list alone, so that the table stays small; nearly all that differ are told
/// apart without a look at them.
#[derive(Clone, Copy)]
struct Known {
    hash: u32,
    number: u32,
}

impl Known {
    /// The table goes by the lower bits, and by the uppermost ones.
    fn spread(self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

impl Default for MetTexts {
    fn default() -> Self {
        let mut texts = StringViewBuilder::new();
        texts.append_null();
        Self {
            texts,
            known: HashTable::new(),
            hasher: RandomState::default(),
        }
    }
}

impl fmt::Debug for MetTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetTexts")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

impl MetTexts {
    /// How many numbers there are, that of NULL included.
    pub(crate) fn count(&self) -> usize {
        self.texts.len()
    }

    /// The next number where the text is new.
    #[allow(clippy::cast_possible_truncation, reason = "its upper half")]
    pub(crate) fn number(&mut self, text: Option<&str>) -> Result<u32> {
        let Some(text) = text else {
            return Ok(0);
        };
        let number = u32::try_from(self.count())
            .map_err(|_| resources_datafusion_err!("{} texts to tell apart", self.count()))?;
        let hash = (self.hasher.hash_one(text) >> 32) as u32;
        let new = Known { hash, number };
        let is_own = |known: &Known| {
            known.hash == hash && self.texts.get_value(known.number as usize) == text.as_bytes()
        };
        match self
            .known
            .entry(new.spread(), is_own, |known| known.spread())
        {
            Entry::Occupied(known) => Ok(known.get().number),
            Entry::Vacant(place) => {
                self.texts.try_append_value(text)?;
                place.insert(new);
                Ok(number)
            }
        }
    }

    /// Appends the number of each row's text; most of them are new.
    pub(crate) fn number_all(&mut self, texts: &Text, numbers: &mut Vec<u32>) -> Result<()> {
        let rows = texts.len();
        numbers.reserve(rows);
        self.known.reserve(rows, |known| known.spread());
        for row in 0..rows {
            numbers.push(self.number(texts.get(row))?);
        }
        Ok(())
    }

    /// The texts at the places of their numbers.
    pub(crate) fn into_values(mut self) -> StringViewArray {
        self.texts.finish()
    }

    pub(crate) fn size(&self) -> usize {
        self.texts.allocated_size() + self.known.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Array;

    use super::*;

    #[test]
    fn numbers_follow_the_order_of_meeting() {
        let text = |number: u32| match number % 3 {
            0 => format!("{number}"),
            1 => format!("a text that is too long for a view: {number}"),
            _ => format!("{number} is where a text that is long differs"),
        };
        let mut met = MetTexts::default();
        for round in 0..2 {
            assert_eq!(met.number(None).unwrap(), 0);
            for number in 0..10_000 {
                let found = met.number(Some(&text(number))).unwrap();
                assert_eq!(found, number + 1, "round {round}");
            }
        }
        assert_eq!(met.number(Some("")).unwrap(), 10_001);
        assert_eq!(met.count(), 10_002);
        let values = met.into_values();
        assert!(values.is_null(0) && values.null_count() == 1);
        assert_eq!(values.value(10_001), "");
        for number in 0..10_000 {
            assert_eq!(values.value(number as usize + 1), text(number));
        }
    }

    #[test]
    fn texts_of_one_hash_are_told_apart() {
        let mut met = MetTexts::default();
        let first = met.number(Some("a")).unwrap();
        let hash = |text: &str| (met.hasher.hash_one(text) >> 32) as u32;
        let of_another = Known {
            hash: hash("b"),
            number: first,
        };
        met.known
            .insert_unique(of_another.spread(), of_another, |known| known.spread());
        assert_eq!(met.number(Some("b")).unwrap(), 2);
        assert_eq!(met.number(Some("a")).unwrap(), first);
        assert_eq!(met.number(Some("b")).unwrap(), 2);
    }
}
