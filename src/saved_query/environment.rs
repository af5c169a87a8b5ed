//! What a statement is expanded in: the engine, the saved queries, and the relations by their names.

use super::{Catalog, query, statement};
use crate::error::{Error, Result};
use crate::relation::{self, Relation, conform};
use crate::store;
use crate::task::{Task, task};
use apportion_udfs::{FunctionDoc, Reference};
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query};
use futures::future::{BoxFuture, FutureExt};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

pub(crate) const CATALOG: &str = "apportion";
pub(crate) const SCHEMA: &str = "main";
/// Where the files behind the relations stand, one table an input.
pub(crate) const INPUTS: &str = "inputs";
/// Where files stand that a statement names by their location.
const FILES: &str = "files";
/// Where relations stand that the program brings along.
const BUILT_IN: &str = "built_in";
/// Where relations stand that a statement reads more than once, while it is planned.
const SHARED: &str = "shared";

/// A session as the expander sees it.
pub struct Environment {
    pub(crate) context: SessionContext,
    pub(crate) catalog: Catalog,
    pub(crate) functions: HashMap<&'static str, FunctionDoc>,
    /// What the project says a parameter is when a call does not.
    pub(crate) defaults: BTreeMap<String, String>,
    /// Whether nobody is told what notices say.
    pub(crate) is_quiet: bool,
    /// The relation `billing` over the project's inputs, whose control totals the inputs have.
    pub(crate) billing_of_inputs: OnceLock<Arc<dyn TableProvider>>,
    /// Relations whose inputs cannot be read: who asks for one is told why.
    unreadable: RwLock<BTreeMap<String, Error>>,
    /// Views that call saved queries, as they were written.
    views: RwLock<BTreeMap<String, Query>>,
    /// The rows of prices, aliases and bands that the functions know now.
    reference: Mutex<Vec<Vec<RecordBatch>>>,
    statements: AtomicUsize,
}

impl Environment {
    pub(crate) fn new(
        context: SessionContext,
        catalog: Catalog,
        defaults: BTreeMap<String, String>,
        is_quiet: bool,
    ) -> Result<Self> {
        let functions = apportion_udfs::functions();
        let environment = Self {
            context,
            catalog,
            functions: functions
                .into_iter()
                .map(|function| (function.name, function))
                .collect(),
            defaults,
            is_quiet,
            billing_of_inputs: OnceLock::new(),
            unreadable: RwLock::default(),
            views: RwLock::default(),
            reference: Mutex::default(),
            statements: AtomicUsize::new(0),
        };
        for schema in [INPUTS, FILES, SHARED] {
            environment.schema(schema, Some(Arc::new(MemorySchemaProvider::new())))?;
        }
        environment.schema(BUILT_IN, Some(Arc::new(store::built_in::BuiltIn)))?;
        Ok(environment)
    }

    /// Remembers why a relation's inputs cannot be read. What was made of them until then is no relation.
    pub(crate) fn keep_unreadable(&self, relation: String, error: Error) -> Result<()> {
        if let Some(main) = self.main() {
            main.deregister_table(&relation)?;
        }
        let mut unreadable = self
            .unreadable
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        unreadable.insert(relation, error);
        Ok(())
    }

    pub(crate) fn unreadable(&self) -> Vec<Error> {
        let unreadable = self
            .unreadable
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        unreadable.values().cloned().collect()
    }

    /// An error where a relation has inputs that cannot be read, and no table has taken their place.
    pub(crate) async fn readable(&self, relation: &str) -> Result<()> {
        let error = {
            let unreadable = self
                .unreadable
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            unreadable.get(relation).cloned()
        };
        match error {
            Some(error) if self.table(relation).await?.is_none() => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn view(&self, name: &str) -> Option<Query> {
        self.views
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Keeps a view's own text, or forgets it.
    pub(crate) fn keep_view(&self, name: String, query: Option<Query>) {
        let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
        match query {
            Some(query) => views.insert(name, query),
            None => views.remove(&name),
        };
    }

    /// The session's own table of a name, whatever a statement calls so.
    pub(crate) fn qualified(name: &str) -> ObjectName {
        object_name(SCHEMA, name)
    }

    pub(crate) async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.main() {
            Some(schema) => Ok(schema.table(name).await?),
            None => Ok(None),
        }
    }

    /// Forgets which files the locations hold.
    pub(crate) fn forget_listings(&self) {
        let caches = &self.context.runtime_env().cache_manager;
        if let Some(listings) = caches.get_list_files_cache() {
            listings.clear();
        }
    }

    /// The files of a location as a table, looked for anew: they may be others than the last time.
    pub(crate) async fn files(&self, location: &str) -> Result<ObjectName> {
        self.forget_listings();
        let input = store::table(&self.context, location).await?;
        let files = self.schema(FILES, None)?;
        files.deregister_table(location)?;
        files.register_table(location.to_owned(), input.table)?;
        Ok(object_name(FILES, location))
    }

    /// Whether `billing` still is what the project's inputs make it.
    pub(crate) async fn bills_are_of_inputs(&self) -> Result<bool> {
        let current = self.table("billing").await?;
        let known = self.billing_of_inputs.get();
        Ok(current
            .zip(known)
            .is_some_and(|(current, known)| Arc::ptr_eq(&current, known)))
    }

    /// Begins to read prices, aliases and bands as they stand now.
    pub(crate) fn read_reference(&self) -> BoxFuture<'_, Vec<Result<Task<Vec<RecordBatch>>>>> {
        async {
            let mut read = vec![];
            for name in ["prices", "aliases", "bands"] {
                read.push(self.read(name).await);
            }
            read
        }
        .boxed()
    }

    /// They go into the functions that read them.
    pub(crate) async fn know_reference(
        &self,
        read: Vec<Result<Task<Vec<RecordBatch>>>>,
    ) -> Result<()> {
        let mut relations = vec![];
        for read in read {
            relations.push(read?.await?);
        }
        let mut current = self
            .reference
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *current != relations {
            let fresh = Reference::from_batches(&relations[0], &relations[1], &relations[2])?;
            let state = self.context.state_ref();
            let mut state = state.write();
            apportion_udfs::register_reference(&mut *state, Arc::new(fresh))?;
            *current = relations;
        }
        Ok(())
    }

    /// The contract's relation as SQL, over the table there is and what the program knows itself;
    /// nothing where there is neither.
    pub(crate) async fn conformed(&self, relation: &Relation) -> Result<Option<String>> {
        let name = relation.name;
        self.readable(name).await?;
        let own = match self.table(name).await? {
            Some(provider) => {
                let table = Self::qualified(name).to_string();
                Some(conform::over(relation, &table, &provider.schema())?)
            }
            None => None,
        };
        if own.is_some() && name != "aliases" {
            return Ok(own);
        }
        let Some(known) = self.schema(BUILT_IN, None)?.table(name).await? else {
            return Ok(own);
        };
        let table = object_name(BUILT_IN, name).to_string();
        let known = conform::over(relation, &table, &known.schema())?;
        Ok(Some(match own {
            None => known,
            Some(own) => conform::beside(&own, &known, &["kind", "name"]),
        }))
    }

    /// A small relation of the contract, read whole, beside others.
    async fn read(&self, name: &str) -> Result<Task<Vec<RecordBatch>>> {
        let asked = match relation::relation(name) {
            Some(relation) => self.conformed(relation).await?,
            None => None,
        };
        let asked = asked.map(|sql| query(&sql)).transpose()?;
        let context = self.context.clone();
        Ok(task(async move {
            let Some(asked) = asked else {
                return Ok(vec![]);
            };
            let state = context.state();
            let plan = state.statement_to_plan(statement(asked)).await?;
            context.execute_logical_plan(plan).await?.collect().await
        }))
    }

    pub(crate) fn main(&self) -> Option<Arc<dyn SchemaProvider>> {
        self.context.catalog(CATALOG)?.schema(SCHEMA)
    }

    pub(crate) fn schema(
        &self,
        name: &str,
        new: Option<Arc<dyn SchemaProvider>>,
    ) -> Result<Arc<dyn SchemaProvider>> {
        let missing = || Error::new(format!("the session has no schema `{name}`"));
        let catalog = self.context.catalog(CATALOG).ok_or_else(missing)?;
        if let Some(new) = new {
            catalog.register_schema(name, new)?;
        }
        catalog.schema(name).ok_or_else(missing)
    }

    /// A place for one statement's shared relations; they are gone with it.
    pub(crate) fn shelf(&self) -> Result<Shelf> {
        let number = self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(Shelf {
            number,
            schema: self.schema(SHARED, None)?,
        })
    }
}

pub(crate) struct Shelf {
    number: usize,
    schema: Arc<dyn SchemaProvider>,
}

impl Shelf {
    fn table_name(&self, instance: usize) -> String {
        format!("{} {instance}", self.number)
    }

    pub(crate) fn name(&self, instance: usize) -> ObjectName {
        object_name(SHARED, &self.table_name(instance))
    }

    pub(crate) fn put(&self, instance: usize, table: Arc<dyn TableProvider>) -> Result<()> {
        self.schema
            .register_table(self.table_name(instance), table)?;
        Ok(())
    }

    /// Takes its names away, and answers with what had them.
    pub(crate) fn cleared(&self) -> Vec<Arc<dyn TableProvider>> {
        let prefix = format!("{} ", self.number);
        let mut names = self.schema.table_names();
        names.retain(|name| name.starts_with(&prefix));
        let tables = names
            .iter()
            .filter_map(|name| self.schema.deregister_table(name).ok()?);
        tables.collect()
    }
}

impl Drop for Shelf {
    /// A plan that reads a table holds it; only the name goes.
    fn drop(&mut self) {
        self.cleared();
    }
}

pub(crate) fn object_name(schema: &str, table: &str) -> ObjectName {
    let part = |name: &str| Ident::with_quote('"', name);
    ObjectName::from(vec![part(CATALOG), part(schema), part(table)])
}
