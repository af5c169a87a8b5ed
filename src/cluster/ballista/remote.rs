//! [`ClusterExec`]: a part of a plan that runs on the cluster.

use super::brought::bring;
use super::client::Cluster;
use super::compact::Compact;
use super::job::Job;
use crate::cluster::Tasks;
use crate::shared::pass::PassExec;
use ballista_core::serde::protobuf::KeyValuePair;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, collect, displayable,
};
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct ClusterExec {
    part: Arc<dyn ExecutionPlan>,
    /// What runs here first, for the part to be sent with.
    brought: Vec<Arc<dyn ExecutionPlan>>,
    cluster: Cluster,
    settings: Vec<KeyValuePair>,
    properties: Arc<PlanProperties>,
    tasks: Arc<Mutex<Tasks>>,
    metrics: ExecutionPlanMetricsSet,
}

impl ClusterExec {
    /// In the place of `plan`, whose rows the part gives.
    pub(super) fn new(
        plan: &Arc<dyn ExecutionPlan>,
        part: Arc<dyn ExecutionPlan>,
        brought: Vec<Arc<dyn ExecutionPlan>>,
        cluster: Cluster,
        config: &ConfigOptions,
    ) -> Self {
        // What reads it may have been planned on what is equal and what is constant.
        let mut known = plan.equivalence_properties().clone();
        known.clear_orderings();
        known.clear_per_partition_constants();
        let properties = PlanProperties::new(
            known,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            part,
            brought,
            cluster,
            settings: settings(config),
            properties: Arc::new(properties),
            tasks: Arc::default(),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// How far the job is, where a plan's operator is one.
pub(crate) fn tasks(plan: &dyn ExecutionPlan) -> Option<Tasks> {
    let remote = plan.downcast_ref::<ClusterExec>()?;
    Some(*remote.tasks.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What the engine's operators go by. Stores and their keys are none of it.
fn settings(config: &ConfigOptions) -> Vec<KeyValuePair> {
    // The scheduler cuts a plan where rows are exchanged. Where that is, and which task reads what,
    // has been decided.
    const DECIDED: [&str; 2] = [
        "datafusion.optimizer.enable_round_robin_repartition",
        "datafusion.optimizer.repartition_file_scans",
    ];
    let entries = config.entries().into_iter();
    let own = entries.filter(|entry| {
        ["datafusion.execution.", "datafusion.optimizer."]
            .iter()
            .any(|group| entry.key.starts_with(group))
            && !DECIDED.contains(&entry.key.as_str())
    });
    let own = own.map(|entry| KeyValuePair {
        key: entry.key,
        value: entry.value,
    });
    let decided = DECIDED.map(|key| KeyValuePair {
        key: key.to_owned(),
        value: Some("false".to_owned()),
    });
    own.chain(decided).collect()
}

impl fmt::Debug for ClusterExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterExec")
            .field("part", &self.part)
            .field("cluster", &self.cluster.contact.address)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for ClusterExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ClusterExec: {}", self.cluster.contact.address)?;
        let part = displayable(self.part.as_ref()).indent(false).to_string();
        let lines: Vec<_> = part
            .trim_end()
            .lines()
            .map(|line| format!("    {line}"))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

impl ExecutionPlan for ClusterExec {
    fn name(&self) -> &'static str {
        "ClusterExec"
    }

    fn schema(&self) -> SchemaRef {
        self.part.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// The part itself is for others to run.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.brought.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        brought: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            part: Arc::clone(&self.part),
            brought,
            cluster: self.cluster.clone(),
            settings: self.settings.clone(),
            properties: Arc::clone(&self.properties),
            tasks: Arc::clone(&self.tasks),
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a part on the cluster has one partition");
        }
        let memory = MemoryConsumer::new("ClusterExec").register(context.memory_pool());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let fetched = MetricBuilder::new(&self.metrics).counter("bytes_fetched", partition);
        let (part, brought) = (Arc::clone(&self.part), self.brought.clone());
        let (cluster, settings) = (self.cluster.clone(), self.settings.clone());
        let (schema, tasks) = (self.schema(), Arc::clone(&self.tasks));
        let batches = async move {
            let mut rows = vec![];
            for plan in brought {
                rows.push(collect(plan, Arc::clone(&context)).await?);
            }
            let part = Arc::new(PassExec::new(bring(part, &rows)?, Compact));
            let node = PhysicalPlanNode::try_from_physical_plan(part, cluster.codec.as_ref())?;
            let mut plan = vec![];
            node.try_encode(&mut plan)?;
            let job = Job {
                cluster,
                plan,
                settings,
                schema,
                tasks,
                fetched,
            };
            let batches = job.run(&memory).await?;
            // Known to be taken for as long as there is something to hand on.
            Ok::<_, DataFusionError>(
                stream::iter(batches.into_iter().map(Ok)).inspect(move |_| _ = &memory),
            )
        };
        let batches = stream::once(batches).try_flatten();
        let counted = batches.inspect_ok(move |batch| metrics.record_output(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            counted.boxed(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
