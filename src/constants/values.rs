//! What the columns of a node always are, by what those of its inputs are.

use super::{bare, literal};
use crate::shared::table::constants_of_scan;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{JoinType, ScalarValue};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Of each column of a node, the value that it has in every row.
pub(crate) type Values = Vec<Option<ScalarValue>>;

/// What the node's own columns always are; nothing where it has no rows.
pub(super) fn of(plan: &LogicalPlan, mut inputs: Vec<Option<Values>>) -> Option<Values> {
    let unknown = |columns: usize| vec![None; columns];
    let columns = plan.schema().fields().len();
    let values = match plan {
        LogicalPlan::Projection(projection) => {
            inputs.pop()??;
            projection.expr.iter().map(literal).collect()
        }
        LogicalPlan::Aggregate(aggregate) => {
            // Without keys, and for the empty one of several sets of keys, there is a row of what
            // nothing comes to.
            let is_of_sets = |key: &Expr| matches!(key, Expr::GroupingSet(_));
            let keys = &aggregate.group_expr;
            let has_a_row = keys.is_empty() || keys.iter().any(is_of_sets);
            if inputs.pop()?.is_none() && !has_a_row {
                return None;
            }
            let keys = keys.iter().map(literal);
            let sums = aggregate.aggr_expr.iter().zip(keys.len()..);
            let sums = sums.map(|(sum, at)| {
                let data_type = aggregate.schema.field(at).data_type();
                is_sum_of_nothing(sum).then(|| ScalarValue::try_new_null(data_type).ok())?
            });
            keys.chain(sums).collect()
        }
        LogicalPlan::Filter(filter) if holds_never(&filter.predicate) => return None,
        LogicalPlan::EmptyRelation(empty) if !empty.produce_one_row => return None,
        LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Repartition(_) => inputs.pop()??,
        LogicalPlan::Window(_) => {
            let mut values = inputs.pop()??;
            values.resize(columns, None);
            values
        }
        LogicalPlan::Union(_) => {
            let with_rows = inputs.into_iter().flatten();
            with_rows.reduce(|common, other| {
                let pairs = common.into_iter().zip(other);
                pairs
                    .map(|(a, b)| a.filter(|a| Some(a) == b.as_ref()))
                    .collect()
            })?
        }
        LogicalPlan::Join(join) => match (join.join_type, inputs.pop()?, inputs.pop()?) {
            (JoinType::Inner, right, left) => [left?, right?].concat(),
            (JoinType::Left, right, left) => {
                let left = left?;
                let fields = plan.schema().fields().get(left.len()..);
                let right = missing(right.as_ref(), fields.unwrap_or_default());
                [left, right].concat()
            }
            (JoinType::Right, right, left) => {
                let right = right?;
                let fields = plan
                    .schema()
                    .fields()
                    .get(..columns.saturating_sub(right.len()));
                let left = missing(left.as_ref(), fields.unwrap_or_default());
                [left, right].concat()
            }
            (JoinType::LeftSemi | JoinType::LeftAnti, _, left) => left?,
            _ => unknown(columns),
        },
        LogicalPlan::TableScan(scan) => constants_of_scan(scan),
        _ => unknown(columns),
    };
    // A node whose columns are not those thought of here has none that are known.
    Some(if values.len() == columns {
        values
    } else {
        unknown(columns)
    })
}

/// The values of a side that may be missing: without rows it always is.
fn missing(side: Option<&Values>, fields: &[FieldRef]) -> Values {
    let null = |field: &FieldRef| ScalarValue::try_new_null(field.data_type()).ok();
    match side {
        Some(_) => vec![None; fields.len()],
        None => fields.iter().map(null).collect(),
    }
}

/// Whether a condition is false or NULL for every row.
fn holds_never(condition: &Expr) -> bool {
    matches!(literal(condition), Some(value) if value != ScalarValue::Boolean(Some(true)))
}

/// NULL, however many rows there are.
fn is_sum_of_nothing(expression: &Expr) -> bool {
    const PASS_OVER_NULL: [&str; 4] = ["sum", "min", "max", "avg"];
    match bare(expression) {
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            PASS_OVER_NULL.contains(&func.name())
                && params.args.len() == 1
                && literal(&params.args[0]).is_some_and(|value| value.is_null())
        }
        _ => false,
    }
}
