//! [`Groups`]: the group of each row, by the numbers of its keys in one word.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::combinations::Combinations;
use super::field::{Field, Rows};
use super::word::Word;
use crate::columnar::keys::{Key, dictionary};
use crate::columnar::met::Met;

/// The groups met so far. A word has a field of bits for each key, and fields grow as keys do.
#[derive(Debug)]
pub(crate) struct Groups {
    types: Vec<DataType>,
    keys: Vec<Key>,
    widths: Vec<u32>,
    table: Table,
    /// Of each key the numbers of a batch's rows; kept for their memory.
    numbers: Vec<Vec<u32>>,
}

/// Mostly a short word has room for all fields.
#[derive(Debug)]
enum Table {
    Short(Words<u64>),
    Long(Words<u128>),
}

/// What the numbers of a key are in one batch.
enum Given {
    /// All rows have it.
    One(u32),
    /// Each row its own.
    Each,
    /// Each value of a dictionary.
    Values(Arc<[u32]>),
}

/// A row has more to tell than a word can hold: hand the groups on, or the rows as they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Groups {
    pub(crate) fn new(types: &[DataType]) -> Option<Self> {
        let keys: Option<Vec<Key>> = types.iter().map(Key::new).collect();
        Some(Self {
            types: types.to_vec(),
            keys: keys?,
            widths: vec![1; types.len()],
            table: Table::Short(Words::default()),
            numbers: vec![vec![]; types.len()],
        })
    }

    pub(crate) fn len(&self) -> usize {
        match &self.table {
            Table::Short(words) => words.groups.keys().len(),
            Table::Long(words) => words.groups.keys().len(),
        }
    }

    /// How many values of each key were met.
    pub(super) fn values(&self) -> impl Iterator<Item = usize> {
        self.keys.iter().map(|key| key.count() - 1)
    }

    /// Numbers each row's group, in the order in which groups are first met.
    pub(crate) fn number(
        &mut self,
        columns: &[ColumnarValue],
        rows: usize,
        groups: &mut Vec<usize>,
    ) -> Result<Result<(), Full>> {
        let keys = self.keys.iter_mut().zip(&mut self.numbers);
        let given = columns.iter().zip(keys).map(|(column, (key, numbers))| {
            numbers.clear();
            if let Some(of_value) = key.number_values(column)? {
                return Ok(Given::Values(of_value));
            }
            let of_all = key.number(column, numbers)?;
            Ok(of_all.map_or(Given::Each, Given::One))
        });
        let given = given.collect::<Result<Vec<_>>>()?;
        if !(0..columns.len()).all(|key| self.widen(key)) {
            return Ok(Err(Full));
        }
        let mut fields = vec![];
        let mut of_all_rows = vec![];
        let mut shift = 0;
        for (at, given) in given.into_iter().enumerate() {
            let mut differ = |rows| fields.push(Field { rows, shift });
            match (given, dictionary(&columns[at])) {
                (Given::One(number), _) => of_all_rows.push((number, shift)),
                (Given::Values(of_value), Some(column)) => differ(Rows::OfDictionary {
                    keys: column.keys(),
                    of_value,
                }),
                _ => differ(Rows::Numbers {
                    of_row: &self.numbers[at],
                    count: self.keys[at].count(),
                }),
            }
            shift += self.widths[at];
        }
        match &mut self.table {
            Table::Short(words) => words.number(&fields, &of_all_rows, rows, groups),
            Table::Long(words) => words.number(&fields, &of_all_rows, rows, groups),
        }
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
        let total = self.widths.iter().sum::<u32>() - width + wider;
        if total > u128::BITS {
            return false;
        }
        if let Table::Short(words) = &self.table
            && total > u64::BITS
        {
            self.table = Table::Long(words.lengthened());
        }
        let low = self.widths[..at].iter().sum();
        match &mut self.table {
            Table::Short(words) => words.widen(low, width, wider),
            Table::Long(words) => words.widen(low, width, wider),
        }
        self.widths[at] = wider;
        true
    }

    /// The keys of all groups, which are forgotten.
    pub(super) fn take(&mut self) -> Result<GroupKeys> {
        let values = mem::take(&mut self.keys).into_iter().map(Key::into_values);
        let taken = GroupKeys {
            values: values.collect::<Result<_>>()?,
            widths: mem::take(&mut self.widths),
            words: match &mut self.table {
                Table::Short(words) => OfGroup::Short(mem::take(words).groups.into_keys()),
                Table::Long(words) => OfGroup::Long(mem::take(words).groups.into_keys()),
            },
        };
        if let Some(empty) = Self::new(&self.types) {
            *self = empty;
        }
        Ok(taken)
    }

    pub(super) fn size(&self) -> usize {
        let keys: usize = self.keys.iter().map(Key::size).sum();
        keys + match &self.table {
            Table::Short(words) => words.size(),
            Table::Long(words) => words.size(),
        }
    }
}

/// The keys of all groups, numbered as they were met.
#[derive(Debug)]
pub(super) struct GroupKeys {
    /// Of each key the values that were met, each of them once, after NULL.
    values: Vec<ArrayRef>,
    widths: Vec<u32>,
    words: OfGroup,
}

#[derive(Debug)]
enum OfGroup {
    Short(Vec<u64>),
    Long(Vec<u128>),
}

impl GroupKeys {
    pub(super) fn columns(&self) -> Result<Vec<ArrayRef>> {
        let keys = self.values.iter().enumerate();
        let columns = keys.map(|(key, values)| {
            let numbers = UInt32Array::from(self.numbers(key));
            Ok(take(values, &numbers, None)?)
        });
        columns.collect()
    }

    pub(super) fn values(&self) -> &[ArrayRef] {
        &self.values
    }

    /// Which of a key's values each group has.
    pub(super) fn numbers(&self, key: usize) -> Vec<u32> {
        let shift = self.widths[..key].iter().sum();
        match &self.words {
            OfGroup::Short(words) => fields(words, shift, self.widths[key]),
            OfGroup::Long(words) => fields(words, shift, self.widths[key]),
        }
    }
}

fn fields<W: Word>(words: &[W], shift: u32, width: u32) -> Vec<u32> {
    let fields = words.iter().map(|word| *word >> shift & W::ones(width));
    fields.map(|field| field.try_into().unwrap_or(0)).collect()
}

/// Groups by their words.
#[derive(Debug)]
struct Words<W> {
    groups: Met<W>,
    combinations: Combinations<W>,
    /// Of each row of a batch; kept for its memory.
    of_row: Vec<W>,
}

/// Calls stand in the order of time, and a day has few groups.
const RECENT: usize = 1 << 16;

impl<W: Word> Default for Words<W> {
    fn default() -> Self {
        Self::of(Met::with_recent(RECENT))
    }
}

impl<W: Word> Words<W> {
    fn of(groups: Met<W>) -> Self {
        Self {
            groups,
            combinations: Combinations::new(),
            of_row: vec![],
        }
    }

    fn number(
        &mut self,
        fields: &[Field<'_>],
        of_all_rows: &[(u32, u32)],
        rows: usize,
        groups: &mut Vec<usize>,
    ) {
        if rows == 0 {
            return groups.clear();
        }
        let shared = of_all_rows.iter();
        let shared = shared.map(|(number, shift)| W::from(*number) << *shift);
        let shared = shared.fold(W::default(), |word, field| word | field);
        if fields.is_empty() {
            groups.clear();
            groups.resize(rows, self.groups.code(shared) as usize);
            return;
        }
        let combinations = &mut self.combinations;
        if combinations.number(fields, shared, rows, &mut self.groups, groups) {
            return;
        }
        self.of_row.clear();
        self.of_row.resize(rows, shared);
        for field in fields {
            field.add(&mut self.of_row);
        }
        let words = self.of_row.iter();
        groups.clear();
        groups.extend(words.map(|word| self.groups.code(*word) as usize));
    }

    fn size(&self) -> usize {
        self.groups.size() + self.combinations.size()
    }

    /// Moves what stands above a field; combinations are known by words as they were.
    fn widen(&mut self, low: u32, width: u32, wider: u32) {
        self.combinations = Combinations::new();
        let high = low + width;
        self.groups.rewrite(|word| {
            let below = *word & W::ones(high);
            // In two steps: a word cannot be shifted by all of its bits.
            let above = *word >> 1 >> (high - 1);
            *word = below | above << 1 << (low + wider - 1);
        });
    }
}

impl Words<u64> {
    fn lengthened(&self) -> Words<u128> {
        let words = self.groups.keys().iter().copied();
        Words::of(Met::of(words.map(u128::from).collect(), RECENT))
    }
}
