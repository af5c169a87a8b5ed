//! Where files are: a location as a user wrote it becomes a table.
//!
//! A location is a file, a folder, or a glob. Listing and reading the first footer happen here, so
//! that a wrong location or a broken file is one error that names it.

pub(crate) mod built_in;
pub(crate) mod demo;

use crate::error::{Error, Result};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// A table over the Parquet files of a location.
pub(crate) async fn table(
    context: &SessionContext,
    location: &str,
) -> Result<Arc<dyn TableProvider>> {
    register(context, location)?;
    let url = ListingTableUrl::parse(location).map_err(|error| {
        Error::from(error).hint("a location is a file, a folder that ends in `/`, or a glob")
    })?;
    let state = context.state();
    let format = ParquetFormat::default();
    let options = ListingOptions::new(Arc::new(format))
        .with_file_extension(if url.is_collection() { ".parquet" } else { "" });
    let schema = options
        .infer_schema(&state, &url)
        .await
        .map_err(|error| unreadable(&error, location))?;
    if schema.fields().is_empty() {
        return Err(Error::new(format!("no Parquet file is there: `{location}`"))
            .hint("a location is a file, a folder that ends in `/`, or a glob such as `calls/*.parquet`"));
    }
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// Makes the store of a location known to the engine.
pub(crate) fn register(context: &SessionContext, location: &str) -> Result<()> {
    if let Some((scheme, _)) = location.split_once("://")
        && scheme != "file"
    {
        let url = url::Url::parse(location).map_err(|error| Error::new(error.to_string()))?;
        if context
            .runtime_env()
            .object_store_registry
            .get_store(&url)
            .is_err()
        {
            return Err(
                Error::new(format!("`{scheme}://` is not a place that can be read"))
                    .hint("give a path on this machine"),
            );
        }
    }
    Ok(())
}

fn unreadable(error: &datafusion::error::DataFusionError, location: &str) -> Error {
    let reason = error.find_root().to_string();
    let mut reason = reason.lines().next().unwrap_or_default();
    if ["No files found", "not found", "No such file"]
        .iter()
        .any(|none| reason.contains(none))
    {
        return Error::new(format!("there is no file `{location}`")).hint(
            "a location is a file, a folder that ends in `/`, or a glob such as `calls/*.parquet`",
        );
    }
    while let Some(inner) = reason.strip_prefix("Parquet error: ") {
        reason = inner;
    }
    Error::new(format!("`{location}` cannot be read as Parquet: {reason}"))
        .hint("is the file complete, and is it Parquet?")
}
