//! [`Texts`]: the texts of a column, numbered as they are met, however they are stored.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, StringArray, StringViewArray, make_view,
};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::{ArrowNativeType, Int32Type};
use datafusion::common::Result;

use super::met_texts::MetTexts;
use super::recent::Recent;
use super::remembered::are_at_one_place;
use super::text::Text;

/// So many bytes of a text stand in its view.
const IN_VIEW: usize = 12;
/// Fewer rows do not tell how often texts come again.
const MANY: usize = 1_000;

/// Distinct texts. NULL has the number 0, the others follow.
pub(super) struct Texts {
    met: MetTexts,
    /// For rows of views: a reader gives a repeated text the same one.
    recent: Recent,
    /// The view by which each number was met last.
    views: Vec<u128>,
    /// Where these views point to: they mean the same while the buffers are the same.
    buffers: Vec<Buffer>,
    /// How many rows of a batch had a text that was known, and not met lately.
    forgotten: usize,
    /// So many were that each batch's texts are looked for together.
    recent_is_in_vain: bool,
    /// The dictionary met last, and the numbers of its values.
    dictionary: Option<(ArrayRef, Arc<[u32]>)>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            met: MetTexts::default(),
            recent: Recent::with_at_most(1 << 15),
            views: vec![],
            buffers: vec![],
            forgotten: 0,
            recent_is_in_vain: false,
            dictionary: None,
        }
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts")
            .field("met", &self.met)
            .finish_non_exhaustive()
    }
}

impl Texts {
    pub(super) fn number_dictionary(
        &mut self,
        column: &DictionaryArray<Int32Type>,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        let of_value = self.number_values(column)?;
        numbers.extend(
            column
                .keys()
                .iter()
                .map(|key| key.map_or(0, |key| of_value[key.as_usize()])),
        );
        Ok(())
    }

    /// The number of each value of a column's dictionary.
    pub(super) fn number_values(
        &mut self,
        column: &DictionaryArray<Int32Type>,
    ) -> Result<Arc<[u32]>> {
        let values = column.values();
        if let Some((known, of_value)) = &self.dictionary
            && are_at_one_place(known, values)
        {
            return Ok(Arc::clone(of_value));
        }
        let mut of_value = vec![];
        self.met.number_all(&Text::new(values)?, &mut of_value)?;
        let of_value: Arc<[u32]> = of_value.into();
        self.dictionary = Some((Arc::clone(values), Arc::clone(&of_value)));
        Ok(of_value)
    }

    /// Appends the number of each row's text, of a column of views.
    pub(super) fn number(&mut self, column: &ArrayRef, numbers: &mut Vec<u32>) -> Result<()> {
        if self.recent_is_in_vain {
            return self.number_distinct(column, numbers);
        }
        let column = column.as_string_view();
        self.be_over(column.data_buffers());
        self.forgotten = 0;
        numbers.reserve(column.len());
        for (row, view) in column.views().iter().enumerate() {
            numbers.push(if column.is_null(row) {
                0
            } else {
                self.number_view(*view, || column.value(row))?
            });
        }
        self.recent_is_in_vain = self.forgotten > column.len().max(MANY) / 2;
        Ok(())
    }

    /// The same of plain strings, of which short ones have a view that needs no buffer.
    pub(super) fn number_strings(
        &mut self,
        column: &StringArray,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        numbers.reserve(column.len());
        for text in column {
            numbers.push(match text {
                Some(short) if short.len() <= IN_VIEW => {
                    self.number_view(make_view(short.as_bytes(), 0, 0), || short)?
                }
                text => self.met.number(text)?,
            });
        }
        Ok(())
    }

    /// The same for texts of which few repeat: those met lately are not looked for apart.
    pub(super) fn number_distinct(
        &mut self,
        column: &ArrayRef,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        self.met.number_all(&Text::new(column)?, numbers)
    }

    /// How many numbers there are, that of NULL included.
    pub(super) fn count(&self) -> usize {
        self.met.count()
    }

    /// The texts at the places of their numbers.
    pub(super) fn into_values(self) -> StringViewArray {
        self.met.into_values()
    }

    pub(super) fn size(&self) -> usize {
        self.met.size() + size_of_val(&self.views[..])
    }

    /// Looks at the text only where its view was not met lately.
    fn number_view<'a>(&mut self, view: u128, text: impl FnOnce() -> &'a str) -> Result<u32> {
        if let Some(number) = self.recent.code(view, &self.views) {
            return Ok(number);
        }
        let known = self.met.count();
        let number = self.met.number(Some(text()))?;
        self.forgotten += usize::from(self.met.count() == known);
        self.views.resize(self.met.count(), 0);
        self.views[number as usize] = view;
        self.recent.remember(view, number);
        Ok(number)
    }

    fn be_over(&mut self, given: &[Buffer]) {
        let known = &self.buffers;
        let is_same =
            given.len() == known.len() && given.iter().zip(known).all(|(a, b)| a.ptr_eq(b));
        if !is_same {
            self.buffers = given.to_vec();
            self.recent.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_come_again_late_keep_their_numbers() {
        let mut texts = Texts::default();
        let batch = |count: usize| {
            let texts = (0..count).map(|number| format!("a text of {number}, too long for a view"));
            let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
            texts
        };
        // More than there is room for among those met lately.
        let all = batch(100_000);
        for round in 0..3 {
            let mut numbers = vec![];
            for from in (0..all.len()).step_by(5_000) {
                texts.number(&all.slice(from, 5_000), &mut numbers).unwrap();
            }
            assert!(numbers.into_iter().eq(1..=100_000), "round {round}");
            assert_eq!(texts.recent_is_in_vain, round > 0);
        }
        let mut few = vec![];
        texts.number(&batch(3), &mut few).unwrap();
        assert_eq!(few, [1, 2, 3]);
    }
}
