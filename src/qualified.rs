//! [`Qualified`]: every column of a projection says which of the inputs below it is meant.
//!
//! `UNION ALL BY NAME` has the engine project columns by their bare names. A condition on such a
//! column is pushed down under that name, and a join that has two of the name, one of them hidden,
//! takes it for the wrong one: rows would be lost without an error.
//!
//! What is renamed at once keeps the outer name alone: a saved query has one as a table and another where it
//! is read, and each of the engine's rules would go through both.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Qualified;

impl AnalyzerRule for Qualified {
    fn name(&self) -> &'static str {
        "qualified"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let qualified = |node: LogicalPlan| match &node {
            LogicalPlan::Projection(projection) => {
                let input = Arc::clone(projection.input.schema());
                let names = NamePreserver::new(&node);
                node.map_expressions(|expression| {
                    let name = names.save(&expression);
                    let expression = expression.transform(|part| Ok(in_full(part, &input)))?;
                    Ok(expression.update_data(|expression| name.restore(expression)))
                })
            }
            LogicalPlan::SubqueryAlias(outer) => Ok(match outer.input.as_ref() {
                LogicalPlan::SubqueryAlias(inner) => {
                    let mut named = outer.clone();
                    named.input = Arc::clone(&inner.input);
                    Transformed::yes(LogicalPlan::SubqueryAlias(named))
                }
                _ => Transformed::no(node),
            }),
            _ => Ok(Transformed::no(node)),
        };
        plan.transform_up_with_subqueries(qualified).data()
    }
}

fn in_full(part: Expr, input: &DFSchema) -> Transformed<Expr> {
    if let Expr::Column(column) = &part
        && column.relation.is_none()
        && let [(Some(relation), _)] =
            input.qualified_fields_with_unqualified_name(column.name())[..]
    {
        let column = Column::new(Some(relation.clone()), column.name());
        return Transformed::yes(Expr::Column(column));
    }
    Transformed::no(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    fn context() -> SessionContext {
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_analyzer_rule(Arc::new(Qualified))
            .build();
        SessionContext::new_with_state(state)
    }

    #[tokio::test]
    async fn a_condition_is_about_the_column_that_is_seen() {
        let context = context();
        for view in [
            "CREATE VIEW hidden AS SELECT column1 AS n, column2 AS customer FROM (VALUES (1, 'x'), (2, 'y'))",
            "CREATE VIEW seen AS SELECT column1 AS n, column2 AS customer FROM (VALUES (1, 'b'), (2, 'b'))",
            "CREATE VIEW joined AS SELECT seen.* FROM hidden JOIN seen ON hidden.n = seen.n",
        ] {
            context.sql(view).await.unwrap().collect().await.unwrap();
        }
        let sql = "SELECT * FROM (
            SELECT n, customer FROM joined UNION ALL BY NAME SELECT customer, n FROM hidden
        ) WHERE customer = 'b'";
        let count = context.sql(sql).await.unwrap().count().await.unwrap();
        assert_eq!(count, 2);
    }

    #[tokio::test]
    async fn what_is_renamed_has_the_outer_name_alone() {
        let context = context();
        let view = "CREATE VIEW twice AS SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS a (n, n2)";
        context.sql(view).await.unwrap().collect().await.unwrap();
        let sql = "SELECT b.n FROM twice AS b WHERE b.n2 = 'y'";
        let frame = context.sql(sql).await.unwrap();
        let (state, plan) = frame.clone().into_parts();
        let options = state.config_options();
        let plan = state.analyzer().execute_and_check(plan, options, |_, _| {});
        let plan = plan.unwrap().display_indent().to_string();
        assert!(plan.contains("SubqueryAlias: b\n"), "{plan}");
        assert!(!plan.contains("SubqueryAlias: twice"), "{plan}");
        assert_eq!(frame.count().await.unwrap(), 1);
    }
}
