//! [`Unplanned`]: a statement whose calls are instances. They become tables of that statement, each
//! planned once, beside those that do not name it.

use super::tree::Tree;
use super::{Expanded, Shelf};
use crate::error::Result;
use crate::saved_query::later::Later;
use crate::saved_query::{scope, statement};
use crate::shared::table::{SharedTable, is_shared};
use crate::task::{Task, let_go, task};
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Ident, Query};
use futures::future::FutureExt;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

const MARK: &str = "\u{1}call ";

/// One saved query with one set of arguments.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) label: String,
    pub(super) query: Query,
    pub(super) uses: usize,
    /// Whether its label says all about it: in a statement, and in what that asks first, it is the same.
    pub(super) is_by_label: bool,
}

/// What calls came to that had to be planned before the statement, by their labels.
pub(in crate::saved_query) type Tables = HashMap<String, Task<Arc<dyn TableProvider>>>;

/// A statement that names nothing but tables and instances.
pub(in crate::saved_query) struct Unplanned {
    pub(super) asked: Statement,
    pub(super) notices: Vec<String>,
    pub(super) notice_queries: Vec<Query>,
    /// What the instances become.
    pub(super) shelved: Vec<Task<()>>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) state: Arc<SessionState>,
    /// What has to be known before its plans are optimised.
    pub(super) later: Vec<Later>,
}

impl Unplanned {
    /// Plans the statement and its notices over what its instances have become.
    pub(in crate::saved_query) async fn planned(self) -> Result<Expanded> {
        for shelved in self.shelved {
            shelved.await?;
        }
        let state = self.state;
        let mut notice_plans = vec![];
        for notice in self.notice_queries {
            notice_plans.push(state.statement_to_plan(statement(notice)).await?);
        }
        let plan = state.statement_to_plan(self.asked).await?;
        for later in self.later {
            later.answered().await?;
        }
        // The names go now, unless something is still planned for others; what they named are many plans.
        let named = Arc::into_inner(self.shelf).map(|shelf| shelf.cleared());
        let_go((named, state));
        Ok(Expanded {
            plan,
            notices: self.notices,
            notice_plans,
        })
    }
}

/// What stands in a tree for an instance until it has a table.
pub(super) fn mark(number: usize) -> Ident {
    Ident::with_quote('"', format!("{MARK}{number}"))
}

/// Puts the shelf's tables where a tree names instances, and answers which it names.
pub(super) fn place(tree: &mut dyn Tree, shelf: &Shelf) -> Vec<usize> {
    let mut named = vec![];
    tree.fill(MARK, &mut |number, alias| {
        named.push(number);
        scope::table(shelf.name(number), alias)
    });
    named
}

/// Has a table made for the shelf of each instance that is wanted.
///
/// Of a statement that is asked on the way, what others may call becomes known.
pub(super) fn shelve(
    instances: Vec<Instance>,
    named: Vec<usize>,
    shelf: &Arc<Shelf>,
    state: &Arc<SessionState>,
    known: &mut Tables,
    is_on_the_way: bool,
) -> Vec<Task<()>> {
    let placed = instances.into_iter().map(|mut instance| {
        let calls = place(&mut instance.query, shelf);
        (instance, calls)
    });
    let placed: Vec<_> = placed.collect();
    let wanted = wanted(&placed, named, known);
    let mut shelved: Vec<Option<Task<()>>> = vec![];
    for (number, (instance, calls)) in placed.into_iter().enumerate() {
        if !wanted.contains(&number) {
            shelved.push(None);
            continue;
        }
        let label = instance.is_by_label.then(|| instance.label.clone());
        let before = label.as_ref().and_then(|label| known.get(label)).cloned();
        let made = before.unwrap_or_else(|| {
            let calls = calls.into_iter().filter_map(|call| shelved[call].clone());
            let is_for_others = is_on_the_way && label.is_some();
            let made = table(instance, calls.collect(), is_for_others, Arc::clone(state));
            // What it calls has a name while the shelf is there, also when nobody else needs it any more.
            let kept = Arc::clone(shelf);
            let made = task(made.inspect(move |_| drop(kept)));
            if let Some(label) = label.filter(|_| is_for_others) {
                known.insert(label, made.clone());
            }
            made
        });
        let shelf = Arc::clone(shelf);
        shelved.push(Some(task(async move {
            shelf.put(number, made.await.map_err(DataFusionError::Shared)?)?;
            Ok(())
        })));
    }
    shelved.into_iter().flatten().collect()
}

/// The instances that are named, and those that one of these calls: earlier ones. A known one calls nothing.
fn wanted(placed: &[(Instance, Vec<usize>)], named: Vec<usize>, known: &Tables) -> BTreeSet<usize> {
    let mut wanted = BTreeSet::from_iter(named);
    for (number, (instance, calls)) in placed.iter().enumerate().rev() {
        let is_known = instance.is_by_label && known.contains_key(&instance.label);
        if wanted.contains(&number) && !is_known {
            wanted.extend(calls);
        }
    }
    wanted
}

/// The table of an instance, when those that it calls are on the shelf.
async fn table(
    instance: Instance,
    calls: Vec<Task<()>>,
    is_for_others: bool,
    state: Arc<SessionState>,
) -> datafusion::error::Result<Arc<dyn TableProvider>> {
    for call in calls {
        call.await.map_err(DataFusionError::Shared)?;
    }
    let plan = state.statement_to_plan(statement(instance.query)).await?;
    let is_shared = is_for_others || instance.uses > 1;
    if !is_shared || !is_small(&plan)? {
        // Its plan goes where its name stands: the engine's SQL planner would need a deep stack for
        // queries that lie in one another.
        return Ok(Arc::new(ViewTable::new(plan, None)));
    }
    let options = state.config_options();
    let plan = state
        .analyzer()
        .execute_and_check(plan, options, |_, _| {})?;
    let table = SharedTable::new(instance.label, plan, options)?;
    Ok(Arc::new(if is_for_others {
        table.for_others()
    } else {
        table
    }))
}

/// Whether a relation that is read twice may be kept in memory: what was added up may, the calls
/// themselves may not.
fn is_small(plan: &LogicalPlan) -> datafusion::error::Result<bool> {
    plan.exists(|node| {
        Ok(match node {
            LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) => true,
            LogicalPlan::TableScan(scan) => is_shared(scan),
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved_query::environment::{CATALOG, Environment, SCHEMA};
    use crate::saved_query::{Catalog, query};
    use datafusion::prelude::{SessionConfig, SessionContext};
    use std::collections::BTreeMap;

    fn instance(label: &str, text: &str) -> Instance {
        Instance {
            label: label.to_owned(),
            query: query(text).unwrap(),
            uses: 1,
            is_by_label: label.ends_with("()"),
        }
    }

    /// A query that counts, one that reads it, and one whose label says too little.
    fn instances() -> Vec<Instance> {
        let reads = |number: usize| format!("SELECT * FROM \"{MARK}{number}\" AS of");
        vec![
            instance("counted()", "SELECT count(*) AS rows FROM (VALUES (1))"),
            instance("read()", &reads(0)),
            instance("given", &reads(1)),
        ]
    }

    #[tokio::test]
    async fn what_is_asked_on_the_way_is_planned_once() {
        let config = SessionConfig::new().with_default_catalog_and_schema(CATALOG, SCHEMA);
        let context = SessionContext::new_with_config(config);
        let catalog = Catalog::built_in();
        let environment = Environment::new(context, catalog, BTreeMap::new(), true).unwrap();
        let state = Arc::new(environment.context.state());
        let mut known = Tables::new();
        let shelved = async |is_on_the_way: bool, known: &mut Tables| {
            let shelf = Arc::new(environment.shelf().unwrap());
            let tasks = shelve(instances(), vec![2], &shelf, &state, known, is_on_the_way);
            let put = tasks.len();
            for task in tasks {
                task.await.unwrap();
            }
            let table = async |number: usize| {
                let name = format!("SELECT * FROM {}", shelf.name(number));
                state.create_logical_plan(&name).await
            };
            (put, table(0).await.is_ok(), table(2).await.is_ok())
        };
        assert_eq!(shelved(false, &mut known).await, (3, true, true));
        assert!(known.is_empty(), "nobody asked on the way");
        assert_eq!(shelved(true, &mut known).await, (3, true, true));
        let labels: BTreeSet<_> = known.keys().map(String::as_str).collect();
        assert_eq!(labels, BTreeSet::from(["counted()", "read()"]));
        // What only a known one reads is not planned again.
        assert_eq!(shelved(false, &mut known).await, (2, false, true));
        for table in known.values() {
            let table = table.clone().await.unwrap();
            assert!(table.downcast_ref::<SharedTable>().is_some());
        }
    }
}
