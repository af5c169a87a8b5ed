//! [`Groups`]: the group of each row, by the numbers of its keys in one word.

use datafusion::arrow::array::{ArrayRef, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{HashMap, Result};
use datafusion::logical_expr::ColumnarValue;

use super::keys::Key;
use crate::columnar::codes::Recent;

/// The groups met so far. A word has a field of bits for each key, and fields grow as keys do.
#[derive(Debug)]
pub(super) struct Groups {
    types: Vec<DataType>,
    keys: Vec<Key>,
    widths: Vec<u32>,
    known: HashMap<u128, u32>,
    /// Words that were met lately: calls stand in the order of time, and a day has few groups.
    recent: Recent<u128>,
    /// Of each group.
    words: Vec<u128>,
    /// Of each row of a batch; kept for its memory.
    row_words: Vec<u128>,
    numbers: Vec<u32>,
}

/// A row has more to tell than a word can hold: hand the groups on, or number fewer rows at a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Groups {
    pub(super) fn new(types: &[DataType]) -> Option<Self> {
        let keys: Option<Vec<Key>> = types.iter().map(Key::new).collect();
        Some(Self {
            types: types.to_vec(),
            keys: keys?,
            widths: vec![1; types.len()],
            known: HashMap::new(),
            recent: Recent::with_at_most(1 << 13),
            words: vec![],
            row_words: vec![],
            numbers: vec![],
        })
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Numbers each row's group, in the order in which groups are first met.
    pub(super) fn number(
        &mut self,
        columns: &[ColumnarValue],
        rows: usize,
        groups: &mut Vec<usize>,
    ) -> Result<Result<(), Full>> {
        self.row_words.clear();
        self.row_words.resize(rows, 0);
        let mut constant = 0;
        let mut shift = 0;
        for (at, column) in columns.iter().enumerate() {
            self.numbers.clear();
            let number = self.keys[at].number(column, &mut self.numbers)?;
            if !self.widen(at) {
                return Ok(Err(Full));
            }
            if let Some(number) = number {
                constant |= u128::from(number) << shift;
            } else {
                let rows = self.row_words.iter_mut().zip(&self.numbers);
                rows.for_each(|(word, number)| *word |= u128::from(*number) << shift);
            }
            shift += self.widths[at];
        }
        let Self {
            known,
            recent,
            words,
            row_words,
            ..
        } = self;
        groups.clear();
        groups.extend(row_words.iter().map(|word| {
            recent.code(word | constant, |word| {
                *known.entry(word).or_insert_with(|| {
                    words.push(word);
                    u32::try_from(words.len() - 1).unwrap_or(u32::MAX)
                })
            }) as usize
        }));
        Ok(Ok(()))
    }

    /// Makes the field of a key wide enough; false where a word is too short for it.
    fn widen(&mut self, at: usize) -> bool {
        let needed = usize::BITS - self.keys[at].count().leading_zeros();
        let width = self.widths[at];
        if needed <= width {
            return true;
        }
        // A bit more than is needed: every growth rewrites what there is.
        let wider = needed + 1;
        let others: u32 = self.widths.iter().sum::<u32>() - width;
        if others + wider > u128::BITS {
            return false;
        }
        let low: u32 = self.widths[..at].iter().sum();
        let high = low + width;
        let moved = |word: &mut u128| {
            let below = *word & ones(high);
            let above = *word >> 1 >> (high - 1);
            *word = below | above << 1 << (low + wider - 1);
        };
        self.words.iter_mut().for_each(moved);
        // The rows of this batch have no fields above yet.
        self.recent.forget();
        self.known.clear();
        let words = self.words.iter().zip(0..);
        self.known.extend(words.map(|(word, group)| (*word, group)));
        self.widths[at] = wider;
        true
    }

    /// The keys of all groups, which are forgotten.
    pub(super) fn take(&mut self) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::with_capacity(self.keys.len());
        let mut shift = 0;
        for (key, width) in self.keys.iter().zip(&self.widths) {
            let numbers: UInt32Array = self
                .words
                .iter()
                .map(|word| u32::try_from(word >> shift & ones(*width)).ok())
                .collect();
            columns.push(take(&key.values()?, &numbers, None)?);
            shift += width;
        }
        if let Some(empty) = Self::new(&self.types) {
            *self = empty;
        }
        Ok(columns)
    }

    pub(super) fn size(&self) -> usize {
        let keys: usize = self.keys.iter().map(Key::size).sum();
        let table = self.known.capacity() * size_of::<(u128, u32)>();
        keys + table + self.words.capacity() * size_of::<u128>()
    }
}

/// So many ones from the lowest bit on.
fn ones(width: u32) -> u128 {
    u128::MAX.checked_shr(u128::BITS - width).unwrap_or(0)
}
