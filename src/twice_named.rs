//! [`TwiceNamed`]: a condition stays above an operator that has two columns of the name it is about.
//!
//! The engine hands conditions down by name. Where it has swapped the sides of `a RIGHT JOIN b … WHERE
//! a.id IS NULL`, the condition arrives at the `id` of `b`, and every row is lost. So while its rule
//! runs, operators that have a name twice are covered: what is above them stays there. A hash join
//! knows of each column from which side it is, and needs no cover.

use crate::shared::pass::{Pass, PassExec};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
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
            Ok(if !is_hash_join && has_a_name_twice(&plan) {
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

/// Hands on rows, and no condition.
#[derive(Debug, Clone)]
struct Cover;

impl Pass for Cover {
    const NAME: &'static str = "CoverExec";

    fn pass(&self, batch: RecordBatch) -> Result<RecordBatch> {
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
