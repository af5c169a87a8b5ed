//! What rules about scans share.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::datasource::physical_plan::{FileSource, ParquetFileReaderFactory, ParquetSource};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::ExecutionPlan;

/// Whether the operator hands on its input's columns and looks into none.
pub(crate) fn passes_on(
    plan: &Arc<dyn ExecutionPlan>,
    input: &Arc<dyn ExecutionPlan>,
) -> Result<bool> {
    let mut looks = false;
    plan.apply_expressions(&mut |_| {
        looks = true;
        Ok(TreeNodeRecursion::Stop)
    })?;
    Ok(!looks && plan.schema() == input.schema())
}

/// A source of the same files with other conditions, another projection, and maybe other readers.
pub(crate) fn source(
    like: &ParquetSource,
    readers: Option<Arc<dyn ParquetFileReaderFactory>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    projection: &ProjectionExprs,
) -> Result<Option<Arc<dyn FileSource>>> {
    let options = like.table_parquet_options().clone();
    let hint = options.global.metadata_size_hint;
    let mut source =
        ParquetSource::new(like.table_schema().clone()).with_table_parquet_options(options);
    if let Some(readers) = readers.or_else(|| like.parquet_file_reader_factory().cloned()) {
        source = source.with_parquet_file_reader_factory(readers);
    }
    if let Some(hint) = hint {
        source = source.with_metadata_size_hint(hint);
    }
    if let Some(filter) = filter {
        source = source.with_predicate(filter);
    }
    source.try_pushdown_projection(projection)
}

/// A file's footer, where the engine knows it.
pub(crate) fn footer(
    file: &PartitionedFile,
    footers: &FileMetadataCache,
) -> Option<Arc<ParquetMetaData>> {
    let known = footers.get(&file.object_meta.location);
    let known = known.filter(|known| known.is_valid_for(&file.object_meta))?;
    let footer = known.file_metadata.as_any();
    let footer = footer.downcast_ref::<CachedParquetMetaData>()?;
    Some(Arc::clone(footer.parquet_metadata()))
}

/// Where the engine takes each row group to be, when it reads a range of a file; nothing where a range
/// would not tell one from another, as with empty ones.
pub(crate) fn starts(footer: &ParquetMetaData) -> Option<Vec<i64>> {
    let start = |group: &RowGroupMetaData| {
        let first = group.columns().first()?;
        let dictionary = first.dictionary_page_offset();
        Some(dictionary.unwrap_or_else(|| first.data_page_offset()))
    };
    let starts = footer.row_groups().iter().map(start);
    let starts: Vec<i64> = starts.collect::<Option<_>>()?;
    starts
        .is_sorted_by(|before, behind| before < behind)
        .then_some(starts)
}
