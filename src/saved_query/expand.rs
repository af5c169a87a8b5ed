//! Calls of saved queries become subqueries of the parsed statement, before it is planned.
//!
//! ```sql
//! SELECT * FROM allocation(period => '2026-10') WHERE band = 'alert'
//! ```
//!
//! The call is replaced by the body of `queries/core/allocation.sql`, its `$parameters` by literals.
//! The result is one plan with the query around it, so the caller's filters reach the scan. A
//! relation of the contract is replaced by a subquery that [`conform`]s the table behind it. Calls
//! that stand in a statement more than once with the same arguments are planned once
//! ([`crate::shared`]).
//!
//! What never happens: text is pasted into SQL; a name of the caller's is seen by a body, or the
//! other way round; a query calls itself.

use super::answer::{answer, argument, one_value};
use super::environment::{Environment, INPUTS, Shelf, object_name};
use super::given::{given_by_name, literal};
use super::parameter::{Argument, Default, Parameter, ParameterType};
use super::scope::{self, Site};
use super::{SavedQuery, named_arguments, query, statement};
use crate::error::{Error, Result};
use crate::relation::{self, conform};
use crate::shared::table::SharedTable;
use crate::store;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{ScalarValue, TableReference};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, Ident, ObjectName, Query, TableAlias, TableFactor, Value, ValueWithSpan,
    Visit, VisitMut, Visitor, VisitorMut,
};
use futures::future::{BoxFuture, FutureExt};
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A statement ready to run, and what its user should be told.
#[derive(Debug)]
pub struct Expanded {
    pub plan: LogicalPlan,
    pub notices: Vec<String>,
    /// Their rows are notices too. They read what the statement reads, and are best planned with it.
    pub notice_plans: Vec<LogicalPlan>,
}

/// Expands a statement and plans it.
pub async fn plan(environment: &Environment, statement: Statement) -> Result<Expanded> {
    plan_within(environment, statement, &[], &mut Answers::new()).await
}

/// The same for what has to be known before the saved queries in `open` can be expanded: none of them
/// may be called by it. What was asked on the way is not asked again.
pub(super) async fn plan_within(
    environment: &Environment,
    mut statement: Statement,
    open: &[String],
    answers: &mut Answers,
) -> Result<Expanded> {
    let mut expander = Expander::new(environment);
    expander.stack.extend_from_slice(open);
    std::mem::swap(&mut expander.answers, answers);
    let result = match tree(&mut statement) {
        Some(tree) => expander.expand_tree(tree, &Bindings::default()).await,
        None => Ok(()),
    };
    std::mem::swap(&mut expander.answers, answers);
    result?;
    expander.finish(statement).await
}

/// A saved query as a statement of its own, in the order that it asks for.
pub async fn run(
    environment: &Environment,
    name: &str,
    arguments: &[FunctionArg],
) -> Result<Expanded> {
    let mut expander = Expander::new(environment);
    expander.call(name, arguments, &Bindings::default()).await?;
    // What it calls was added before it: the last instance is the query itself.
    match expander.instances.pop() {
        Some(instance) => expander.finish(statement(instance.query)).await,
        None => Err(Error::new(format!("`{name}` came to nothing"))),
    }
}

/// Whether a query calls a saved query, itself or by a view: a view of it is expanded at each use.
pub(crate) fn calls_saved_query(environment: &Environment, query: &Query) -> bool {
    let mut query = query.clone();
    let known = |name: &str| environment.catalog.get(name).is_some();
    scope::mark(&mut query, None, &known)
        .iter()
        .any(|site| site.arguments.is_some() || environment.view(&site.name).is_some())
}

/// The part of a statement that can name relations.
fn tree(statement: &mut Statement) -> Option<&mut dyn Tree> {
    match statement {
        Statement::Statement(statement) => Some(statement.as_mut()),
        Statement::Explain(explain) => tree(&mut explain.statement),
        Statement::CopyTo(copy) => {
            if let CopyToSource::Relation(name) = &copy.source {
                let all = scope::everything_of(scope::table(name.clone(), None));
                copy.source = CopyToSource::Query(Box::new(all));
            }
            match &mut copy.source {
                CopyToSource::Query(query) => Some(query.as_mut()),
                CopyToSource::Relation(_) => None,
            }
        }
        Statement::CreateExternalTable(_) | Statement::Reset(_) => None,
    }
}

/// Functions that price, rename or judge by the session's prices, aliases and bands.
const READS_REFERENCE: [&str; 8] = [
    "call_cost",
    "call_cost_parts",
    "canonical",
    "list_price",
    "nearest_models",
    "margin_band",
    "price_cost_parts",
    "price_id",
];

/// Either kind of tree that is walked.
trait Tree: Send {
    fn mark(&mut self, rename: Option<&str>, known: &dyn Fn(&str) -> bool) -> Vec<Site>;
    fn fill(
        &mut self,
        mark: &str,
        relations: &mut dyn FnMut(usize, Option<TableAlias>) -> TableFactor,
    );
    fn name_arguments(&mut self, environment: &Environment) -> Result<()>;
    fn reads_reference(&self) -> bool;
}

impl<T: Visit + VisitMut + Send> Tree for T {
    fn mark(&mut self, rename: Option<&str>, known: &dyn Fn(&str) -> bool) -> Vec<Site> {
        scope::mark(self, rename, known)
    }

    fn fill(
        &mut self,
        mark: &str,
        relations: &mut dyn FnMut(usize, Option<TableAlias>) -> TableFactor,
    ) {
        scope::fill(self, mark, relations);
    }

    fn name_arguments(&mut self, environment: &Environment) -> Result<()> {
        named_arguments::resolve(self, &environment.functions)
    }

    fn reads_reference(&self) -> bool {
        struct Reads;
        impl Visitor for Reads {
            type Break = ();
            fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
                match expression {
                    Expr::Function(function)
                        if READS_REFERENCE
                            .contains(&function.name.to_string().to_lowercase().as_str()) =>
                    {
                        ControlFlow::Break(())
                    }
                    _ => ControlFlow::Continue(()),
                }
            }
        }
        Visit::visit(self, &mut Reads).is_break()
    }
}

/// What the names in a body stand for.
#[derive(Default)]
struct Bindings {
    literals: HashMap<String, Expr>,
    relations: HashMap<String, Query>,
    /// The body's own `WITH` tables.
    own: HashMap<String, usize>,
    /// The saved query whose body this is; `None` for what the user wrote.
    of: Option<String>,
    /// Put behind the names of the body's own `WITH` tables.
    rename: Option<String>,
}

impl Bindings {
    fn substitute<T: VisitMut>(&self, tree: &mut T) {
        struct Substitute<'a>(&'a HashMap<String, Expr>);
        impl VisitorMut for Substitute<'_> {
            type Break = ();
            fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
                if let Expr::Value(ValueWithSpan {
                    value: Value::Placeholder(name),
                    ..
                }) = expression
                    && let Some(literal) = self.0.get(name)
                {
                    *expression = literal.clone();
                }
                ControlFlow::Continue(())
            }
        }
        let _ = tree.visit(&mut Substitute(&self.literals));
    }
}

/// One saved query with one set of arguments.
#[derive(Clone)]
struct Instance {
    label: String,
    query: Query,
    uses: usize,
}

struct Expander<'s> {
    environment: &'s Environment,
    instances: Vec<Instance>,
    by_key: HashMap<String, usize>,
    stack: Vec<String>,
    answers: Answers,
    notices: Vec<String>,
    notice_queries: Vec<Query>,
    reads_reference: bool,
}

/// What queries gave that had to be answered while a statement was expanded, by their text.
pub(super) type Answers = HashMap<String, Argument>;

const INSTANCE: &str = "\u{1}call ";

impl<'s> Expander<'s> {
    fn new(environment: &'s Environment) -> Self {
        Self {
            environment,
            instances: vec![],
            by_key: HashMap::new(),
            stack: vec![],
            answers: Answers::new(),
            notices: vec![],
            notice_queries: vec![],
            reads_reference: false,
        }
    }

    /// Replaces every relation from outside, in place.
    fn expand_tree<'a>(
        &'a mut self,
        tree: &'a mut dyn Tree,
        bindings: &'a Bindings,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            tree.name_arguments(self.environment)?;
            self.reads_reference |= tree.reads_reference();
            let environment = self.environment;
            // What the engine knows is the engine's; any other call is of a saved query, or a mistake.
            let known = |name: &str| {
                environment.catalog.get(name).is_some()
                    || environment.context.table_function(name).is_err()
            };
            let sites = tree.mark(bindings.rename.as_deref(), &known);
            let mut relations = Vec::with_capacity(sites.len());
            for site in sites {
                relations.push(self.relation(site, bindings).await?);
            }
            tree.fill(scope::SITE, &mut |site, _| relations[site].clone());
            Ok(())
        }
        .boxed()
    }

    async fn relation(&mut self, site: Site, bindings: &Bindings) -> Result<TableFactor> {
        if let Some(arguments) = site.arguments {
            let instance = self.call(&site.name, &arguments, bindings).await?;
            return Ok(self.reference(instance, site.alias));
        }
        if let Some(own) = bindings.own.get(&site.name) {
            return Ok(self.reference(*own, site.alias));
        }
        if let Some(relation) = bindings.relations.get(&site.name) {
            return Ok(scope::derived(relation.clone(), site.alias));
        }
        if let Some(view) = self.environment.view(&site.name) {
            let instance = self.view(&site.name, view).await?;
            return Ok(self.reference(instance, site.alias));
        }
        if let Some(conformed) = self.conformed(&site.name).await? {
            return Ok(scope::derived(conformed, site.alias));
        }
        let environment = self.environment;
        let named = TableReference::bare(site.name.clone());
        if !environment.context.table_exist(named)? {
            if environment.catalog.get(&site.name).is_some() {
                return Err(
                    Error::new(format!("`{}` is a saved query, not a table", site.name))
                        .hint(format!("call it: `{}()`", site.name)),
                );
            }
            if store::is_location(&site.name) {
                let files = environment.files(&site.name).await?;
                return Ok(scope::table(
                    files,
                    Some(scope::of_file(site.alias, &site.name)),
                ));
            }
        }
        // A body means the session's tables, whatever the caller has named likewise.
        let name = match &bindings.of {
            Some(_) => Environment::qualified(&site.name),
            None => ObjectName::from(vec![Ident::with_quote('"', site.name)]),
        };
        Ok(scope::table(name, Some(site.alias)))
    }

    fn reference(&mut self, instance: usize, alias: TableAlias) -> TableFactor {
        self.instances[instance].uses += 1;
        let name = Ident::with_quote('"', format!("{INSTANCE}{instance}"));
        scope::table(ObjectName::from(vec![name]), Some(alias))
    }

    /// The contract's relation of this name, over whatever table there is.
    async fn conformed(&mut self, name: &str) -> Result<Option<Query>> {
        if name == relation::CONTROL_TOTALS && self.environment.table(name).await?.is_none() {
            if self.environment.bills_are_of_inputs().await? {
                let totals = object_name(INPUTS, name);
                return query(&format!("SELECT * FROM {totals}")).map(Some);
            }
            self.environment.readable("billing").await?;
            let billing = self.environment.table("billing").await?;
            let billing = billing.ok_or_else(|| no_relation("billing"))?;
            let table = Environment::qualified("billing").to_string();
            return query(&conform::control_totals(&table, &billing.schema())?).map(Some);
        }
        let Some(relation) = relation::relation(name) else {
            return Ok(None);
        };
        let sql = match self.environment.conformed(relation).await? {
            Some(sql) => sql,
            None if relation.required => return Err(no_relation(name)),
            None => conform::empty(relation),
        };
        query(&sql).map(Some)
    }

    /// A view that calls saved queries is expanded at each use: the bill may have grown since.
    async fn view(&mut self, name: &str, mut body: Query) -> Result<usize> {
        let key = format!("view {name}");
        if let Some(known) = self.by_key.get(&key) {
            return Ok(*known);
        }
        self.enter(name)?;
        let mut bindings = self.fresh(name);
        self.expand_body(&mut body, &mut bindings, name).await?;
        self.stack.pop();
        Ok(self.add(key, name.to_owned(), body))
    }

    /// Expands a body whose `WITH` tables become instances of their own: the engine would plan each
    /// of them again wherever it is named, and what they name again, and so on.
    async fn expand_body(
        &mut self,
        body: &mut Query,
        bindings: &mut Bindings,
        label: &str,
    ) -> Result<()> {
        if let Some(with) = body.with.take_if(|with| !with.recursive) {
            for cte in with.cte_tables {
                let mut own = *cte.query;
                self.expand_tree(&mut own, bindings).await?;
                let name = scope::folded(&cte.alias.name);
                if !cte.alias.columns.is_empty() {
                    own = scope::everything_of(scope::derived(own, cte.alias));
                }
                let label = format!("{label}.{name}");
                let key = format!("{label} {}", self.instances.len());
                bindings.own.insert(name, self.add(key, label, own));
            }
        }
        self.expand_tree(body, bindings).await
    }

    fn enter(&mut self, name: &str) -> Result<()> {
        if let Some(at) = self.stack.iter().position(|open| open == name) {
            let mut path = self.stack[at..].join("` calls `");
            let _ = write!(path, "` calls `{name}");
            return Err(
                Error::new(format!("saved query `{name}` calls itself")).hint(format!("`{path}`"))
            );
        }
        self.stack.push(name.to_owned());
        Ok(())
    }

    fn fresh(&self, name: &str) -> Bindings {
        Bindings {
            rename: Some(format!("of {name} {}", self.instances.len())),
            of: Some(name.to_owned()),
            ..Bindings::default()
        }
    }

    fn add(&mut self, key: String, label: String, query: Query) -> usize {
        let number = self.instances.len();
        self.instances.push(Instance {
            label,
            query,
            uses: 0,
        });
        self.by_key.insert(key, number);
        number
    }

    /// The instance that a call stands for; the same call answers with the same one.
    fn call<'a>(
        &'a mut self,
        name: &'a str,
        given: &'a [FunctionArg],
        caller: &'a Bindings,
    ) -> BoxFuture<'a, Result<usize>> {
        async move {
            let saved = self.environment.catalog.find(name)?.clone();
            self.enter(&saved.name)?;
            let at = |error: Error| error.at(saved.path.clone());
            let (arguments, mut bindings) = self.arguments(&saved, given, caller).await?;
            let key = format!("{}({})", saved.name, arguments.join(", "));
            if let Some(known) = self.by_key.get(&key) {
                self.stack.pop();
                return Ok(*known);
            }
            if let Some(refused) = &saved.header.refused {
                self.refuse(refused, &bindings).await.map_err(at)?;
            }
            for parameter in &saved.header.reads_first {
                let argument = self
                    .default(&saved, parameter, &bindings)
                    .await
                    .map_err(at)?;
                bindings
                    .literals
                    .extend(parameter.bind(&argument).map_err(at)?);
            }
            let mut body = saved.body.clone();
            bindings.substitute(&mut body);
            bindings.rename = self.fresh(&saved.name).rename;
            self.expand_body(&mut body, &mut bindings, &saved.name)
                .await
                .map_err(at)?;
            if self.stack.len() == 1
                && let Some(notices) = &saved.header.notices
            {
                let mut notices = query(notices).map_err(at)?;
                bindings.substitute(&mut notices);
                self.notice_queries.push(notices);
            }
            self.stack.pop();
            Ok(self.add(key.clone(), key, body))
        }
        .boxed()
    }

    /// Asks a saved query whether there is an answer at all.
    async fn refuse(&mut self, question: &str, bindings: &Bindings) -> Result<()> {
        let mut question = query(question)?;
        bindings.substitute(&mut question);
        let key = question.to_string();
        let depends_on_rows_given = !bindings.relations.is_empty();
        if self.answers.contains_key(&key) && !depends_on_rows_given {
            return Ok(());
        }
        let batches = if depends_on_rows_given {
            self.answered(question, bindings).await?
        } else {
            answer(self.environment, question, &self.stack, &mut self.answers).await?
        };
        if let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) {
            let mut texts = batch.columns().iter().map(|column| {
                argument(&ScalarValue::try_from_array(column, 0)?)
                    .map(|text| text.shown())
                    .ok_or_else(|| Error::new("a refusal is text"))
            });
            let error = Error::new(texts.next().transpose()?.unwrap_or_default());
            return Err(match texts.next().transpose()? {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
        self.answers.insert(key, Argument::Null);
        Ok(())
    }

    /// Runs a query that names relations which a call was given. They may name what was expanded so
    /// far, so it is known there too.
    async fn answered(&mut self, question: Query, given: &Bindings) -> Result<Vec<RecordBatch>> {
        let mut inner = Self::new(self.environment);
        inner.stack.clone_from(&self.stack);
        inner.instances.clone_from(&self.instances);
        inner.by_key.clone_from(&self.by_key);
        let mut bindings = Bindings {
            relations: given.relations.clone(),
            ..Bindings::default()
        };
        let mut question = question;
        std::mem::swap(&mut inner.answers, &mut self.answers);
        let expanded = inner
            .expand_body(&mut question, &mut bindings, "refused")
            .await;
        std::mem::swap(&mut inner.answers, &mut self.answers);
        expanded?;
        let plan = inner.finish(statement(question)).boxed().await?.plan;
        let frame = self.environment.context.execute_logical_plan(plan).await?;
        Ok(frame.collect().await?)
    }

    /// Every parameter's value: given, or the project's default, or the header's.
    async fn arguments(
        &mut self,
        saved: &SavedQuery,
        given: &[FunctionArg],
        caller: &Bindings,
    ) -> Result<(Vec<String>, Bindings)> {
        let mut values = given_by_name(saved, given)?;
        let mut bindings = Bindings {
            of: Some(saved.name.clone()),
            ..Bindings::default()
        };
        let mut shown = vec![];
        for parameter in &saved.header.parameters {
            let value = values.remove(parameter.name.as_str());
            if parameter.kind == ParameterType::Relation {
                let relation = self
                    .relation_argument(saved, parameter, value, caller)
                    .await?;
                shown.push(format!("{} => ({relation})", parameter.name));
                bindings.relations.insert(parameter.name.clone(), relation);
                continue;
            }
            let argument = match value {
                Some(value) => {
                    let mut value = value.clone();
                    caller.substitute(&mut value);
                    literal(&value).ok_or_else(|| {
                        Error::new(format!(
                            "argument `{}` of `{}` is `{value}`, not a literal",
                            parameter.name, saved.name
                        ))
                        .hint("give it a value such as '2026-10', 3 or true")
                    })?
                }
                None => self.default(saved, parameter, &bindings).await?,
            };
            if argument == Argument::Null && !parameter.may_be_null() {
                return Err(Error::new(format!(
                    "parameter `{}` of `{}` cannot be NULL",
                    parameter.name, saved.name
                ))
                .hint("leave it out for its default"));
            }
            let literals = parameter.bind(&argument).map_err(|error| {
                error.at(format!("argument `{}` of `{}`", parameter.name, saved.name))
            })?;
            shown.push(format!("{} => {argument}", parameter.name));
            bindings.literals.extend(literals);
        }
        Ok((shown, bindings))
    }

    async fn default(
        &mut self,
        saved: &SavedQuery,
        parameter: &Parameter,
        bindings: &Bindings,
    ) -> Result<Argument> {
        if let Some(text) = self.environment.defaults.get(&parameter.name) {
            return Ok(Argument::Text(text.clone()));
        }
        match &parameter.default {
            Some(Default::Literal(argument)) => Ok(argument.clone()),
            Some(Default::Query(text)) => {
                let mut query = query(text)?;
                bindings.substitute(&mut query);
                let key = query.to_string();
                let answer = match self.answers.get(&key) {
                    Some(known) => known.clone(),
                    None => {
                        one_value(self.environment, query, &self.stack, &mut self.answers).await?
                    }
                };
                self.answers.insert(key, answer.clone());
                if parameter.kind == ParameterType::Month {
                    match &answer {
                        Argument::Text(text) => {
                            let notice =
                                format!("{}: {text}, the latest in the bill", parameter.name);
                            if !self.notices.contains(&notice) {
                                self.notices.push(notice);
                            }
                        }
                        _ => {
                            return Err(Error::new(format!(
                                "no `{}` can be chosen: the bill is empty",
                                parameter.name
                            ))
                            .hint(format!("name one: {} => '2026-10'", parameter.name)));
                        }
                    }
                }
                Ok(answer)
            }
            Some(Default::Relation(_)) | None => Err(Error::new(format!(
                "saved query `{}` needs parameter `{}`",
                saved.name, parameter.name
            ))
            .hint(format!(
                "it is of type {}: {}",
                parameter.kind, parameter.description
            ))),
        }
    }

    /// A table's name, or a query in parentheses, read where the call stands.
    async fn relation_argument(
        &mut self,
        saved: &SavedQuery,
        parameter: &Parameter,
        value: Option<&Expr>,
        caller: &Bindings,
    ) -> Result<Query> {
        let sql = match (value, &parameter.default) {
            (Some(Expr::Subquery(query)), _) => query.to_string(),
            (Some(name @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))), _) => {
                format!("SELECT * FROM {name}")
            }
            (None, Some(Default::Relation(name))) => format!("SELECT * FROM {name}"),
            _ => {
                return Err(Error::new(format!(
                    "parameter `{}` of `{}` takes a table, or a query in parentheses",
                    parameter.name, saved.name
                )));
            }
        };
        let mut relation = query(&sql)?;
        caller.substitute(&mut relation);
        self.expand_tree(&mut relation, caller).await?;
        Ok(relation)
    }

    /// Plans every instance once, then the statement and its notices.
    async fn finish(mut self, mut asked: Statement) -> Result<Expanded> {
        let mut notices = vec![];
        for mut notice in std::mem::take(&mut self.notice_queries) {
            let bindings = Bindings {
                of: Some("notices".to_owned()),
                ..Bindings::default()
            };
            self.expand_tree(&mut notice, &bindings).await?;
            notices.push(notice);
        }
        if self.reads_reference {
            self.environment.refresh_reference().await?;
        }
        let kept = self.environment.shelf()?;
        for (number, instance) in self.instances.into_iter().enumerate() {
            let mut query = instance.query;
            place(&mut query, &kept);
            let state = self.environment.context.state();
            let plan = state.statement_to_plan(statement(query)).await?;
            let table: Arc<dyn TableProvider> = if instance.uses > 1 && is_small(&plan)? {
                let analyzer = state.analyzer();
                let plan = analyzer.execute_and_check(plan, state.config_options(), |_, _| {})?;
                Arc::new(SharedTable::new(
                    instance.label,
                    plan,
                    state.config_options(),
                )?)
            } else {
                // Its plan goes where its name stands: the engine's SQL planner would need a deep
                // stack for queries that lie in one another.
                Arc::new(ViewTable::new(plan, None))
            };
            kept.put(number, table)?;
        }
        let state = self.environment.context.state();
        let mut notice_plans = vec![];
        for mut notice in notices {
            place(&mut notice, &kept);
            notice_plans.push(state.statement_to_plan(statement(notice)).await?);
        }
        if let Some(tree) = tree(&mut asked) {
            place(tree, &kept);
        }
        let plan = state.statement_to_plan(asked).await?;
        Ok(Expanded {
            plan,
            notices: self.notices,
            notice_plans,
        })
    }
}

/// Whether a relation that is read twice may be kept in memory: what was added up may, the calls
/// themselves may not.
fn is_small(plan: &LogicalPlan) -> Result<bool> {
    let is_small = plan.exists(|node| {
        Ok(match node {
            LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) => true,
            LogicalPlan::TableScan(scan) => crate::shared::table::is_shared(scan),
            _ => false,
        })
    })?;
    Ok(is_small)
}

/// Replaces references to instances by the shelf's tables.
fn place(tree: &mut dyn Tree, shelf: &Shelf) {
    tree.fill(INSTANCE, &mut |number, alias| {
        scope::table(shelf.name(number), alias)
    });
}

fn no_relation(name: &str) -> Error {
    Error::new(format!("there is no `{name}`")).hint(format!(
        "name its files in apportion.toml under `[{name}]`, create a table or view called `{name}`, or try --demo"
    ))
}
