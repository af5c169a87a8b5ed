//! `describe NAME`: a saved query, a function or a table, with what there is to know about it.

use super::{Outcome, Workplace};
use crate::cli::{DescribeArgs, Options};
use crate::error::{Error, Result};
use crate::output::Reader;
use crate::relation;
use crate::saved_query::header::Kind;
use crate::saved_query::{SavedQuery, nearest};
use apportion_udfs::{FunctionDoc, FunctionKind, functions};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use std::fmt::Write as _;

pub(super) async fn run(args: &DescribeArgs, options: &Options) -> Result<Outcome> {
    let mut workplace = Workplace::open(options).await?;
    describe(&mut workplace, &args.name).await?;
    workplace.output.finish()?;
    Ok(Outcome::Done)
}

pub(crate) async fn describe(workplace: &mut Workplace, name: &str) -> Result<Reader> {
    let text = description(workplace, name).await?;
    workplace
        .output
        .text(|_, out| Ok(out.write_all(text.as_bytes())?))
}

async fn description(workplace: &Workplace, name: &str) -> Result<String> {
    let session = &workplace.session;
    let name = name.trim_matches('"');
    if let Some(query) = session.queries().get(name) {
        // Without arguments a query may not be plannable; its header still is worth showing.
        let schema = session.result_schema(query).await.ok();
        return Ok(of_query(query, schema.as_ref()));
    }
    let functions = functions();
    if let Some(function) = functions
        .iter()
        .find(|function| function.name.eq_ignore_ascii_case(name))
    {
        return Ok(of_function(function));
    }
    let table = name.to_lowercase();
    if let Some(schema) = session.table_schema(&table).await? {
        let about = relation::about(&table);
        return Ok(format!("{table}: {about}\n\n{}", columns(&schema)));
    }
    let tables = session.tables();
    let known = session.queries().iter().map(|query| query.name.as_str());
    let known = known.chain(functions.iter().map(|function| function.name));
    let known = known.chain(tables.iter().map(String::as_str));
    let error = Error::new(format!(
        "there is no saved query, function or table `{name}`"
    ));
    Err(match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`apportion list` shows what there is, and `\\l` at the prompt"),
    })
}

fn of_query(query: &SavedQuery, schema: Option<&Schema>) -> String {
    let header = &query.header;
    let mut text = format!("{}: {}\n\n", query.name, header.question);
    let kind = match (header.kind, header.severity) {
        (Kind::Claim, Some(severity)) => Some(format!("a check, severity {severity}")),
        (Kind::Claim, None) => Some("a check".to_owned()),
        (Kind::Question, _) => None,
    };
    for (label, value) in [
        ("kind", kind.as_ref()),
        ("makes", header.relation.as_ref()),
        ("reads", header.reads.as_ref()),
        ("grain", header.grain.as_ref()),
        ("ties to", header.ties_to.as_ref()),
        ("total", header.control_total.as_ref()),
        ("notes", header.notes.as_ref()),
        ("file", Some(&query.path)),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "{label:9}{value}");
        }
    }
    if !header.parameters.is_empty() {
        let lines = header.parameters.iter().map(|parameter| {
            let default = parameter
                .default
                .as_ref()
                .map(|default| format!("[default: {default}]"));
            let about = [Some(parameter.description.clone()), default];
            let about = about.into_iter().flatten().collect::<Vec<_>>().join(" ");
            [parameter.name.clone(), parameter.kind.to_string(), about]
        });
        let _ = write!(
            text,
            "\nparameters\n{}",
            aligned(&lines.collect::<Vec<_>>())
        );
    }
    if let Some(schema) = schema {
        let _ = write!(text, "\n{}", columns(schema));
    }
    text
}

fn of_function(function: &FunctionDoc) -> String {
    let mut text = format!("{}: {}\n\n", function.name, function.description);
    let kind = match function.kind {
        FunctionKind::Scalar => "a scalar function",
        FunctionKind::Window => "a window function",
        FunctionKind::Aggregate => "an aggregate function",
    };
    let _ = writeln!(text, "{:9}{kind}", "kind");
    let _ = writeln!(text, "{:9}{}", "syntax", function.syntax);
    if !function.parameters.is_empty() {
        let lines = function.parameters.iter().map(|parameter| {
            let need = if parameter.required {
                "required"
            } else {
                "optional"
            };
            [
                parameter.name.to_string(),
                need.to_owned(),
                parameter.description.to_string(),
            ]
        });
        let _ = write!(text, "\narguments\n{}", aligned(&lines.collect::<Vec<_>>()));
    }
    if !function.example.is_empty() {
        text += "\nexample\n";
        for line in function.example.trim_end().lines() {
            let _ = writeln!(text, "{}", format!("  {line}").trim_end());
        }
    }
    text
}

fn columns(schema: &Schema) -> String {
    let line = |name: &str, kind: &DataType| [name.to_owned(), sql_type(kind), String::new()];
    let lines = schema
        .fields()
        .iter()
        .map(|field| line(field.name(), field.data_type()));
    format!("columns\n{}", aligned(&lines.collect::<Vec<_>>()))
}

/// Three columns of text, the last as long as it likes.
fn aligned(lines: &[[String; 3]]) -> String {
    let width = |part: usize| {
        lines
            .iter()
            .map(|line| line[part].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    lines
        .iter()
        .fold(String::new(), |mut text, [name, kind, about]| {
            let line = format!("  {name:first$}  {kind:second$}  {about}");
            let _ = writeln!(text, "{}", line.trim_end());
            text
        })
}

/// A type as one would write it in SQL.
fn sql_type(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision}, {scale})")
        }
        DataType::Timestamp(unit, zone) => {
            let digits = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            let zone = if zone.is_some() {
                " with time zone"
            } else {
                ""
            };
            format!("timestamp({digits}){zone}")
        }
        DataType::List(element) | DataType::LargeList(element) => {
            format!("{}[]", sql_type(element.data_type()))
        }
        DataType::Struct(fields) => {
            let field = |name: &str, kind: &DataType| format!("{name} {}", sql_type(kind));
            let fields: Vec<_> = fields
                .iter()
                .map(|part| field(part.name(), part.data_type()))
                .collect();
            format!("struct({})", fields.join(", "))
        }
        DataType::Dictionary(_, value) => sql_type(value),
        other => other.to_string().to_lowercase(),
    }
}
