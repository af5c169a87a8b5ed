//! [`Arguments`]: the arguments of one call, read row by row.
//!
//! A constant is read at its only row for every row, an argument that was left out is NULL at every
//! row, and everything else is a column: functions do not tell them apart.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, new_null_array,
};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, internal_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::kind::Kind;
use super::manual::Manual;
use super::number::{Number, failed};
use super::text::Text;
use crate::money::Exact;

/// The arguments of one call.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    manual: &'static Manual,
    values: &'a [ColumnarValue],
    pub(crate) rows: usize,
}

/// A column, or the one row that stands for all of them.
#[derive(Debug)]
pub(crate) struct Column<A> {
    values: A,
    constant: bool,
}

impl<A> Column<A> {
    pub(crate) fn is_constant(&self) -> bool {
        self.constant
    }

    pub(crate) fn values(&self) -> &A {
        &self.values
    }

    /// Where in the values the row is.
    pub(crate) fn at(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    pub(crate) fn map<B>(&self, read: impl FnOnce(&A) -> B) -> Column<B> {
        Column {
            values: read(&self.values),
            constant: self.constant,
        }
    }

    pub(crate) fn each(values: A) -> Self {
        Self {
            values,
            constant: false,
        }
    }
}

impl Column<Text> {
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        self.values.get(self.at(row))
    }
}

impl Column<Number> {
    pub(crate) fn get(&self, function: &str, row: usize) -> Result<Option<Exact>> {
        self.values
            .get(self.at(row))
            .map_err(|error| failed(function, &error))
    }
}

impl<T: ArrowPrimitiveType> Column<PrimitiveArray<T>> {
    pub(crate) fn get(&self, row: usize) -> Option<T::Native> {
        let row = self.at(row);
        self.values.is_valid(row).then(|| self.values.value(row))
    }
}

impl Column<PrimitiveArray<TimestampMicrosecondType>> {
    /// The first and the last instant; nothing where a row has none.
    pub(crate) fn range(&self, rows: usize) -> Option<(i64, i64)> {
        if self.values.null_count() > 0 || rows == 0 {
            return None;
        }
        let times = self.values.values();
        let (first, others) = times.split_first()?;
        // Quicker than to compare them: where times are not read, all are the same.
        if others.iter().fold(0, |bits, at| bits | (at ^ first)) == 0 {
            return Some((*first, *first));
        }
        let range = others.iter().fold((*first, *first), |(least, most), at| {
            (least.min(*at), most.max(*at))
        });
        Some(range)
    }
}

impl Column<ScalarBuffer<i64>> {
    /// A constant, so many times; nothing of a column.
    pub(crate) fn repeated(&self, times: usize) -> Vec<i64> {
        if self.constant {
            vec![self.get(0); times]
        } else {
            vec![]
        }
    }

    /// These rows; `repeated` has those of a constant.
    pub(crate) fn part<'a>(&'a self, rows: Range<usize>, repeated: &'a [i64]) -> &'a [i64] {
        if self.constant {
            &repeated[..rows.len()]
        } else {
            &self.values[rows]
        }
    }

    pub(crate) fn get(&self, row: usize) -> i64 {
        self.values[self.at(row)]
    }
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(manual: &'static Manual, args: &'a ScalarFunctionArgs) -> Self {
        Self {
            manual,
            values: &args.args,
            rows: args.number_rows,
        }
    }

    /// The argument as it came, in the type that its parameter coerces to.
    pub(crate) fn array(&self, position: usize) -> Result<Column<ArrayRef>> {
        let kind = self.manual.parameters[position].kind;
        let (array, constant) = match self.values.get(position) {
            Some(ColumnarValue::Array(array)) => (Arc::clone(array), false),
            Some(ColumnarValue::Scalar(scalar)) => (scalar.to_array()?, true),
            None => (new_null_array(&null_of(kind)?, 1), true),
        };
        // SQL coerces before it calls; a program that calls a function itself need not.
        let coerced = kind
            .coerced(array.data_type())
            .ok_or_else(|| self.unexpected(position))?;
        let values = if &coerced == array.data_type() {
            array
        } else {
            cast(&array, &coerced)?
        };
        Ok(Column { values, constant })
    }

    pub(crate) fn text(&self, position: usize) -> Result<Column<Text>> {
        let Column { values, constant } = self.array(position)?;
        Ok(Column {
            values: Text::new(&values)?,
            constant,
        })
    }

    pub(crate) fn number(&self, position: usize) -> Result<Column<Number>> {
        let Column { values, constant } = self.array(position)?;
        Ok(Column {
            values: Number::new(&values)?,
            constant,
        })
    }

    pub(crate) fn integer(&self, position: usize) -> Result<Column<PrimitiveArray<Int64Type>>> {
        self.primitive(position)
    }

    /// Microseconds since 1970, UTC.
    pub(crate) fn timestamp(
        &self,
        position: usize,
    ) -> Result<Column<PrimitiveArray<TimestampMicrosecondType>>> {
        self.primitive(position)
    }

    fn primitive<T: ArrowPrimitiveType>(
        &self,
        position: usize,
    ) -> Result<Column<PrimitiveArray<T>>> {
        let Column { values, constant } = self.array(position)?;
        let values = values
            .as_primitive_opt::<T>()
            .ok_or_else(|| self.unexpected(position))?;
        Ok(Column {
            values: values.clone(),
            constant,
        })
    }

    fn unexpected(&self, position: usize) -> DataFusionError {
        let parameter = self.manual.parameters[position];
        exec_datafusion_err!(
            "{}: argument `{}` is not {}",
            self.manual.name,
            parameter.name,
            parameter.kind.expected()
        )
    }
}

fn null_of(kind: Kind) -> Result<DataType> {
    kind.coerced(&DataType::Null)
        .ok_or_else(|| internal_datafusion_err!("{kind:?} has no NULL"))
}
