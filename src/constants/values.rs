//! What the columns of a node always are, by what those of its inputs are.

use super::{bare, literal, value};
use crate::shared::table::constants_of_scan;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{JoinType, NullEquality, ScalarValue};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Distinct, Expr, Join, LogicalPlan};

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
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Distinct(Distinct::All(_)) => inputs.pop()??,
        LogicalPlan::Unnest(_) | LogicalPlan::Distinct(Distinct::On(_)) => {
            inputs.pop()??;
            unknown(columns)
        }
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
            (
                JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi,
                Some(right),
                Some(left),
            ) if meets_nothing(join, &left, &right) => return None,
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
            (JoinType::LeftSemi, right, left) => {
                right?;
                left?
            }
            (JoinType::RightSemi, right, left) => {
                left?;
                right?
            }
            (JoinType::LeftAnti, _, left) => left?,
            (JoinType::RightAnti, right, _) => right?,
            (JoinType::Full, None, None) => return None,
            _ => unknown(columns),
        },
        LogicalPlan::TableScan(scan) => constants_of_scan(scan)?,
        _ => unknown(columns),
    };
    // A node whose columns are not those thought of here has none that are known.
    Some(if values.len() == columns {
        values
    } else {
        unknown(columns)
    })
}

/// The values of a side that may be missing, where its columns are NULL; without rows it always is.
fn missing(side: Option<&Values>, fields: &[FieldRef]) -> Values {
    let null = |field: &FieldRef| ScalarValue::try_new_null(field.data_type()).ok();
    let is_null = |value: &&ScalarValue| value.is_null();
    match side {
        Some(known) => {
            let nulls = known.iter().map(|value| value.as_ref().filter(is_null));
            nulls.map(Option::<&ScalarValue>::cloned).collect()
        }
        None => fields.iter().map(null).collect(),
    }
}

/// Whether NULL would have to be equal to something.
fn meets_nothing(join: &Join, left: &Values, right: &Values) -> bool {
    let is_null = |key: &Expr, side: &LogicalPlan, known: &Values| match bare(key) {
        Expr::Column(column) => {
            value(column, side.schema(), known).is_some_and(ScalarValue::is_null)
        }
        other => literal(other).is_some_and(|value| value.is_null()),
    };
    join.null_equality == NullEquality::NullEqualsNothing
        && join.on.iter().any(|(of_left, of_right)| {
            is_null(of_left, &join.left, left) || is_null(of_right, &join.right, right)
        })
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
