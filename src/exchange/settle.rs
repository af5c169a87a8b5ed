//! [`SettleExec`]: the second half of a `GROUP BY`, where groups are.

use super::once::{Once, streams};
use super::{lock, over, uncut};
use crate::task::{self, Task};
use apportion_udfs::tally::exec::TallyExec;
use apportion_udfs::tally::handed_on::{HandedOn, met_by_one, slices};
use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::compute::{FilterBuilder, filter_record_batch, not};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
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
use futures::future::{FutureExt, select_all};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Finishes the groups that one partition alone has met where they are; those that several may have
/// met are cut by their keys and added up as before.
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
        let Some(first) = self.first.downcast_ref::<TallyExec>() else {
            return internal_err!("SettleExec is above {}", self.first.name());
        };
        let partitions = 0..self.first.output_partitioning().partition_count();
        let parts = partitions.map(|partition| Part::of(first, partition, context));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let rows = context.session_config().batch_size();
        let settle = settled(Arc::clone(&self.second), parts, rows);
        let settle = settle.map(|done| done.map(Arc::new).map_err(Arc::new));
        let settle = settle.boxed().shared();
        *settling = Some(settle.clone());
        Ok(settle)
    }
}

/// What a partition of the first half hands on.
struct Part {
    partition: usize,
    begun: Vec<HandedOn>,
    rest: BoxStream<'static, Result<HandedOn>>,
    /// Whether more may follow: then no group is known to be whole.
    goes_on: bool,
    memory: MemoryReservation,
}

impl Part {
    fn of(first: &TallyExec, partition: usize, context: &Arc<TaskContext>) -> Result<Self> {
        Ok(Self {
            partition,
            begun: vec![],
            rest: first.handed_on(partition, context)?,
            goes_on: true,
            memory: MemoryConsumer::new("SettleExec").register(context.memory_pool()),
        })
    }

    /// Until the end, until there is more than one thing, or until there is no memory for it.
    async fn read(mut self) -> Result<Self> {
        let mut has_room = true;
        while has_room && self.begun.len() < 2 {
            let Some(groups) = self.rest.try_next().await? else {
                self.goes_on = false;
                break;
            };
            has_room = self.memory.try_grow(groups.size()).is_ok();
            self.begun.push(groups);
        }
        Ok(self)
    }

    fn batches(self, rows: usize) -> BoxStream<'static, Result<RecordBatch>> {
        let memory = self.memory;
        let begun = self.begun.into_iter().inspect(move |_| {
            let _held = &memory;
        });
        let all = stream::iter(begun).map(Ok).chain(self.rest);
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
    fn new(
        own: Vec<Vec<Own>>,
        second: &AggregateExec,
        others: Vec<BoxStream<'static, Result<RecordBatch>>>,
    ) -> Result<Self> {
        let own = own.into_iter().map(|own| Mutex::new(Some(own))).collect();
        let schema = second.input().schema();
        let others = others.into_iter();
        let others: Vec<_> = others.map(|part| Once::boxed(&schema, part, ())).collect();
        let others = (!others.is_empty()).then(|| {
            let others = streams(others, &schema)?;
            let cut = over(Arc::clone(second.input()), vec![others])?;
            over(Arc::new(second.clone()), vec![cut])
        });
        let others = others.transpose()?;
        Ok(Self { own, others })
    }
}

/// Groups of one partition, and which of them no other one has met.
#[derive(Debug)]
struct Own {
    groups: RecordBatch,
    alone: BooleanArray,
    memory: Option<MemoryReservation>,
}

async fn settled(second: Arc<AggregateExec>, parts: Vec<Part>, rows: usize) -> Result<Settled> {
    let partitions = second.properties().partitioning.partition_count();
    let mut own: Vec<_> = (0..partitions).map(|_| vec![]).collect();
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
            return Settled::new(own, &second, begun.chain(reading).collect());
        }
    }
    let parts: Vec<_> = parts
        .into_iter()
        .filter_map(|mut part| Some((part.partition, part.begun.pop()?, part.memory)))
        .collect();
    let alone = met_by_one(parts.iter().map(|(_, groups, _)| groups))?;
    let mut others = vec![];
    for ((partition, groups, memory), alone) in parts.into_iter().zip(alone) {
        let groups = groups.into_groups();
        let met = filter_record_batch(&groups, &not(&alone)?)?;
        let mut memory = Some(memory);
        if alone.true_count() > 0 {
            let memory = memory.take();
            own[partition % partitions].push(Own {
                groups,
                alone,
                memory,
            });
        }
        if met.num_rows() > 0 {
            let met = slices(met, rows).inspect(move |_| {
                let _held = &memory;
            });
            others.push(stream::iter(met.map(Ok)).boxed());
        }
    }
    Settled::new(own, &second, others)
}

impl Own {
    /// What the second half makes of the groups, which are whole; so many at a time.
    fn finished(
        self,
        second: &AggregateExec,
        rows: usize,
    ) -> Result<impl Iterator<Item = RecordBatch> + use<>> {
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
        let finished = RecordBatch::try_new(second.schema(), finished)?;
        let memory = self.memory;
        Ok(slices(finished, rows).inspect(move |_| {
            let _held = &memory;
        }))
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
        Ok(Arc::new(Self::over(Arc::clone(&self.second), first)))
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
            let Some(own) = lock(&settled.own[partition]).take() else {
                return internal_err!("SettleExec was read once more");
            };
            let rows = context.session_config().batch_size();
            let own = own.into_iter().map(move |own| {
                let groups = own.finished(&second, rows)?;
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
