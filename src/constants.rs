//! [`Constants`]: a column that is the same in every row is no column of the queries above it.
//!
//! Where a ledger or a bill lacks a column of the contract, its relation has NULL there. Carried as
//! a column, that NULL would be read, compared, grouped by and added up call by call. So what a
//! projection has as a literal is put wherever the column is named above, and what follows from it
//! is worked out while planning: keys, sums and conditions vanish, and with them their columns, and
//! branches that a query was not called for.
//!
//! Columns keep their names and types, and every node its columns: what nobody names any more, the
//! engine's optimiser takes away.

use crate::shared::table::constants_of_scan;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRewriter};
use datafusion::common::{Column, DFSchema, JoinType, Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, Case};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    BinaryExpr, EmptyRelation, Expr, ExprSchemable, LogicalPlan, Operator,
};
use datafusion::optimizer::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use std::sync::Arc;

/// The engine's rules, and this one where filters have come down to what they are about and nothing
/// has been taken out of them yet.
pub(crate) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let filtered = rules
        .iter()
        .position(|rule| rule.name() == "push_down_filter");
    let at = filtered.map_or(rules.len(), |at| at + 1);
    rules.insert(at, Arc::new(Constants));
    rules
}

#[derive(Debug)]
struct Constants;

impl OptimizerRule for Constants {
    fn name(&self) -> &'static str {
        "constants"
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        plan.rewrite(&mut Known::new(&config.options()))
    }
}

/// Of each column of a node, the value that it has in every row.
pub(crate) type Values = Vec<Option<ScalarValue>>;

/// A plan with constants where columns were, and the values of its own columns that follow from it.
pub(crate) fn put(
    plan: LogicalPlan,
    options: &Arc<ConfigOptions>,
) -> Result<(LogicalPlan, Values)> {
    let mut known = Known::new(options);
    let plan = plan.rewrite(&mut known)?.data;
    Ok((plan, known.values.pop().flatten().unwrap_or_default()))
}

/// Puts constants where columns were, from the leaves up.
struct Known {
    options: Arc<ConfigOptions>,
    /// Of the nodes that are done and whose parent is not; nothing for a node that has no rows.
    values: Vec<Option<Values>>,
    /// Whether the same nodes, or any below them, are others than before.
    changed: Vec<bool>,
}

impl Known {
    fn new(options: &Arc<ConfigOptions>) -> Self {
        Self {
            options: Arc::clone(options),
            values: vec![],
            changed: vec![],
        }
    }
}

impl TreeNodeRewriter for Known {
    type Node = LogicalPlan;

    fn f_up(&mut self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let first = self.values.len().saturating_sub(plan.inputs().len());
        let inputs = self.values.split_off(first);
        let is_new_below = self.changed.drain(first..).any(|changed| changed);
        let plan = match (&plan, &inputs[..]) {
            (
                LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Aggregate(_),
                [Some(known)],
            ) => with_constants(plan, known, &self.options)?,
            _ => Transformed::no(plan),
        };
        let is_new = is_new_below || plan.transformed;
        let plan = if is_new {
            plan.map_data(LogicalPlan::recompute_schema)?
        } else {
            plan
        };
        let values = values(&plan.data, inputs);
        let is_empty = matches!(plan.data, LogicalPlan::EmptyRelation(_));
        let plan = if values.is_none() && !is_empty {
            Transformed::yes(emptied(&plan.data))
        } else {
            plan
        };
        self.values.push(values);
        self.changed.push(is_new);
        Ok(plan)
    }
}

/// What has no rows needs no operators: later rules pass over them.
fn emptied(plan: &LogicalPlan) -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: false,
        schema: Arc::clone(plan.schema()),
    })
}

/// The node with its input's constants in its expressions.
fn with_constants(
    plan: LogicalPlan,
    known: &Values,
    options: &Arc<ConfigOptions>,
) -> Result<Transformed<LogicalPlan>> {
    let [input] = plan.inputs()[..] else {
        return Ok(Transformed::no(plan));
    };
    // What was pushed down to here may say more simply what it says.
    let is_filter = matches!(plan, LogicalPlan::Filter(_));
    let none_is_known = known.iter().all(Option::is_none);
    let schema = Arc::clone(input.schema());
    let context = SimplifyContext::builder()
        .with_schema(Arc::clone(&schema))
        .with_config_options(Arc::clone(options))
        .build();
    let engine = ExprSimplifier::new(context);
    let names = NamePreserver::new(&plan);
    let mut sums: Vec<Expr> = vec![];
    plan.map_expressions(|expression| {
        // A grouping set's columns are named after what it groups by, and are NULL where it does not.
        // A distinct aggregate groups by its argument, from which a constant would keep it.
        if matches!(expression, Expr::GroupingSet(_)) || is_distinct(&expression) {
            return Ok(Transformed::no(expression));
        }
        if none_is_known && !has_constant_part(&expression) {
            return Ok(Transformed::no(expression));
        }
        let name = names.save(&expression);
        let replaced = expression.clone().transform_up(|part| {
            Ok(match &part {
                Expr::Column(column) => match value(column, &schema, known) {
                    Some(value) => Transformed::yes(Expr::Literal(value.clone(), None)),
                    None => Transformed::no(part),
                },
                _ => Transformed::no(part),
            })
        })?;
        if !is_filter && !replaced.transformed && !has_constant_part(&replaced.data) {
            return Ok(replaced);
        }
        let simplified = engine.simplify(replaced.data)?.transform_up(|part| {
            Ok(match &part {
                Expr::Case(case) if is_null_anyway(case) => {
                    let null = ScalarValue::try_new_null(&part.get_type(&schema)?)?;
                    Transformed::yes(Expr::Literal(null, None))
                }
                _ => Transformed::no(part),
            })
        })?;
        let simplified = simplified.data;
        if matches!(bare(&simplified), Expr::AggregateFunction(_)) {
            // Of two sums that became one, the engine's later rules would make a column twice.
            if sums.contains(bare(&simplified)) {
                return Ok(Transformed::no(expression));
            }
            sums.push(bare(&simplified).clone());
        }
        Ok(if simplified == expression {
            Transformed::no(expression)
        } else {
            Transformed::yes(name.restore(simplified))
        })
    })
}

/// Whether something in it is the same for every row and not yet worked out, as a condition on what
/// a query was called with.
fn has_constant_part(expression: &Expr) -> bool {
    expression
        .exists(|part| Ok(may_be_constant(part) || is_decided_in_part(part)))
        .unwrap_or(false)
}

/// Of two conditions one is known already.
fn is_decided_in_part(expression: &Expr) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expression else {
        return false;
    };
    matches!(op, Operator::And | Operator::Or) && (literal(left).or(literal(right))).is_some()
}

/// Names no column, asks no other plan, and is not a literal yet.
fn may_be_constant(expression: &Expr) -> bool {
    literal(expression).is_none()
        && !expression.any_column_refs()
        && !expression
            .exists(|part| {
                Ok(matches!(
                    part,
                    Expr::ScalarSubquery(_)
                        | Expr::Exists(_)
                        | Expr::InSubquery(_)
                        | Expr::OuterReferenceColumn(..)
                ))
            })
            .unwrap_or(true)
}

fn is_null_anyway(case: &Case) -> bool {
    let results = case.when_then_expr.iter().map(|(_, then)| then);
    results
        .chain(&case.else_expr)
        .all(|result| literal(result).is_some_and(|value| value.is_null()))
}

fn value<'a>(column: &Column, schema: &DFSchema, known: &'a Values) -> Option<&'a ScalarValue> {
    let index = schema.maybe_index_of_column(column)?;
    known.get(index)?.as_ref()
}

fn bare(expression: &Expr) -> &Expr {
    match expression {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}

/// What the node's own columns always are; nothing where it has no rows.
fn values(plan: &LogicalPlan, mut inputs: Vec<Option<Values>>) -> Option<Values> {
    let unknown = |columns: usize| vec![None; columns];
    let columns = plan.schema().fields().len();
    let values = match plan {
        LogicalPlan::Projection(projection) => {
            inputs.pop()??;
            projection.expr.iter().map(literal).collect()
        }
        LogicalPlan::Aggregate(aggregate) => {
            // Without keys there is a row of what nothing comes to.
            if inputs.pop()?.is_none() && !aggregate.group_expr.is_empty() {
                return None;
            }
            let keys = aggregate.group_expr.iter().map(literal);
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

fn literal(expression: &Expr) -> Option<ScalarValue> {
    match bare(expression) {
        Expr::Literal(value, _) => Some(value.clone()),
        _ => None,
    }
}

fn is_distinct(expression: &Expr) -> bool {
    matches!(bare(expression), Expr::AggregateFunction(function) if function.params.distinct)
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

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    async fn planned(sql: &str) -> String {
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_optimizer_rules(rules())
            .build();
        let frame = SessionContext::new_with_state(state)
            .sql(sql)
            .await
            .unwrap();
        let plan = frame.into_optimized_plan().unwrap();
        plan.display_indent().to_string()
    }

    const CALLS: &str = "(SELECT column1 AS model, column2 AS tokens, NULL::bigint AS cached,
        NULL::varchar AS tier, false AS free FROM (VALUES ('a', 1), ('b', 2)))";

    #[tokio::test]
    async fn keys_and_sums_of_nothing_are_not_worked_out() {
        let plan = planned(&format!(
            "SELECT model, tier, sum(tokens), sum(cached), count(cached),
                sum(CASE WHEN tokens > 1 THEN cached END)
             FROM {CALLS} WHERE coalesce(tier, 'x') = 'x' GROUP BY model, tier"
        ))
        .await;
        let grouped = plan
            .lines()
            .find(|line| line.contains("Aggregate:"))
            .unwrap();
        assert!(grouped.contains("groupBy=[[model]]"), "{plan}");
        assert!(grouped.contains("count(Int64(NULL))"), "{plan}");
        assert_eq!(grouped.matches("sum(").count(), 1, "{plan}");
        assert!(!plan.contains("Filter:"), "{plan}");
    }

    #[tokio::test]
    async fn a_side_that_may_be_missing_has_no_constants() {
        let right = "(SELECT column1 AS m, 1 AS one FROM (VALUES ('a')))";
        let plan = planned(&format!(
            "SELECT model, one FROM {CALLS} LEFT JOIN {right} ON model = m"
        ))
        .await;
        assert!(plan.lines().next().unwrap().contains("one"), "{plan}");
        let inner = format!("SELECT model, one FROM {CALLS} JOIN {right} ON model = m");
        let inner = planned(&inner).await;
        assert!(inner.contains("Int64(1) AS one"), "{inner}");
    }

    async fn unoptimised(sql: &str) -> (LogicalPlan, Values) {
        let state = SessionStateBuilder::new().with_default_features().build();
        let context = SessionContext::new_with_state(state);
        let plan = context.state().create_logical_plan(sql).await.unwrap();
        put(plan, context.state().config_options()).unwrap()
    }

    /// Of each column, whether its value is known.
    async fn known(sql: &str) -> Vec<bool> {
        let (_, values) = unoptimised(sql).await;
        values.iter().map(Option::is_some).collect()
    }

    #[tokio::test]
    async fn a_branch_that_is_not_taken_needs_no_operators() {
        let other = format!(
            "SELECT model, sum(tokens) FROM {CALLS} WHERE tokens > 1 AND 1 = 2 GROUP BY model"
        );
        let (plan, _) = unoptimised(&format!("SELECT 'a', 1 UNION ALL {other}")).await;
        let shown = plan.display_indent().to_string();
        assert!(shown.contains("EmptyRelation: rows=0"), "{shown}");
        assert!(!shown.contains("Aggregate"), "{shown}");
        // Without keys there is a row of what nothing comes to.
        let sum = format!("SELECT sum(tokens) FROM {CALLS} WHERE 1 = 2");
        let (plan, _) = unoptimised(&sum).await;
        let shown = plan.display_indent().to_string();
        assert!(shown.contains("Aggregate"), "{shown}");
    }

    #[tokio::test]
    async fn a_branch_that_is_not_taken_says_nothing() {
        let other = format!("(SELECT * REPLACE (model AS tier) FROM {CALLS} WHERE NOT 1 = 1)");
        let sql = format!("SELECT * FROM {CALLS} UNION ALL SELECT * FROM {other}");
        assert_eq!(known(&sql).await, [false, false, true, true, true]);
    }

    #[tokio::test]
    async fn a_side_without_rows_is_missing() {
        let some = "(SELECT column1 AS m, column1 AS n FROM (VALUES ('a')))";
        let none =
            "(SELECT column1 AS m, column1 AS n FROM (VALUES ('a')) WHERE column1 = 'a' AND false)";
        let calls = "(SELECT model FROM (VALUES ('a')) AS calls (model))";
        for (sides, values) in [
            (
                format!("{calls} LEFT JOIN {none} ON model = m"),
                [false, true, true],
            ),
            (
                format!("{calls} LEFT JOIN {some} ON model = m"),
                [false, false, false],
            ),
            (
                format!("{none} RIGHT JOIN {calls} ON model = m"),
                [true, true, false],
            ),
            (
                format!("{some} RIGHT JOIN {calls} ON model = m"),
                [false, false, false],
            ),
        ] {
            assert_eq!(
                known(&format!("SELECT * FROM {sides}")).await,
                values,
                "{sides}"
            );
        }
    }

    #[tokio::test]
    async fn grouping_sets_keep_their_columns() {
        for sets in [
            "CUBE (model, tier)",
            "ROLLUP (tier)",
            "GROUPING SETS ((tier), ())",
        ] {
            let sql = format!("SELECT tier, sum(tokens) FROM {CALLS} GROUP BY {sets}");
            let plan = planned(&sql).await;
            assert!(plan.lines().next().unwrap().contains("tier"), "{plan}");
        }
    }

    #[tokio::test]
    async fn sums_that_become_one_stay_two() {
        let sql = format!(
            "SELECT named_struct('a', x, 'b', y)['a'] FROM (SELECT model, sum(coalesce(cached, 0)) AS x,
                sum(CASE WHEN free THEN 1 ELSE 0 END) AS y FROM {CALLS} GROUP BY model)"
        );
        assert!(planned(&sql).await.contains("Aggregate:"));
    }
}
