//! [`Needs`]: what readers need of a shared relation, and its plan without anything else.

use super::planner::{Optimised, provider_of, shared};
use super::table::SharedTable;
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::OptimizerRule;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use std::collections::BTreeSet;

/// What the readers of a shared relation need of it.
pub(super) struct Needs {
    columns: BTreeSet<usize>,
    /// The filters that all of them have.
    filters: Vec<Expr>,
    readers: usize,
}

impl Needs {
    /// Adds what one reader needs.
    pub(super) fn add(needs: &mut Option<Self>, reader: &LogicalPlan, number: u64) -> Result<()> {
        reader.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(provider) = provider_of(scan)
                && let table = shared(&provider)?
                && table.number == number
            {
                let columns: BTreeSet<usize> = match &scan.projection {
                    Some(columns) => columns.iter().copied().collect(),
                    None => (0..table.schema().fields().len()).collect(),
                };
                let filters = scan.filters.iter().map(unqualified);
                let filters = filters.collect::<Result<Vec<_>>>()?;
                match needs {
                    None => {
                        *needs = Some(Self {
                            columns,
                            filters,
                            readers: 1,
                        });
                    }
                    Some(needs) => {
                        needs.readers += 1;
                        needs.columns.extend(columns);
                        needs.filters.retain(|filter| filters.contains(filter));
                    }
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    /// What others will need is not known: all of it.
    pub(super) fn and_those_of_others(self, table: &SharedTable) -> Self {
        Self {
            columns: (0..table.schema().fields().len()).collect(),
            filters: vec![],
            readers: self.readers,
        }
    }

    pub(super) fn met_by(self, table: &SharedTable, state: &SessionState) -> Result<Optimised> {
        let inner = table.plan.schema();
        let own = |index: usize| {
            let (qualifier, field) = inner.qualified_field(index);
            Expr::Column(Column::new(qualifier.cloned(), field.name()))
        };
        let mut builder = LogicalPlanBuilder::from(table.plan.clone());
        for filter in self.filters {
            let pushed = filter.transform(|expression| {
                Ok(match expression {
                    Expr::Column(column) => {
                        Transformed::yes(own(table.schema().index_of(&column.name)?))
                    }
                    other => Transformed::no(other),
                })
            })?;
            builder = builder.filter(pushed.data)?;
        }
        let columns: Vec<usize> = self.columns.into_iter().collect();
        let plan = builder
            .project(columns.iter().map(|index| own(*index)))?
            .build()?;
        let plan = without_unread(plan, state)?;
        // It was analysed when it became a shared relation.
        let plan = state.optimizer().optimize(plan, state, |_, _| {})?;
        Ok(Optimised {
            plan,
            columns,
            readers: self.readers,
        })
    }
}

/// The plan without the columns that nobody reads: most of a wide relation's, and each of the engine's rules
/// would go over all of them before its last one takes them away.
fn without_unread(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    // What a subquery reads of the plan around it is known when it has become a join, and what `DISTINCT ON`
    // reads when it has become an aggregate.
    let hides_what_it_reads = |node: &LogicalPlan| {
        let mut hides = matches!(
            node,
            LogicalPlan::Subquery(_) | LogicalPlan::Distinct(Distinct::On(_))
        );
        node.apply_subqueries(|_| {
            hides = true;
            Ok(TreeNodeRecursion::Stop)
        })?;
        Ok(hides)
    };
    if plan.exists(hides_what_it_reads)? {
        return Ok(plan);
    }
    Ok(OptimizeProjections::new().rewrite(plan, state)?.data)
}

/// Readers name the relation differently; its own columns need no name before them.
fn unqualified(filter: &Expr) -> Result<Expr> {
    let plain = filter.clone().transform(|expression| {
        Ok(match expression {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::from_name(column.name))),
            other => Transformed::no(other),
        })
    })?;
    Ok(plain.data)
}
