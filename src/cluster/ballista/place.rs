//! [`Place`]: which parts of a plan go to the cluster.

use super::brought::BroughtExec;
use super::client::Cluster;
use super::cut::cut;
use super::remote::ClusterExec;
use apportion_udfs::tally::exec::TallyExec;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{DynamicFilterPhysicalExpr, UnKnownColumn};
use datafusion::physical_expr::scalar_subquery::ScalarSubqueryExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
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

/// A part as it goes.
struct Part {
    plan: Arc<dyn ExecutionPlan>,
    /// What it is sent with, by the numbers of [`BroughtExec`].
    brought: Vec<Arc<dyn ExecutionPlan>>,
}

/// What stands above a plan in the same part.
#[derive(Debug, Default, Clone, Copy)]
struct Above {
    is_aggregated: bool,
    /// Something needs its rows parted as they are: what is not exchanged before it is added up.
    is_counted_on: bool,
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
        if !is_exchange && let Some(part) = self.part(plan)? {
            let mut brought = vec![];
            for plan in &part.brought {
                brought.push(self.place(plan, config, false)?);
            }
            let cluster = self.cluster.clone();
            let remote = Arc::new(ClusterExec::new(plan, part.plan, brought, cluster, config));
            // What reads the part may count on how it was parted.
            return Ok(match plan.output_partitioning() {
                keys @ Partitioning::Hash(by, 2..) if !is_exchanged && by.iter().all(is_there) => {
                    Arc::new(RepartitionExec::try_new(remote, keys.clone())?)
                }
                _ => remote,
            });
        }
        let children = plan.children().into_iter();
        let children = children
            .map(|child| self.place(child, config, is_exchange))
            .collect::<Result<Vec<_>>>()?;
        replace_children_if_necessary(Arc::clone(plan), children)
    }

    /// The plan as a part, if it is one that should go.
    fn part(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Part>> {
        if plan.output_ordering().is_some() || !aggregates(plan)? {
            return Ok(None);
        }
        let mut brought = vec![];
        let plan = self.sent(plan, Above::default(), &mut brought)?;
        Ok(plan.map(|plan| Part { plan, brought }))
    }

    /// A plan as executors can run it; nothing if they cannot, or if only parts of it should go.
    fn sent(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        above: Above,
        brought: &mut Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if plan.fetch().is_some() || !is_self_contained(plan.as_ref())? {
            return Ok(None);
        }
        if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
            let files = self.in_reach(scan);
            return Ok(files.map(|files| {
                if above.is_counted_on {
                    Arc::clone(plan)
                } else {
                    cut(files)
                }
            }));
        }
        if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
            if !above.is_aggregated {
                return Ok(None);
            }
            let joined = self.joined(join, above, brought)?;
            return Ok(joined.filter(|joined| !above.is_counted_on || is_single(joined)));
        }
        if !is_operator(plan.as_ref()) {
            return Ok(None);
        }
        let aggregate = plan.downcast_ref::<AggregateExec>();
        let is_final = aggregate.is_some_and(|it| *it.mode() != AggregateMode::Partial);
        let above = Above {
            is_aggregated: above.is_aggregated || is_aggregate(plan.as_ref()),
            is_counted_on: is_final || above.is_counted_on && !is_exchange(plan.as_ref()),
        };
        let mut children = vec![];
        for child in plan.children() {
            match self.sent(child, above, brought)? {
                Some(child) => children.push(child),
                None => return Ok(None),
            }
        }
        replace_children_if_necessary(Arc::clone(plan), children).map(Some)
    }

    /// A join of many rows that executors read with few that are brought. Each executor has all of the
    /// few, so the many stay where they are.
    fn joined(
        &self,
        join: &HashJoinExec,
        above: Above,
        brought: &mut Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let [left, right] = [join.left(), join.right()].map(read_in_place);
        let many_are_left = bytes(left)? > bytes(right)?;
        let (many, few) = if many_are_left {
            (left, right)
        } else {
            (right, left)
        };
        // What has become few already need not be joined there.
        if aggregates(many)? {
            return Ok(None);
        }
        let before = brought.len();
        let Some(many) = self.sent(many, above, brought)? else {
            brought.truncate(before);
            return Ok(None);
        };
        let place: Arc<dyn ExecutionPlan> = Arc::new(BroughtExec::new(brought.len(), few.schema()));
        let (left, right) = if many_are_left {
            (many, place)
        } else {
            (place, many)
        };
        let join = join
            .builder()
            .with_new_children(vec![left, right])?
            .build()?;
        let one = PartitionMode::CollectLeft;
        let (kind, joined) = if many_are_left {
            (join.join_type().swap(), join.swap_inputs(one)?)
        } else {
            let joined = join.builder().with_partition_mode(one).build()?;
            (*join.join_type(), Arc::new(joined) as _)
        };
        // Of the few, an executor cannot say which found nobody: it sees some of the many only.
        let is_decided_by_row = matches!(
            kind,
            JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti
        );
        if !is_decided_by_row {
            brought.truncate(before);
            return Ok(None);
        }
        brought.push(Arc::clone(few));
        Ok(Some(joined))
    }

    /// Buckets are open to all, this machine's files to a cluster on it.
    fn in_reach<'a>(&self, scan: &'a DataSourceExec) -> Option<&'a FileScanConfig> {
        let files = scan.data_source().downcast_ref::<FileScanConfig>()?;
        let store = files.object_store_url.as_str();
        let is_parquet = files
            .file_source()
            .downcast_ref::<ParquetSource>()
            .is_some();
        let is_open = ["s3://", "demo://"]
            .iter()
            .any(|open| store.starts_with(open));
        let is_here = store.starts_with("file://") && self.cluster.contact.address.is_here();
        (is_parquet && (is_open || is_here)).then_some(files)
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

/// What a join reads, as it is before it is brought into the join's order.
fn read_in_place(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    match plan.children()[..] {
        [child] if is_exchange(plan.as_ref()) => read_in_place(child),
        _ => plan,
    }
}

/// How much a plan reads from files of its own.
fn bytes(plan: &Arc<dyn ExecutionPlan>) -> Result<u64> {
    let mut bytes = 0;
    plan.apply(|node| {
        let scan = node.downcast_ref::<DataSourceExec>();
        let files = scan.and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
        let files = files.into_iter().flat_map(|files| &files.file_groups);
        let sizes = files
            .flat_map(FileGroup::iter)
            .map(|file| match &file.range {
                Some(range) => range.end.abs_diff(range.start),
                None => file.object_meta.size,
            });
        bytes += sizes.sum::<u64>();
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(bytes)
}

/// Whether rows become fewer, so that sending what comes out is less than sending what goes in.
fn aggregates(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    plan.exists(|node| Ok(is_aggregate(node.as_ref())))
}

fn is_aggregate(plan: &dyn ExecutionPlan) -> bool {
    is::<AggregateExec>(plan) || is::<TallyExec>(plan)
}

fn is_single(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.output_partitioning().partition_count() == 1
}

/// Whether a key has not been projected away; nobody can count on one that has.
fn is_there(key: &Arc<dyn PhysicalExpr>) -> bool {
    key.downcast_ref::<UnKnownColumn>().is_none()
}

fn is_exchange(plan: &dyn ExecutionPlan) -> bool {
    is::<RepartitionExec>(plan) || is::<CoalescePartitionsExec>(plan)
}

fn is_operator(plan: &dyn ExecutionPlan) -> bool {
    is_exchange(plan)
        || is_aggregate(plan)
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
