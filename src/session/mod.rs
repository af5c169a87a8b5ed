//! The one place where an engine session is built, and the one way that statements go into it.
//!
//! A session knows the user's relations, the saved queries and Apportion's functions. Every entrance
//! (shell, prompt, `run`, a server) hands its statements to [`Session::execute`], so that all speak
//! the same SQL.

mod engine;
mod inputs;
mod names;
mod placeholders;
mod running;

#[cfg(feature = "cluster")]
pub(crate) use engine::{config, state};
pub use placeholders::Given;
pub use running::{Reached, Running};

use crate::cluster::{Cluster, LastWord};
use crate::config::Settings;
use crate::error::{Error, Place, Result, parted};
use crate::relation::{self, conform};
use crate::saved_query::environment::{Environment, SCHEMA};
use crate::saved_query::expand::{self, Expanded};
use crate::saved_query::parameter::ParameterType;
use crate::saved_query::scope::{folded, renamed};
use crate::saved_query::{Catalog, SavedQuery, nearest, query, syntax};
use crate::shared::explained::Analyzed;
use crate::shared::planner::plan_together;
use crate::store;
use crate::task::let_go;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::cast::as_string_array;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{DdlStatement, LogicalPlan, Statement as PlanStatement};
use datafusion::physical_plan::{ExecutionPlan, collect, execute_stream};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident, ObjectType, Query,
    Statement as SqlStatement, Value,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token};
use futures::TryStreamExt;
use names::Names;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Session {
    environment: Environment,
    running: Running,
    query_folders: Vec<PathBuf>,
    /// Whether the last statement wrote files: locations may hold others now.
    has_written: AtomicBool,
    _last_word: Option<LastWord>,
}

/// A statement, and where it starts in the text.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub start: Place,
    statement: Statement,
}

/// What a statement gives, and what its user should be told.
pub struct Answer {
    /// No columns: the statement has no result, only an effect.
    pub schema: SchemaRef,
    pub stream: SendableRecordBatchStream,
    pub notices: Vec<String>,
    /// What runs: as long as it is kept, [`Running`] can say how far it is.
    pub plan: Arc<dyn ExecutionPlan>,
}

impl Session {
    pub async fn open(settings: &Settings) -> Result<Self> {
        let mut catalog = Catalog::built_in();
        for folder in &settings.query_folders {
            catalog.load_folder(folder)?;
        }
        defaults_are_known(settings, &catalog)?;
        let cluster = match &settings.cluster {
            Some(address) => Some(Cluster::connect(address, settings.certificates.as_ref()).await?),
            None => None,
        };
        let environment = Environment::new(
            engine::context(settings, cluster.as_ref())?,
            catalog,
            settings.defaults.clone(),
            settings.quiet,
        )?;
        let session = Self {
            running: Running::new(environment.context.runtime_env()),
            query_folders: settings.query_folders.clone(),
            has_written: AtomicBool::new(false),
            _last_word: cluster.as_ref().map(Cluster::last_word),
            environment,
        };
        store::configure(&session.environment.context, &settings.stores)?;
        store::demo::mount(&session.environment.context).await?;
        for relation in &settings.inputs {
            // On the heap: the states of what plans are large.
            if let Err(error) = Box::pin(session.register(relation)).await {
                let name = relation.relation.clone();
                let error = error.at(format!("[{name}] in apportion.toml"));
                session.environment.keep_unreadable(name, error)?;
            }
        }
        Ok(session)
    }

    /// Why relations cannot be read whose inputs are missing or wrong; what does not ask for them works.
    pub fn unreadable(&self) -> Vec<Error> {
        self.environment.unreadable()
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

    /// Reads the project's saved queries again, and forgets which files its locations hold.
    pub fn refresh(&mut self) -> Result<()> {
        let mut catalog = Catalog::built_in();
        for folder in &self.query_folders {
            catalog.load_folder(folder)?;
        }
        self.environment.catalog = catalog;
        self.environment.forget_listings();
        Ok(())
    }

    /// The folders whose files are saved queries, beside those that the program carries.
    pub fn query_folders(&self) -> &[PathBuf] {
        &self.query_folders
    }

    /// What runs now, for whoever shows how far it is.
    pub fn running(&self) -> Running {
        self.running.clone()
    }

    /// The names that `SET` knows.
    pub fn settings(&self) -> Vec<String> {
        let state = self.environment.context.state();
        let entries = state.config_options().entries().into_iter();
        entries.map(|entry| entry.key).collect()
    }

    /// The functions that a statement can call, the engine's own and Apportion's.
    pub fn functions(&self) -> Vec<String> {
        let state = self.environment.context.state();
        let scalar = state.scalar_functions().keys();
        let all = scalar.chain(state.aggregate_functions().keys());
        let all = all.chain(state.window_functions().keys());
        all.cloned().collect()
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
            let start = place(next.span.start);
            let statement = parser
                .parse_statement()
                .map_err(|error| syntax_error(&error, sql, start))?;
            let after = parser.parser.peek_token();
            if after.token != Token::EOF && after.token != Token::SemiColon {
                let at = place(after.span.start);
                let length = after.token.to_string().chars().count();
                return Err(
                    Error::new(format!("`{}` was not expected here", after.token))
                        .at(format!("line {}", at.line))
                        .hint("statements are separated by `;`")
                        .pointing(sql, at, length),
                );
            }
            parsed.push(Parsed { start, statement });
        }
    }

    pub async fn execute(&self, parsed: Parsed) -> Result<Answer> {
        let view = created_view(&parsed.statement);
        let dropped = dropped_views(&parsed.statement);
        let names = Names::of(&parsed.statement);
        let mut expanded = expand::plan(&self.environment, parsed.statement)
            .await
            .map_err(|error| self.near_table(error))?;
        expanded.plan = names.give(expanded.plan)?;
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

    /// Whoever names a table that is not there is told which was meant.
    fn near_table(&self, error: Error) -> Error {
        let message = error.to_string();
        let missing = message
            .strip_prefix("table '")
            .and_then(|rest| rest.strip_suffix("' not found"))
            .and_then(|name| name.rsplit('.').next());
        let tables = self.tables();
        let near = missing.and_then(|name| nearest(name, tables.iter().map(String::as_str)));
        match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error,
        }
    }

    async fn start(&self, expanded: Expanded) -> Result<Answer> {
        let Expanded {
            plan,
            mut notices,
            notice_plans,
        } = expanded;
        // Within EXPLAIN ANALYZE too.
        let writes =
            plan.exists(|node| Ok(matches!(node, LogicalPlan::Copy(_) | LogicalPlan::Dml(_))))?;
        if self.has_written.swap(writes, Ordering::Relaxed) {
            self.environment.forget_listings();
        }
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
        let (state, plan) = frame.into_parts();
        let mut plans = vec![state.optimize(&plan)?];
        // Before, a CASE has the type of its first branch.
        let schema = if effect {
            Arc::new(Schema::empty())
        } else {
            Arc::new(plans[0].schema().as_arrow().clone())
        };
        for notice in notice_plans.iter().filter(|_| is_asked_for) {
            plans.push(state.optimize(notice)?);
        }
        let mut planned = plan_together(&plans.iter().collect::<Vec<_>>(), &state).await?;
        self.running.watch(&planned);
        for notice in planned.drain(1..) {
            let batches = collect(notice, state.task_ctx()).await?;
            for batch in batches {
                notices.extend(texts(&batch)?);
            }
        }
        let Some(plan) = planned.pop() else {
            return Err(Error::new("nothing was planned"));
        };
        let stream = execute_stream(Arc::clone(&plan), state.task_ctx())?;
        let stream = match Analyzed::of(&plans[0], &plan, state.config_options()) {
            Some(analyzed) => analyzed.behind(stream),
            None => stream,
        };
        let_go((plans, notice_plans, state));
        Ok(Answer {
            schema,
            stream,
            notices,
            plan,
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
        let plan = self.environment.context.state().optimize(&expanded.plan)?;
        Ok(plan.schema().as_arrow().clone())
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
}

/// A misspelt default would be no default, and nobody would notice.
fn defaults_are_known(settings: &Settings, catalog: &Catalog) -> Result<()> {
    if settings.defaults.is_empty() || catalog.broken().next().is_some() {
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
pub(crate) fn texts(batch: &RecordBatch) -> Result<Vec<String>> {
    let column =
        cast(batch.column(0), &DataType::Utf8).map_err(|error| Error::new(error.to_string()))?;
    let column = as_string_array(&column)?;
    Ok(column.iter().flatten().map(str::to_owned).collect())
}

fn syntax_error(error: &DataFusionError, text: &str, start: Place) -> Error {
    let message = match error.find_root() {
        DataFusionError::SQL(error, _) => error.to_string(),
        other => other.to_string(),
    };
    let (message, place) = parted(&message);
    let error = Error::new(syntax(message)).at(format!("the statement of line {}", start.line));
    match place {
        Some(place) => error.pointing(text, place, 1),
        None => error,
    }
}

fn place(location: Location) -> Place {
    let number = |count: u64| usize::try_from(count).unwrap_or(1);
    Place {
        line: number(location.line),
        column: number(location.column),
    }
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
