//! The one place where an engine session is built, and the one way that statements go into it.
//!
//! A session knows the user's relations, the saved queries and Apportion's functions. Every entrance
//! (shell, prompt, `run`, a server) hands its statements to [`Session::execute`], so that all speak
//! the same SQL.

use crate::config::{Input, RelationInputs, Settings};
use crate::constants;
use crate::error::{Error, Result};
use crate::relation::{self, Relation, conform};
use crate::saved_query::environment::{CATALOG, Environment, INPUTS, SCHEMA, object_name};
use crate::saved_query::expand::{self, Expanded};
use crate::saved_query::parameter::ParameterType;
use crate::saved_query::scope::{folded, renamed};
use crate::saved_query::{Catalog, SavedQuery, nearest, query, syntax};
use crate::shared::planner::{SharedPlanner, plan_together};
use crate::store;
use crate::store::text::DOCUMENT;
use apportion_udfs::tally::rule::Tally;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::cast::as_string_array;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{FunctionRegistry, SendableRecordBatchStream};
use datafusion::logical_expr::{DdlStatement, LogicalPlan, Statement as PlanStatement};
use datafusion::physical_plan::{collect, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident, ObjectName, ObjectType, Query,
    Statement as SqlStatement, Value,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::Token;
use datafusion_functions_json::udfs as json;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct Session {
    environment: Environment,
}

/// A statement, and the line of the text on which it starts.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub line: usize,
    statement: Statement,
}

/// What a statement gives, and what its user should be told.
pub struct Answer {
    /// No columns: the statement has no result, only an effect.
    pub schema: SchemaRef,
    pub stream: SendableRecordBatchStream,
    pub notices: Vec<String>,
}

impl Session {
    pub async fn open(settings: &Settings) -> Result<Self> {
        let mut catalog = Catalog::built_in()?;
        for folder in &settings.query_folders {
            catalog.load_folder(folder)?;
        }
        defaults_are_known(settings, &catalog)?;
        let environment = Environment::new(context(settings)?, catalog, settings.defaults.clone())?;
        let session = Self { environment };
        store::configure(&session.environment.context, &settings.stores)?;
        store::demo::mount(&session.environment.context).await?;
        for relation in &settings.inputs {
            session.register(relation).await?;
        }
        Ok(session)
    }

    /// The data that the program carries.
    pub async fn open_demo(settings: &Settings) -> Result<Self> {
        let inputs = store::demo::inputs();
        Self::open(&Settings {
            inputs,
            ..settings.clone()
        })
        .await
    }

    pub fn queries(&self) -> &Catalog {
        &self.environment.catalog
    }

    /// Reads a file's saved query, so that it can be run by the name answered.
    pub fn load(&mut self, file: &std::path::Path) -> Result<String> {
        self.environment.catalog.load_file(file)
    }

    /// Cuts a text into statements. Nothing runs where any of them is not SQL.
    pub fn statements(&self, sql: &str) -> Result<Vec<Parsed>> {
        let sql = sql.strip_prefix('\u{feff}').unwrap_or(sql);
        let mut parser = DFParserBuilder::new(sql)
            .with_dialect(&GenericDialect {})
            .build()?;
        let mut parsed = vec![];
        loop {
            while parser.parser.consume_token(&Token::SemiColon) {}
            let next = parser.parser.peek_token();
            if next.token == Token::EOF {
                return Ok(parsed);
            }
            let line = usize::try_from(next.span.start.line).unwrap_or(1);
            let statement = parser
                .parse_statement()
                .map_err(|error| syntax_error(&error, line))?;
            let after = parser.parser.peek_token();
            if after.token != Token::EOF && after.token != Token::SemiColon {
                return Err(
                    Error::new(format!("`{}` was not expected here", after.token))
                        .at(format!("line {}", after.span.start.line))
                        .hint("statements are separated by `;`"),
                );
            }
            parsed.push(Parsed { line, statement });
        }
    }

    pub async fn execute(&self, parsed: Parsed) -> Result<Answer> {
        let view = created_view(&parsed.statement);
        let dropped = dropped_views(&parsed.statement);
        let expanded = expand::plan(&self.environment, parsed.statement).await?;
        let answer = self.start(expanded).await?;
        for name in dropped {
            self.environment.keep_view(name, None);
        }
        if let Some((name, query)) = view {
            let calls = expand::calls_saved_query(&self.environment, &query);
            self.environment.keep_view(name, calls.then_some(query));
        }
        Ok(answer)
    }

    async fn start(&self, expanded: Expanded) -> Result<Answer> {
        let Expanded {
            plan,
            mut notices,
            notice_plans,
        } = expanded;
        let effect = match &plan {
            LogicalPlan::Statement(statement) => !matches!(statement, PlanStatement::Execute(_)),
            plan => matches!(plan, LogicalPlan::Ddl(_)),
        };
        // Who asks for a plan does not ask for what its rows would say.
        let is_asked_for = !matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_));
        if let LogicalPlan::Ddl(DdlStatement::CreateExternalTable(table)) = &plan {
            for location in &table.locations {
                store::register(&self.environment.context, location)?;
            }
        }
        // Of what is executed for its effect the engine takes care; a query is planned with its
        // notices, so that they read what it reads.
        let frame = self.environment.context.execute_logical_plan(plan).await?;
        let schema = if effect {
            Arc::new(Schema::empty())
        } else {
            Arc::new(frame.schema().as_arrow().clone())
        };
        let (state, plan) = frame.into_parts();
        let mut plans = vec![state.optimize(&plan)?];
        for notice in notice_plans.iter().filter(|_| is_asked_for) {
            plans.push(state.optimize(notice)?);
        }
        let mut planned = plan_together(&plans.iter().collect::<Vec<_>>(), &state).await?;
        for notice in planned.drain(1..) {
            let batches = collect(notice, state.task_ctx()).await?;
            for batch in batches {
                notices.extend(texts(&batch)?);
            }
        }
        let Some(plan) = planned.pop() else {
            return Err(Error::new("nothing was planned"));
        };
        let stream = execute_stream(plan, state.task_ctx())?;
        Ok(Answer {
            schema,
            stream,
            notices,
        })
    }

    /// Runs a saved query; arguments are text, read by the type of their parameter.
    pub async fn run(&self, name: &str, arguments: &[(String, String)]) -> Result<Answer> {
        let saved = self.environment.catalog.find(name)?;
        let arguments = arguments
            .iter()
            .map(|(name, value)| argument(saved, name, value))
            .collect::<Result<Vec<_>>>()?;
        let expanded = expand::run(&self.environment, &saved.name, &arguments).await?;
        self.start(expanded).await
    }

    /// Runs a text of one statement to its end.
    pub async fn collect(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        let mut batches = vec![];
        for statement in self.statements(sql)? {
            batches = self.execute(statement).await?.stream.try_collect().await?;
        }
        Ok(batches)
    }

    /// The columns of a saved query's result, with the defaults of its parameters.
    pub async fn result_schema(&self, saved: &SavedQuery) -> Result<Schema> {
        let expanded = expand::run(&self.environment, &saved.name, &[]).await?;
        Ok(expanded.plan.schema().as_arrow().clone())
    }

    /// A table's columns as queries see them.
    pub async fn table_schema(&self, name: &str) -> Result<Option<Schema>> {
        if relation::relation(name).is_none() && self.environment.table(name).await?.is_none() {
            return Ok(None);
        }
        let statement = self.statements(&format!("SELECT * FROM {}", conform::quoted(name)))?;
        let Some(statement) = statement.into_iter().next() else {
            return Ok(None);
        };
        let plan = expand::plan(&self.environment, statement.statement)
            .await?
            .plan;
        Ok(Some(plan.schema().as_arrow().clone()))
    }

    /// Makes a table known by a name, as a relation or as a table of the user's own.
    pub fn register_table(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        let schema = self.environment.schema(SCHEMA, None)?;
        if schema.table_exist(name) {
            schema.deregister_table(name)?;
        }
        schema.register_table(name.to_owned(), table)?;
        Ok(())
    }

    /// The tables and views that a user can name.
    pub fn tables(&self) -> Vec<String> {
        let mut names = self
            .environment
            .main()
            .map(|schema| schema.table_names())
            .unwrap_or_default();
        names.sort();
        names
    }

    /// Registers a relation's inputs, and the relation over them.
    async fn register(&self, relation: &RelationInputs) -> Result<()> {
        let inputs = self.environment.schema(INPUTS, None)?;
        let mut parts = vec![];
        let mut totals = vec![];
        for (number, input) in relation.inputs.iter().enumerate() {
            let place = || format!("{} input `{}`", relation.relation, input.location);
            let read = store::table(&self.environment.context, &input.location)
                .await
                .map_err(|error| error.at(place()))?;
            let name = format!("{}_{}", relation.relation, number + 1);
            let part = Part {
                table: object_name(INPUTS, &name).to_string(),
                location: input.location.replace('\'', "''"),
                schema: read.table.schema(),
                is_of_text: read.is_of_text,
            };
            inputs.register_table(name, read.table)?;
            let mapped = match &input.source {
                Some(source) => self.mapped(&part, &relation.relation, source).await,
                None => part.as_it_is(&relation.relation, &input.columns),
            };
            parts.push(mapped.map_err(|error| error.moved(place()))?);
            if relation.relation == "billing" {
                totals.push(self.control_total(&part, input)?);
            }
        }
        let name = Environment::qualified(&relation.relation);
        self.define(&name, &parts).await?;
        if relation.relation == "billing"
            && let Some(billing) = self.environment.table("billing").await?
        {
            let name = object_name(INPUTS, relation::CONTROL_TOTALS);
            self.define(&name, &totals).await?;
            let _ = self.environment.billing_of_inputs.set(billing);
        }
        Ok(())
    }

    /// A view over the rows of several queries.
    async fn define(&self, name: &ObjectName, parts: &[String]) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "CREATE VIEW {name} AS {}",
            parts.join(" UNION ALL BY NAME ")
        );
        for statement in self.statements(&sql)? {
            let expanded = expand::plan(&self.environment, statement.statement).await?;
            let context = &self.environment.context;
            context.execute_logical_plan(expanded.plan).await?;
        }
        Ok(())
    }

    /// An input as its source query shows it.
    async fn mapped(&self, part: &Part, relation: &str, source: &str) -> Result<String> {
        let saved = self.source(source)?;
        if saved.header.relation.as_deref() != Some(relation) {
            let other = saved.header.relation.as_deref().unwrap_or_default();
            return Err(Error::new(format!(
                "source `{source}` makes `{other}`, not `{relation}`"
            ))
            .hint(format!("put the input under [{other}]")));
        }
        if let Err(error) = self.fits(part, saved).await {
            let mut fitting = vec![];
            for other in self.sources().filter(|other| other.name != saved.name) {
                let is_of_relation = other.header.relation.as_deref() == Some(relation);
                if is_of_relation && self.fits(part, other).await.is_ok() {
                    fitting.push(format!("`{}`", other.name));
                }
            }
            let error = Error::new(format!("source `{source}` does not fit: {error}"));
            let columns = part.schema.fields().iter();
            let columns = columns
                .map(|field| field.name().as_str())
                .collect::<Vec<_>>();
            return Err(error.hint(match (fitting.join(", "), &columns[..]) {
                (none, [DOCUMENT]) if none.is_empty() => {
                    "the input holds JSON documents".to_owned()
                }
                (fitting, [DOCUMENT]) => format!("{fitting} would fit"),
                (none, columns) if none.is_empty() => {
                    format!("the input has {}", columns.join(", "))
                }
                (fitting, columns) => {
                    format!("{fitting} would fit; the input has {}", columns.join(", "))
                }
            }));
        }
        Ok(part.by(saved))
    }

    /// Whether an input is what a source reads.
    async fn fits(&self, part: &Part, source: &SavedQuery) -> Result<()> {
        self.plans(&part.by(source)).await?;
        let expects = &source.header.expects;
        if expects.is_empty() {
            return Ok(());
        }
        let first = format!("SELECT {DOCUMENT} FROM {} LIMIT 100", part.table);
        let mut documents = vec![];
        for batch in self.collect(&first).await? {
            for text in texts(&batch)? {
                documents.push(serde_json::from_str(&text).unwrap_or_default());
            }
        }
        let is_there = |place: &str| documents.iter().any(|document| has(document, place));
        match expects.iter().find(|place| !is_there(place)) {
            None => Ok(()),
            Some(place) => Err(Error::new(format!("no `{place}` in its first documents"))),
        }
    }

    /// Whether a query can be planned at all.
    async fn plans(&self, sql: &str) -> Result<()> {
        for statement in self.statements(sql)? {
            let expanded = expand::plan(&self.environment, statement.statement).await?;
            self.environment.context.state().optimize(&expanded.plan)?;
        }
        Ok(())
    }

    /// Saved queries that make a relation of an input.
    pub fn sources(&self) -> impl Iterator<Item = &SavedQuery> {
        let queries = self.environment.catalog.iter();
        queries.filter(|query| query.header.relation.is_some())
    }

    fn source(&self, name: &str) -> Result<&SavedQuery> {
        let found = self
            .sources()
            .find(|source| source.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let error = Error::new(format!("there is no source `{name}`"));
            match nearest(name, self.sources().map(|source| source.name.as_str())) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`apportion sources` lists them; leave `source` out for files that have Apportion's own columns"),
            }
        })
    }

    /// What an input adds up to, by the file alone.
    fn control_total(&self, part: &Part, input: &Input) -> Result<String> {
        let location = &part.location;
        let source = input.source.as_deref();
        let Some(source) = source else {
            let billing = relation::relation("billing");
            let billing = billing.ok_or_else(|| Error::new("there is no `billing`"))?;
            let (table, schema, _) = part.renamed(billing, &input.columns)?;
            let total = conform::control_totals(table.as_deref().unwrap_or(&part.table), &schema)?;
            // What a file says of its own inputs goes before where it lies.
            return Ok(if part.says_its_input() {
                total
            } else {
                by_location(location, &total)
            });
        };
        let source = self.source(source)?;
        let total = source.header.control_total.as_deref().ok_or_else(|| {
            Error::new(format!(
                "source `{}` declares no control total",
                source.name
            ))
            .hint("add `-- Control total: select … from input` to its header")
        })?;
        let total = format!("WITH input AS ({}) {total}", part.with(source));
        Ok(by_location(location, &total))
    }
}

fn by_location(location: &str, total: &str) -> String {
    format!(
        "SELECT '{location}' AS input, provider, billing_period, currency, control_total FROM ({total})"
    )
}

/// Whether a document has a place such as `data[].amount`; an array without elements has all.
fn has(document: &serde_json::Value, place: &str) -> bool {
    let (step, rest) = place.split_once('.').unwrap_or((place, ""));
    let found = document.get(step.trim_end_matches("[]"));
    let below = |value: &serde_json::Value| rest.is_empty() || has(value, rest);
    match found {
        None => false,
        Some(array) if step.ends_with("[]") => array
            .as_array()
            .is_some_and(|elements| elements.is_empty() || elements.iter().any(below)),
        Some(value) => below(value),
    }
}

/// One input's table.
struct Part {
    /// Its name in SQL.
    table: String,
    /// As the text of a literal.
    location: String,
    schema: SchemaRef,
    is_of_text: bool,
}

impl Part {
    fn says_its_input(&self) -> bool {
        self.schema.column_with_name("input").is_some()
    }

    /// What a source makes of it.
    fn by(&self, source: &SavedQuery) -> String {
        format!(
            "SELECT *, '{}' AS input FROM {}(input => ({}))",
            self.location,
            source.name,
            self.with(source)
        )
    }

    /// The input, with NULL for the columns that a source can do without.
    fn with(&self, source: &SavedQuery) -> String {
        let lacks = |name: &&String| self.schema.column_with_name(name).is_none();
        let absent = source.header.optional.iter().filter(lacks);
        let absent =
            absent.map(|name| format!(", arrow_cast(NULL, 'Utf8') AS {}", conform::quoted(name)));
        format!("SELECT *{} FROM {}", absent.collect::<String>(), self.table)
    }

    /// An input that has the relation's own columns, some perhaps by other names.
    fn as_it_is(&self, relation: &str, names: &BTreeMap<String, String>) -> Result<String> {
        let mut table = self.table.clone();
        let mut columns = "*".to_owned();
        if let Some(known) = relation::relation(relation) {
            let (renamed, mut schema, is_of_text) = self.renamed(known, names)?;
            table = renamed.unwrap_or(table);
            if is_of_text {
                (columns, schema) = conform::typed(known, &schema);
            }
            // A wrong file is told of now, with its place, and not by the first query.
            conform::over(known, "x", &schema)?;
        }
        let own = if relation == "billing" && !self.says_its_input() {
            format!(", '{}' AS input", self.location)
        } else {
            String::new()
        };
        Ok(format!("SELECT {columns}{own} FROM {table}"))
    }

    /// The input under the contract's names, where the project says that it has others: columns, or
    /// places in its documents.
    fn renamed(
        &self,
        relation: &Relation,
        names: &BTreeMap<String, String>,
    ) -> Result<(Option<String>, Schema, bool)> {
        if names.is_empty() {
            return Ok((None, self.schema.as_ref().clone(), self.is_of_text));
        }
        let known = || relation.columns.iter().map(|column| column.name);
        if let Some(unknown) = names
            .keys()
            .find(|name| !known().any(|known| known == *name))
        {
            let error = Error::new(format!("`{}` has no column `{unknown}`", relation.name));
            return Err(match nearest(unknown, known()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => {
                    error.hint("`columns` names the contract's columns, each with the input's own")
                }
            });
        }
        let is_of_documents =
            self.schema.fields().len() == 1 && self.schema.field(0).name() == DOCUMENT;
        let mut fields = vec![];
        let mut shown = vec![];
        if !is_of_documents {
            let own = || {
                self.schema
                    .fields()
                    .iter()
                    .map(|field| field.name().as_str())
            };
            if let Some(unknown) = names.values().find(|name| !own().any(|own| own == *name)) {
                let error = Error::new(format!("the input has no column `{unknown}`"));
                return Err(match nearest(unknown, own()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint(format!("it has {}", own().collect::<Vec<_>>().join(", "))),
                });
            }
            let is_kept =
                |name: &str| !names.contains_key(name) && !names.values().any(|own| own == name);
            for field in self
                .schema
                .fields()
                .iter()
                .filter(|field| is_kept(field.name()))
            {
                shown.push(conform::quoted(field.name()));
                fields.push(field.as_ref().clone());
            }
        }
        for (name, own) in names {
            let (value, data_type) = if is_of_documents {
                let steps = own
                    .split('.')
                    .map(|step| format!(", '{}'", step.replace('\'', "''")));
                let value = format!("json_as_text({DOCUMENT}{})", steps.collect::<String>());
                (value, DataType::Utf8)
            } else {
                let field = self
                    .schema
                    .field_with_name(own)
                    .map_err(|error| Error::new(error.to_string()))?;
                (conform::quoted(own), field.data_type().clone())
            };
            shown.push(format!("{value} AS {}", conform::quoted(name)));
            fields.push(Field::new(name, data_type, true));
        }
        let table = format!("(SELECT {} FROM {})", shown.join(", "), self.table);
        Ok((
            Some(table),
            Schema::new(fields),
            self.is_of_text || is_of_documents,
        ))
    }
}

/// A misspelt default would be no default, and nobody would notice.
fn defaults_are_known(settings: &Settings, catalog: &Catalog) -> Result<()> {
    if catalog.broken().next().is_some() {
        return Ok(());
    }
    let names = || {
        let parameters = catalog.iter().flat_map(|query| &query.header.parameters);
        parameters.map(|parameter| parameter.name.as_str())
    };
    let unknown = |name: &&String| !names().any(|known| known == name.as_str());
    let Some(name) = settings.defaults.keys().find(unknown) else {
        return Ok(());
    };
    let error = Error::new(format!("no saved query has a parameter `{name}`"))
        .at("[parameters] in apportion.toml");
    Err(match nearest(name, names()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`apportion describe NAME` lists a query's parameters"),
    })
}

fn context(settings: &Settings) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_information_schema(true)
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true);
    if let Some(threads) = settings.threads {
        config = config.with_target_partitions(threads);
    }
    if let Some(rows) = settings.batch_size {
        config = config.with_batch_size(rows);
    }
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(bytes) = settings.memory_limit {
        runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
    }
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime.build_arc()?)
        .with_default_features()
        .with_optimizer_rules(constants::rules())
        .with_query_planner(Arc::new(SharedPlanner))
        .with_physical_optimizer_rule(Arc::new(Tally))
        .build();
    // The functions alone: their operators would have every statement rewritten once more.
    for function in [
        json::json_as_text_udf(),
        json::json_contains_udf(),
        json::json_get_array_udf(),
        json::json_get_bool_udf(),
        json::json_get_int_udf(),
        json::json_get_json_udf(),
        json::json_get_str_udf(),
        json::json_length_udf(),
        json::json_object_keys_udf(),
    ] {
        state.register_udf(function)?;
    }
    apportion_udfs::register_all(&mut state)?;
    Ok(SessionContext::new_with_state(state))
}

/// A value from the command line as a named argument of the call.
fn argument(saved: &SavedQuery, name: &str, value: &str) -> Result<FunctionArg> {
    let kind = saved
        .header
        .parameters
        .iter()
        .find(|p| p.name == name)
        .map(|p| &p.kind);
    let value = match kind {
        Some(ParameterType::Relation) if value.trim_start().starts_with('(') => {
            Expr::Subquery(Box::new(query(value)?))
        }
        Some(ParameterType::Relation) => Expr::Identifier(Ident::with_quote('"', value)),
        _ => Expr::value(Value::SingleQuotedString(value.to_owned())),
    };
    Ok(FunctionArg::Named {
        name: Ident::new(name),
        arg: FunctionArgExpr::Expr(value),
        operator: FunctionArgOperator::RightArrow,
    })
}

/// A batch's first column as text.
fn texts(batch: &RecordBatch) -> Result<Vec<String>> {
    let column =
        cast(batch.column(0), &DataType::Utf8).map_err(|error| Error::new(error.to_string()))?;
    let column = as_string_array(&column)?;
    Ok(column.iter().flatten().map(str::to_owned).collect())
}

fn syntax_error(error: &datafusion::error::DataFusionError, line: usize) -> Error {
    let text = match error.find_root() {
        datafusion::error::DataFusionError::SQL(error, _) => error.to_string(),
        other => other.to_string(),
    };
    Error::new(syntax(&text)).at(format!("the statement of line {line}"))
}

/// The name and the text of a view that a statement creates, under the column names it gives.
fn created_view(statement: &Statement) -> Option<(String, Query)> {
    let Statement::Statement(statement) = statement else {
        return None;
    };
    let SqlStatement::CreateView(view) = statement.as_ref() else {
        return None;
    };
    let name = view.name.0.last()?.as_ident()?;
    let columns = view
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    Some((
        folded(name),
        renamed(*view.query.clone(), name.clone(), columns),
    ))
}

fn dropped_views(statement: &Statement) -> Vec<String> {
    let Statement::Statement(statement) = statement else {
        return vec![];
    };
    match statement.as_ref() {
        SqlStatement::Drop {
            object_type: ObjectType::View,
            names,
            ..
        } => names
            .iter()
            .filter_map(|name| Some(folded(name.0.last()?.as_ident()?)))
            .collect(),
        _ => vec![],
    }
}
