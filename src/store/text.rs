//! Files of text as tables: CSV, where every column is text, and JSON, where every row is one document.
//!
//! Nothing is guessed: a number stays the text that it is in the file, until a query says what it
//! means, so that no digit is lost on the way. CSV has a header, and its columns go by name: files of
//! one input may have them in another order. JSON may stand one document a line or over many; of an
//! array at the top, each element is a row. Either may be packed with gzip or zstd.

use crate::error::{Error, Result};
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringBuilder, new_null_array};
use datafusion::arrow::csv::ReaderBuilder;
use datafusion::arrow::csv::reader::Format as CsvFormat;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::{GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;

/// The only column of a JSON file.
pub(crate) const DOCUMENT: &str = "document";
const BATCH: usize = 8_192;
/// Documents can be large: no batch is much larger than this many bytes.
const BATCH_BYTES: usize = 8 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Csv,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// What a file's name says that it holds.
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    let name = name.to_lowercase();
    let (name, _) = unpacked(&name);
    match name.rsplit_once('.')?.1 {
        "csv" | "tsv" => Some(Kind::Csv),
        "json" | "jsonl" | "ndjson" => Some(Kind::Json),
        _ => None,
    }
}

fn unpacked(name: &str) -> (&str, Packing) {
    for (ending, packing) in [
        (".gz", Packing::Gzip),
        (".gzip", Packing::Gzip),
        (".zst", Packing::Zstd),
        (".zstd", Packing::Zstd),
    ] {
        if let Some(name) = name.strip_suffix(ending) {
            return (name, packing);
        }
    }
    (name, Packing::None)
}

/// One file, and the name that its user knows.
#[derive(Debug, Clone)]
pub(super) struct TextFile {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) meta: ObjectMeta,
    pub(super) name: String,
}

/// A table over files of one kind.
pub(super) async fn table(
    kind: Kind,
    files: Vec<TextFile>,
    threads: usize,
) -> Result<Arc<dyn TableProvider>> {
    if let Some(empty) = files.iter().find(|file| file.meta.size == 0) {
        return Err(Error::new(format!("`{}` is empty", empty.name)).hint("is it complete?"));
    }
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let fields = match kind {
        Kind::Json => vec![text(DOCUMENT)],
        Kind::Csv => {
            let mut known = BTreeSet::new();
            let mut fields = vec![];
            for file in &files {
                let header = Header::read(file).await?;
                let new = header
                    .columns
                    .iter()
                    .filter(|name| known.insert((*name).clone()));
                fields.extend(new.map(|name| text(name)));
            }
            fields
        }
    };
    let schema = Arc::new(Schema::new(fields));
    // Each reads its files one after the other: a thousand files are not opened at once.
    let parts = threads.clamp(1, files.len().max(1));
    let partitions = (0..parts).map(|part| {
        let files = files.iter().skip(part).step_by(parts).cloned().collect();
        let schema = Arc::clone(&schema);
        Arc::new(Part {
            kind,
            files,
            schema,
        }) as Arc<dyn PartitionStream>
    });
    let table = StreamingTable::try_new(Arc::clone(&schema), partitions.collect())?;
    Ok(Arc::new(table))
}

/// The files that are read one after the other.
#[derive(Debug)]
struct Part {
    kind: Kind,
    files: Vec<TextFile>,
    schema: SchemaRef,
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), 2);
        let sender = builder.tx();
        let (kind, files, schema) = (self.kind, self.files.clone(), Arc::clone(&self.schema));
        builder.spawn(async move {
            for file in files {
                let bytes = file.bytes().await?;
                let (sender, schema) = (sender.clone(), Arc::clone(&schema));
                let read = move || {
                    let mut send = |batch| sender.blocking_send(Ok(batch)).is_ok();
                    let text = file.unpack(bytes)?;
                    match kind {
                        Kind::Csv => file.rows(text, &schema, &mut send),
                        Kind::Json => file.documents(text, &schema, &mut send),
                    }
                };
                let done = tokio::task::spawn_blocking(read).await;
                done.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
            }
            Ok(())
        });
        builder.build()
    }
}

type Opened = Box<dyn BufRead + Send>;

impl TextFile {
    /// What is in the file, to be read where it may block.
    async fn bytes(&self) -> EngineResult<Box<dyn Read + Send>> {
        let found = self.store.get(&self.meta.location).await?;
        Ok(match found.payload {
            GetResultPayload::File(file, _) => Box::new(file),
            GetResultPayload::Stream(chunks) => Box::new(Chunks::of(chunks)),
        })
    }

    /// The file's text, unpacked as it is read.
    fn unpack(&self, bytes: Box<dyn Read + Send>) -> EngineResult<Opened> {
        let (_, packing) = unpacked(self.meta.location.as_ref());
        let text: Box<dyn Read + Send> = match packing {
            Packing::None => bytes,
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
            Packing::Zstd => Box::new(zstd::Decoder::new(bytes).map_err(|e| self.broken(&e))?),
        };
        let mut text = BufReader::with_capacity(1 << 16, text);
        let begins_with_mark = text
            .fill_buf()
            .map_err(|e| self.broken(&e))?
            .starts_with(b"\xef\xbb\xbf");
        if begins_with_mark {
            text.consume(3);
        }
        Ok(Box::new(text))
    }

    fn broken(&self, reason: &dyn std::fmt::Display) -> DataFusionError {
        exec_datafusion_err!("`{}` cannot be read: {reason}", self.name)
    }

    fn rows(
        &self,
        mut text: Opened,
        schema: &SchemaRef,
        send: &mut dyn FnMut(RecordBatch) -> bool,
    ) -> EngineResult<()> {
        let header = Header::of(&mut text).map_err(|reason| self.broken(&reason))?;
        let own: Vec<_> = header
            .columns
            .iter()
            .map(|name| Field::new(name, DataType::Utf8, true))
            .collect();
        let own = Arc::new(Schema::new(own));
        let reader = ReaderBuilder::new(Arc::clone(&own))
            .with_delimiter(header.delimiter)
            .with_batch_size(BATCH)
            .build(text)
            .map_err(|error| self.broken(&error))?;
        for batch in reader {
            let batch = batch.map_err(|error| self.broken(&error))?;
            let columns = schema
                .fields()
                .iter()
                .map(|field| match own.index_of(field.name()) {
                    Ok(at) => Arc::clone(batch.column(at)),
                    Err(_) => new_null_array(&DataType::Utf8, batch.num_rows()),
                });
            let batch = RecordBatch::try_new(Arc::clone(schema), columns.collect())?;
            if !send(batch) {
                break;
            }
        }
        Ok(())
    }

    fn documents(
        &self,
        text: Opened,
        schema: &SchemaRef,
        send: &mut dyn FnMut(RecordBatch) -> bool,
    ) -> EngineResult<()> {
        let mut documents = StringBuilder::new();
        let (mut rows, mut bytes) = (0, 0);
        let values = serde_json::Deserializer::from_reader(text).into_iter::<Box<RawValue>>();
        for value in values {
            let value = value.map_err(|error| self.broken(&error))?;
            let elements: Vec<&RawValue> = if value.get().starts_with('[') {
                serde_json::from_str(value.get()).map_err(|error| self.broken(&error))?
            } else {
                vec![&value]
            };
            for element in elements {
                documents.append_value(element.get());
                (rows, bytes) = (rows + 1, bytes + element.get().len());
                if rows == BATCH || bytes > BATCH_BYTES {
                    let full: ArrayRef = Arc::new(documents.finish());
                    if !send(RecordBatch::try_new(Arc::clone(schema), vec![full])?) {
                        return Ok(());
                    }
                    (rows, bytes) = (0, 0);
                }
            }
        }
        if rows > 0 {
            let last: ArrayRef = Arc::new(documents.finish());
            send(RecordBatch::try_new(Arc::clone(schema), vec![last])?);
        }
        Ok(())
    }
}

/// An object that comes chunk by chunk, no more than a few of them ahead of who reads.
struct Chunks {
    arriving: Receiver<object_store::Result<Bytes>>,
    current: Bytes,
}

impl Chunks {
    fn of(mut chunks: BoxStream<'static, object_store::Result<Bytes>>) -> Self {
        let (sender, arriving) = tokio::sync::mpsc::channel(4);
        tokio::spawn(async move {
            while let Some(chunk) = chunks.next().await {
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
        });
        Self {
            arriving,
            current: Bytes::new(),
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.arriving.blocking_recv() {
                Some(chunk) => self.current = chunk.map_err(std::io::Error::other)?,
                None => return Ok(0),
            }
        }
        let taken = self.current.len().min(into.len());
        into[..taken].copy_from_slice(&self.current.split_to(taken));
        Ok(taken)
    }
}

/// The first line of a CSV file.
struct Header {
    columns: Vec<String>,
    delimiter: u8,
}

impl Header {
    /// Reads no more of a file than its beginning.
    async fn read(file: &TextFile) -> Result<Self> {
        const BEGINNING: u64 = 1 << 16;
        let range = 0..file.meta.size.min(BEGINNING);
        let bytes = file
            .store
            .get_range(&file.meta.location, range)
            .await
            .map_err(|error| Error::from(DataFusionError::from(error)).at(&file.name))?;
        let mut text = file.unpack(Box::new(Cursor::new(bytes)))?;
        Self::of(&mut text).map_err(|reason| {
            Error::new(format!("`{}` cannot be read as CSV: {reason}", file.name))
                .hint("its first line names its columns, once each")
        })
    }

    /// Reads a header, and leaves the rows.
    fn of(text: &mut Opened) -> std::result::Result<Self, String> {
        let mut line = vec![];
        text.read_until(b'\n', &mut line)
            .map_err(|error| error.to_string())?;
        let count = |delimiter: u8| line.split(|byte| *byte == delimiter).count();
        // The first of equals: a header of one column has none.
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|d| count(*d));
        let delimiter = delimiter.unwrap_or(b',');
        let format = CsvFormat::default()
            .with_header(true)
            .with_delimiter(delimiter);
        let (schema, _) = format
            .infer_schema(line.as_slice(), Some(0))
            .map_err(|error| error.to_string())?;
        let columns: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        if columns.iter().all(String::is_empty) {
            return Err("it has no header".to_owned());
        }
        let mut known = BTreeSet::new();
        if let Some(twice) = columns.iter().find(|name| !known.insert(*name)) {
            return Err(format!("its column `{twice}` is there twice"));
        }
        Ok(Self { columns, delimiter })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_file_holds() {
        assert_eq!(kind_of("costs/2026-10.CSV.gz"), Some(Kind::Csv));
        assert_eq!(kind_of("calls.ndjson.zst"), Some(Kind::Json));
        assert_eq!(kind_of("calls.parquet"), None);
        assert_eq!(kind_of("calls.gz"), None);
    }

    fn header(line: &str) -> std::result::Result<Header, String> {
        let mut text: Opened = Box::new(Cursor::new(line.as_bytes().to_vec()));
        Header::of(&mut text)
    }

    #[test]
    fn a_header_shows_what_separates() {
        let read = |line: &str| header(line).unwrap();
        assert_eq!(read("a;b,c;d\r\n1;2;3").columns, ["a", "b,c", "d"]);
        assert_eq!(read("a\tb\n").columns, ["a", "b"]);
        assert_eq!(read("\"a, b\",c\n").columns, ["a, b", "c"]);
        assert_eq!(read("a").columns, ["a"]);
        assert!(header("a,b,a\n").is_err());
        assert!(header("").is_err());
    }
}
