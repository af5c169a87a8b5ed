//! [`SettleExec`]: the second half of a `GROUP BY`, where groups are.

use super::{lock, over, uncut};
use crate::task::{self, Task, give_way};
use apportion_udfs::once::{Once, streams};
use apportion_udfs::tally::exec::TallyExec;
use apportion_udfs::tally::handed_on::{HandedOn, met_by_one, slices};
use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::compute::{FilterBuilder, filter_record_batch, not};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::EmitTo;
use datafusion::physical_expr::{Partitioning, PhysicalExpr};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::future::{self, FutureExt, select_all};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Finishes the groups that one partition alone has met where they are; those that several may have
/// met are cut by their keys and added up as before. So are all where memory is limited: groups that
/// wait for other partitions do not spill.
#[derive(Debug)]
pub(super) struct SettleExec {
    /// The second half, over groups that are cut by their keys.
    second: Arc<AggregateExec>,
    /// The first half.
    first: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    settling: Mutex<Option<Task<Arc<Settled>>>>,
    metrics: ExecutionPlanMetricsSet,
}

impl SettleExec {
    /// In the place of a second half that is next to its first one but for the cut, and whose groups
    /// take the same room each.
    pub(super) fn of(second: &AggregateExec) -> Option<Self> {
        let first = uncut(second.input())?;
        let schema = first.schema();
        let states = &schema.fields()[second.group_expr().expr().len()..];
        let is_meant = *second.mode() == AggregateMode::FinalPartitioned
            && second.limit_options().is_none()
            && first.downcast_ref::<TallyExec>().is_some()
            && states.iter().all(|state| !state.data_type().is_nested());
        is_meant.then(|| Self::over(Arc::new(second.clone()), Arc::clone(first)))
    }

    fn over(second: Arc<AggregateExec>, first: Arc<dyn ExecutionPlan>) -> Self {
        let mut known = second.properties().equivalence_properties().clone();
        known.clear_orderings();
        let partitions = second.properties().partitioning.partition_count();
        let properties = PlanProperties::new(
            known,
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            second,
            first,
            properties: Arc::new(properties),
            settling: Mutex::new(None),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Begins when the first partition is read.
    fn settle(&self, context: &Arc<TaskContext>) -> Result<Task<Arc<Settled>>> {
        let mut settling = lock(&self.settling);
        if let Some(settling) = &*settling {
            return Ok(settling.clone());
        }
        let memory = context.memory_pool().memory_limit();
        let settle = if matches!(memory, MemoryLimit::Infinite) {
            let Some(first) = self.first.downcast_ref::<TallyExec>() else {
                return internal_err!("SettleExec is above {}", self.first.name());
            };
            let partitions = 0..self.first.output_partitioning().partition_count();
            let parts = partitions.map(|partition| Part::of(first, partition, context));
            let parts = parts.collect::<Result<Vec<_>>>()?;
            let rows = context.session_config().batch_size();
            settled(Arc::clone(&self.second), parts, rows).boxed()
        } else {
            let others = exchanged(&self.second, Arc::clone(&self.first))?;
            future::ready(Ok(Settled::new(vec![], &self.second, Some(others)))).boxed()
        };
        let settle = settle.map(|done| done.map(Arc::new).map_err(Arc::new));
        let settle = settle.boxed().shared();
        *settling = Some(settle.clone());
        Ok(settle)
    }
}

/// The second half over groups that are cut by their keys.
fn exchanged(
    second: &AggregateExec,
    groups: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let cut = over(Arc::clone(second.input()), vec![groups])?;
    over(Arc::new(second.clone()), vec![cut])
}

/// What a partition of the first half hands on.
struct Part {
    partition: usize,
    begun: Vec<HandedOn>,
    rest: BoxStream<'static, Result<HandedOn>>,
    /// Whether more may follow: then no group is known to be whole.
    goes_on: bool,
}

impl Part {
    fn of(first: &TallyExec, partition: usize, context: &Arc<TaskContext>) -> Result<Self> {
        Ok(Self {
            partition,
            begun: vec![],
            rest: first.handed_on(partition, context)?,
            goes_on: true,
        })
    }

    /// Until the end, or until there is more than one thing.
    async fn read(mut self) -> Result<Self> {
        while self.goes_on && self.begun.len() < 2 {
            match self.rest.try_next().await? {
                Some(groups) => self.begun.push(groups),
                None => self.goes_on = false,
            }
        }
        Ok(self)
    }

    fn batches(self, rows: usize) -> BoxStream<'static, Result<RecordBatch>> {
        let all = stream::iter(self.begun).map(Ok).chain(self.rest);
        all.map_ok(move |groups| stream::iter(slices(groups.into_groups(), rows).map(Ok)))
            .try_flatten()
            .boxed()
    }
}

/// What partitions have met alone, and the second half of all else.
#[derive(Debug)]
struct Settled {
    /// For each partition, until it is read.
    own: Vec<Mutex<Option<Vec<Own>>>>,
    others: Option<Arc<dyn ExecutionPlan>>,
}

impl Settled {
    /// Of what each partition of the first half has met alone.
    fn new(
        own: Vec<(usize, Own)>,
        second: &AggregateExec,
        others: Option<Arc<dyn ExecutionPlan>>,
    ) -> Self {
        let partitions = second.properties().partitioning.partition_count();
        let mut of_partition: Vec<_> = (0..partitions).map(|_| vec![]).collect();
        for (partition, own) in own {
            of_partition[partition % partitions].push(own);
        }
        let own = of_partition.into_iter().map(|own| Mutex::new(Some(own)));
        Self {
            own: own.collect(),
            others,
        }
    }
}

/// Groups of one partition, and which of them no other one has met.
#[derive(Debug)]
struct Own {
    groups: RecordBatch,
    alone: BooleanArray,
}

async fn settled(second: Arc<AggregateExec>, parts: Vec<Part>, rows: usize) -> Result<Settled> {
    let exchanged = |others: Vec<BoxStream<'static, _>>| {
        let schema = second.input().schema();
        let others = others.into_iter();
        let others = others.map(|part| Once::boxed(&schema, part, ()));
        exchanged(&second, streams(others.collect(), &schema)?)
    };
    let reading = parts
        .into_iter()
        .map(|part| task::spawned(part.read()).boxed());
    let mut reading: Vec<_> = reading.collect();
    let mut parts = vec![];
    while !reading.is_empty() {
        let (part, _, others) = select_all(reading).await;
        reading = others;
        parts.push(part?);
        if parts.iter().any(|part| part.goes_on) {
            // None is waited for.
            let begun = parts.into_iter().map(|part| part.batches(rows));
            let reading = reading.into_iter().map(|part| {
                let part = stream::once(part).map_ok(move |part| part.batches(rows));
                part.try_flatten().boxed()
            });
            let others = exchanged(begun.chain(reading).collect())?;
            return Ok(Settled::new(vec![], &second, Some(others)));
        }
    }
    let parts: Vec<_> = parts
        .into_iter()
        .filter_map(|mut part| Some((part.partition, part.begun.pop()?)))
        .collect();
    let alone = met_by_one(parts.iter().map(|(_, groups)| groups))?;
    let mut own = vec![];
    let mut others = vec![];
    for ((partition, groups), alone) in parts.into_iter().zip(alone) {
        let groups = groups.into_groups();
        let met = filter_record_batch(&groups, &not(&alone)?)?;
        if met.num_rows() > 0 {
            others.push(stream::iter(slices(met, rows).map(Ok)).boxed());
        }
        if alone.true_count() > 0 {
            own.push((partition, Own { groups, alone }));
        }
    }
    let others = (!others.is_empty()).then(|| exchanged(others));
    Ok(Settled::new(own, &second, others.transpose()?))
}

impl Own {
    /// What the second half makes of the groups, which are whole.
    fn finished(self, second: &AggregateExec) -> Result<RecordBatch> {
        let count = self.alone.true_count();
        let filter = FilterBuilder::new(&self.alone).optimize().build();
        // One after the other: what has been finished is not kept twice.
        let (_, columns, _) = self.groups.into_parts();
        let mut columns = columns.into_iter().map(|column| filter.filter(&column));
        let keys = columns.by_ref().take(second.group_expr().expr().len());
        let mut finished = keys.collect::<Result<Vec<_>, _>>()?;
        let numbers: Vec<_> = (0..count).collect();
        for function in second.aggr_expr() {
            let states = columns.by_ref().take(function.state_fields()?.len());
            let states = states.collect::<Result<Vec<_>, _>>()?;
            let mut values = function.create_groups_accumulator()?;
            values.merge_batch(&states, &numbers, count)?;
            finished.push(values.evaluate(EmitTo::All)?);
        }
        Ok(RecordBatch::try_new(second.schema(), finished)?)
    }
}

impl DisplayAs for SettleExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SettleExec: ")?;
        self.second.fmt_as(format, f)
    }
}

impl ExecutionPlan for SettleExec {
    fn name(&self) -> &'static str {
        "SettleExec"
    }

    fn schema(&self) -> SchemaRef {
        self.second.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.first]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.second.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(first) = children.pop().filter(|_| children.is_empty()) else {
            return internal_err!("SettleExec has one input");
        };
        Ok(Arc::new(Self {
            // They are the second half's: what stands above need not find out its own anew.
            properties: Arc::clone(&self.properties),
            ..Self::over(Arc::clone(&self.second), first)
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let settling = self.settle(&context)?;
        let second = Arc::clone(&self.second);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let count = MetricBuilder::new(&self.metrics).counter("own_groups", partition);
        let groups = async move {
            let settled = settling.await.map_err(DataFusionError::Shared)?;
            give_way().await;
            let Some(own) = lock(&settled.own[partition]).take() else {
                return internal_err!("SettleExec was read once more");
            };
            let rows = context.session_config().batch_size();
            let own = own.into_iter().map(move |own| {
                let groups = slices(own.finished(&second)?, rows);
                Ok::<_, DataFusionError>(stream::iter(groups.map(Ok)))
            });
            let own = stream::iter(own).try_flatten().inspect_ok(move |groups| {
                count.add(groups.num_rows());
            });
            let others = settled.others.as_ref();
            let others = others.map(|others| others.execute(partition, context));
            let others = stream::iter(others.transpose()?).flatten();
            let all = own.chain(others);
            Ok::<_, DataFusionError>(
                all.inspect_ok(move |groups| metrics.record_output(groups.num_rows())),
            )
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            stream::once(groups).try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
