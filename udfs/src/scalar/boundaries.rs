//! Boundaries: the sorted list of instants that cuts time into slots.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::{Result, exec_err};

use crate::columnar::arguments::{Arguments, Column};

/// A list per row, or one for all rows; lists are checked once where they are constant.
pub(super) struct Boundaries {
    function: &'static str,
    column: Column<ArrayRef>,
    checked: bool,
}

impl Boundaries {
    pub(super) fn new(
        function: &'static str,
        arguments: &Arguments<'_>,
        position: usize,
    ) -> Result<Self> {
        let column = arguments.array(position)?;
        let mut boundaries = Self {
            function,
            column,
            checked: false,
        };
        if boundaries.column.is_constant() && arguments.rows > 0 {
            boundaries.get(0)?;
            boundaries.checked = true;
        }
        Ok(boundaries)
    }

    /// Whether all rows have the same.
    pub(super) fn are_constant(&self) -> bool {
        self.column.is_constant()
    }

    /// The row's boundaries, ascending; `None` for a NULL list.
    pub(super) fn get(&self, row: usize) -> Result<Option<&[i64]>> {
        let lists: &ListArray = self.column.values().as_list();
        let row = self.column.at(row);
        if lists.is_null(row) {
            return Ok(None);
        }
        let offsets = lists.value_offsets();
        let bounds =
            [offsets[row], offsets[row + 1]].map(|offset| usize::try_from(offset).unwrap_or(0));
        let instants = lists.values().as_primitive::<TimestampMicrosecondType>();
        let [start, end] = bounds;
        let boundaries = &instants.values()[start..end];
        if !self.checked {
            let has_null =
                instants.null_count() > 0 && instants.slice(start, end - start).null_count() > 0;
            if has_null || !boundaries.is_sorted() {
                return exec_err!(
                    "{}: the boundaries are not in ascending order",
                    self.function
                );
            }
        }
        Ok(Some(boundaries))
    }
}
