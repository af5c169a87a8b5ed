//! [`Distinct`]: which texts each group has, and how many they are.
//!
//! DataFusion's own `count(DISTINCT …)` has a set of texts for each group. Here a text is stored once,
//! with the group that has it, and texts that a file stores as a dictionary are looked at once for each
//! of the dictionary's values. Of what partitions hand on, only those texts are compared that may have
//! been met by several: a session's calls lie close together, mostly in one partition.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringViewArray, UInt32Array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{cast, filter, take};
use datafusion::arrow::datatypes::{ArrowNativeType, DataType, Field, FieldRef};
use datafusion::common::{
    HashSet, Result, ScalarValue, exec_datafusion_err, internal_datafusion_err,
    resources_datafusion_err,
};
use datafusion::logical_expr::{Accumulator, ColumnarValue, EmitTo, GroupsAccumulator};

use super::exact_distinct::MANUAL;
use super::{counted, passes};
use crate::columnar::keys::Key;
use crate::columnar::repeats::may_repeat;
use crate::columnar::text::Text;

/// Of the lists that are handed on.
pub(super) fn element() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Utf8View, true))
}

const NO_GROUP: usize = usize::MAX;

/// The texts of many groups at once.
#[derive(Debug)]
pub(super) struct Distinct {
    texts: Key,
    /// Of each text, the group that had it first; mostly no other has it.
    first_group: Vec<usize>,
    /// The further groups of a text, with its number.
    further: HashSet<(usize, u32)>,
    counts: Vec<usize>,
    /// What other partitions counted, until somebody asks.
    handed_on: Vec<Lists>,
    /// The numbers of a batch's texts; kept for its memory.
    numbers: Vec<u32>,
}

/// Lists of texts, behind each other: of each its group, and how many texts it has.
#[derive(Debug)]
struct Lists {
    texts: ArrayRef,
    groups: Vec<(usize, usize)>,
    bytes: usize,
}

impl Lists {
    fn new(texts: ArrayRef, groups: Vec<(usize, usize)>) -> Self {
        // What its texts would take by themselves: others hold the same buffers.
        let views = texts.as_string_view_opt();
        let texts_alone: usize = views.map_or(0, |views| {
            views.lengths().map(|length| length as usize).sum()
        });
        Self {
            bytes: texts_alone
                + texts.len() * size_of::<u128>()
                + groups.capacity() * size_of::<[usize; 2]>(),
            texts,
            groups,
        }
    }

    /// The group of each text.
    fn groups(&self) -> impl Iterator<Item = usize> {
        let groups = self.groups.iter();
        groups.flat_map(|(group, length)| std::iter::repeat_n(*group, *length))
    }
}

impl Distinct {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            texts: Key::new(&DataType::Utf8View)
                .ok_or_else(|| internal_datafusion_err!("texts without numbers"))?,
            first_group: vec![NO_GROUP],
            further: HashSet::default(),
            counts: vec![],
            handed_on: vec![],
            numbers: vec![],
        })
    }

    fn add(
        &mut self,
        texts: &ArrayRef,
        groups: impl Iterator<Item = usize>,
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.numbers.clear();
        let texts = ColumnarValue::Array(Arc::clone(texts));
        if let Some(number) = self.texts.number(&texts, &mut self.numbers)? {
            self.numbers.resize(texts.into_array(1)?.len(), number);
        }
        self.count(groups, filter);
        Ok(())
    }

    /// Takes in lists of texts, one for each of the groups.
    fn merge(&mut self, lists: &ListArray, groups: impl Iterator<Item = usize>) {
        let first = lists.offsets()[0].as_usize();
        let last = lists.offsets()[lists.len()].as_usize();
        let groups = groups.zip(lists.offsets().lengths());
        let texts = lists.values().slice(first, last - first);
        self.handed_on.push(Lists::new(texts, groups.collect()));
    }

    /// Counts what was handed on. A text that stands there once needs no number.
    fn count_handed_on(&mut self) -> Result<()> {
        if self.texts.count() > 1 {
            return self.number_handed_on();
        }
        let handed_on = mem::take(&mut self.handed_on);
        let texts = handed_on.iter().map(|these| Text::new(&these.texts));
        let repeats = may_repeat(&texts.collect::<Result<Vec<_>>>()?);
        for (these, repeats) in handed_on.iter().zip(repeats) {
            let mut groups = vec![];
            for (group, may_repeat) in these.groups().zip(&repeats) {
                if may_repeat {
                    groups.push(group);
                } else {
                    self.counts[group] += 1;
                }
            }
            let texts = filter(&these.texts, &BooleanArray::from(repeats))?;
            self.number(&texts, groups.into_iter())?;
        }
        Ok(())
    }

    /// Gives all texts that were handed on a number, as if they had been met here.
    fn number_handed_on(&mut self) -> Result<()> {
        let handed_on = mem::take(&mut self.handed_on);
        let mut handed_on = handed_on.iter();
        handed_on.try_for_each(|these| self.number(&these.texts, these.groups()))
    }

    fn number(&mut self, texts: &ArrayRef, groups: impl Iterator<Item = usize>) -> Result<()> {
        self.numbers.clear();
        self.texts.number_distinct(texts, &mut self.numbers)?;
        self.count(groups, None);
        Ok(())
    }

    /// Counts the batch's texts where their groups have not had them.
    fn count(&mut self, groups: impl Iterator<Item = usize>, filter: Option<&BooleanArray>) {
        self.first_group.resize(self.texts.count(), NO_GROUP);
        for (row, (group, number)) in groups.zip(&self.numbers).enumerate() {
            if *number == 0 || filter.is_some_and(|filter| !passes(filter, row)) {
                continue;
            }
            let first = &mut self.first_group[*number as usize];
            if *first == NO_GROUP {
                *first = group;
                self.counts[group] += 1;
            } else if *first != group {
                self.counts[group] += usize::from(self.further.insert((group, *number)));
            }
        }
    }

    /// The texts of each group, all of which are forgotten.
    fn take(&mut self) -> Result<ListArray> {
        self.number_handed_on()?;
        let all = mem::replace(self, Self::new()?);
        let starts = all.counts.iter().scan(0, |behind, count| {
            let start = *behind;
            *behind += count;
            Some(start)
        });
        let mut places: Vec<usize> = starts.collect();
        let texts: usize = all.counts.iter().sum();
        i32::try_from(texts).map_err(|_| {
            resources_datafusion_err!(
                "{}: {texts} texts are more than a batch can hold",
                MANUAL.name
            )
        })?;
        let mut numbers = vec![0; texts];
        let firsts = all.first_group.into_iter().zip(0..);
        let firsts = firsts.filter(|(group, _)| *group != NO_GROUP);
        for (group, number) in firsts.chain(all.further) {
            numbers[places[group]] = number;
            places[group] += 1;
        }
        let texts = take(&all.texts.into_values()?, &UInt32Array::from(numbers), None)?;
        let offsets = OffsetBuffer::from_lengths(all.counts);
        Ok(ListArray::try_new(element(), offsets, texts, None)?)
    }

    /// The first groups' texts; the others become the first.
    fn take_first(&mut self, groups: EmitTo) -> Result<ListArray> {
        let all = self.take()?;
        let EmitTo::First(count) = groups else {
            return Ok(all);
        };
        let rest = all.len() - count;
        self.counts.resize(rest, 0);
        self.merge(&all.slice(count, rest), 0..rest);
        Ok(all.slice(0, count))
    }
}

impl GroupsAccumulator for Distinct {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.counts.resize(total_groups, 0);
        self.add(&values[0], groups.iter().copied(), filter)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let counts = match emit_to {
            EmitTo::All => {
                self.count_handed_on()?;
                mem::replace(self, Self::new()?).counts
            }
            EmitTo::First(_) => self.take_first(emit_to)?.offsets().lengths().collect(),
        };
        let counts = counts.into_iter().map(number).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(self.take_first(emit_to)?)])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        total_groups: usize,
    ) -> Result<()> {
        self.counts.resize(total_groups, 0);
        self.merge(states[0].as_list(), groups.iter().copied());
        Ok(())
    }

    /// A list of one text for each row; of NULL, where the row does not pass.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let texts = cast(&values[0], &DataType::Utf8View)?;
        let (views, buffers, nulls) = texts.as_string_view().clone().into_parts();
        let nulls = counted(nulls.as_ref(), filter);
        let texts = StringViewArray::new(views, buffers, nulls);
        let offsets = OffsetBuffer::from_repeated_length(1, texts.len());
        let lists = ListArray::try_new(element(), offsets, Arc::new(texts), None)?;
        Ok(vec![Arc::new(lists)])
    }

    fn size(&self) -> usize {
        self.texts.size()
            + self.first_group.capacity() * size_of::<usize>()
            + self.further.capacity() * size_of::<(usize, u32)>()
            + self.counts.capacity() * size_of::<usize>()
            + self
                .handed_on
                .iter()
                .map(|these| these.bytes)
                .sum::<usize>()
    }
}

fn number(count: usize) -> Result<i64> {
    i64::try_from(count).map_err(|_| exec_datafusion_err!("{} overflows BIGINT", MANUAL.name))
}

/// Where there is nothing to group by.
#[derive(Debug)]
pub(super) struct OneGroup(Distinct);

impl OneGroup {
    pub(super) fn new() -> Result<Self> {
        let mut one = Distinct::new()?;
        one.counts.resize(1, 0);
        Ok(Self(one))
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.add(&values[0], std::iter::repeat(0), None)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.number_handed_on()?;
        Ok(ScalarValue::Int64(Some(number(self.0.counts[0])?)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let one = mem::replace(self, Self::new()?);
        let mut texts = one.0;
        Ok(vec![ScalarValue::List(Arc::new(texts.take()?))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge(states[0].as_list(), std::iter::repeat(0));
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }
}
