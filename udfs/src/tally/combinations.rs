//! [`Combinations`]: the group of each row by a table of what its keys are together.
//!
//! A file's rows name their texts by places in its dictionaries, and prices and flags have few values: small
//! numbers all of them, and batch after batch the same few stand together. The table has a place for
//! each combination, so that a row needs no look at its word.

use std::sync::Arc;

use super::field::{Field, Rows};
use super::word::Word;
use crate::columnar::met::Met;

/// Knows the groups of batches that come with the same dictionaries and the same values in common.
#[derive(Debug)]
pub(super) struct Combinations<W> {
    /// What the last batch came with.
    fields: Vec<Known>,
    of_all_rows: W,
    /// The field with the most places, for which the table has a row each.
    widest: usize,
    /// The other fields, and how far the place of each is shifted in what their places are together.
    others: Vec<(usize, u32)>,
    bits_of_others: u32,
    /// The number of each combination of their places.
    codes: Vec<u32>,
    /// The word of each number, without the widest field.
    words: Vec<W>,
    /// So many bits of a place in the table are a number.
    code_bits: u32,
    /// By the place of the widest field, then by the number.
    groups: Vec<u32>,
    /// There are too many combinations, or few of them come again.
    is_in_vain: bool,
}

/// A field is the same where this is.
#[derive(Debug)]
struct Known {
    of_value: Option<Arc<[u32]>>,
    shift: u32,
    places: usize,
}

impl Known {
    fn is(&self, field: &Field<'_>) -> bool {
        let is_same = match (&self.of_value, &field.rows) {
            (None, Rows::Numbers { .. }) => true,
            (Some(known), Rows::OfDictionary { of_value, .. }) => Arc::ptr_eq(known, of_value),
            _ => false,
        };
        is_same && self.shift == field.shift && self.places == field.places()
    }
}

const NONE: u32 = u32::MAX;
/// Combinations of all fields but one have no more bits.
const MOST_BITS: u32 = 16;
/// The table has four bytes for each of so many combinations: a larger one is far from the processor.
const MOST: usize = 1 << 19;

impl<W: Word> Combinations<W> {
    /// Of no batch.
    pub(super) fn new() -> Self {
        Self {
            fields: vec![],
            of_all_rows: W::default(),
            widest: 0,
            others: vec![],
            bits_of_others: 0,
            codes: vec![],
            words: vec![],
            code_bits: 0,
            groups: vec![],
            is_in_vain: true,
        }
    }

    /// The group of each row, in place of whatever stands there; false where a table of so many combinations
    /// does not pay.
    pub(super) fn number(
        &mut self,
        fields: &[Field<'_>],
        of_all_rows: W,
        rows: usize,
        met: &mut Met<W>,
        groups: &mut Vec<usize>,
    ) -> bool {
        let mut known = self.fields.iter().zip(fields);
        let has_these_fields =
            self.fields.len() == fields.len() && known.all(|(known, field)| known.is(field));
        if has_these_fields && self.is_in_vain {
            return false;
        }
        let is_alike = has_these_fields && self.of_all_rows == of_all_rows;
        if !is_alike {
            self.begin(fields, of_all_rows);
        }
        let Some(widest) = fields.get(self.widest).filter(|_| !self.is_in_vain) else {
            return false;
        };
        let mut is_new = self.groups.is_empty();
        if is_new {
            // A larger one is made when a second batch is like the first.
            let entries = widest.places() << self.code_bits;
            let codes = 1 << self.bits_of_others;
            if !is_alike && entries + codes > rows {
                return false;
            }
            self.groups.resize(entries, NONE);
            self.codes.resize(codes, NONE);
        }
        groups.resize(rows, 0);
        let bits_before = self.code_bits;
        if !self.number_others(fields, groups) {
            self.give_up();
            return false;
        }
        let bits = self.code_bits;
        is_new |= bits != bits_before;
        widest.each_place(groups, |group, place| *group |= place << bits);
        let mut known = 0;
        let mut new = 0;
        loop {
            known += replace_known(&mut groups[known..], &self.groups);
            let Some(at) = groups.get(known) else {
                // Where few combinations come again, the table is in the way.
                if new > rows / 2 && !is_new {
                    self.give_up();
                }
                return true;
            };
            new += 1;
            let word = self.words[at & ((1 << bits) - 1)] | widest.in_word(at >> bits);
            self.groups[*at] = met.code(word);
        }
    }

    /// Turns to batches of other fields.
    fn begin(&mut self, fields: &[Field<'_>], of_all_rows: W) {
        self.forget();
        self.of_all_rows = of_all_rows;
        let known = fields.iter().map(|field| Known {
            of_value: match &field.rows {
                Rows::Numbers { .. } => None,
                Rows::OfDictionary { of_value, .. } => Some(Arc::clone(of_value)),
            },
            shift: field.shift,
            places: field.places(),
        });
        self.fields = known.collect();
        let widest = (0..fields.len()).max_by_key(|field| fields[*field].places());
        self.widest = widest.unwrap_or(0);
        let mut bits = 0;
        for at in (0..fields.len()).filter(|at| *at != self.widest) {
            self.others.push((at, bits));
            bits += fields[at].bits();
        }
        self.bits_of_others = bits;
        self.code_bits = bits.min(4);
        let places = fields.get(self.widest).map_or(MOST, Field::places);
        self.is_in_vain = bits > MOST_BITS || places << self.code_bits > MOST;
    }

    /// Until batches of other fields come.
    fn give_up(&mut self) {
        self.is_in_vain = true;
        self.codes = vec![];
        self.words = vec![];
        self.groups = vec![];
    }

    fn forget(&mut self) {
        self.others.clear();
        self.codes.clear();
        self.words.clear();
        self.groups.clear();
    }

    /// The number of each row's combination of the fields but the widest; false where there are too many.
    fn number_others(&mut self, fields: &[Field<'_>], codes: &mut [usize]) -> bool {
        let mut others = self.others.iter();
        match others.next() {
            Some((first, shift)) => {
                fields[*first].each_place(codes, |all, place| *all = place << shift);
            }
            None => codes.fill(0),
        }
        for (other, shift) in others {
            fields[*other].each_place(codes, |all, place| *all |= place << shift);
        }
        let mut known = 0;
        loop {
            known += replace_known(&mut codes[known..], &self.codes);
            let Some(place) = codes.get(known) else {
                return true;
            };
            if !self.meet(*place, fields) {
                return false;
            }
        }
    }

    /// Gives a combination its number; false where the table would become too large.
    fn meet(&mut self, place: usize, fields: &[Field<'_>]) -> bool {
        if self.words.len() == 1 << self.code_bits {
            self.code_bits += 1;
            let entries = fields[self.widest].places() << self.code_bits;
            if entries > MOST {
                return false;
            }
            self.groups.clear();
            self.groups.resize(entries, NONE);
        }
        self.codes[place] = u32::try_from(self.words.len()).unwrap_or(NONE);
        let others = self.others.iter();
        let word = others.fold(self.of_all_rows, |word, (other, shift)| {
            let field = &fields[*other];
            word | field.in_word(place >> shift & ((1 << field.bits()) - 1))
        });
        self.words.push(word);
        true
    }

    pub(super) fn size(&self) -> usize {
        size_of::<u32>() * (self.codes.capacity() + self.groups.capacity())
            + size_of::<W>() * self.words.capacity()
    }
}

/// Puts what a table has in the place of each row's own place in it, up to the first of which it knows
/// nothing; so many are replaced.
fn replace_known(rows: &mut [usize], table: &[u32]) -> usize {
    for (done, row) in rows.iter_mut().enumerate() {
        let known = table[*row];
        if known == NONE {
            return done;
        }
        *row = known as usize;
    }
    rows.len()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use datafusion::arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
    use datafusion::arrow::datatypes::DataType;
    use datafusion::logical_expr::ColumnarValue;
    use proptest::prelude::*;

    use super::super::groups::Groups;
    use super::*;

    /// Rows whose keys are texts in dictionaries and small numbers.
    #[derive(Debug, Clone)]
    struct Batch {
        /// Which of some dictionaries each text column has.
        dictionaries: [usize; 2],
        rows: Vec<Row>,
    }

    type Row = (Option<u16>, Option<u16>, i32);

    fn batch() -> impl Strategy<Value = Batch> {
        let text = || prop_oneof![3 => (0_u16..500).prop_map(Some), 1 => Just(None)];
        let number = prop_oneof![4 => Just(7), 3 => -5..20_i32, 1 => Just(1 << 20)];
        let rows = prop::collection::vec((text(), text(), number), 1..200);
        ([0_usize..3, 0_usize..3], rows)
            .prop_map(|(dictionaries, rows)| Batch { dictionaries, rows })
    }

    /// Dictionaries of several sizes and orders, one of them with NULL among its values.
    fn dictionaries() -> Vec<ArrayRef> {
        let texts = |texts: Vec<Option<String>>| Arc::new(StringArray::from(texts)) as ArrayRef;
        let text = |number: usize| Some(format!("a text with the number {number}"));
        vec![
            texts((0..3).map(text).collect()),
            texts((0..500).rev().map(text).collect()),
            texts(
                (0..40)
                    .map(|number| (number != 5).then(|| text(number)).flatten())
                    .collect(),
            ),
        ]
    }

    proptest! {
        #[test]
        fn rows_share_a_group_if_they_share_their_keys(
            batches in prop::collection::vec((batch(), 1..4_usize), 1..6),
        ) {
            let known = dictionaries();
            let dictionary = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
            let mut groups = Groups::new(&[dictionary.clone(), DataType::Int32, dictionary]).unwrap();
            let mut expected: HashMap<Vec<Option<String>>, usize> = HashMap::new();
            for (Batch { dictionaries, rows }, times) in batches {
                let column = |dictionary: usize, keys: Vec<Option<u16>>| {
                    let values = &known[dictionary];
                    let keys: Int32Array = keys
                        .into_iter()
                        .map(|key| key.map(|key| i32::from(key) % i32::try_from(values.len()).unwrap()))
                        .collect();
                    DictionaryArray::new(keys, Arc::clone(values))
                };
                let first = column(dictionaries[0], rows.iter().map(|row| row.0).collect());
                let second = column(dictionaries[1], rows.iter().map(|row| row.1).collect());
                let numbers: Int32Array = rows.iter().map(|row| Some(row.2)).collect();
                let columns = [
                    ColumnarValue::Array(Arc::new(first.clone())),
                    ColumnarValue::Array(Arc::new(numbers)),
                    ColumnarValue::Array(Arc::new(second.clone())),
                ];
                for _ in 0..times {
                    let mut numbered = vec![9];
                    groups.number(&columns, rows.len(), &mut numbered).unwrap().unwrap();
                    prop_assert_eq!(numbered.len(), rows.len());
                    let texts = |column: &DictionaryArray<_>| -> Vec<Option<String>> {
                        let texts = column.downcast_dict::<StringArray>().unwrap();
                        texts.into_iter().map(|text| text.map(str::to_owned)).collect()
                    };
                    let (first, second) = (texts(&first), texts(&second));
                    for (row, group) in numbered.into_iter().enumerate() {
                        let number = Some(rows[row].2.to_string());
                        let keys = vec![first[row].clone(), number, second[row].clone()];
                        let next = expected.len();
                        prop_assert_eq!(group, *expected.entry(keys).or_insert(next));
                    }
                }
            }
            prop_assert_eq!(groups.len(), expected.len());
        }
    }

    #[test]
    fn a_wider_field_is_no_other_constant() {
        // The last key's number is four before the first one's field grows, and one after it: in a word
        // both look alike.
        let batches = [
            (6, 1),
            (14, 1),
            (14, 2),
            (14, 3),
            (14, 4),
            (14, 4),
            (15, 1),
            (15, 1),
        ];
        let mut groups = Groups::new(&[DataType::Int32, DataType::Int32]).unwrap();
        let mut expected = HashMap::new();
        for (values, constant) in batches {
            let column = |of: &dyn Fn(i32) -> i32| {
                let numbers: Int32Array = (0..60).map(|row| Some(of(row))).collect();
                ColumnarValue::Array(Arc::new(numbers))
            };
            let columns = [column(&|row| row % values), column(&|_| constant)];
            let mut numbered = vec![];
            groups.number(&columns, 60, &mut numbered).unwrap().unwrap();
            for (row, group) in (0..60).zip(numbered) {
                let next = expected.len();
                assert_eq!(
                    group,
                    *expected.entry((row % values, constant)).or_insert(next)
                );
            }
        }
    }

    #[test]
    fn too_many_combinations_are_known_by_their_words() {
        let mut groups = Groups::new(&[DataType::Int32, DataType::Int64]).unwrap();
        let column = |of: &dyn Fn(i32) -> i32| {
            let numbers: Int32Array = (0..5_000).map(|row| Some(of(row))).collect();
            ColumnarValue::Array(Arc::new(numbers))
        };
        let columns = [column(&|row| row), column(&|row| row * 7 % 5_000)];
        for _ in 0..3 {
            let mut numbered = vec![];
            groups
                .number(&columns, 5_000, &mut numbered)
                .unwrap()
                .unwrap();
            assert_eq!(numbered, (0..5_000).collect::<Vec<_>>());
        }
    }
}
