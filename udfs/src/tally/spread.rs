//! [`Spread`]: values that are the same for all rows of a batch, as columns.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::common::{Result, ScalarValue};

/// Columns are kept: batch after batch asks for the same few, such as the NULL of a sum to which no call
/// adds anything.
#[derive(Debug, Default)]
pub(super) struct Spread {
    known: Vec<(ScalarValue, ArrayRef)>,
}

impl Spread {
    /// So many are kept.
    const FEW: usize = 8;

    pub(super) fn column(&mut self, value: ScalarValue, rows: usize) -> Result<ArrayRef> {
        // Values may be equal where their types are not, such as instants of several time zones.
        let data_type = value.data_type();
        let mut known = self.known.iter();
        let known = known.find(|(known, column)| {
            *known == value && *column.data_type() == data_type && column.len() >= rows
        });
        if let Some((_, column)) = known {
            return Ok(if column.len() == rows {
                Arc::clone(column)
            } else {
                column.slice(0, rows)
            });
        }
        let column = value.to_array_of_size(rows)?;
        if self.known.len() == Self::FEW {
            self.known.clear();
        }
        self.known.push((value, Arc::clone(&column)));
        Ok(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_as_many_rows_as_are_asked_for() {
        let mut spread = Spread::default();
        for round in 0..3 {
            for rows in [5, 3, 0, 8] {
                for value in (0..6).map(Some).chain([None]) {
                    let column = spread.column(ScalarValue::Int64(value), rows).unwrap();
                    let expected = ScalarValue::Int64(value).to_array_of_size(rows).unwrap();
                    assert_eq!(&column, &expected, "{value:?}, {rows} rows, round {round}");
                    assert!(spread.known.len() <= Spread::FEW);
                }
            }
        }
        let mut spread = Spread::default();
        let first = spread.column(ScalarValue::Int64(Some(1)), 4).unwrap();
        let again = spread.column(ScalarValue::Int64(Some(1)), 4).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        for zone in [None, Some("UTC".into()), Some("+01:00".into())] {
            let instant = ScalarValue::TimestampMicrosecond(None, zone);
            let column = spread.column(instant.clone(), 4).unwrap();
            assert_eq!(column.data_type(), &instant.data_type());
        }
    }
}
