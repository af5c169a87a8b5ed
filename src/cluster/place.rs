//! [`Place`]: which parts of a plan go to the cluster.

use super::client::Cluster;
use super::remote::ClusterExec;
use apportion_udfs::tally::exec::TallyExec;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::{FileScanConfig, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{DynamicFilterPhysicalExpr, UnKnownColumn};
use datafusion::physical_expr::scalar_subquery::ScalarSubqueryExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, Partitioning, replace_children_if_necessary,
};
use std::sync::Arc;

/// Each largest part that aggregates files within the executors' reach becomes one operator.
#[derive(Debug)]
pub(super) struct Place {
    cluster: Cluster,
}

impl Place {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    fn place(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
        is_exchanged: bool,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let is_exchange = is_exchange(plan.as_ref());
        if !is_exchange && self.is_meant(plan)? {
            let keys = match plan.output_partitioning() {
                keys @ Partitioning::Hash(by, 2..) if !is_exchanged && by.iter().all(is_there) => {
                    Some(keys.clone())
                }
                _ => None,
            };
            let remote = Arc::new(ClusterExec::new(
                Arc::clone(plan),
                self.cluster.clone(),
                config,
            ));
            // What reads the part may count on how it was parted.
            return Ok(match keys {
                Some(keys) => Arc::new(RepartitionExec::try_new(remote, keys)?),
                None => remote,
            });
        }
        let children = plan.children().into_iter();
        let children = children
            .map(|child| self.place(child, config, is_exchange))
            .collect::<Result<Vec<_>>>()?;
        replace_children_if_necessary(Arc::clone(plan), children)
    }

    fn is_meant(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
        Ok(plan.output_ordering().is_none() && aggregates(plan)? && self.can_go(plan)?)
    }

    /// Whether executors can run a plan as it is.
    fn can_go(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
        let is_known = match plan.downcast_ref::<DataSourceExec>() {
            Some(scan) => self.is_in_reach(scan),
            None => is_operator(plan.as_ref()),
        };
        if !is_known || plan.fetch().is_some() || !is_self_contained(plan.as_ref())? {
            return Ok(false);
        }
        for child in plan.children() {
            if !self.can_go(child)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Buckets are open to all, this machine's files to a cluster on it.
    fn is_in_reach(&self, scan: &DataSourceExec) -> bool {
        let Some(files) = scan.data_source().downcast_ref::<FileScanConfig>() else {
            return false;
        };
        let store = files.object_store_url.as_str();
        let is_parquet = files
            .file_source()
            .downcast_ref::<ParquetSource>()
            .is_some();
        is_parquet
            && (["s3://", "demo://"]
                .iter()
                .any(|open| store.starts_with(open))
                || store.starts_with("file://") && self.cluster.rest.address.is_here())
    }
}

impl PhysicalOptimizerRule for Place {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.place(&plan, config, false)
    }

    fn name(&self) -> &'static str {
        "place"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a key has not been projected away; nobody can count on one that has.
fn is_there(key: &Arc<dyn PhysicalExpr>) -> bool {
    key.downcast_ref::<UnKnownColumn>().is_none()
}

/// Whether rows become fewer, so that sending what comes out is less than sending what goes in.
fn aggregates(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    plan.exists(|node| Ok(is::<AggregateExec>(node.as_ref()) || is::<TallyExec>(node.as_ref())))
}

fn is_exchange(plan: &dyn ExecutionPlan) -> bool {
    is::<RepartitionExec>(plan) || is::<CoalescePartitionsExec>(plan)
}

fn is_operator(plan: &dyn ExecutionPlan) -> bool {
    is_exchange(plan)
        || is::<AggregateExec>(plan)
        || is::<TallyExec>(plan)
        || is::<FilterExec>(plan)
        || is::<ProjectionExec>(plan)
        || is::<UnionExec>(plan)
}

fn is<T: ExecutionPlan>(plan: &dyn ExecutionPlan) -> bool {
    plan.downcast_ref::<T>().is_some()
}

/// Whether nothing in its expressions waits for what another part of the statement finds out.
fn is_self_contained(plan: &dyn ExecutionPlan) -> Result<bool> {
    let mut is_contained = true;
    plan.apply_expressions(&mut |expression: &Arc<dyn PhysicalExpr>| {
        let waits = expression.exists(|node| {
            Ok(node.downcast_ref::<ScalarSubqueryExpr>().is_some()
                || node.downcast_ref::<DynamicFilterPhysicalExpr>().is_some())
        })?;
        is_contained &= !waits;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(is_contained)
}
