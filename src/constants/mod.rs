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
//!
//! * [`values`] what a node's columns always are, by what those of its inputs are

mod values;

#[cfg(test)]
mod tests;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRewriter};
use datafusion::common::{Column, DFSchema, NullEquality, Result, ScalarValue};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    BinaryExpr, EmptyRelation, Expr, ExprSchemable, LogicalPlan, Operator,
};
use datafusion::optimizer::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use std::sync::Arc;
pub(crate) use values::Values;

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

/// A plan with constants where columns were, and the values of its own columns that follow from it;
/// nothing where it has no rows.
pub(crate) fn put(
    plan: LogicalPlan,
    options: &Arc<ConfigOptions>,
) -> Result<(LogicalPlan, Option<Values>)> {
    let mut known = Known::new(options);
    let plan = plan.rewrite(&mut known)?.data;
    Ok((plan, known.values.pop().unwrap_or_default()))
}

/// Puts constants where columns were, from the leaves up.
struct Known {
    options: Arc<ConfigOptions>,
    /// Of the nodes that are done and whose parent is not; nothing for a node that has no rows.
    values: Vec<Option<Values>>,
    /// Whether the columns of the same nodes are others than before: whether they can be NULL.
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
        let is_over_others = self.changed.drain(first..).any(|changed| changed);
        let columns = Arc::clone(plan.schema());
        let plan = match (&plan, &inputs[..]) {
            (
                LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Aggregate(_),
                [Some(known)],
            ) => with_constants(plan, known, &self.options)?,
            (LogicalPlan::Join(_), [Some(left), Some(right)]) => {
                without_equal_keys(plan, left, right)
            }
            _ => Transformed::no(plan),
        };
        let plan = if is_over_others || plan.transformed {
            plan.map_data(LogicalPlan::recompute_schema)?
        } else {
            plan
        };
        let now = plan.data.schema();
        let mut below = plan.data.inputs().into_iter();
        let are_of_input = below.any(|input| Arc::ptr_eq(input.schema(), now));
        let is_changed = *now != columns || is_over_others && are_of_input;
        let values = values::of(&plan.data, inputs);
        let is_empty = matches!(plan.data, LogicalPlan::EmptyRelation(_));
        let plan = if values.is_none() && !is_empty {
            Transformed::yes(emptied(&plan.data))
        } else {
            plan
        };
        self.values.push(values);
        self.changed.push(is_changed);
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

/// The join without keys that are the same in all rows of both sides; by one, at least, it stays a join.
fn without_equal_keys(
    plan: LogicalPlan,
    left: &Values,
    right: &Values,
) -> Transformed<LogicalPlan> {
    let LogicalPlan::Join(mut join) = plan else {
        return Transformed::no(plan);
    };
    let of_side = |key: &Expr, side: &LogicalPlan, known: &Values| match key {
        Expr::Column(column) => value(column, side.schema(), known).cloned(),
        other => literal(other),
    };
    let are_equal = |keys: &(Expr, Expr)| {
        let left = of_side(&keys.0, &join.left, left);
        let right = of_side(&keys.1, &join.right, right);
        left.zip(right).is_some_and(|(left, right)| {
            if left.is_null() && right.is_null() {
                join.null_equality == NullEquality::NullEqualsNull
            } else {
                left == right
            }
        })
    };
    let mut equal: Vec<bool> = join.on.iter().map(are_equal).collect();
    // `NOT IN` is about its only key.
    if join.null_aware || join.on.len() < 2 || !equal.contains(&true) {
        return Transformed::no(LogicalPlan::Join(join));
    }
    if !equal.contains(&false) {
        equal[0] = false;
    }
    let mut equal = equal.into_iter();
    join.on.retain(|_| equal.next() == Some(false));
    Transformed::yes(LogicalPlan::Join(join))
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
    matches!(op, Operator::And | Operator::Or) && (is_literal(left) || is_literal(right))
}

/// Names no column, asks no other plan, and is not a literal yet.
fn may_be_constant(expression: &Expr) -> bool {
    !is_literal(expression)
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

fn is_literal(expression: &Expr) -> bool {
    matches!(bare(expression), Expr::Literal(..))
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
