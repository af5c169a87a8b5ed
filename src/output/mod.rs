//! Results: one file per format, and the sink that takes them whole or not at all.
//!
//! A format writes into the sink while its rows arrive; [`Output::answer`] hands them over when
//! the last row has come. What never happens: half a result on standard output or in a file; a file
//! that its format's readers cannot read.
//!
//! Values are exact in every format. A decimal is written with all its digits (in JSON as a
//! string, because most readers of JSON turn numbers into floats; in Parquet and Arrow as the
//! decimal it is); NULL is an empty field in CSV and TSV, `null` in JSON, nothing in Markdown and
//! `NULL` in a table.

mod arrow_file;
mod cell;
mod delimited;
mod draft;
mod failure;
mod json;
mod markdown;
mod notes;
mod pager;
mod parquet_file;
mod progress;
mod sink;
mod table;
mod vertical;
mod view;

pub use failure::report;
pub use notes::Notes;
pub use progress::Progress;
pub use sink::{Reader, Sink};
pub use view::View;

use crate::error::{Error, Result};
use crate::session::Answer;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use delimited::Delimited;
use futures::StreamExt;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns, every row
    Table,
    /// A line a value, for rows of many columns
    Vertical,
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
    /// An Apache Parquet file
    Parquet,
    /// An Apache Arrow file
    Arrow,
}

/// Where a format writes.
type Out = dyn Write + Send;

/// The values of one row, NULL as nothing.
pub fn texts_of_row(batch: &RecordBatch, row: usize) -> Result<Vec<Option<String>>> {
    let text = |cells: &cell::Cells<'_>| {
        let mut text = String::new();
        Ok(cells.read(row, &mut text)?.then_some(text))
    };
    cell::Cells::of(batch)?.iter().map(text).collect()
}

/// The rows of one result on their way into one format.
trait Rows {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()>;
    fn end(&mut self) -> Result<()>;
}

const ENDINGS: [(&str, Format); 9] = [
    ("txt", Format::Table),
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("jsonl", Format::Ndjson),
    ("md", Format::Markdown),
    ("parquet", Format::Parquet),
    ("arrow", Format::Arrow),
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
        matches!(self, Self::Table | Self::Vertical | Self::Markdown)
    }

    /// Whether a line below the rows says how many there are, and can say in what time.
    pub fn says_time(self) -> bool {
        matches!(self, Self::Table | Self::Vertical)
    }

    fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    /// Whether a file of it is one result, no less and no more.
    fn holds_one_result(self) -> bool {
        self.is_binary() || self == Self::Json
    }

    fn rows<'a>(
        self,
        schema: &SchemaRef,
        view: View,
        out: &'a mut Out,
    ) -> Result<Box<dyn Rows + 'a>> {
        Ok(match self {
            Self::Table => Box::new(table::Table::new(schema, view, out)),
            Self::Vertical => Box::new(vertical::Vertical::new(schema, view, out)),
            Self::Csv => Box::new(Delimited::csv(schema, out)?),
            Self::Tsv => Box::new(Delimited::tsv(schema, out)?),
            Self::Json => Box::new(json::Json::array(schema, out)?),
            Self::Ndjson => Box::new(json::Json::lines(schema, out)?),
            Self::Markdown => Box::new(markdown::Markdown::new(schema, out)?),
            Self::Parquet => Box::new(parquet_file::ParquetFile::new(schema, out)?),
            Self::Arrow => Box::new(arrow_file::ArrowFile::new(schema, out)?),
        })
    }

    /// Writes a whole answer and counts its rows. A statement without columns writes nothing.
    pub async fn write(self, answer: Answer, view: View, out: &mut Out) -> Result<usize> {
        let Answer {
            schema, mut stream, ..
        } = answer;
        if schema.fields().is_empty() {
            while let Some(batch) = stream.next().await {
                batch?;
            }
            return Ok(0);
        }
        match self {
            Self::Csv => return Delimited::csv(&schema, out)?.all(stream).await,
            Self::Tsv => return Delimited::tsv(&schema, out)?.all(stream).await,
            _ => {}
        }
        let mut rows = self.rows(&schema, view, out)?;
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
    pub fn write_batch(self, batch: &RecordBatch, out: &mut Out) -> Result<()> {
        let mut rows = self.rows(&batch.schema(), View::default(), out)?;
        rows.batch(batch)?;
        rows.end()
    }
}

/// Where results go and how they look.
#[derive(Debug)]
pub struct Output {
    pub format: Format,
    /// How many characters fit beside one another, where that is not for the terminal to say.
    pub columns: Option<usize>,
    sink: Sink,
    results: usize,
}

impl Output {
    pub fn open(format: Option<Format>, destination: Option<&Path>) -> Result<Self> {
        let sink = Sink::open(destination)?;
        let format = match (format, destination) {
            (Some(format), _) => format,
            (None, Some(path)) => Format::of(path)?,
            (None, None) => Format::Table,
        };
        Ok(Self {
            format,
            columns: None,
            sink,
            results: 0,
        })
    }

    /// Shows what is longer than the screen with the user's pager, or no more.
    pub fn page(&mut self, is_wanted: bool) {
        self.sink.page(is_wanted);
    }

    /// How results look where they go.
    pub fn view(&self) -> View {
        let width = || self.columns.or_else(view::terminal_width);
        View {
            width: self.sink.is_screen().then(width).flatten(),
            since: None,
        }
    }

    /// Writes an answer and hands it over once it is complete. Who waits at a prompt sees for how
    /// long it took.
    pub async fn answer(&mut self, answer: Answer, since: Option<Instant>) -> Result<Reader> {
        let is_result = !answer.schema.fields().is_empty();
        if is_result {
            self.admit()?;
        }
        let view = View {
            since,
            ..self.view()
        };
        match self.format.write(answer, view, self.sink.pending()).await {
            Ok(_) => self.hand_over(is_result),
            Err(error) => Err(self.discarded(error)),
        }
    }

    /// Writes what a verb has to say and hands it over.
    pub fn text(&mut self, write: impl FnOnce(Format, &mut Out) -> Result<()>) -> Result<Reader> {
        self.admit()?;
        match write(self.format, self.sink.pending()) {
            Ok(()) => self.hand_over(true),
            Err(error) => Err(self.discarded(error)),
        }
    }

    /// An error where the result would make what is written unreadable.
    fn admit(&self) -> Result<()> {
        let format = self.format;
        if format.is_binary() && self.sink.is_screen() {
            return Err(Error::new("a terminal cannot show this format")
                .hint("write a file with `-o FILE`"));
        }
        let Some(path) = self.sink.file() else {
            return Ok(());
        };
        if format.holds_one_result() && self.results > 0 {
            return Err(Error::new(format!(
                "`{}` would hold two results, which nothing can read",
                path.display()
            ))
            .hint("write each result to a file of its own, or use `--format ndjson`"));
        }
        Ok(())
    }

    fn hand_over(&mut self, is_result: bool) -> Result<Reader> {
        self.results += usize::from(is_result);
        self.sink.commit()
    }

    /// Drops what a statement wrote before it was stopped.
    pub fn discard(&mut self) -> Result<()> {
        self.sink.discard()
    }

    /// Makes the file appear. Without this call, `-o` leaves no file.
    pub fn finish(self) -> Result<()> {
        match self.sink.file() {
            Some(path) if self.format.holds_one_result() && self.results == 0 => Err(Error::new(
                format!("there is no result to write to `{}`", path.display()),
            )),
            _ => self.sink.finish(),
        }
    }

    /// The statement's own error matters more than one of clearing up after it.
    fn discarded(&mut self, error: Error) -> Error {
        let _ = self.sink.discard();
        error
    }
}
