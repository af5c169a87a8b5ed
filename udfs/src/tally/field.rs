//! [`Field`]: the numbers of a key that differs from row to row, and where in a word they stand.

use std::sync::Arc;

use datafusion::arrow::array::Int32Array;

use super::word::Word;
use crate::columnar::places::each_place;

/// A key's numbers in one batch.
pub(super) struct Field<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) shift: u32,
}

pub(super) enum Rows<'a> {
    /// Each below a count.
    Numbers { of_row: &'a [u32], count: usize },
    /// The numbers of a dictionary's values.
    OfDictionary {
        keys: &'a Int32Array,
        of_value: Arc<[u32]>,
    },
}

impl Field<'_> {
    /// How many places a row may have: that of its value in a dictionary, and behind them all that of
    /// NULL; or its number, of which there are more as others are met.
    pub(super) fn places(&self) -> usize {
        match &self.rows {
            Rows::Numbers { count, .. } => count.next_power_of_two(),
            Rows::OfDictionary { of_value, .. } => of_value.len() + 1,
        }
    }

    /// How many bits a place has.
    pub(super) fn bits(&self) -> u32 {
        usize::BITS - (self.places() - 1).leading_zeros()
    }

    /// The number at a place, where it stands in a word.
    pub(super) fn in_word<W: Word>(&self, place: usize) -> W {
        let number = match &self.rows {
            Rows::Numbers { .. } => u32::try_from(place).unwrap_or(0),
            Rows::OfDictionary { of_value, .. } => of_value.get(place).copied().unwrap_or(0),
        };
        W::from(number) << self.shift
    }

    /// Adds the number of each row to its word.
    pub(super) fn add<W: Word>(&self, words: &mut [W]) {
        let shift = self.shift;
        match &self.rows {
            Rows::Numbers { of_row, .. } => {
                let words = words.iter_mut().zip(*of_row);
                words.for_each(|(word, number)| *word |= W::from(*number) << shift);
            }
            Rows::OfDictionary { of_value, .. } => self.each_place(words, |word, place| {
                let number = of_value.get(place).copied().unwrap_or(0);
                *word |= W::from(number) << shift;
            }),
        }
    }

    /// Calls a function with each row's element and its place.
    pub(super) fn each_place<T>(&self, rows: &mut [T], mut f: impl FnMut(&mut T, usize)) {
        match &self.rows {
            Rows::Numbers { of_row, .. } => {
                let rows = rows.iter_mut().zip(*of_row);
                rows.for_each(|(row, number)| f(row, *number as usize));
            }
            Rows::OfDictionary { keys, of_value } => each_place(keys, of_value.len(), rows, f),
        }
    }
}
