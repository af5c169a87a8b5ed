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
//!
//! * [`tree`] what is walked; [`arguments`] what a call is given; [`unplanned`] what is left

mod arguments;
mod tree;
mod unplanned;

use super::answer::Answers;
use super::environment::{Environment, INPUTS, Shelf, object_name};
use super::later::Later;
use super::scope::{self, Site};
use super::{query, statement};
use crate::error::{Error, Result};
use crate::relation::{self, conform};
use crate::store;
use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, Ident, ObjectName, Query, TableAlias, TableFactor, Value, ValueWithSpan,
    VisitMut, VisitorMut,
};
use futures::future::{BoxFuture, FutureExt};
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use tree::{Tree, tree};
use unplanned::{Instance, mark, place, shelve};
pub(super) use unplanned::{Tables, Unplanned};

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
    let mut answers = Answers::default();
    let unplanned = expand_within(environment, statement, &[], &mut answers, &[]).await;
    unless_refused(unplanned, answers).await
}

/// The same for what has to be known before the saved queries in `open` can be expanded: none of them
/// may be called by it. What was asked on the way is not asked again.
pub(super) async fn expand_within(
    environment: &Environment,
    mut statement: Statement,
    open: &[String],
    answers: &mut Answers,
    later: &[Later],
) -> Result<Unplanned> {
    let mut expander = Expander::new(environment);
    expander.stack.extend_from_slice(open);
    expander.wait_for(later);
    std::mem::swap(&mut expander.answers, answers);
    let result = match tree(&mut statement) {
        Some(tree) => expander.expand_tree(tree, &Bindings::default()).await,
        None => Ok(()),
    };
    std::mem::swap(&mut expander.answers, answers);
    result?;
    expander.finish(statement, answers).await
}

/// A reason to refuse goes before any other error, which may follow from it.
async fn unless_refused(unplanned: Result<Unplanned>, answers: Answers) -> Result<Expanded> {
    let planned = match unplanned {
        Ok(unplanned) => unplanned.planned().await,
        Err(error) => Err(error),
    };
    answers.refuse().await?;
    planned
}

/// A saved query as a statement of its own, in the order that it asks for.
pub async fn run(
    environment: &Environment,
    name: &str,
    arguments: &[FunctionArg],
) -> Result<Expanded> {
    let mut expander = Expander::new(environment);
    let called = expander.call(name, arguments, &Bindings::default()).await;
    let mut answers = std::mem::take(&mut expander.answers);
    // What it calls was added before it: the last instance is the query itself.
    let unplanned = match (called, expander.instances.pop()) {
        (Ok(_), Some(own)) => expander.finish(statement(own.query), &mut answers).await,
        (Ok(_), None) => Err(Error::new(format!("`{name}` came to nothing"))),
        (Err(error), _) => Err(error),
    };
    unless_refused(unplanned, answers).await
}

/// Whether a query calls a saved query, itself or by a view: a view of it is expanded at each use.
pub(crate) fn calls_saved_query(environment: &Environment, query: &Query) -> bool {
    let mut query = query.clone();
    let known = |name: &str| environment.catalog.get(name).is_some();
    scope::mark(&mut query, None, &known)
        .iter()
        .any(|site| site.arguments.is_some() || environment.view(&site.name).is_some())
}

/// What the names in a body stand for.
#[derive(Default)]
struct Bindings {
    literals: HashMap<String, Expr>,
    relations: HashMap<String, Query>,
    /// Where literals stand for what is not known yet.
    later: Vec<Later>,
    /// The body's own `WITH` tables.
    own: HashMap<String, usize>,
    /// The saved query whose body this is; `None` for what the user wrote.
    of: Option<String>,
    /// Put behind the names of the body's own `WITH` tables.
    rename: Option<String>,
}

impl Bindings {
    /// A question about what is bound, and the text by which its answer is known.
    fn question(&self, text: &str) -> Result<(Query, String)> {
        let mut question = query(text)?;
        self.substitute(&mut question);
        let key = question.to_string();
        Ok((question, key))
    }

    /// What a question has to wait for.
    fn named_in(&self, question: &str) -> Vec<Later> {
        let later = self.later.iter();
        let named = later.filter(|one| one.is_named_in(question));
        named.cloned().collect()
    }

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

struct Expander<'s> {
    environment: &'s Environment,
    instances: Vec<Instance>,
    by_key: HashMap<String, usize>,
    stack: Vec<String>,
    answers: Answers,
    notices: Vec<String>,
    notice_queries: Vec<Query>,
    /// What has to be known before plans are optimised.
    later: Vec<Later>,
    reads_reference: bool,
}

impl<'s> Expander<'s> {
    fn new(environment: &'s Environment) -> Self {
        Self {
            environment,
            instances: vec![],
            by_key: HashMap::new(),
            stack: vec![],
            answers: Answers::default(),
            notices: vec![],
            notice_queries: vec![],
            later: vec![],
            reads_reference: false,
        }
    }

    fn wait_for(&mut self, later: &[Later]) {
        for one in later {
            if !self.later.iter().any(|known| known.is_same(one)) {
                self.later.push(one.clone());
            }
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
        let instance = if let Some(arguments) = &site.arguments {
            self.call(&site.name, arguments, bindings).await?
        } else if let Some(own) = bindings.own.get(&site.name) {
            *own
        } else {
            return self.table(site, bindings).await;
        };
        Ok(self.reference(instance, site.alias))
    }

    /// What neither is called nor a `WITH` table: on its own, as calls lie in one another.
    fn table<'a>(
        &'a mut self,
        site: Site,
        bindings: &'a Bindings,
    ) -> BoxFuture<'a, Result<TableFactor>> {
        async move {
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
                    let message = format!("`{}` is a saved query, not a table", site.name);
                    return Err(Error::new(message).hint(format!("call it: `{}()`", site.name)));
                }
                if store::is_location(&site.name) {
                    let files = environment.files(&site.name).await?;
                    let alias = scope::of_file(site.alias, &site.name);
                    return Ok(scope::table(files, Some(alias)));
                }
            }
            // A body means the session's tables, whatever the caller has named likewise.
            let name = match &bindings.of {
                Some(_) => Environment::qualified(&site.name),
                None => ObjectName::from(vec![Ident::with_quote('"', site.name)]),
            };
            Ok(scope::table(name, Some(site.alias)))
        }
        .boxed()
    }

    fn reference(&mut self, instance: usize, alias: TableAlias) -> TableFactor {
        self.instances[instance].uses += 1;
        scope::table(ObjectName::from(vec![mark(instance)]), Some(alias))
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
            is_by_label: false,
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
            let environment = self.environment;
            let saved = environment.catalog.find(name)?;
            self.enter(&saved.name)?;
            let at = |error: Error| error.at(saved.path.clone());
            let (arguments, mut bindings) = self.arguments(saved, given, caller).await?;
            self.answers.begin_reference(environment).await;
            let key = format!("{}({})", saved.name, arguments.join(", "));
            if let Some(known) = self.by_key.get(&key) {
                self.stack.pop();
                return Ok(*known);
            }
            if let Some(refused) = &saved.header.refused {
                let refused = self.refuse(refused, &saved.path, &bindings);
                refused.await.map_err(at)?;
            }
            for parameter in &saved.header.reads_first {
                let read = self.read_first(saved, parameter, &mut bindings);
                read.await.map_err(at)?;
            }
            self.wait_for(&bindings.later);
            let mut body = saved.body.clone();
            bindings.substitute(&mut body);
            bindings.rename = self.fresh(&saved.name).rename;
            self.expand_body(&mut body, &mut bindings, &saved.name)
                .await
                .map_err(at)?;
            if self.stack.len() == 1
                && !environment.is_quiet
                && let Some(notices) = &saved.header.notices
            {
                let mut notices = query(notices).map_err(at)?;
                bindings.substitute(&mut notices);
                self.notice_queries.push(notices);
            }
            self.stack.pop();
            let number = self.add(key.clone(), key, body);
            // A relation that it was given may name others of this statement, and an instant that is read
            // first has a name in this statement only.
            self.instances[number].is_by_label =
                bindings.relations.is_empty() && bindings.later.is_empty();
            Ok(number)
        }
        .boxed()
    }

    async fn expand_notices(&mut self) -> Result<Vec<Query>> {
        let bindings = Bindings {
            of: Some("notices".to_owned()),
            ..Bindings::default()
        };
        let mut notices = std::mem::take(&mut self.notice_queries);
        for notice in &mut notices {
            self.expand_tree(notice, &bindings).await?;
        }
        Ok(notices)
    }

    /// What is left to do needs no expander.
    async fn finish(mut self, mut asked: Statement, answers: &mut Answers) -> Result<Unplanned> {
        // What notices ask may have been answered.
        std::mem::swap(&mut self.answers, answers);
        let notice_queries = self.expand_notices().await;
        std::mem::swap(&mut self.answers, answers);
        let mut notice_queries = notice_queries?;
        if self.reads_reference {
            answers.know_reference(self.environment).await?;
        }
        let mut state = self.environment.context.state();
        for later in &self.later {
            later.register(&mut state)?;
        }
        let (kept, state) = (Arc::new(self.environment.shelf()?), Arc::new(state));
        let mut named = vec![];
        for notice in &mut notice_queries {
            named.extend(place(notice, &kept));
        }
        if let Some(tree) = tree(&mut asked) {
            named.extend(place(tree, &kept));
        }
        // Who asks has a query open.
        let is_on_the_way = !self.stack.is_empty();
        let tables = &mut answers.tables;
        Ok(Unplanned {
            asked,
            notices: self.notices,
            notice_queries,
            shelved: shelve(self.instances, named, &kept, &state, tables, is_on_the_way),
            shelf: kept,
            state,
            later: self.later,
        })
    }
}

fn no_relation(name: &str) -> Error {
    Error::new(format!("there is no `{name}`")).hint(format!(
        "name its files in apportion.toml under `[{name}]`, create a table or view called `{name}`, or try --demo"
    ))
}
