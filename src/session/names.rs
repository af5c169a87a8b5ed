//! Columns without a name of their own are called what was typed: `sum(cost)`, where the engine would
//! say `sum(allocation.cost)`, and `1` for its `Int64(1)`.

use crate::error::Result;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, SelectItem, SetExpr, Statement as SqlStatement};
use std::collections::HashSet;
use std::sync::Arc;

/// What was typed for the first columns, and for the last, from the end. Between them, a `*` may stand
/// for any number.
#[derive(Debug, Default)]
pub(super) struct Names {
    first: Vec<Option<String>>,
    last: Vec<Option<String>>,
}

impl Names {
    pub(super) fn of(statement: &Statement) -> Self {
        let Statement::Statement(statement) = statement else {
            return Self::default();
        };
        let SqlStatement::Query(query) = statement.as_ref() else {
            return Self::default();
        };
        let mut body = query.body.as_ref();
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
        }
        let SetExpr::Select(select) = body else {
            return Self::default();
        };
        let mut items = select.projection.iter();
        let before = items.by_ref().take_while(|item| !is_star(item));
        let first = before.map(typed).collect();
        let after = items.rev().take_while(|item| !is_star(item));
        Self {
            first,
            last: after.map(typed).collect(),
        }
    }

    /// The plan under these names; as it is, where two columns would have the same.
    pub(super) fn give(self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let schema = Arc::clone(plan.schema());
        let count = schema.fields().len();
        let given = |at: usize| {
            let first = self.first.get(at);
            let name = first.or_else(|| self.last.get(count.checked_sub(at + 1)?));
            name.cloned().flatten()
        };
        let mut is_changed = false;
        let mut seen = HashSet::new();
        let mut columns = vec![];
        for (at, (table, field)) in schema.iter().enumerate() {
            let column = PlanExpr::Column(Column::new(table.cloned(), field.name()));
            let name = given(at).filter(|name| name != field.name());
            if !seen.insert(name.clone().unwrap_or_else(|| field.name().clone())) {
                return Ok(plan);
            }
            is_changed |= name.is_some();
            columns.push(match name {
                Some(name) => column.alias(name),
                None => column,
            });
        }
        if !is_changed {
            return Ok(plan);
        }
        Ok(LogicalPlanBuilder::from(plan).project(columns)?.build()?)
    }
}

fn is_star(item: &SelectItem) -> bool {
    matches!(
        item,
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
    )
}

/// The text of an expression that has no name.
fn typed(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => None,
        SelectItem::UnnamedExpr(expression) => Some(expression.to_string()),
        _ => None,
    }
}
