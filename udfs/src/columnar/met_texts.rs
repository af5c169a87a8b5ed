//! [`MetTexts`]: texts, numbered in the order in which they are first met.

use std::fmt;
use std::hash::BuildHasher;

use datafusion::arrow::array::{StringViewArray, StringViewBuilder};
use datafusion::common::hash_utils::RandomState;
use datafusion::common::{Result, resources_datafusion_err};
use hashbrown::HashTable;

use super::text::Text;

/// NULL has the number 0, the others follow.
pub(crate) struct MetTexts {
    /// At the places of their numbers.
    texts: StringViewBuilder,
    count: usize,
    known: HashTable<Known>,
    hasher: RandomState,
}

/// A text stands in the list alone, so that the table stays small; nearly all that differ are told
/// apart without a look at them.
#[derive(Clone, Copy, Default)]
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
            count: 1,
            known: HashTable::new(),
            hasher: RandomState::default(),
        }
    }
}

impl fmt::Debug for MetTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetTexts")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl MetTexts {
    /// How many numbers there are, that of NULL included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The next number where the text is new.
    pub(crate) fn number(&mut self, text: Option<&str>) -> Result<u32> {
        text.map_or(Ok(0), |text| self.look_up(text, self.hash(text)))
    }

    /// Appends the number of each row's text; many of them are new.
    ///
    /// Texts and their places in the table lie all over memory: to ask for those of many rows before
    /// any of them is needed is to wait for all of them once.
    pub(crate) fn number_all(&mut self, texts: &Text, numbers: &mut Vec<u32>) -> Result<()> {
        const AT_ONCE: usize = 64;
        let rows = texts.len();
        numbers.reserve(rows);
        self.known.reserve(rows, |known| known.spread());
        let mut met = [Known::default(); AT_ONCE];
        for first in (0..rows).step_by(AT_ONCE) {
            let rows = first..rows.min(first + AT_ONCE);
            for (met, row) in met.iter_mut().zip(rows.clone()) {
                met.hash = texts.get(row).map_or(0, |text| self.hash(text));
            }
            for met in &mut met[..rows.len()] {
                let alike = |known: &Known| known.hash == met.hash;
                let known = self.known.find(met.spread(), alike);
                met.number = known.map_or(0, |known| known.number);
            }
            for (met, row) in met.into_iter().zip(rows) {
                numbers.push(match texts.get(row) {
                    None => 0,
                    Some(text) if met.number > 0 && self.is_text(met.number, text) => met.number,
                    Some(text) => self.look_up(text, met.hash)?,
                });
            }
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, reason = "its upper half")]
    fn hash(&self, text: &str) -> u32 {
        (self.hasher.hash_one(text) >> 32) as u32
    }

    fn is_text(&self, number: u32, text: &str) -> bool {
        self.texts.get_value(number as usize) == text.as_bytes()
    }

    fn look_up(&mut self, text: &str, hash: u32) -> Result<u32> {
        let number = u32::try_from(self.count)
            .map_err(|_| resources_datafusion_err!("{} texts to tell apart", self.count))?;
        let new = Known { hash, number };
        let is_own = |known: &Known| known.hash == hash && self.is_text(known.number, text);
        if let Some(known) = self.known.find(new.spread(), is_own) {
            return Ok(known.number);
        }
        self.texts.try_append_value(text)?;
        self.count += 1;
        self.known
            .insert_unique(new.spread(), new, |known| known.spread());
        Ok(number)
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
    use std::sync::Arc;

    use datafusion::arrow::array::{Array, ArrayRef, StringArray};

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
    fn many_at_once_have_the_numbers_that_each_has() {
        let texts = (0..1_000).map(|row| match row % 7 {
            0 => None,
            6 => Some(format!("met twice: {}", row / 2)),
            _ => Some(format!("{}", row % 400)),
        });
        let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
        let texts = Text::new(&texts).unwrap();
        let (mut one_by_one, mut at_once) = (MetTexts::default(), MetTexts::default());
        for _ in 0..2 {
            let each = (0..texts.len()).map(|row| one_by_one.number(texts.get(row)).unwrap());
            let each: Vec<u32> = each.collect();
            let mut all = vec![];
            at_once.number_all(&texts, &mut all).unwrap();
            assert_eq!(all, each);
        }
        assert_eq!(at_once.count(), one_by_one.count());
        assert_eq!(at_once.into_values(), one_by_one.into_values());
    }

    #[test]
    fn texts_of_one_hash_are_told_apart() {
        let mut met = MetTexts::default();
        let first = met.number(Some("a")).unwrap();
        let of_another = Known {
            hash: met.hash("b"),
            number: first,
        };
        met.known
            .insert_unique(of_another.spread(), of_another, |known| known.spread());
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["b", "a", "b"]));
        for _ in 0..2 {
            let mut numbers = vec![];
            let texts = Text::new(&texts).unwrap();
            met.number_all(&texts, &mut numbers).unwrap();
            assert_eq!(numbers, [2, first, 2]);
        }
        assert_eq!(met.number(Some("b")).unwrap(), 2);
    }
}
