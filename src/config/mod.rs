//! `apportion.toml`: which files hold which relation, where saved queries lie, how much to use.
//!
//! ```toml
//! [ledger]
//! inputs = [{ location = "calls/*.parquet", source = "litellm_spend_logs" }]
//!
//! [queries]
//! folders = ["queries"]
//!
//! [stores."s3://acme-llm"]
//! endpoint = "http://127.0.0.1:9000"
//!
//! [parameters]
//! salt = "pepper"
//!
//! [engine]
//! memory_limit = "8GiB"
//!
//! [cluster]
//! scheduler = "df://127.0.0.1:50050"
//! ca = "ca.pem"
//! certificate = "this.pem"
//! key = "this.key"
//! ```
//!
//! The file is looked for in the working folder, then upward. Relative locations start at the
//! file's own folder, so results do not depend on where one stands. A misspelt key is an error:
//! passed over in silence, a bill without its `inputs` would look like a month without charges.

mod memory;
mod read;

pub use memory::memory_size;

use crate::error::{Error, Result, reason};
use crate::relation::{self, RELATIONS};
use read::{File, Section};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub const FILE_NAME: &str = "apportion.toml";

/// What a session is opened with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// In the file's order.
    pub inputs: Vec<RelationInputs>,
    /// Folders with saved queries, besides the built-in ones.
    pub query_folders: Vec<PathBuf>,
    /// What saved queries' parameters are when a call does not say, by name.
    pub defaults: BTreeMap<String, String>,
    /// By URL, such as `s3://acme-llm`.
    pub stores: BTreeMap<String, Store>,
    pub threads: Option<usize>,
    /// In bytes.
    pub memory_limit: Option<usize>,
    /// In rows.
    pub batch_size: Option<usize>,
    /// Nobody is told what notices say, so that they are not asked.
    pub quiet: bool,
    /// The cluster that large parts of statements run on, as `df://HOST:PORT`.
    pub cluster: Option<String>,
    /// How this part of the cluster and the others know each other; without them, all who ask are served.
    pub certificates: Option<Certificates>,
}

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// Of the authority that has signed the certificate of every part.
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How a bucket is reached, where it is not as the environment says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Store {
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<String>,
    pub session_token: Option<String>,
}

/// Without its secrets.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationInputs {
    pub relation: String,
    pub inputs: Vec<Input>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// A file, a folder, a pattern or a URL.
    pub location: String,
    /// The source query that maps its columns; without one, they have the relation's names.
    pub source: Option<String>,
    /// The contract's columns that have another name in the input, by the contract's name.
    pub columns: BTreeMap<String, String>,
}

/// The nearest `apportion.toml`, in the working folder or above it.
pub fn find() -> Result<Option<PathBuf>> {
    // Here, errors name it without its folder.
    let near = PathBuf::from(FILE_NAME);
    if near.is_file() {
        return Ok(Some(near));
    }
    let here = std::env::current_dir()?;
    Ok(here
        .ancestors()
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| path.is_file()))
}

/// Reads the settings of a file.
pub fn load(path: &Path) -> Result<Settings> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(format!(
            "cannot read `{}`: {}",
            path.display(),
            reason(&error)
        ))
    })?;
    let absolute = std::path::absolute(path)?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    parse(&path.display().to_string(), &text, folder)
}

fn parse(name: &str, text: &str, folder: &Path) -> Result<Settings> {
    let file = File { name, text };
    let root = file.root()?;
    let mut known: Vec<_> = RELATIONS.iter().map(|relation| relation.name).collect();
    known.extend(["queries", "parameters", "stores", "engine", "cluster"]);
    root.only(&known)?;

    let mut settings = Settings {
        query_folders: query_folders(&root, folder)?,
        ..<_>::default()
    };
    for name in root.keys().filter(|key| relation::relation(key).is_some()) {
        if let Some(section) = root.section(name)? {
            let inputs = inputs(&section, folder)?;
            settings.inputs.push(RelationInputs {
                relation: name.to_owned(),
                inputs,
            });
        }
    }
    if let Some(parameters) = root.section("parameters")? {
        for name in parameters.keys() {
            settings
                .defaults
                .insert(name.to_owned(), parameters.scalar(name)?);
        }
    }
    if let Some(stores) = root.section("stores")? {
        for url in stores.keys() {
            if let Some(section) = stores.section(url)? {
                settings.stores.insert(url.to_owned(), store(&section)?);
            }
        }
    }
    if let Some(engine) = root.section("engine")? {
        engine.only(&["threads", "memory_limit", "batch_size"])?;
        settings.threads = engine.count("threads")?;
        settings.batch_size = engine.count("batch_size")?;
        if let Some(text) = engine.text("memory_limit")? {
            let size = memory_size(text);
            let place = engine.place_of("memory_limit").unwrap_or_default();
            settings.memory_limit = Some(size.map_err(|problem| Error::new(problem).at(place))?);
        }
    }
    if let Some(cluster) = root.section("cluster")? {
        cluster.only(&["scheduler", "ca", "certificate", "key"])?;
        let Some(scheduler) = cluster.text("scheduler")? else {
            return Err(cluster.lacks("scheduler"));
        };
        settings.cluster = Some(scheduler.to_owned());
        settings.certificates = certificates(&cluster, folder)?;
    }
    Ok(settings)
}

/// All three files, or none.
fn certificates(cluster: &Section<'_>, folder: &Path) -> Result<Option<Certificates>> {
    let file = |key: &str| Ok::<_, Error>(cluster.text(key)?.map(|file| folder.join(file)));
    let (ca, certificate, key) = (file("ca")?, file("certificate")?, file("key")?);
    if ca.is_none() && certificate.is_none() && key.is_none() {
        return Ok(None);
    }
    Ok(Some(Certificates {
        ca: ca.ok_or_else(|| cluster.lacks("ca"))?,
        certificate: certificate.ok_or_else(|| cluster.lacks("certificate"))?,
        key: key.ok_or_else(|| cluster.lacks("key"))?,
    }))
}

/// What is not said comes from the environment, as for other programs.
fn store(section: &Section<'_>) -> Result<Store> {
    section.only(&[
        "endpoint",
        "region",
        "access_key_id",
        "secret_access_key",
        "session_token",
    ])?;
    let text = |key: &str| Ok::<_, Error>(section.text(key)?.map(str::to_owned));
    Ok(Store {
        endpoint: text("endpoint")?,
        region: text("region")?,
        access_key_id: text("access_key_id")?,
        secret_access_key: text("secret_access_key")?,
        session_token: text("session_token")?,
    })
}

fn inputs(relation: &Section<'_>, folder: &Path) -> Result<Vec<Input>> {
    relation.only(&["inputs"])?;
    let input = |section: Section<'_>| {
        section.only(&["location", "source", "columns"])?;
        let Some(location) = section.text("location")? else {
            return Err(section.lacks("location"));
        };
        let source = section.text("source")?.map(str::to_owned);
        let mut columns = BTreeMap::new();
        if let Some(named) = section.section("columns")? {
            if source.is_some() {
                return Err(Error::new("a source knows its columns")
                    .at(section.place_of("columns").unwrap_or_default())
                    .hint("give `source` or `columns`, not both"));
            }
            for name in named.keys() {
                columns.insert(name.to_owned(), named.scalar(name)?);
            }
        }
        Ok(Input {
            location: located(folder, location),
            source,
            columns,
        })
    };
    match relation.sections("inputs")? {
        Some(sections) => sections.into_iter().map(input).collect(),
        None => Err(relation.lacks("inputs")),
    }
}

/// Folders that the file names must exist; the usual one may.
fn query_folders(root: &Section<'_>, folder: &Path) -> Result<Vec<PathBuf>> {
    if let Some(queries) = root.section("queries")? {
        queries.only(&["folders"])?;
        if let Some(folders) = queries.texts("folders")? {
            let existing = |name: &str| {
                let path = folder.join(name);
                if path.is_dir() {
                    return Ok(path);
                }
                let place = queries.place_of("folders").unwrap_or_default();
                Err(Error::new(format!("there is no folder `{name}`")).at(place))
            };
            return folders.into_iter().map(existing).collect();
        }
    }
    let usual = folder.join("queries");
    Ok(if usual.is_dir() {
        vec![usual]
    } else {
        Vec::new()
    })
}

/// URLs and absolute paths stay as they are.
fn located(folder: &Path, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    folder.join(location).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
