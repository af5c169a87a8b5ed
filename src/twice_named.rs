//! [`TwiceNamed`]: a condition stays above an operator in which the name it is about is that of two columns.
//!
//! The engine hands conditions down by name. Where it has swapped the sides of `a RIGHT JOIN b … WHERE
//! a.id IS NULL`, the condition arrives at the `id` of `b`, and every row is lost; and below an aggregate by
//! `coalesce(scope, 'inference') AS scope` it arrives at the `scope` of the input. So while its rule
//! runs, operators that have a name twice are covered, and aggregates that give it to something else than
//! their input does: what is above them stays there. A hash join knows of each column from which side it
//! is, and needs no cover.

use crate::shared::pass::{Pass, PassExec};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::HashJoinExec;
use std::collections::HashSet;
use std::sync::Arc;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The engine's rules, with care taken of those that hand conditions down.
pub(crate) fn rules() -> Vec<Rule> {
    let rules = PhysicalOptimizer::new().rules.into_iter();
    let careful = rules.map(|rule| {
        if rule.name().starts_with("FilterPushdown") {
            Arc::new(TwiceNamed(rule))
        } else {
            rule
        }
    });
    careful.collect()
}

#[derive(Debug)]
struct TwiceNamed(Rule);

impl PhysicalOptimizerRule for TwiceNamed {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let covered = plan.transform_up(|plan| {
            let is_hash_join = plan.downcast_ref::<HashJoinExec>().is_some();
            let has_two = has_a_name_twice(&plan) || gives_a_name_away(plan.as_ref());
            Ok(if !is_hash_join && has_two {
                Transformed::yes(Arc::new(PassExec::new(plan, Cover)) as _)
            } else {
                Transformed::no(plan)
            })
        });
        let pushed = self.0.optimize(covered.data()?, config)?;
        let uncovered = pushed.transform_up(|plan| {
            Ok(match plan.downcast_ref::<PassExec<Cover>>() {
                Some(cover) => Transformed::yes(Arc::clone(cover.input())),
                None => Transformed::no(plan),
            })
        });
        uncovered.data()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn has_a_name_twice(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = plan.schema();
    let mut names = HashSet::new();
    schema
        .fields()
        .iter()
        .any(|field| !names.insert(field.name()))
}

/// Whether a key of an aggregate has the name of a column that it is not.
fn gives_a_name_away(plan: &dyn ExecutionPlan) -> bool {
    let Some(aggregate) = plan.downcast_ref::<AggregateExec>() else {
        return false;
    };
    let input = aggregate.input().schema();
    let mut keys = aggregate.group_expr().expr().iter();
    keys.any(|(key, name)| {
        let is_column = key.downcast_ref::<Column>();
        let is_itself = is_column.is_some_and(|column| column.name() == name);
        !is_itself && input.index_of(name).is_ok()
    })
}

/// Hands on rows, and no condition.
#[derive(Debug, Clone)]
struct Cover;

impl Pass for Cover {
    const NAME: &'static str = "CoverExec";
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;

    #[tokio::test]
    async fn a_condition_is_about_its_own_side_of_a_swapped_join() {
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_physical_optimizer_rules(rules())
            .build();
        let context = SessionContext::new_with_state(state);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.parquet");
        let file = file.display();
        // The engine knows how large a file is and nothing of a series: it swaps the sides.
        for sql in [
            format!(
                "COPY (SELECT value AS id FROM generate_series(1, 100) AS t (value)) TO '{file}'"
            ),
            format!("CREATE EXTERNAL TABLE b STORED AS PARQUET LOCATION '{file}'"),
        ] {
            context.sql(&sql).await.unwrap().collect().await.unwrap();
        }
        let sql = "SELECT b.id
            FROM (SELECT value AS id FROM generate_series(11, 20) AS t (value)) AS a
            RIGHT JOIN b ON a.id = b.id
            WHERE a.id IS NULL";
        let frame = context.sql(sql).await.unwrap();
        let plan = frame.clone().create_physical_plan().await.unwrap();
        let plan = displayable(plan.as_ref()).indent(false).to_string();
        assert!(plan.contains("join_type=Left"), "{plan}");
        assert!(!plan.contains("CoverExec"), "{plan}");
        assert_eq!(frame.count().await.unwrap(), 90);
    }

    #[tokio::test]
    async fn a_condition_is_about_the_key_of_an_aggregate_and_not_about_its_namesake() {
        // Without rules of its own the optimiser leaves the condition where it is written.
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_optimizer_rules(vec![])
            .with_physical_optimizer_rules(rules())
            .build();
        let context = SessionContext::new_with_state(state);
        let counted = async |key: &str| {
            let sql = format!(
                "SELECT * FROM (
                    SELECT {key} AS scope, count(*) AS calls
                    FROM (VALUES (NULL, 1), ('inference', 2), ('other', 3)) AS t (scope, call)
                    WHERE call < 9 GROUP BY ALL
                ) AS scopes WHERE scope = 'inference'"
            );
            let frame = context.sql(&sql).await.unwrap();
            let plan = frame.clone().create_physical_plan().await.unwrap();
            let plan = displayable(plan.as_ref()).indent(false).to_string();
            let rows = frame.collect().await.unwrap();
            let calls = rows[0].column(1).as_primitive::<Int64Type>().value(0);
            (calls, plan.matches("FilterExec").count())
        };
        assert_eq!(
            counted("replace(scope, 'other', 'inference')").await,
            (2, 2)
        );
        assert_eq!(counted("scope").await, (1, 1), "it is handed down");
    }
}
