//! [`Relation`]: a batch of reference data, read by column name.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Int64Type, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};

use crate::columnar::kind::Kind;
use crate::columnar::number::Number;
use crate::columnar::text::Text;
use crate::money::Exact;

/// A batch whose errors name the relation, the column and the row.
#[derive(Debug)]
pub(super) struct Relation<'a> {
    pub(super) name: &'static str,
    pub(super) batch: &'a RecordBatch,
}

/// An optional column; one that is absent is NULL at every row.
pub(super) type Optional<A> = Option<A>;

impl Relation<'_> {
    pub(super) fn text(&self, column: &str) -> Result<Optional<Text>> {
        self.read(column, |given| Kind::Text.coerced(given))?
            .map(|a| Text::new(&a))
            .transpose()
    }

    pub(super) fn number(&self, column: &str) -> Result<Optional<Number>> {
        self.read(column, |given| Kind::Number.coerced(given))?
            .map(|a| Number::new(&a))
            .transpose()
    }

    pub(super) fn timestamp(&self, column: &str) -> Result<impl Fn(usize) -> Option<i64>> {
        let array = self.read(column, |given| Kind::Timestamp.coerced(given))?;
        Ok(values::<TimestampMicrosecondType>(array))
    }

    pub(super) fn integer(&self, column: &str) -> Result<impl Fn(usize) -> Option<i64>> {
        let array = self.read(column, |given| Kind::Integer.coerced(given))?;
        Ok(values::<Int64Type>(array))
    }

    pub(super) fn time_of_day(&self, column: &str) -> Result<impl Fn(usize) -> Option<i64>> {
        let array = self.read(column, |_| Some(DataType::Time64(TimeUnit::Microsecond)))?;
        Ok(values::<Time64MicrosecondType>(array))
    }

    pub(super) fn failed(&self, row: usize, why: impl std::fmt::Display) -> DataFusionError {
        exec_datafusion_err!("{}, row {}: {why}", self.name, row + 1)
    }

    fn read(
        &self,
        column: &str,
        coerced: impl Fn(&DataType) -> Option<DataType>,
    ) -> Result<Option<ArrayRef>> {
        let Some(array) = self.batch.column_by_name(column) else {
            return Ok(None);
        };
        let given = array.data_type();
        let coerced = coerced(given).ok_or_else(|| {
            exec_datafusion_err!("{}: column `{column}` cannot be {given}", self.name)
        })?;
        Ok(Some(cast(array, &coerced)?))
    }
}

fn values<T: ArrowPrimitiveType<Native = i64>>(
    array: Option<ArrayRef>,
) -> impl Fn(usize) -> Option<i64> {
    move |row| {
        let array = array.as_ref()?.as_primitive::<T>();
        array.is_valid(row).then(|| array.value(row))
    }
}

/// A text that says something: the empty text is NULL.
pub(super) fn text(column: Option<&Text>, row: usize) -> Option<&str> {
    column?.get(row).filter(|text| !text.is_empty())
}

pub(super) fn number(column: Option<&Number>, row: usize) -> Option<Exact> {
    column?.get(row).ok().flatten()
}
