//! [`EncodedReader`]: has the engine read texts as the dictionaries that a file stores them in.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{
    ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema,
};
use datafusion::parquet::basic::Encoding;
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData,
};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::columnar::kind::is_text;

/// Opens files as another factory does, and says in their footers that texts are dictionaries.
#[derive(Debug)]
pub(super) struct EncodedReaders {
    inner: Arc<dyn ParquetFileReaderFactory>,
    /// The names of the columns that are wanted as dictionaries.
    columns: Arc<[String]>,
}

impl EncodedReaders {
    pub(super) fn new(inner: Arc<dyn ParquetFileReaderFactory>, columns: Vec<String>) -> Self {
        Self {
            inner,
            columns: columns.into(),
        }
    }
}

impl ParquetFileReaderFactory for EncodedReaders {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let inner = self
            .inner
            .create_reader(partition_index, file, metadata_size_hint, metrics)?;
        Ok(Box::new(EncodedReader {
            inner,
            columns: Arc::clone(&self.columns),
        }))
    }
}

struct EncodedReader {
    inner: Box<dyn AsyncFileReader + Send>,
    columns: Arc<[String]>,
}

impl AsyncFileReader for EncodedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.inner.get_bytes(range)
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.inner.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let footer = self.inner.get_metadata(options).await?;
            encoded(footer, &self.columns)
        }
        .boxed()
    }
}

/// The footer with a hint for the reader: it reads the columns as the schema says that wrote them.
fn encoded(
    footer: Arc<ParquetMetaData>,
    columns: &[String],
) -> ParquetResult<Arc<ParquetMetaData>> {
    let file = footer.file_metadata();
    let leaves = file.schema_descr();
    let schema = parquet_to_arrow_schema(leaves, file.key_value_metadata())?;
    let mut changes = false;
    let fields = schema.fields().iter().map(|field| {
        let is_wanted = is_text(field.data_type()) && columns.contains(field.name());
        // Its only leaf, for a text is not nested.
        let mut leaf = (0..leaves.num_columns())
            .filter(|leaf| leaves.column(*leaf).path().parts() == [field.name().as_str()]);
        let Some(leaf) = leaf.next().filter(|_| is_wanted) else {
            return Arc::clone(field);
        };
        let mut chunks = footer.row_groups().iter().map(|group| group.column(leaf));
        if !chunks.all(is_dictionary) {
            return Arc::clone(field);
        }
        changes = true;
        let texts = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        Arc::new(Field::clone(field).with_data_type(texts))
    });
    let fields: Vec<_> = fields.collect();
    if !changes {
        return Ok(footer);
    }
    let hint = encode_arrow_schema(&Schema::new_with_metadata(
        fields,
        schema.metadata().clone(),
    ));
    let others = file.key_value_metadata().into_iter().flatten();
    let others = others.filter(|pair| pair.key != ARROW_SCHEMA_META_KEY);
    let mut pairs: Vec<KeyValue> = others.cloned().collect();
    pairs.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), hint));
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(ToOwned::to_owned),
        Some(pairs),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let groups = footer.row_groups().to_vec();
    Ok(Arc::new(ParquetMetaData::new(file, groups)))
}

/// Whether all pages are of numbers into one dictionary. Writers give up on one that grows too large,
/// and then the reader would make a new one for every batch.
fn is_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    let pages = chunk.page_encoding_stats_mask();
    match pages {
        Some(pages) => {
            pages.is_only(Encoding::RLE_DICTIONARY) || pages.is_only(Encoding::PLAIN_DICTIONARY)
        }
        None => chunk.dictionary_page_offset().is_some(),
    }
}
