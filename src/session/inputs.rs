//! A project's inputs become its relations: each through its source, or as it is.
//!
//! Every input is a table of its own and a view of what that table means; a relation is the rows of its
//! inputs' views, or the view of its only input. Why a file cannot be read is found out now, and told to
//! whoever asks for its relation.

use super::{Session, texts};
use crate::config::{Input, RelationInputs};
use crate::error::{Error, Result};
use crate::relation::{self, Relation, conform};
use crate::saved_query::environment::{Environment, INPUTS, object_name};
use crate::saved_query::{SavedQuery, expand, nearest};
use crate::store::text::DOCUMENT;
use crate::store::{self, Contents};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::ObjectName;
use serde_json::Value;
use std::collections::BTreeMap;

impl Session {
    /// Makes an export the only input of the relation that its source makes, and answers which.
    pub(crate) async fn take(&self, location: &str, source: &str) -> Result<String> {
        let relation = self.source(source)?.header.relation.clone();
        let relation = relation.unwrap_or_default();
        let inputs = vec![Input {
            location: location.to_owned(),
            source: Some(source.to_owned()),
            columns: BTreeMap::new(),
        }];
        let of_one = RelationInputs {
            relation: relation.clone(),
            inputs,
        };
        self.register(&of_one).await?;
        Ok(relation)
    }

    /// Registers a relation's inputs, and the relation over them.
    pub(super) async fn register(&self, relation: &RelationInputs) -> Result<()> {
        let whole = Environment::qualified(&relation.relation);
        let mut parts = vec![];
        let mut totals = vec![];
        for (number, input) in relation.inputs.iter().enumerate() {
            let place = || format!("{} input `{}`", relation.relation, input.location);
            if relation.inputs[..number].contains(input) {
                return Err(Error::new(format!("the {} is named twice", place()))
                    .hint("what is read twice counts twice: leave one of them out"));
            }
            let name = format!("{}_{}", relation.relation, number + 1);
            let read = store::table(&self.environment.context, &input.location)
                .await
                .map_err(|error| error.at(place()))?;
            let own = Own {
                table: object_name(INPUTS, &name).to_string(),
                location: input.location.replace('\'', "''"),
                schema: read.table.schema(),
                contents: read.contents,
            };
            let inputs = self.environment.schema(INPUTS, None)?;
            inputs.register_table(name.clone(), read.table)?;
            let is_one_of_several = relation.inputs.len() > 1;
            let own_view = format!("{name} as {}", relation.relation);
            let view = if is_one_of_several {
                object_name(INPUTS, &own_view)
            } else {
                whole.clone()
            };
            let shown = if let Some(source) = &input.source {
                self.show(&view, &own, &relation.relation, source).await
            } else {
                let sql = own
                    .as_it_is(&relation.relation, &input.columns)
                    .map_err(|error| error.moved(place()))?;
                self.define(&view, &sql).await
            };
            shown.map_err(|error| error.moved(place()))?;
            if is_one_of_several {
                let part = self.part(&relation.relation, &own_view).await;
                parts.push(part.map_err(|error| error.moved(place()))?);
            }
            if relation.relation == "billing" {
                totals.push(self.control_total(&own, input)?);
            }
        }
        if !parts.is_empty() {
            self.define(&whole, &together(&parts)).await?;
        }
        if relation.relation == "billing"
            && let Some(billing) = self.environment.table("billing").await?
        {
            let name = object_name(INPUTS, relation::CONTROL_TOTALS);
            self.define(&name, &together(&totals)).await?;
            let _ = self.environment.billing_of_inputs.set(billing);
        }
        Ok(())
    }

    /// The rows of an input's view, one of several, with the contract's types: side by side, the engine would
    /// find others for those that differ.
    async fn part(&self, relation: &str, view: &str) -> Result<String> {
        let own = object_name(INPUTS, view).to_string();
        let table = self.environment.schema(INPUTS, None)?.table(view).await?;
        match (relation::relation(relation), table) {
            (Some(known), Some(table)) => conform::part(known, &own, &table.schema()),
            _ => Ok(format!("SELECT * FROM {own}")),
        }
    }

    async fn define(&self, view: &ObjectName, sql: &str) -> Result<()> {
        for statement in self.statements(&format!("CREATE VIEW {view} AS {sql}"))? {
            let expanded = expand::plan(&self.environment, statement.statement).await?;
            let context = &self.environment.context;
            context.execute_logical_plan(expanded.plan).await?;
        }
        Ok(())
    }

    /// Defines the view of an input that is an export.
    async fn show(&self, view: &ObjectName, own: &Own, relation: &str, source: &str) -> Result<()> {
        let source = self.source(source)?;
        if source.header.relation.as_deref() != Some(relation) {
            let other = source.header.relation.as_deref().unwrap_or_default();
            return Err(Error::new(format!(
                "source `{}` makes `{other}`, not `{relation}`",
                source.name
            ))
            .hint(format!("put the input under [{other}]")));
        }
        let fit = match self.define(view, &own.through(source)).await {
            Ok(()) => self.has_what_is_expected(own, source).await,
            Err(error) => Err(error),
        };
        match fit {
            Ok(()) => Ok(()),
            Err(error) => Err(self.misfit(own, source, &error).await),
        }
    }

    /// What does not fit, and what would.
    async fn misfit(&self, own: &Own, source: &SavedQuery, error: &Error) -> Error {
        let mut fitting = vec![];
        for other in self.sources().filter(|other| other.name != source.name) {
            if other.header.relation == source.header.relation
                && self.can_be_planned(&own.through(other)).await
                && self.has_what_is_expected(own, other).await.is_ok()
            {
                fitting.push(format!("`{}`", other.name));
            }
        }
        let has = match own.contents {
            Contents::Documents => "the input holds JSON documents".to_owned(),
            _ => format!(
                "the input has {}",
                own.names().collect::<Vec<_>>().join(", ")
            ),
        };
        let error = Error::new(format!("source `{}` does not fit: {error}", source.name));
        error.hint(match fitting.join(", ") {
            none if none.is_empty() => has,
            fitting => format!("{fitting} would fit; {has}"),
        })
    }

    async fn can_be_planned(&self, sql: &str) -> bool {
        let Ok(statements) = self.statements(sql) else {
            return false;
        };
        for statement in statements {
            if expand::plan(&self.environment, statement.statement)
                .await
                .is_err()
            {
                return false;
            }
        }
        true
    }

    /// Whether the places that a source of documents names are in one of the first.
    async fn has_what_is_expected(&self, own: &Own, source: &SavedQuery) -> Result<()> {
        let expects = &source.header.expects;
        if expects.is_empty() {
            return Ok(());
        }
        let first = format!("SELECT {DOCUMENT} FROM {} LIMIT 100", own.table);
        let mut documents: Vec<Value> = vec![];
        for batch in self.collect(&first).await? {
            for text in texts(&batch)? {
                documents.push(serde_json::from_str(&text).unwrap_or_default());
            }
        }
        let is_there = |place: &str| documents.iter().any(|document| has(document, place));
        let is_met = |places: &&String| places.split(" or ").any(is_there);
        match expects.iter().find(|places| !is_met(places)) {
            None => Ok(()),
            Some(place) => Err(Error::new(format!("no `{place}` in its first documents"))),
        }
    }

    /// Saved queries that make a relation of an input.
    fn sources(&self) -> impl Iterator<Item = &SavedQuery> {
        self.environment.catalog.sources()
    }

    fn source(&self, name: &str) -> Result<&SavedQuery> {
        let is_it = |source: &&SavedQuery| source.name.eq_ignore_ascii_case(name);
        self.sources().find(is_it).ok_or_else(|| {
            let error = Error::new(format!("there is no source `{name}`"));
            match nearest(name, self.sources().map(|source| source.name.as_str())) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`apportion sources` lists them; leave `source` out for files that have Apportion's own columns"),
            }
        })
    }

    /// What a bill's input adds up to, by the file alone.
    fn control_total(&self, own: &Own, input: &Input) -> Result<String> {
        let total = if let Some(source) = &input.source {
            let source = self.source(source)?;
            let declared = source.header.control_total.as_deref();
            let total = declared.ok_or_else(|| {
                let name = &source.name;
                Error::new(format!("source `{name}` declares no control total"))
                    .hint("add `-- Control total: select … from input` to its header")
            })?;
            format!("WITH input AS ({}) {total}", own.as_sources_see_it(source))
        } else {
            let Some(billing) = relation::relation("billing") else {
                return Err(Error::new("there is no relation `billing`"));
            };
            let Named { table, schema, .. } = own.named(billing, &input.columns)?;
            let total = conform::control_totals(&table, &schema)?;
            // What a file says of its own inputs goes before where it lies.
            if own.says_its_input() {
                return Ok(total);
            }
            total
        };
        Ok(format!(
            "SELECT '{}' AS input, provider, billing_period, currency, control_total FROM ({total})",
            own.location
        ))
    }
}

fn together(queries: &[String]) -> String {
    queries.join(" UNION ALL BY NAME ")
}

/// Whether a document has a place such as `data[].amount`; an array without elements has all.
fn has(document: &Value, place: &str) -> bool {
    let (step, rest) = place.split_once('.').unwrap_or((place, ""));
    let below = |value: &Value| rest.is_empty() || has(value, rest);
    match document.get(step.trim_end_matches("[]")) {
        None => false,
        Some(array) if step.ends_with("[]") => array
            .as_array()
            .is_some_and(|elements| elements.is_empty() || elements.iter().any(below)),
        Some(value) => below(value),
    }
}

/// One input's own table.
struct Own {
    /// Its name in SQL.
    table: String,
    /// As the text of a literal.
    location: String,
    schema: SchemaRef,
    contents: Contents,
}

/// An input under the contract's names.
struct Named {
    /// A table's name, or a query in parentheses.
    table: String,
    schema: Schema,
    is_of_text: bool,
}

impl Own {
    fn names(&self) -> impl Iterator<Item = &str> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().as_str())
    }

    fn says_its_input(&self) -> bool {
        self.schema.column_with_name("input").is_some()
    }

    /// What a source makes of it.
    fn through(&self, source: &SavedQuery) -> String {
        format!(
            "SELECT *, '{}' AS input FROM {}(input => ({}))",
            self.location,
            conform::quoted(&source.name),
            self.as_sources_see_it(source)
        )
    }

    /// The input, with NULL for the columns that a source can do without. Maps, lists and structs are
    /// JSON text, as the same export has them in CSV: a source need not know the kind of file.
    fn as_sources_see_it(&self, source: &SavedQuery) -> String {
        let fields = self.schema.fields().iter();
        let columns = fields.map(|field| match conform::quoted(field.name()) {
            name if field.data_type().is_nested() => format!("to_json({name}) AS {name}"),
            name => name,
        });
        let lacks = |name: &&String| self.schema.column_with_name(name).is_none();
        let absent = source.header.optional.iter().filter(lacks);
        let absent =
            absent.map(|name| format!("arrow_cast(NULL, 'Utf8') AS {}", conform::quoted(name)));
        let columns: Vec<_> = columns.chain(absent).collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.table)
    }

    /// An input that has the relation's own columns, some perhaps by other names.
    fn as_it_is(&self, relation: &str, names: &BTreeMap<String, String>) -> Result<String> {
        let mut table = self.table.clone();
        let mut columns = "*".to_owned();
        let mut own = String::new();
        if let Some(known) = relation::relation(relation) {
            let found = self.named(known, names)?;
            let mut schema = found.schema;
            if found.is_of_text {
                (columns, schema) = conform::typed(known, &schema);
            }
            conform::over(known, "x", &schema)?;
            table = found.table;
            if known.columns.iter().any(|column| column.name == "input") && !self.says_its_input() {
                own = format!(", '{}' AS input", self.location);
            }
        }
        Ok(format!("SELECT {columns}{own} FROM {table}"))
    }

    /// The input under the contract's names, where the project says that it has others: columns, or
    /// places in its documents.
    fn named(&self, relation: &Relation, names: &BTreeMap<String, String>) -> Result<Named> {
        if names.is_empty() {
            return Ok(Named {
                table: self.table.clone(),
                schema: self.schema.as_ref().clone(),
                is_of_text: self.contents == Contents::Text,
            });
        }
        let known = relation.columns.iter().map(|column| column.name);
        let known = known.collect::<Vec<_>>();
        let is_unknown = |name: &&String| !known.contains(&name.as_str());
        if let Some(unknown) = names.keys().find(is_unknown) {
            let error = Error::new(format!("`{}` has no column `{unknown}`", relation.name));
            return Err(lacking(error, unknown, &known));
        }
        let mut shown = vec![];
        let mut fields = vec![];
        if self.contents == Contents::Documents {
            for (name, place) in names {
                let steps = place.replace('\'', "''").replace('.', "', '");
                let name = conform::quoted(name);
                shown.push(format!("json_as_text({DOCUMENT}, '{steps}') AS {name}"));
            }
            fields.extend(
                names
                    .keys()
                    .map(|name| Field::new(name, DataType::Utf8, true)),
            );
        } else {
            let is_meant = |field: &Field| names.values().any(|own| own == field.name());
            for field in self.schema.fields() {
                if !is_meant(field) && !names.contains_key(field.name()) {
                    shown.push(conform::quoted(field.name()));
                    fields.push(field.as_ref().clone());
                }
            }
            for (name, own) in names {
                let Some((_, field)) = self.schema.column_with_name(own) else {
                    let error = Error::new(format!("the input has no column `{own}`"));
                    return Err(lacking(error, own, &self.names().collect::<Vec<_>>()));
                };
                shown.push(format!(
                    "{} AS {}",
                    conform::quoted(own),
                    conform::quoted(name)
                ));
                fields.push(field.clone().with_name(name));
            }
        }
        Ok(Named {
            table: format!("(SELECT {} FROM {})", shown.join(", "), self.table),
            schema: Schema::new(fields),
            is_of_text: self.contents != Contents::Typed,
        })
    }
}

fn lacking(error: Error, name: &str, known: &[&str]) -> Error {
    match nearest(name, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("it has {}", known.join(", "))),
    }
}
