//! [`Unplanned`]: a statement whose calls are instances. They become tables of that statement, each
//! planned once, beside those that do not name it.

use super::tree::{Tree, tree};
use super::{Expanded, Shelf};
use crate::error::Result;
use crate::saved_query::later::Later;
use crate::saved_query::{scope, statement};
use crate::shared::table::{SharedTable, is_shared};
use crate::task::{Task, task};
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Ident, Query};
use std::sync::Arc;

const MARK: &str = "\u{1}call ";

/// One saved query with one set of arguments.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) label: String,
    pub(super) query: Query,
    pub(super) uses: usize,
}

/// A statement that names nothing but tables and instances.
pub(in crate::saved_query) struct Unplanned {
    pub(super) instances: Vec<Instance>,
    pub(super) asked: Statement,
    pub(super) notices: Vec<String>,
    pub(super) notice_queries: Vec<Query>,
    pub(super) kept: Arc<Shelf>,
    pub(super) state: Arc<SessionState>,
    /// What has to be known before its plans are optimised.
    pub(super) later: Vec<Later>,
}

impl Unplanned {
    /// Plans every instance once, then the statement and its notices.
    pub(in crate::saved_query) async fn planned(mut self) -> Result<Expanded> {
        let (kept, state) = (self.kept, self.state);
        shelve(self.instances, &kept, &state).await?;
        let mut notice_plans = vec![];
        for mut notice in self.notice_queries {
            place(&mut notice, &kept);
            notice_plans.push(state.statement_to_plan(statement(notice)).await?);
        }
        if let Some(tree) = tree(&mut self.asked) {
            place(tree, &kept);
        }
        let plan = state.statement_to_plan(self.asked).await?;
        for later in self.later {
            later.answered().await?;
        }
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
fn place(tree: &mut dyn Tree, shelf: &Shelf) -> Vec<usize> {
    let mut named = vec![];
    tree.fill(MARK, &mut |number, alias| {
        named.push(number);
        scope::table(shelf.name(number), alias)
    });
    named
}

/// Puts a table on the shelf for each instance. It names only earlier ones.
async fn shelve(
    instances: Vec<Instance>,
    shelf: &Arc<Shelf>,
    state: &Arc<SessionState>,
) -> Result<()> {
    let mut shelved: Vec<Task<()>> = vec![];
    for (number, mut instance) in instances.into_iter().enumerate() {
        let named = place(&mut instance.query, shelf);
        let named = named.into_iter().filter_map(|named| shelved.get(named));
        let named: Vec<_> = named.cloned().collect();
        let (shelf, state) = (Arc::clone(shelf), Arc::clone(state));
        shelved.push(task(async move {
            for named in named {
                named.await.map_err(DataFusionError::Shared)?;
            }
            shelf.put(number, table(instance, &state).await?)?;
            Ok(())
        }));
    }
    for shelved in shelved {
        shelved.await?;
    }
    Ok(())
}

async fn table(
    instance: Instance,
    state: &SessionState,
) -> datafusion::error::Result<Arc<dyn TableProvider>> {
    let plan = state.statement_to_plan(statement(instance.query)).await?;
    if instance.uses < 2 || !is_small(&plan)? {
        // Its plan goes where its name stands: the engine's SQL planner would need a deep stack for
        // queries that lie in one another.
        return Ok(Arc::new(ViewTable::new(plan, None)));
    }
    let options = state.config_options();
    let plan = state
        .analyzer()
        .execute_and_check(plan, options, |_, _| {})?;
    Ok(Arc::new(SharedTable::new(instance.label, plan, options)?))
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
