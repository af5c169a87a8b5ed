//! [`Groups`]: the group of each row, by the numbers of its keys in one word.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Int32Array, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{ArrowNativeType, DataType};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

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
    /// The numbers of each row's value; kept for its memory.
    numbers: Vec<u32>,
    /// The groups of a dictionary's values in one batch; kept for its memory.
    group_of_value: Vec<usize>,
}

/// Mostly a short word has room for all fields.
#[derive(Debug)]
enum Table {
    Short(Words<u64>),
    Long(Words<u128>),
}

impl Table {
    /// Adds a field to the word of each row.
    fn add(&mut self, numbers: impl Iterator<Item = u32>, shift: u32) {
        match self {
            Self::Short(words) => words.add(numbers, shift),
            Self::Long(words) => words.add(numbers, shift),
        }
    }

    /// The same for rows that have the keys of a dictionary.
    fn add_keys(&mut self, column: &OfDictionary<'_>) {
        let number = |key: &i32| column.of_value[key.as_usize()];
        let keys = column.keys.values().iter();
        match column.keys.nulls() {
            None => self.add(keys.map(number), column.shift),
            Some(nulls) => {
                let keys = keys.zip(nulls);
                let numbers = keys.map(|(key, is_valid)| if is_valid { number(key) } else { 0 });
                self.add(numbers, column.shift);
            }
        }
    }

    /// The group of each row, where all rows share what was added and have this field beside it.
    fn number_values(
        &mut self,
        column: &OfDictionary<'_>,
        group_of_value: &mut Vec<usize>,
        groups: &mut Vec<usize>,
    ) {
        match self {
            Self::Short(words) => words.number_values(column, group_of_value, groups),
            Self::Long(words) => words.number_values(column, group_of_value, groups),
        }
    }

    /// Adds a field that all rows share.
    fn add_to_all(&mut self, number: u32, shift: u32) {
        match self {
            Self::Short(words) => words.of_all_rows |= u64::from(number) << shift,
            Self::Long(words) => words.of_all_rows |= u128::from(number) << shift,
        }
    }
}

/// A column whose values are in a dictionary, and where in a word their numbers stand.
struct OfDictionary<'a> {
    keys: &'a Int32Array,
    of_value: Arc<[u32]>,
    shift: u32,
}

/// A row has more to tell than a word can hold: hand the groups on, or number fewer rows at a time.
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
            numbers: vec![],
            group_of_value: vec![],
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
        self.begin(rows);
        // The first dictionary waits: where no other column varies, its values tell the groups.
        let mut waiting: Option<OfDictionary<'_>> = None;
        let mut is_alone = true;
        for (at, column) in columns.iter().enumerate() {
            self.numbers.clear();
            let of_value = self.keys[at].number_values(column)?;
            let of_all = match of_value {
                Some(_) => None,
                None => self.keys[at].number(column, &mut self.numbers)?,
            };
            if !self.widen(at) {
                return Ok(Err(Full));
            }
            let shift = self.widths[..at].iter().sum();
            match (of_value.zip(dictionary(column)), of_all) {
                (Some((of_value, column)), _) => {
                    let column = OfDictionary {
                        keys: column.keys(),
                        of_value,
                        shift,
                    };
                    is_alone &= waiting.is_none();
                    if let Some(before) = waiting.replace(column) {
                        self.table.add_keys(&before);
                    }
                }
                (None, Some(number)) => self.table.add_to_all(number, shift),
                (None, None) => {
                    is_alone = false;
                    self.table.add(self.numbers.iter().copied(), shift);
                }
            }
        }
        groups.clear();
        if let Some(column) = waiting {
            if is_alone && column.of_value.len() <= rows {
                self.table
                    .number_values(&column, &mut self.group_of_value, groups);
                return Ok(Ok(()));
            }
            self.table.add_keys(&column);
        }
        match &mut self.table {
            Table::Short(words) => words.number(groups),
            Table::Long(words) => words.number(groups),
        }
        Ok(Ok(()))
    }

    fn begin(&mut self, rows: usize) {
        match &mut self.table {
            Table::Short(words) => words.begin(rows),
            Table::Long(words) => words.begin(rows),
        }
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
            Table::Short(words) => words.groups.size(),
            Table::Long(words) => words.groups.size(),
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
    /// Of each row of a batch, but for what all of its rows share; kept for its memory.
    of_row: Vec<W>,
    of_all_rows: W,
}

/// Calls stand in the order of time, and a day has few groups.
const RECENT: usize = 1 << 16;

impl<W: Word> Default for Words<W> {
    fn default() -> Self {
        Self {
            groups: Met::with_recent(RECENT),
            of_row: vec![],
            of_all_rows: W::default(),
        }
    }
}

impl<W: Word> Words<W> {
    fn begin(&mut self, rows: usize) {
        self.of_row.clear();
        self.of_row.resize(rows, W::default());
        self.of_all_rows = W::default();
    }

    fn add(&mut self, numbers: impl Iterator<Item = u32>, shift: u32) {
        let rows = self.of_row.iter_mut().zip(numbers);
        rows.for_each(|(word, number)| *word |= W::from(number) << shift);
    }

    fn number(&mut self, groups: &mut Vec<usize>) {
        let words = self.of_row.iter().map(|word| *word | self.of_all_rows);
        groups.extend(words.map(|word| self.groups.code(word) as usize));
    }

    /// A value's group is looked up at its first row; NULL stands behind the values.
    fn number_values(
        &mut self,
        column: &OfDictionary<'_>,
        group_of_value: &mut Vec<usize>,
        groups: &mut Vec<usize>,
    ) {
        const UNKNOWN: usize = usize::MAX;
        let null = column.of_value.len();
        group_of_value.clear();
        group_of_value.resize(null + 1, UNKNOWN);
        let mut group = |value: usize| {
            let group = &mut group_of_value[value];
            if *group == UNKNOWN {
                let number = column.of_value.get(value).copied().unwrap_or(0);
                let word = self.of_all_rows | W::from(number) << column.shift;
                *group = self.groups.code(word) as usize;
            }
            *group
        };
        let values = column.keys.values().iter();
        let values = values.map(|key| key.as_usize());
        match column.keys.nulls() {
            None => groups.extend(values.map(group)),
            Some(nulls) => {
                let values = values.zip(nulls);
                groups.extend(
                    values.map(|(value, is_valid)| group(if is_valid { value } else { null })),
                );
            }
        }
    }

    /// Moves what stands above a field; the rows of this batch have nothing there yet.
    fn widen(&mut self, low: u32, width: u32, wider: u32) {
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
        Words {
            groups: Met::of(words.map(u128::from).collect(), RECENT),
            of_row: self.of_row.iter().copied().map(u128::from).collect(),
            of_all_rows: self.of_all_rows.into(),
        }
    }
}
