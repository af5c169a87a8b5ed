//! Literals of a parsed statement, and whether a text will make one.

use super::kind::ParameterType;
use super::month::Month;
use crate::error::{Error, Result};
use datafusion::arrow::array::{Array, StringArray};
use datafusion::arrow::compute::cast as converted;
use datafusion::arrow::datatypes::{DataType as ColumnType, TimeUnit};
use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, Ident, ObjectName, Value};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// A day that the calendar has.
pub(super) fn is_date(text: &str) -> bool {
    let Some((month, day)) = text.rsplit_once('-') else {
        return false;
    };
    Month::parse(month).is_some() && day.len() == 2 && becomes(text, &ColumnType::Date32)
}

pub(super) fn is_instant(text: &str) -> bool {
    let instant = ColumnType::Timestamp(TimeUnit::Microsecond, None);
    is_date(text.get(..10).unwrap_or_default()) && becomes(text, &instant)
}

pub(super) fn is_decimal(text: &str) -> bool {
    text.parse::<rust_decimal::Decimal>().is_ok() && becomes(text, &ColumnType::Decimal128(38, 12))
}

/// Whether nothing of a decimal is rounded away.
pub(super) fn has_few_decimals(text: &str) -> bool {
    let decimals = text.split_once('.').map(|(_, decimals)| decimals);
    decimals.is_none_or(|decimals| decimals.trim_end_matches('0').len() <= 12)
}

/// Whether the cast that the literal becomes will succeed: the engine would tell of it without the
/// parameter's name.
fn becomes(text: &str, column_type: &ColumnType) -> bool {
    let column = StringArray::from(vec![text]);
    converted(&column, column_type).is_ok_and(|column| column.null_count() == 0)
}

pub(super) fn string(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.to_owned()))
}

fn call(function: &str, arguments: Vec<Expr>) -> Expr {
    called(Ident::new(function), arguments)
}

/// A call of a function that takes nothing, whatever it is called.
pub(in crate::saved_query) fn no_arguments(function: &str) -> Expr {
    called(Ident::with_quote('"', function), vec![])
}

fn called(function: Ident, arguments: Vec<Expr>) -> Expr {
    use datafusion::sql::sqlparser::ast::{
        Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    };
    let args = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![function]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

const INSTANT: &str = "Timestamp(Microsecond, None)";

/// `TIMESTAMP '…'` would be read in nanoseconds; relations hold microseconds.
pub(super) fn instant(text: &str) -> Expr {
    call("arrow_cast", vec![string(text), string(INSTANT)])
}

pub(super) fn microseconds(instant: Option<i64>) -> Expr {
    let value = match instant {
        Some(instant) => Value::Number(instant.to_string(), false),
        None => Value::Null,
    };
    call("arrow_cast", vec![Expr::value(value), string(INSTANT)])
}

pub(super) fn list(instants: &[i64]) -> Expr {
    let numbers = instants
        .iter()
        .map(|i| Expr::value(Value::Number(i.to_string(), false)))
        .collect();
    call(
        "arrow_cast",
        vec![
            call("make_array", numbers),
            string(&format!("List({INSTANT})")),
        ],
    )
}

pub(super) fn null(kind: &ParameterType) -> Expr {
    let nothing = Expr::value(Value::Null);
    let arrow = match kind {
        ParameterType::Within(kind, _) => return null(kind),
        ParameterType::Month
        | ParameterType::Text
        | ParameterType::Choice(_)
        | ParameterType::Choices(_)
        | ParameterType::Relation => "Utf8",
        ParameterType::Boolean => "Boolean",
        ParameterType::Integer => "Int64",
        ParameterType::Decimal => "Decimal128(38, 12)",
        ParameterType::Date => "Date32",
        ParameterType::Timestamp => INSTANT,
        ParameterType::Timestamps => "List(Timestamp(Microsecond, None))",
    };
    call("arrow_cast", vec![nothing, string(arrow)])
}

pub(super) fn cast(expression: Expr, sql_type: &str) -> Result<Expr> {
    let data_type: DataType = Parser::new(&GenericDialect {})
        .try_with_sql(sql_type)
        .and_then(|mut parser| parser.parse_data_type())
        .map_err(|error| Error::new(error.to_string()))?;
    Ok(Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(expression),
        data_type,
        array: false,
        format: None,
    })
}
