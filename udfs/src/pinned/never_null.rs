//! Which conditions every row of a scan meets, as the footers of its files tell.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, UInt64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Result;
use datafusion::functions::core::nullif::NullIfFunc;
use datafusion::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_expr::expressions::{Column, IsNotNullExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use crate::columnar::kind::is_text;
use crate::scalar::canonical::Canonical;

/// Whether a condition is that a text is there, and in all of these files it is.
pub(super) fn is_met_by_all(
    condition: &Arc<dyn PhysicalExpr>,
    table: &SchemaRef,
    footers: &[Arc<ParquetMetaData>],
) -> Result<bool> {
    let Some(condition) = condition.downcast_ref::<IsNotNullExpr>() else {
        return Ok(false);
    };
    let Some((column, may_be_empty)) = text_below(condition.arg()) else {
        return Ok(false);
    };
    let field = table.fields().get(column.index());
    let Some(field) = field.filter(|field| is_text(field.data_type())) else {
        return Ok(false);
    };
    for footer in footers {
        if !is_in_every_row(field.name(), may_be_empty, footer)? {
            return Ok(false);
        }
    }
    Ok(!footers.is_empty())
}

/// The text without which an expression is NULL, and whether it is one of an empty text.
fn text_below(expression: &Arc<dyn PhysicalExpr>) -> Option<(&Column, bool)> {
    if let Some(column) = expression.downcast_ref::<Column>() {
        return Some((column, true));
    }
    let function = expression.downcast_ref::<ScalarFunctionExpr>()?;
    let literal = |at: usize| {
        let literal = function.args().get(at)?.downcast_ref::<Literal>()?;
        literal.value().try_as_str().flatten()
    };
    let udf = function.fun().inner();
    if udf.is::<NullIfFunc>() && literal(1) == Some("") {
        let column = function.args()[0].downcast_ref::<Column>()?;
        return Some((column, false));
    }
    if udf.is::<Canonical>() && literal(0).is_some_and(Canonical::names_all) {
        return text_below(&function.args()[1]);
    }
    None
}

/// Whether a file has a text in every row: no text is less than the empty one.
fn is_in_every_row(name: &str, may_be_empty: bool, footer: &ParquetMetaData) -> Result<bool> {
    let file = footer.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    let is_stored = schema
        .field_with_name(name)
        .is_ok_and(|stored| is_text(stored.data_type()));
    if !is_stored {
        return Ok(false);
    }
    let statistics = StatisticsConverter::try_new(name, &schema, file.schema_descr())?
        .with_missing_null_counts_as_zero(false);
    let nulls = statistics.row_group_null_counts(footer.row_groups())?;
    let has_none = |nulls: &UInt64Array| nulls.iter().all(|count| count == Some(0));
    if !has_none(&nulls) || may_be_empty {
        return Ok(has_none(&nulls));
    }
    let least = statistics.row_group_mins(footer.row_groups())?;
    let least = cast(&least, &DataType::Utf8View)?;
    let least = least.as_string_view();
    Ok(least
        .iter()
        .all(|least| least.is_some_and(|least| !least.is_empty())))
}
