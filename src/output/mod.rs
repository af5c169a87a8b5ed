//! Results: one file per format, and the sink that takes them whole or not at all.
//!
//! A format writes into the sink while its rows arrive; [`Output::answer`] hands them over when
//! the last row has come. What never happens: half a result on standard output or in a file.
//!
//! Values are exact in every format. A decimal is written with all its digits (in JSON as a
//! string, because most readers of JSON turn numbers into floats); NULL is an empty field in CSV
//! and TSV, `null` in JSON, nothing in Markdown and `NULL` in a table.

mod cell;
mod delimited;
mod failure;
mod json;
mod markdown;
mod notes;
mod sink;
mod table;

pub use failure::report;
pub use notes::Notes;
pub use sink::{Reader, Sink};

use crate::error::{Error, Result};
use crate::session::Answer;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use futures::StreamExt;
use std::io::Write;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns, every row
    Table,
    /// Comma-separated values with a header
    Csv,
    /// Tab-separated values with a header
    Tsv,
    /// One array of objects
    Json,
    /// One object a line
    Ndjson,
    /// A Markdown table
    Markdown,
}

/// The rows of one result on their way into one format.
trait Rows {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()>;
    fn end(&mut self) -> Result<()>;
}

const ENDINGS: [(&str, Format); 7] = [
    ("txt", Format::Table),
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("jsonl", Format::Ndjson),
    ("md", Format::Markdown),
];

impl Format {
    /// The format that a file's ending asks for. A name without an ending asks for none; under an
    /// ending that means something else, a table would pass for it.
    fn of(path: &Path) -> Result<Self> {
        let Some(ending) = path.extension() else {
            return Ok(Self::Table);
        };
        let known = |(known, _): &&(&str, Self)| ending.eq_ignore_ascii_case(known);
        if let Some((_, format)) = ENDINGS.iter().find(known) {
            return Ok(*format);
        }
        let endings: Vec<_> = ENDINGS
            .iter()
            .map(|(ending, _)| format!(".{ending}"))
            .collect();
        Err(Error::new(format!(
            "cannot write `{}`: no format has the ending `.{}`",
            path.display(),
            ending.to_string_lossy()
        ))
        .hint(format!(
            "end the name with one of {}, or choose a format with `--format`",
            endings.join(", ")
        )))
    }

    /// Whether it is meant for people to read, with words around the rows.
    pub fn is_prose(self) -> bool {
        matches!(self, Self::Table | Self::Markdown)
    }

    fn rows<'a>(self, schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Box<dyn Rows + 'a>> {
        Ok(match self {
            Self::Table => Box::new(table::Table::new(schema, out)),
            Self::Csv => Box::new(delimited::Delimited::new(b',', schema, out)?),
            Self::Tsv => Box::new(delimited::Delimited::new(b'\t', schema, out)?),
            Self::Json => Box::new(json::Json::array(schema, out)?),
            Self::Ndjson => Box::new(json::Json::lines(schema, out)?),
            Self::Markdown => Box::new(markdown::Markdown::new(schema, out)?),
        })
    }

    /// Writes a whole answer and counts its rows. A statement without columns writes nothing.
    pub async fn write(self, answer: Answer, out: &mut dyn Write) -> Result<usize> {
        let Answer {
            schema, mut stream, ..
        } = answer;
        if schema.fields().is_empty() {
            while let Some(batch) = stream.next().await {
                batch?;
            }
            return Ok(0);
        }
        let mut rows = self.rows(&schema, out)?;
        let mut count = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            count += batch.num_rows();
            rows.batch(&batch)?;
        }
        rows.end()?;
        Ok(count)
    }

    /// Writes one batch as a whole result.
    pub fn write_batch(self, batch: &RecordBatch, out: &mut dyn Write) -> Result<()> {
        let mut rows = self.rows(&batch.schema(), out)?;
        rows.batch(batch)?;
        rows.end()
    }
}

/// Where results go and how they look.
#[derive(Debug)]
pub struct Output {
    pub format: Format,
    sink: Sink,
}

impl Output {
    pub fn open(format: Option<Format>, destination: Option<&Path>) -> Result<Self> {
        let sink = Sink::open(destination)?;
        let format = match (format, destination) {
            (Some(format), _) => format,
            (None, Some(path)) => Format::of(path)?,
            (None, None) => Format::Table,
        };
        Ok(Self { format, sink })
    }

    /// Writes an answer and hands it over once it is complete.
    pub async fn answer(&mut self, answer: Answer) -> Result<(usize, Reader)> {
        match self.format.write(answer, self.sink.pending()).await {
            Ok(rows) => Ok((rows, self.sink.commit()?)),
            Err(error) => Err(self.discarded(error)),
        }
    }

    /// Writes what a verb has to say and hands it over.
    pub fn text(
        &mut self,
        write: impl FnOnce(Format, &mut dyn Write) -> Result<()>,
    ) -> Result<Reader> {
        match write(self.format, self.sink.pending()) {
            Ok(()) => self.sink.commit(),
            Err(error) => Err(self.discarded(error)),
        }
    }

    /// Drops what a statement wrote before it was stopped.
    pub fn discard(&mut self) -> Result<()> {
        self.sink.discard()
    }

    /// Makes the file appear. Without this call, `-o` leaves no file.
    pub fn finish(self) -> Result<()> {
        self.sink.finish()
    }

    /// The statement's own error matters more than one of clearing up after it.
    fn discarded(&mut self, error: Error) -> Error {
        let _ = self.sink.discard();
        error
    }
}
