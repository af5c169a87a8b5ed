//! A subquery that shows any table as a relation of the contract.
//!
//! ```sql
//! (SELECT nullif("customer_id", '') AS "customer_id", CAST("input_tokens" AS BIGINT) …,
//!         arrow_cast(NULL, 'Utf8') AS "feature", "their_own_column" FROM datafusion.public.ledger)
//! ```
//!
//! A column that is there but of a type that cannot be meant is an error here, before any row is
//! read. Columns beyond the contract pass through.

use super::{Column, Kind, RELATIONS, Relation};
use crate::error::{Error, Result};
use crate::saved_query::nearest;
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use std::fmt::Write;

/// The conforming query over a table of this schema, as SQL.
pub fn over(relation: &Relation, table: &str, schema: &Schema) -> Result<String> {
    let columns = relation
        .columns
        .iter()
        .map(|column| match find(schema, column.name) {
            Some((name, data_type)) => conformed(relation, column, name, data_type),
            None if column.required => Err(missing(relation, column, schema)),
            None => Ok(absent(column)),
        });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(with_others(relation, columns, table, schema))
}

/// One of several tables that make a relation, with the contract's types: what else the contract means of
/// a column is told of all of them together, and what one lacks another may have.
pub fn part(relation: &Relation, table: &str, schema: &Schema) -> Result<String> {
    let columns = relation.columns.iter().filter_map(|column| {
        let (name, data_type) = find(schema, column.name)?;
        Some(if is_of(column.kind, data_type) {
            Ok(format!("{} AS {}", quoted(name), quoted(column.name)))
        } else {
            conformed(relation, column, name, data_type)
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(with_others(relation, columns, table, schema))
}

fn conformed(
    relation: &Relation,
    column: &Column,
    name: &str,
    data_type: &DataType,
) -> Result<String> {
    let expression = expression(column, &quoted(name), data_type).ok_or_else(|| {
        Error::new(format!(
            "column `{}` of `{}` is {}, not {}",
            column.name,
            relation.name,
            described(data_type),
            column.kind.described()
        ))
        .at(format!("table `{}`", relation.name))
        .hint(cast_hint(column))
    })?;
    Ok(format!("{expression} AS {}", quoted(column.name)))
}

fn with_others(
    relation: &Relation,
    mut columns: Vec<String>,
    table: &str,
    schema: &Schema,
) -> String {
    for field in schema.fields() {
        if !relation
            .columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(field.name()))
        {
            columns.push(quoted(field.name()));
        }
    }
    format!("SELECT {} FROM {table}", columns.join(", "))
}

/// The columns of an input that is all text, and their types: each as what the contract means by it.
pub fn typed(relation: &Relation, schema: &Schema) -> (String, Schema) {
    let mut columns = vec![];
    let mut fields = vec![];
    for field in schema.fields() {
        let name = quoted(field.name());
        let known = relation
            .columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(field.name()));
        let (expression, data_type) = match known.map(|column| column.kind) {
            None | Some(Kind::Text) => (name.clone(), DataType::Utf8),
            Some(Kind::Amount | Kind::Price) => {
                (format!("to_amount({name})"), DataType::Decimal128(38, 12))
            }
            Some(kind) => (
                format!("arrow_cast(nullif({name}, ''), '{}')", kind.arrow()),
                match kind {
                    Kind::Whole => DataType::Int64,
                    Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
                    Kind::TimeOfDay => DataType::Time64(TimeUnit::Microsecond),
                    Kind::Date => DataType::Date32,
                    _ => DataType::Boolean,
                },
            ),
        };
        columns.push(format!("{expression} AS {name}"));
        fields.push(Field::new(field.name(), data_type, true));
    }
    (columns.join(", "), Schema::new(fields))
}

/// Rows of one conforming query, and those of another whose key the first does not have.
pub fn beside(own: &str, other: &str, key: &[&str]) -> String {
    let equal: Vec<_> = key
        .iter()
        .map(|name| format!("own.{name} = other.{name}"))
        .collect();
    format!(
        "SELECT * FROM ({own}) UNION ALL BY NAME SELECT * FROM ({other}) AS other \
         WHERE NOT EXISTS (SELECT 1 FROM ({own}) AS own WHERE {})",
        equal.join(" AND ")
    )
}

/// The relation without a row.
pub fn empty(relation: &Relation) -> String {
    let columns: Vec<_> = relation.columns.iter().map(absent).collect();
    format!("SELECT {} WHERE false", columns.join(", "))
}

/// The control totals of a billing table that no file's input stands behind.
pub fn control_totals(table: &str, schema: &Schema) -> Result<String> {
    let billing = RELATIONS.iter().find(|relation| relation.name == "billing");
    let needed = |name: &str| {
        find(schema, name)
            .map(|(name, _)| quoted(name))
            .ok_or_else(|| {
                let column = Column {
                    name: "billed_cost",
                    kind: Kind::Amount,
                    required: true,
                };
                billing.map_or_else(|| Error::new("no billing"), |b| missing(b, &column, schema))
            })
    };
    let input = find(schema, "input").map_or("arrow_cast(NULL, 'Utf8')".into(), |(n, _)| quoted(n));
    let mut sql = String::new();
    let _ = write!(
        sql,
        "SELECT {input} AS input, {} AS provider, {} AS billing_period, {} AS currency, \
         sum(to_exact({})) AS control_total FROM {table} GROUP BY 1, 2, 3, 4",
        needed("provider")?,
        needed("billing_period")?,
        needed("currency")?,
        needed("billed_cost")?,
    );
    Ok(sql)
}

fn find<'a>(schema: &'a Schema, name: &str) -> Option<(&'a str, &'a DataType)> {
    let exact = schema.fields().iter().find(|field| field.name() == name);
    exact
        .or_else(|| {
            schema
                .fields()
                .iter()
                .find(|field| field.name().eq_ignore_ascii_case(name))
        })
        .map(|field| (field.name().as_str(), field.data_type()))
}

fn absent(column: &Column) -> String {
    format!(
        "arrow_cast(NULL, '{}') AS {}",
        column.kind.arrow(),
        quoted(column.name)
    )
}

/// `None` where a column of this type cannot hold what the contract means.
fn expression(column: &Column, name: &str, data_type: &DataType) -> Option<String> {
    let cast = || Some(format!("arrow_cast({name}, '{}')", column.kind.arrow()));
    match (column.kind, data_type) {
        (_, DataType::Dictionary(_, values)) => {
            let plain = format!("arrow_cast({name}, '{}')", plain_name(values)?);
            expression(column, &plain, values)
        }
        (kind, own) if is_of(kind, own) => Some(match kind {
            Kind::Text => format!("nullif({name}, '')"),
            // May be NULL, as far as the engine knows: of a column that may not, it makes
            // `coalesce(flag, false) AS flag` the bare column, and then finds its name ambiguous.
            Kind::Flag => format!("nullif({name}, NULL)"),
            _ => name.to_owned(),
        }),
        (Kind::Text, integer) if integer.is_integer() => cast(),
        (Kind::Whole, integer) if integer.is_integer() => cast(),
        (Kind::Time, DataType::Timestamp(_, zone)) => Some(match zone.as_deref() {
            // The engine would write another zone's wall clock; the instant is what is meant.
            Some(zone) if zone != "UTC" && zone != "+00:00" => format!(
                "arrow_cast(arrow_cast({name}, 'Timestamp(Microsecond, Some(\"UTC\"))'), '{}')",
                column.kind.arrow()
            ),
            _ => return cast(),
        }),
        (_, DataType::Null)
        | (Kind::Whole, DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0))
        | (Kind::Time, DataType::Date32 | DataType::Date64)
        | (Kind::TimeOfDay, DataType::Time32(_) | DataType::Time64(_))
        | (Kind::Date, DataType::Date64 | DataType::Timestamp(_, _)) => cast(),
        (Kind::Amount | Kind::Price, number) if is_number(number) => Some(match column.kind {
            Kind::Price => format!(
                "arrow_cast(rounded_ratio(to_amount({name}), 1, 6), '{}')",
                column.kind.arrow()
            ),
            _ => format!("to_amount({name})"),
        }),
        _ => None,
    }
}

/// Whether a column has a type of the contract's.
fn is_of(kind: Kind, data_type: &DataType) -> bool {
    matches!(
        (kind, data_type),
        (
            Kind::Text,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        ) | (Kind::Whole, DataType::Int64)
            | (Kind::Time, DataType::Timestamp(TimeUnit::Microsecond, None))
            | (Kind::TimeOfDay, DataType::Time64(TimeUnit::Microsecond))
            | (Kind::Date, DataType::Date32)
            | (Kind::Amount, DataType::Decimal128(38, 12))
            | (Kind::Price, DataType::Decimal128(18, 6))
            | (Kind::Flag, DataType::Boolean)
    )
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_floating()
        || matches!(
            data_type,
            DataType::Decimal128(_, _) | DataType::Decimal256(_, _)
        )
}

fn plain_name(values: &DataType) -> Option<&'static str> {
    match values {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => Some("Utf8"),
        DataType::Int64 => Some("Int64"),
        DataType::Int32 => Some("Int32"),
        _ => None,
    }
}

fn described(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Dictionary(_, values) => described(values),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            "a floating-point number".to_owned()
        }
        integer if integer.is_integer() => "a whole number".to_owned(),
        DataType::Decimal128(_, _) | DataType::Decimal256(_, _) => "a decimal number".to_owned(),
        DataType::Timestamp(_, _) => "a timestamp".to_owned(),
        DataType::Date32 | DataType::Date64 => "a date".to_owned(),
        DataType::Boolean => "true or false".to_owned(),
        other => other.to_string(),
    }
}

fn cast_hint(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::Time => {
            format!("write the file with a timestamp, such as `CAST({name} AS TIMESTAMP)`")
        }
        Kind::Whole => {
            format!("write the file with a whole number, such as `CAST({name} AS BIGINT)`")
        }
        Kind::Amount | Kind::Price => {
            format!("write the file with a decimal, such as `CAST({name} AS DECIMAL(38,12))`")
        }
        kind => format!("write the file with {}", kind.described()),
    }
}

fn missing(relation: &Relation, column: &Column, schema: &Schema) -> Error {
    let error = Error::new(format!(
        "`{}` has no column `{}`",
        relation.name, column.name
    ))
    .at(format!("table `{}`", relation.name));
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    match nearest(column.name, names()) {
        Some(near) => error.hint(format!(
            "rename `{near}` to `{}`, if that is it",
            column.name
        )),
        None => error.hint(format!("it has {}", names().collect::<Vec<_>>().join(", "))),
    }
}

/// An identifier with its quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
