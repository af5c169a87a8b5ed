//! The price book as a Parquet file with the columns of the relation `prices`.

use super::book::{Book, Row};
use super::{Condition, Name, Rates, tariff};
use crate::config::{Input, RelationInputs, Settings};
use crate::error::{Error, Result};
use crate::relation;
use crate::session::Session;
use apportion_udfs::money::{Amount, PerMtok};
use arrow::array::types::{
    Decimal128Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use parquet::arrow::arrow_writer::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Reads a book; one that is not there is empty.
pub async fn read(path: &Path) -> Result<Book> {
    if !path.exists() {
        return Ok(Book::default());
    }
    let location = path.display().to_string();
    let settings = Settings {
        inputs: vec![RelationInputs {
            relation: "prices".to_owned(),
            inputs: vec![Input {
                columns: BTreeMap::new(),
                location,
                source: None,
            }],
        }],
        ..Settings::default()
    };
    rows(&Session::open(&settings).await?).await.map(Book::new)
}

/// The rows of a session's price book.
pub async fn rows(session: &Session) -> Result<Vec<Row>> {
    let mut rows = vec![];
    for batch in session.collect(&every_price()).await? {
        for at in 0..batch.num_rows() {
            rows.push(row(&batch, at)?);
        }
    }
    Ok(rows)
}

/// Texts may come in any encoding of the engine; here they have one.
fn every_price() -> String {
    let prices = relation::relation("prices");
    let columns = prices.map(|prices| prices.columns).unwrap_or_default();
    let typed = columns.iter().map(|column| {
        let (name, kind) = (column.name, column.kind.arrow());
        format!("arrow_cast({name}, '{kind}') AS {name}")
    });
    let typed: Vec<_> = typed.collect();
    format!("SELECT {} FROM prices", typed.join(", "))
}

fn row(batch: &RecordBatch, at: usize) -> Result<Row> {
    let column = |name: &str| {
        let column = batch.column_by_name(name);
        column.filter(|column| column.is_valid(at))
    };
    let text = |name: &str| column(name).map(|texts| texts.as_string::<i32>().value(at).to_owned());
    let needed = |name: &str| {
        text(name).ok_or_else(|| Error::new(format!("a row of the price book has no `{name}`")))
    };
    let instant =
        |name| column(name).map(|times| times.as_primitive::<TimestampMicrosecondType>().value(at));
    let time =
        |name| column(name).map(|times| times.as_primitive::<Time64MicrosecondType>().value(at));
    let units = |name| column(name).map(|units| units.as_primitive::<Decimal128Type>().value(at));
    let price = |name| units(name).map(tariff::per_mtok).transpose();
    let empty = |name: &str| Error::new(format!("a row of the price book has no `{name}`"));
    let window = match (time("utc_from"), time("utc_to")) {
        (None, None) => None,
        (from, to) => Some((from.unwrap_or(0), to.unwrap_or(0))),
    };
    Ok(Row {
        name: Name {
            provider: needed("provider")?,
            model: needed("model")?,
        },
        condition: Condition {
            service_tier: text("service_tier"),
            min_input_tokens: column("min_input_tokens")
                .map(|numbers| numbers.as_primitive::<Int64Type>().value(at)),
            window,
        },
        from: instant("effective_from").ok_or_else(|| empty("effective_from"))?,
        to: instant("effective_to"),
        rates: Rates {
            input: price("input_per_mtok")?.ok_or_else(|| empty("input_per_mtok"))?,
            cache_read: price("cache_read_per_mtok")?,
            cache_write: price("cache_write_per_mtok")?,
            cache_write_1h: price("cache_write_1h_per_mtok")?,
            output: price("output_per_mtok")?.ok_or_else(|| empty("output_per_mtok"))?,
            reasoning: price("reasoning_per_mtok")?,
            per_request: units("per_request").map(tariff::amount).transpose()?,
            currency: needed("currency")?,
            source: text("source").unwrap_or_default(),
        },
    })
}

/// Writes a book, whole or not at all.
pub fn write(path: &Path, book: &Book) -> Result<usize> {
    let rows = book.rows();
    let failed = |cause: &dyn std::fmt::Display| {
        Error::new(format!("cannot write `{}`: {cause}", path.display()))
    };
    let batch = batch(&rows).map_err(|error| failed(&error))?;
    let level = ZstdLevel::try_new(9).map_err(|error| failed(&error))?;
    let properties = WriterProperties::builder()
        .set_created_by("apportion".to_owned())
        .set_compression(Compression::ZSTD(level))
        .build();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".apportion-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| failed(&crate::error::reason(&error)))?;
    let mut writer = ArrowWriter::try_new(file.as_file_mut(), batch.schema(), Some(properties))
        .map_err(|error| failed(&error))?;
    writer.write(&batch).map_err(|error| failed(&error))?;
    writer.close().map_err(|error| failed(&error))?;
    readable(file.as_file()).map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(rows.len())
}

/// A temporary file is its owner's alone; a book is a file like others.
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.sync_all()
}

pub fn batch(rows: &[Row]) -> Result<RecordBatch> {
    let text = |value: fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let instant = |value: fn(&Row) -> Option<i64>| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(value)
                .collect::<TimestampMicrosecondArray>(),
        )
    };
    let time = |value: fn(&Row) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<Time64MicrosecondArray>())
    };
    let decimal = |(precision, scale), value: &dyn Fn(&Row) -> Option<i128>| {
        let units = rows.iter().map(value).collect::<Decimal128Array>();
        let units = units.with_precision_and_scale(precision, scale);
        units
            .map(|units| -> ArrayRef { Arc::new(units) })
            .map_err(|error| Error::new(error.to_string()))
    };
    let price = |value: fn(&Rates) -> Option<PerMtok>| {
        let of_row = |row: &Row| value(&row.rates).map(PerMtok::units);
        decimal((PerMtok::PRECISION, PerMtok::SCALE), &of_row)
    };
    let per_request = |row: &Row| row.rates.per_request.map(Amount::units);
    let thresholds: Int64Array = rows
        .iter()
        .map(|row| row.condition.min_input_tokens)
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("provider", text(|row| Some(&row.name.provider)), false),
        ("model", text(|row| Some(&row.name.model)), false),
        ("effective_from", instant(|row| Some(row.from)), false),
        ("effective_to", instant(|row| row.to), true),
        (
            "service_tier",
            text(|row| row.condition.service_tier.as_deref()),
            true,
        ),
        ("min_input_tokens", Arc::new(thresholds) as ArrayRef, true),
        ("utc_from", time(|row| Some(row.condition.window?.0)), true),
        ("utc_to", time(|row| Some(row.condition.window?.1)), true),
        ("input_per_mtok", price(|rates| Some(rates.input))?, false),
        (
            "cache_read_per_mtok",
            price(|rates| rates.cache_read)?,
            true,
        ),
        (
            "cache_write_per_mtok",
            price(|rates| rates.cache_write)?,
            true,
        ),
        (
            "cache_write_1h_per_mtok",
            price(|rates| rates.cache_write_1h)?,
            true,
        ),
        ("output_per_mtok", price(|rates| Some(rates.output))?, false),
        ("reasoning_per_mtok", price(|rates| rates.reasoning)?, true),
        (
            "per_request",
            decimal((Amount::PRECISION, Amount::SCALE), &per_request)?,
            true,
        ),
        ("currency", text(|row| Some(&row.rates.currency)), false),
        ("source", text(|row| Some(&row.rates.source)), true),
    ])
    .map_err(|error| Error::new(error.to_string()))
}
