//! Where files are: a location as a user wrote it becomes a table.
//!
//! A location is a file, a folder, or a glob; of Parquet, or of the text files of [`text`]. Listing and reading the footers happen here, so that a
//! wrong location or a broken file is one error that names it. What never happens: a file of a
//! location is left out because it cannot be read.

mod bucket;
pub(crate) mod built_in;
pub(crate) mod demo;
#[cfg(feature = "cluster")]
mod opened;
pub(crate) mod text;

#[cfg(feature = "cluster")]
pub(crate) use opened::Opened;

use crate::config::Store;
use crate::error::{Error, Result};
use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore};
use std::collections::{BTreeMap, HashMap};
use std::slice;
use std::sync::Arc;
use url::Url;

const PARQUET: &str = ".parquet";
/// The ending of every name.
const EVERY: &str = "";

const PLACES: &str =
    "a location is a file, a folder that ends in `/`, or a glob such as `calls/*.parquet`";

/// The rows of a location.
pub(crate) struct Input {
    pub(crate) table: Arc<dyn TableProvider>,
    pub(crate) contents: Contents,
}

/// What a table's columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// The files say of which type each is.
    Typed,
    /// All are text, because the files know nothing else.
    Text,
    /// One column, a document a row.
    Documents,
}

/// A table over the files of a location.
pub(crate) async fn table(context: &SessionContext, location: &str) -> Result<Input> {
    register(context, location)?;
    let url = ListingTableUrl::parse(location).map_err(|error| {
        Error::from(error).hint("a location is a file, a folder that ends in `/`, or a glob")
    })?;
    let files = Files::list(context, location, &url).await?;
    let Some(kind) = files.kind()? else {
        return Ok(Input {
            table: files.parquet().await?,
            contents: Contents::Typed,
        });
    };
    let threads = context.copied_config().target_partitions();
    Ok(Input {
        table: text::table(kind, files.of_text(), threads).await?,
        contents: match kind {
            text::Kind::Csv => Contents::Text,
            text::Kind::Json => Contents::Documents,
        },
    })
}

/// Whether a table's name is a location: one that ends as files do, or names a folder or a store.
pub(crate) fn is_location(name: &str) -> bool {
    name.ends_with(PARQUET)
        || name.ends_with('/')
        || name.contains("://")
        || text::kind_of(name).is_some()
}

/// The files of a location, each with a name that its user knows.
struct Files<'a> {
    location: &'a str,
    url: &'a ListingTableUrl,
    state: SessionState,
    store: Arc<dyn ObjectStore>,
    found: Vec<ObjectMeta>,
}

impl<'a> Files<'a> {
    async fn list(
        context: &SessionContext,
        location: &'a str,
        url: &'a ListingTableUrl,
    ) -> Result<Self> {
        let mut state = context.state();
        if names_folders(url) {
            let options = state.config_mut().options_mut();
            options.execution.listing_table_ignore_subdirectory = false;
        }
        let store = state.runtime_env().object_store(url)?;
        let mut found: Vec<_> = url
            .list_all_files(&state, store.as_ref(), EVERY)
            .await
            .map_err(|error| unlisted(error, location))?
            .try_collect()
            .await
            .map_err(|error| unlisted(error, location))?;
        if url.is_collection() && url.get_glob().is_none() {
            // Folders hold other things too; what a pattern matches is meant.
            found.retain(|file| {
                let name = file.location.as_ref();
                name.ends_with(PARQUET) || text::kind_of(name).is_some()
            });
        }
        if found.is_empty() {
            return Err(nothing_at(location));
        }
        // Folders are listed in no order, and the same fault is told in the same words.
        found.sort_unstable_by(|one: &ObjectMeta, other| one.location.cmp(&other.location));
        Ok(Self {
            location,
            url,
            state,
            store,
            found,
        })
    }

    /// What kind of text the files hold; nothing for Parquet.
    fn kind(&self) -> Result<Option<text::Kind>> {
        let kind = |file: &ObjectMeta| text::kind_of(file.location.as_ref());
        let first = &self.found[0];
        match self.found.iter().find(|file| kind(file) != kind(first)) {
            None => Ok(kind(first)),
            Some(other) => Err(Error::new(format!(
                "`{}` and `{}` hold different kinds of files",
                self.name(first),
                self.name(other)
            ))
            .hint("name the files of one kind by a pattern such as `bills/*.csv`, each kind as an input of its own")),
        }
    }

    fn of_text(&self) -> Vec<text::TextFile> {
        let files = self.found.iter();
        files
            .map(|file| text::TextFile {
                store: Arc::clone(&self.store),
                meta: file.clone(),
                name: self.name(file),
            })
            .collect()
    }

    async fn parquet(&self) -> Result<Arc<dyn TableProvider>> {
        let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(
            if self.url.is_collection() {
                PARQUET
            } else {
                EVERY
            },
        );
        let schema = self.schema(&*options.format).await?;
        let config = ListingTableConfig::new_with_multi_paths(self.urls()?)
            .with_listing_options(options)
            .with_schema(schema);
        Ok(Arc::new(ListingTable::try_new(config)?))
    }

    /// What the engine lists again: it would not look into the folders that a pattern names.
    fn urls(&self) -> Result<Vec<ListingTableUrl>> {
        if !names_folders(self.url) {
            return Ok(vec![self.url.clone()]);
        }
        let store = self.url.object_store();
        let url = |file: &ObjectMeta| {
            let mut url: Url = AsRef::<Url>::as_ref(&store).clone();
            url.set_path(file.location.as_ref());
            ListingTableUrl::try_new(url, None)
        };
        Ok(self.found.iter().map(url).collect::<Result<_, _>>()?)
    }

    /// The columns of all files together.
    async fn schema(&self, format: &dyn FileFormat) -> Result<SchemaRef> {
        // The engine passes over files without a byte: their rows would be missing unnoticed.
        if let Some(empty) = self.found.iter().find(|file| file.size == 0) {
            return Err(not_parquet(&self.name(empty), "it is empty"));
        }
        match format
            .infer_schema(&self.state, &self.store, &self.found)
            .await
        {
            Ok(schema) if schema.fields().is_empty() => {
                Err(not_parquet(self.location, "it has no columns"))
            }
            Ok(schema) => Ok(schema),
            Err(error) => Err(match self.culprit().await {
                Some(culprit) => culprit,
                None => unreadable(error, self.location),
            }),
        }
    }

    /// Which file it is that cannot be read, or which two cannot be read as one. One after the
    /// other, because only a failure asks.
    async fn culprit(&self) -> Option<Error> {
        // As the files have them: a text's own type would hide behind its view.
        let format = ParquetFormat::default().with_force_view_types(false);
        let mut known: HashMap<String, (Field, &ObjectMeta)> = HashMap::new();
        for file in &self.found {
            let schema = match format
                .infer_schema(&self.state, &self.store, slice::from_ref(file))
                .await
            {
                Ok(schema) => schema,
                Err(error) => return Some(unreadable(error, &self.name(file))),
            };
            for field in schema.fields() {
                let Some((before, first)) = known.get_mut(field.name()) else {
                    known.insert(field.name().clone(), (field.as_ref().clone(), file));
                    continue;
                };
                if before.try_merge(field).is_err() {
                    return Some(self.disagreement((&*before, *first), (field, file)));
                }
            }
        }
        None
    }

    fn disagreement(&self, one: (&Field, &ObjectMeta), other: (&Field, &ObjectMeta)) -> Error {
        let has = |(field, file): (&Field, &ObjectMeta)| {
            format!("{} in `{}`", field.data_type(), self.name(file))
        };
        Error::new(format!(
            "the files of `{}` disagree about the column `{}`: {}, {}",
            self.location,
            one.0.name(),
            has(one),
            has(other)
        ))
        .hint("files of one input need the same types; make the others inputs of their own")
    }

    /// A file as its user would write it, from where the location starts.
    fn name(&self, file: &ObjectMeta) -> String {
        let within: Vec<_> = self
            .url
            .strip_prefix(&file.location)
            .into_iter()
            .flatten()
            .collect();
        if within.is_empty() {
            return self.location.to_owned();
        }
        let folder = match self.location.find(['?', '*', '[']) {
            Some(pattern) if self.url.get_glob().is_some() => {
                let start = &self.location[..pattern];
                start.rfind('/').map_or("", |end| &start[..=end]).to_owned()
            }
            _ => format!("{}/", self.location.trim_end_matches('/')),
        };
        format!("{folder}{}", within.join("/"))
    }
}

/// Whether a location's pattern says which folders it means, as `exports/*/*.csv` does.
fn names_folders(url: &ListingTableUrl) -> bool {
    url.get_glob()
        .as_ref()
        .is_some_and(|pattern| pattern.as_str().contains('/'))
}

/// Makes the configured stores known to the engine.
pub(crate) fn configure(context: &SessionContext, stores: &BTreeMap<String, Store>) -> Result<()> {
    for (url, bucket) in buckets(stores)? {
        context.register_object_store(&url, bucket);
    }
    Ok(())
}

fn buckets(stores: &BTreeMap<String, Store>) -> Result<Vec<(Url, Arc<dyn ObjectStore>)>> {
    let bucket = |(place, settings): (&String, &Store)| {
        let url = Url::parse(place).map_err(|error| {
            Error::new(format!("`{place}` is not a URL: {error}")).at("[stores] in apportion.toml")
        })?;
        if url.scheme() != "s3" {
            return Err(
                Error::new(format!("`{place}` is not a place that can be configured"))
                    .at("[stores] in apportion.toml")
                    .hint("a store is a bucket: [stores.\"s3://acme-llm\"]"),
            );
        }
        let bucket: Arc<dyn ObjectStore> = Arc::new(bucket::open(&url, settings)?);
        Ok((url, bucket))
    };
    stores.iter().map(bucket).collect()
}

/// Makes the store of a location known to the engine.
pub(crate) fn register(context: &SessionContext, location: &str) -> Result<()> {
    let Some((scheme, _)) = location
        .split_once("://")
        .filter(|(scheme, _)| *scheme != "file")
    else {
        return Ok(());
    };
    let url = Url::parse(location).map_err(|error| Error::new(error.to_string()))?;
    let known = &context.runtime_env().object_store_registry;
    if known.get_store(&url).is_ok() {
        return Ok(());
    }
    if scheme != "s3" {
        return Err(
            Error::new(format!("`{scheme}://` is not a place that can be read"))
                .hint("give a path on this machine, or s3://BUCKET/FOLDER/"),
        );
    }
    known.register_store(&url, Arc::new(bucket::open(&url, &Store::default())?));
    Ok(())
}

fn unlisted(error: DataFusionError, location: &str) -> Error {
    if !location.contains("://") {
        return unreadable(error, location);
    }
    let reason = Error::from(error);
    Error::new(format!("`{location}` cannot be listed: {reason}")).hint(
        "are the bucket's name, its endpoint and the keys right? [stores] in apportion.toml says them, or AWS_… in the environment",
    )
}

fn unreadable(error: DataFusionError, location: &str) -> Error {
    let reason = Error::from(error).to_string();
    if ["not found", "no such file"]
        .iter()
        .any(|none| reason.to_lowercase().contains(none))
    {
        return nothing_at(location);
    }
    not_parquet(location, &reason)
}

fn nothing_at(location: &str) -> Error {
    Error::new(format!("there is no file `{location}`")).hint(PLACES)
}

fn not_parquet(location: &str, reason: &str) -> Error {
    Error::new(format!("`{location}` cannot be read as Parquet: {reason}"))
        .hint("is the file complete, and is it Parquet?")
}
